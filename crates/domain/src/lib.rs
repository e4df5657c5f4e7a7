//! What a case is: events, commands, the rules that accept or refuse them, policies and working days.
//!
//! Pure: no clock, no randomness, no environment, no input or output. Every function is a function of its arguments.

mod event;
mod identifier;

pub use event::{
    ApplicationClosed, ApplicationLine, ApplicationSubmitted, ClearedLine, CloseOutcome, ControlStatus,
    Event, EventData, EventKind, Evidence, FieldPatch, GrantedLine, Lane, LicenseChange, LicenseChanged,
    LicenseGranted, LicenseKind, PaperworkAnswered, PaperworkQueried, QueryStage, RecordAnnulled,
    RecordCorrected, ShipmentCleared, ShipmentClosed, ShipmentDeclared, ShipmentOutcome,
};
pub use identifier::{
    CaseId, CommandId, ControlCode, CountryCode, DeclarationNo, Digest, Element, EventId, Grams, HsCode,
    InvalidText, LicenseNo, PortCode, QueryId, Text,
};
