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

/// Appends one row in the form in which files hold it: what [`encode_row`] gives of key and row, each behind its length.
///
/// # Errors
/// [`StoreError::Unstorable`] when it is larger than any row may be; `out` stays as it was.
pub fn frame_row<K: Serialize, R: Serialize>(key: &K, row: &R, out: &mut Vec<u8>) -> Result<(), StoreError> {
    let before = out.len();
    let framed = frame_part(key, out).and_then(|()| frame_part(row, out));
    framed.map_err(|source| {
        out.truncate(before);
        StoreError::Unstorable {
            what: "row of a view",
            source,
        }
    })
}

fn frame_part<T: Serialize>(part: &T, out: &mut Vec<u8>) -> Result<(), bincode::error::EncodeError> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    codec::encode_into(part, out)?;
    // The codec's limit keeps a part far below 4 GiB.
    let length = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(start..start + 4) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state_root::frame_stored;

    #[test]
    fn a_row_is_framed_as_its_parts_are_encoded() {
        let (key, row) = ("2025DU000001", (7_u64, vec!["a", "b"]));
        let mut expected = Vec::new();
        let encoded = (encode_row(&key).unwrap(), encode_row(&row).unwrap());
        frame_stored(&encoded.0, &encoded.1, &mut expected);
        let mut framed = b"before".to_vec();
        frame_row(&key, &row, &mut framed).unwrap();
        assert_eq!(framed, [b"before".as_slice(), &expected].concat());
    }
}
