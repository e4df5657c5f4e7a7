//! Hashed names under which the store looks records up.

use portbook_domain::{DeclarationNo, EventData, LicenseNo};
use portbook_ledger::sha256;
use portbook_store::LookupKey;

/// The lookup of a case.
#[must_use]
pub fn of_case(case: &str) -> LookupKey {
    hashed(b"case\n", case)
}

/// The lookup of a licence number.
#[must_use]
pub fn of_license(license_no: &LicenseNo) -> LookupKey {
    hashed(b"license\n", license_no.as_str())
}

/// The lookup of a declaration number.
#[must_use]
pub fn of_declaration(declaration_no: &DeclarationNo) -> LookupKey {
    hashed(b"declaration\n", declaration_no.as_str())
}

/// Lookups of the licence and the declaration an event is about.
pub(crate) fn licenses_in(data: &EventData) -> impl Iterator<Item = LookupKey> {
    let (license_no, declaration_no) = match data {
        EventData::LicenseGranted(it) => (Some(&it.license_no), None),
        EventData::LicenseChanged(it) => (Some(&it.license_no), None),
        EventData::ShipmentDeclared(it) => (it.license_no.as_ref(), Some(&it.declaration_no)),
        EventData::ShipmentCleared(it) => (it.license_no.as_ref(), Some(&it.declaration_no)),
        EventData::ShipmentClosed(it) => (None, Some(&it.declaration_no)),
        EventData::PaperworkQueried(it) => (None, it.declaration_no.as_ref()),
        EventData::ApplicationSubmitted(_)
        | EventData::ApplicationClosed(_)
        | EventData::PaperworkAnswered(_)
        | EventData::RecordCorrected(_)
        | EventData::RecordAnnulled(_) => (None, None),
    };
    license_no.map(of_license).into_iter().chain(declaration_no.map(of_declaration))
}

fn hashed(kind: &[u8], name: &str) -> LookupKey {
    let hash = sha256(&[b"portbook/v1/lookup\n", kind, name.as_bytes()]);
    let [key @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = *hash.as_bytes();
    key
}
