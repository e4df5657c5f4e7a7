//! A commitment to one field: it binds a value without showing it, and can be opened later, field by field.

use crate::hash::{Hash, sha256};

const LABEL: &[u8] = b"portbook/v1/commit\n";

/// Bytes of a salt. Without one a commitment to a name could be guessed from a list of names.
pub const SALT_BYTES: usize = 32;

/// `H("portbook/v1/commit\n" || salt || u8 length || name || u32 length || value)`.
///
/// # Errors
/// [`InvalidField`] when the name is empty or longer than 255 bytes, or the value longer than 2^32 - 1.
pub fn commitment(salt: &[u8; SALT_BYTES], name: &str, value: &[u8]) -> Result<Hash, InvalidField> {
    let name_len = u8::try_from(name.len()).ok().filter(|length| *length > 0);
    let name_len = name_len.ok_or(InvalidField::Name { bytes: name.len() })?;
    let value_len = u32::try_from(value.len())
        .ok()
        .ok_or(InvalidField::Value { bytes: value.len() })?;
    Ok(sha256(&[
        LABEL,
        salt,
        &[name_len],
        name.as_bytes(),
        &value_len.to_be_bytes(),
        value,
    ]))
}

/// A field that cannot be committed to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidField {
    /// Its name does not fit.
    #[error("the name of a field has 1 to 255 bytes, found {bytes}")]
    Name {
        /// How long it is.
        bytes: usize,
    },
    /// Its value does not fit.
    #[error("the value of a field has less than 2^32 bytes, found {bytes}")]
    Value {
        /// How long it is.
        bytes: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boundary_between_name_and_value_counts() {
        let salt = [5; SALT_BYTES];
        let one = commitment(&salt, "applicant", b"Acme").unwrap();
        assert_ne!(one, commitment(&salt, "applicantA", b"cme").unwrap());
        assert_ne!(one, commitment(&[6; SALT_BYTES], "applicant", b"Acme").unwrap());
        assert_eq!(
            commitment(&salt, "", b"Acme"),
            Err(InvalidField::Name { bytes: 0 })
        );
        assert!(commitment(&salt, &"n".repeat(256), b"").is_err());
    }
}
