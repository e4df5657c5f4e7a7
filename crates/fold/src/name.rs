//! The lookups an event is entered under.

use portbook_domain::EventData;

use crate::lookup::{self, LookupKey};

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
    let license = license_no.map(|number| lookup::of_license(number.as_str()));
    let declaration = declaration_no.map(|number| lookup::of_declaration(number.as_str()));
    license.into_iter().chain(declaration)
}
