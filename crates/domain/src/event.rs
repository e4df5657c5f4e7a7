//! What can have happened to a case, in the shape a source states it.
//!
//! A field is optional where an observed source may not know it; [`crate::decide`] always fills what an authority knows.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::identifier::{
    CaseId, ControlCode, CountryCode, DeclarationNo, Digest, Element, EventId, Grams, HsCode, LicenseNo,
    PortCode, QueryId, Text,
};

/// Declares the event kinds once: variant, payload and published name.
macro_rules! event_kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)*) => {
        /// The kind of an event, without its payload.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventKind { $($(#[$doc])* $kind,)* }

        impl EventKind {
            /// Every kind, in the order of the catalogue.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// `<entity>.<verb>`, as in the published type `portbook.<entity>.<verb>.v<n>`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// The kind published under `name`.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$kind),)* _ => None }
            }
        }

        /// What happened, by kind.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum EventData { $($(#[$doc])* $kind($kind),)* }

        impl EventData {
            /// The kind of this event.
            #[must_use]
            pub const fn kind(&self) -> EventKind {
                match self { $(Self::$kind(_) => EventKind::$kind,)* }
            }
        }
    };
}

event_kinds! {
    /// An application for an export licence was filed.
    ApplicationSubmitted = "application.submitted",
    /// An application ended without a licence.
    ApplicationClosed = "application.closed",
    /// An authority asked for more paperwork.
    PaperworkQueried = "paperwork.queried",
    /// The applicant answered a query.
    PaperworkAnswered = "paperwork.answered",
    /// A licence was granted.
    LicenseGranted = "license.granted",
    /// The state of a licence changed.
    LicenseChanged = "license.changed",
    /// Goods were declared for export.
    ShipmentDeclared = "shipment.declared",
    /// Declared goods were released for export.
    ShipmentCleared = "shipment.cleared",
    /// A declaration ended, or a clearance was reversed.
    ShipmentClosed = "shipment.closed",
    /// Fields of an earlier event are corrected.
    RecordCorrected = "record.corrected",
    /// An earlier event did not happen.
    RecordAnnulled = "record.annulled",
}

/// A document, by digest: the document itself never enters the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What the document is, for example `contract`.
    pub kind: Text,
    /// SHA-256 of the document.
    pub sha256: Digest,
    /// Length of the document in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Its media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<Text>,
}

/// The three forms of licence of the dual-use regulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LicenseKind {
    /// One end user, at most a year, dead once used.
    Single,
    /// Many shipments, at most three years.
    General,
    /// Export certificate by registration.
    Certificate,
}

/// The queue an application is handled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// The ordinary queue.
    Standard,
    /// The "green channel".
    Expedited,
}

/// Which of the two authorities asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueryStage {
    /// The licensing authority returns an application for more information.
    Licensing,
    /// Customs challenges a declaration and holds the goods.
    Customs,
}

/// How an application ended without a licence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseOutcome {
    /// The authority said no.
    Refused,
    /// The authority sent it back.
    Returned,
    /// The applicant took it back.
    Withdrawn,
    /// It ran out of time.
    Lapsed,
}

/// What changed about a licence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LicenseChange {
    /// It may not be used until reinstated.
    Suspended,
    /// A suspension ended.
    Reinstated,
    /// The authority took it away for good.
    Revoked,
    /// The holder gave it back.
    Surrendered,
    /// Another licence stands in its place.
    Replaced,
}

/// Whether goods fall under the controls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlStatus {
    /// A licence is needed.
    Controlled,
    /// Declared as not controlled.
    NotControlled,
    /// Customs looked and found that no licence is needed.
    DeterminedNotControlled,
    /// Controlled, but an exemption applies.
    Exempt,
}

/// How a declaration ended other than by clearance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShipmentOutcome {
    /// Customs refused it.
    Rejected,
    /// The declarant took it back.
    Cancelled,
    /// It had been cleared; the clearance is undone.
    Reversed,
}

/// One line of goods applied for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationLine {
    /// Number of the line, from 1.
    pub line: u16,
    /// Commodity code.
    pub hs: HsCode,
    /// Control-list entry.
    pub control_code: ControlCode,
    /// Controlled element.
    pub element: Element,
    /// Form of the goods: metal, oxide, magnet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Text>,
    /// Net mass applied for, in grams.
    pub net_mass_g: Grams,
}

/// One line of a licence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantedLine {
    /// Number of the application's line.
    pub line: u16,
    /// Commodity code.
    pub hs: HsCode,
    /// Control-list entry.
    pub control_code: ControlCode,
    /// Controlled element.
    pub element: Element,
    /// Mass granted, in grams.
    pub granted_g: Grams,
}

/// One line of declared or cleared goods. Uncontrolled goods carry neither control code nor element.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClearedLine {
    /// Number of the licence's line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u16>,
    /// Commodity code.
    pub hs: HsCode,
    /// Control-list entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_code: Option<ControlCode>,
    /// Controlled element.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<Element>,
    /// Mass declared or cleared, in grams.
    pub cleared_g: Grams,
}

