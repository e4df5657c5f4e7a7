//! Keys and rows of views as bytes.

use serde::{Serialize, de::DeserializeOwned};

use crate::codec;
use crate::durable::StoreError;

/// A key or a row of a view as it is stored and hashed.
///
/// # Errors
/// [`StoreError::Unstorable`] when it is larger than any row may be.
pub fn encode_row<T: Serialize>(row: &T) -> Result<Vec<u8>, StoreError> {
    codec::encode(row).map_err(|source| StoreError::Unstorable {
        what: "row of a view",
        source,
    })
}

/// Reads exactly what [`encode_row`] writes.
///
/// # Errors
/// [`StoreError::Row`] for everything else.
pub fn decode_row<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    codec::decode(bytes).map_err(|source| StoreError::Row {
        what: "row of a view",
        source,
    })
}
