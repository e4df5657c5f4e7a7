//! One value and its salt: what is needed, and enough, to open one commitment.

use std::fmt;

use portbook_ledger::{Hash, InvalidField, SALT_BYTES, commitment};

/// A field with its value and salt. Never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Disclosure {
    /// Name of the field.
    pub field: String,
    /// Its value.
    pub value: Vec<u8>,
    /// What keeps the commitment from being guessed.
    pub salt: [u8; SALT_BYTES],
}

/// A disclosure that does not open a commitment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undisclosed {
    /// Field, value and salt belong to another commitment.
    #[error("field, value and salt give the commitment {found}, not {expected}")]
    Differs {
        /// The commitment that was to be opened.
        expected: Hash,
        /// The commitment they belong to.
        found: Hash,
    },
    /// The field cannot be committed to at all.
    #[error(transparent)]
    Field(#[from] InvalidField),
}

impl Disclosure {
    /// The commitment it opens.
    ///
    /// # Errors
    /// [`InvalidField`].
    pub fn commitment(&self) -> Result<Hash, InvalidField> {
        commitment(&self.salt, &self.field, &self.value)
    }

    /// Checks that it opens `expected`. Needs nothing but the two.
    ///
    /// # Errors
    /// [`Undisclosed`].
    pub fn check(&self, expected: Hash) -> Result<(), Undisclosed> {
        let found = self.commitment()?;
        if found == expected {
            Ok(())
        } else {
            Err(Undisclosed::Differs { expected, found })
        }
    }
}

impl fmt::Debug for Disclosure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Disclosure({}, {} bytes)", self.field, self.value.len())
    }
}
