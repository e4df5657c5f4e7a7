//! Hashed names under which records are looked up.

use portbook_ledger::sha256;

/// A hashed name: of an event, a case, a licence or a declaration.
pub type LookupKey = [u8; 16];

/// The lookup of a case.
#[must_use]
pub fn of_case(case: &str) -> LookupKey {
    hashed(b"case\n", case)
}

/// The lookup of a licence number.
#[must_use]
pub fn of_license(license_no: &str) -> LookupKey {
    hashed(b"license\n", license_no)
}

/// The lookup of a declaration number.
#[must_use]
pub fn of_declaration(declaration_no: &str) -> LookupKey {
    hashed(b"declaration\n", declaration_no)
}

fn hashed(kind: &[u8], name: &str) -> LookupKey {
    let hash = sha256(&[b"portbook/v1/lookup\n", kind, name.as_bytes()]);
    let [key @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = *hash.as_bytes();
    key
}
