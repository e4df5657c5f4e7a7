//! bincode rows, read with a limit and only in the one form they are written in.

use std::io;

use serde::{Serialize, de::DeserializeOwned};

/// Upper bound of one row; the largest, the book, holds the alias table and the producer keys.
const ROW_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Why a stored row cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// bincode refuses it.
    #[error("not a row of this version")]
    Undecodable {
        /// bincode's reason.
        #[source]
        source: bincode::error::DecodeError,
    },
    /// It does not re-encode to the same bytes.
    #[error("not in canonical form")]
    NotCanonical,
}

/// Encodes a row. Rows hold plain data, for which bincode has no failure but the limit.
pub(crate) fn encode<T: Serialize>(row: &T) -> Result<Vec<u8>, bincode::error::EncodeError> {
    bincode::serde::encode_to_vec(row, config())
}

/// Appends the row to `out`.
pub(crate) fn encode_into<T: Serialize>(
    row: &T,
    out: &mut Vec<u8>,
) -> Result<(), bincode::error::EncodeError> {
    bincode::serde::encode_into_std_write(row, out, config()).map(drop)
}

/// Decodes a row that must be exactly what [`encode`] writes.
pub(crate) fn decode<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, RowError> {
    let (row, read) = bincode::serde::borrow_decode_from_slice(bytes, config())
        .map_err(|source| RowError::Undecodable { source })?;
    // bincode accepts trailing bytes and over-long numbers: what re-encodes differently was not written by us.
    let mut again = Again(bytes);
    let encoded = bincode::serde::encode_into_std_write(&row, &mut again, config());
    if read != bytes.len() || encoded.is_err() || !again.0.is_empty() {
        return Err(RowError::NotCanonical);
    }
    Ok(row)
}

/// Takes nothing but the bytes it holds, in their order, and holds what is left.
struct Again<'a>(&'a [u8]);

impl io::Write for Again<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.strip_prefix(bytes).ok_or(io::ErrorKind::InvalidData)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<ROW_BYTES_MAX>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailing_bytes_and_over_long_numbers_are_refused() {
        let bytes = encode(&(7_u64, String::from("CNNBG"))).unwrap();
        assert_eq!(decode::<(u64, String)>(&bytes).unwrap(), (7, "CNNBG".into()));
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(matches!(
            decode::<(u64, String)>(&longer),
            Err(RowError::NotCanonical)
        ));
        // 251 announces a two-byte number; 7 fits into one.
        let over_long = [251, 7, 0];
        assert!(matches!(decode::<u64>(&over_long), Err(RowError::NotCanonical)));
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_before_anything_is_allocated() {
        let hostile = [253, 255, 255, 255, 255, 255, 255, 255, 127];
        assert!(matches!(
            decode::<String>(&hostile),
            Err(RowError::Undecodable { .. })
        ));
    }
}