/// Payload of `application.submitted`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationSubmitted {
    /// The applicant's own number for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_ref: Option<Text>,
    /// Commitment to the applicant's identity (a salted digest, never a name in clear).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applicant: Option<Text>,
    /// Commitment to the end user's identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_user_commitment: Option<Digest>,
    /// Declared use of the goods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_use: Option<Text>,
    /// Country of final destination.
    pub destination: CountryCode,
    /// Port the goods are to leave through, as written.
    pub exit_port: PortCode,
    /// Goods applied for.
    pub lines: Vec<ApplicationLine>,
    /// Kind of licence asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<LicenseKind>,
    /// Queue asked for.
    pub lane: Lane,
    /// Documents handed in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}

/// Payload of `application.closed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationClosed {
    /// How it ended.
    pub outcome: CloseOutcome,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason_code: Option<Text>,
    /// Documents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}

/// Payload of `paperwork.queried`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaperworkQueried {
    /// Names the query within the case.
    pub query_id: QueryId,
    /// Who asks.
    pub stage: QueryStage,
    /// Round of questions, from 1.
    pub round: u16,
    /// The asking authority.
    pub authority: Text,
    /// What is asked.
    pub reason: Text,
    /// Number of the customs challenge notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_no: Option<Text>,
    /// Declaration that is challenged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declaration_no: Option<DeclarationNo>,
    /// Last day of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_due: Option<Date>,
}

/// Payload of `paperwork.answered`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaperworkAnswered {
    /// The query that is answered.
    pub query_id: QueryId,
    /// Commitment to who answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<Text>,
    /// Documents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// Whether the answer settles the query.
    pub complete: bool,
}

/// Payload of `license.granted`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LicenseGranted {
    /// Number of the licence.
    pub license_no: LicenseNo,
    /// Its kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<LicenseKind>,
    /// Number of declarations it may be used on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses_allowed: Option<u32>,
    /// First day of validity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Date>,
    /// Last day of validity.
    pub valid_until: Date,
    /// Country of final destination.
    pub destination: CountryCode,
    /// Ports the goods may leave through, as written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exit_ports: Vec<PortCode>,
    /// Goods granted.
    pub lines: Vec<GrantedLine>,
    /// Queue it was handled in.
    pub lane: Lane,
    /// The granting authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<Text>,
    /// Documents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}

/// Payload of `license.changed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LicenseChanged {
    /// Number of the licence.
    pub license_no: LicenseNo,
    /// What changed.
    pub change: LicenseChange,
    /// When it takes effect.
    pub effective_at: Timestamp,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason_code: Option<Text>,
    /// The licence that stands in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<LicenseNo>,
}

/// Payload of `shipment.declared`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShipmentDeclared {
    /// Number of the declaration.
    pub declaration_no: DeclarationNo,
    /// Port of declaration, as written.
    pub port: PortCode,
    /// Licence it is declared under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license_no: Option<LicenseNo>,
    /// Whether the goods are declared as controlled.
    pub control_status: ControlStatus,
    /// Country of final destination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<CountryCode>,
    /// Declared goods.
    pub lines: Vec<ClearedLine>,
    /// Commitment to the consignee's identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consignee_commitment: Option<Digest>,
    /// Mode of transport.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport_mode: Option<Text>,
}

/// Payload of `shipment.cleared`: the release for export, not the exit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShipmentCleared {
    /// Number of the declaration.
    pub declaration_no: DeclarationNo,
    /// Port of clearance, as written.
    pub port: PortCode,
    /// Licence it is cleared under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license_no: Option<LicenseNo>,
    /// Whether the goods are controlled.
    pub control_status: ControlStatus,
    /// Country of final destination.
    pub destination: CountryCode,
    /// Cleared goods.
    pub lines: Vec<ClearedLine>,
    /// Documents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}

/// Payload of `shipment.closed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShipmentClosed {
    /// Number of the declaration.
    pub declaration_no: DeclarationNo,
    /// How it ended.
    pub outcome: ShipmentOutcome,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason_code: Option<Text>,
    /// Mass that came back after a reversal, in grams; absent means all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned_g: Option<Grams>,
}

/// One corrected field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldPatch {
    /// JSON pointer into the target's `data`.
    pub pointer: Text,
    /// The value as recorded, as JSON text.
    pub old: Text,
    /// The value as corrected, as JSON text.
    pub new: Text,
}

/// Payload of `record.corrected`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordCorrected {
    /// The corrected event.
    pub target_event_id: EventId,
    /// Leaf hash of its record.
    pub target_leaf: Digest,
    /// What is corrected.
    pub field_patches: Vec<FieldPatch>,
    /// Why.
    pub reason: Text,
    /// The first person: who asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<Text>,
    /// The second person.
    pub approved_by: Text,
}

/// Payload of `record.annulled`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordAnnulled {
    /// The annulled event.
    pub target_event_id: EventId,
    /// Leaf hash of its record.
    pub target_leaf: Digest,
    /// Why.
    pub reason: Text,
    /// The first person: who asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<Text>,
    /// The second person.
    pub approved_by: Text,
}

/// One event of a case, without its envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The case it belongs to.
    pub case: CaseId,
    /// Its identity.
    pub id: EventId,
    /// When it happened, as its source claims.
    pub occurred_at: Timestamp,
    /// What happened.
    pub data: EventData,
}
