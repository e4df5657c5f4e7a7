//! JSON Schemas of the events' data, as published, and the names under which events refer to them.
//!
//! A published schema never changes: its digest is part of the `dataschema` of every event written under it.

use portbook_domain::EventKind;

/// The published JSON Schema of one version of one event type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// The kind of event.
    pub kind: EventKind,
    /// Version of the type, from 1.
    pub version: u16,
    /// The CloudEvents `type`, `portbook.<entity>.<verb>.v<n>`.
    pub type_: &'static str,
    /// The CloudEvents `dataschema`, `urn:portbook:schema:<entity>.<verb>:<n>:sha256:<hex of the text>`.
    pub urn: &'static str,
    /// The schema itself (JSON Schema 2020-12).
    pub text: &'static str,
}

/// The published JSON Schema of the envelope, the attributes that every event has.
pub const ENVELOPE: &str = include_str!("../schemas/envelope.v1.json");

/// Declares the schemas once: kind, published name, version and digest of the file.
macro_rules! schemas {
    ($($kind:ident = $name:literal, $version:literal, $sha256:literal;)*) => {
        impl Schema {
            /// Every schema ever published.
            pub const ALL: &[Self] = &[$(schemas!(@schema $kind, $name, $version, $sha256),)*];

            /// The schema that events of `kind` are written under.
            #[must_use]
            pub const fn current(kind: EventKind) -> &'static Self {
                match kind {
                    $(EventKind::$kind => const { &schemas!(@schema $kind, $name, $version, $sha256) },)*
                }
            }
        }
    };
    (@schema $kind:ident, $name:literal, $version:literal, $sha256:literal) => {
        Schema {
            kind: EventKind::$kind,
            version: $version,
            type_: concat!("portbook.", $name, ".v", $version),
            urn: concat!("urn:portbook:schema:", $name, ":", $version, ":sha256:", $sha256),
            text: include_str!(concat!("../schemas/", $name, ".v", $version, ".json")),
        }
    };
}

schemas! {
    ApplicationSubmitted = "application.submitted", 1, "2d1ba2780ad369fb26aa7dd7ff62a0d448a31a5944a7609fbd1a93fe4f155def";
    ApplicationClosed = "application.closed", 1, "13724a354fd53237d4c3eaee359f70d57daf0bc28aba1ff2583eae19c8fff6f1";
    PaperworkQueried = "paperwork.queried", 1, "75316af9fa135b2c014664c1e920d0652db849c325ab40bad32c31db20bab69e";
    PaperworkAnswered = "paperwork.answered", 1, "0bf9417fe10ea29d45f4454a6e7ebc1881b1d3131d632fe32f0d213aae0f59ac";
    LicenseGranted = "license.granted", 1, "e8554a3c50faa4a2f69484347c742f34a6d98e5cb1f35f8b0eb093f5d1e4d3e4";
    LicenseChanged = "license.changed", 1, "651d70909ed1556b955d26c84b6fec936fbcfa62007b14fe6fcf2ca35b99b662";
    ShipmentDeclared = "shipment.declared", 1, "b0b9c8c443fbe3a71997edcae56703d4a486b74a5ad412f5f434a803a9b398ae";
    ShipmentCleared = "shipment.cleared", 1, "b63ab954715dd7bd0b195421d4d9f161538d9ac6e9d0b1d218014a8103cf2bb6";
    ShipmentClosed = "shipment.closed", 1, "de307d6256e08358da1095d2c6b2e97ec9b78d81918b0465dc7716d49a147c52";
    RecordCorrected = "record.corrected", 1, "63705fc34945815a7073ebcfc233f0fc665828d2e5a9ac3bb761ddf2547cbf07";
    RecordAnnulled = "record.annulled", 1, "a5ed4b65b6564ae14e91d6c9a649e66ee951c62d7e9adc963cb432214e80fb2a";
}

/// Whether `urn` names a schema of this type and version, known here or not.
pub(crate) fn is_schema_urn(urn: &str, kind: EventKind, version: u16) -> bool {
    let current = Schema::current(kind);
    if current.version == version && current.urn == urn {
        return true;
    }
    let sha256 = urn
        .strip_prefix("urn:portbook:schema:")
        .and_then(|rest| rest.strip_prefix(kind.name()))
        .and_then(|rest| rest.strip_prefix(':'))
        .and_then(|rest| rest.strip_prefix(version.to_string().as_str()))
        .and_then(|rest| rest.strip_prefix(":sha256:"));
    sha256.is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::event_digest;

    #[test]
    fn every_urn_carries_the_digest_of_its_file() {
        for schema in Schema::ALL {
            let digest = event_digest(schema.text.as_bytes());
            assert!(
                schema.urn.ends_with(digest.as_str()),
                "{} is {digest}",
                schema.type_
            );
            assert!(
                is_schema_urn(schema.urn, schema.kind, schema.version),
                "{}",
                schema.urn
            );
            let id = format!("urn:portbook:schema:{}:{}", schema.kind.name(), schema.version);
            assert!(schema.text.contains(&format!("\"$id\": \"{id}\"")), "{id}");
        }
    }

    #[test]
    fn every_kind_is_written_under_its_own_schema() {
        for &kind in EventKind::ALL {
            let schema = Schema::current(kind);
            assert_eq!(schema.kind, kind);
            assert!(Schema::ALL.contains(schema));
            assert_eq!(
                schema.type_,
                format!("portbook.{}.v{}", kind.name(), schema.version)
            );
        }
    }

    #[test]
    fn a_urn_of_another_type_or_version_is_not_taken() {
        let granted = Schema::current(EventKind::LicenseGranted).urn;
        assert!(!is_schema_urn(granted, EventKind::LicenseChanged, 1));
        assert!(!is_schema_urn(granted, EventKind::LicenseGranted, 2));
        assert!(!is_schema_urn(
            &granted.to_uppercase(),
            EventKind::LicenseGranted,
            1
        ));
        assert!(!is_schema_urn(
            granted.trim_end_matches(|c| c != ':'),
            EventKind::LicenseGranted,
            1
        ));
    }
}
