//! What a case is: events, commands, the rules that accept or refuse them, policies and working days.
//!
//! Pure: no clock, no randomness, no environment, no input or output. Every function is a function of its arguments.

mod calendar;
mod case;
mod command;
mod country;
mod decide;
mod event;
mod fact;
mod guard;
mod identifier;
mod item;
mod policy;
mod port;
mod reference;
mod rejection;
mod strict;
mod table;
mod word;

pub use calendar::{Calendar, CalendarError, local_date};
pub use case::{
    Application, ApplicationStatus, CaseState, Declaration, DeclarationStatus, License, LicenseCondition,
    PaperworkQuery, PastEvent, Standing, evolve,
};
pub use command::{
    AnnulRecord, AnswerQuery, ChangeLicense, ClearShipment, CloseApplication, CloseShipment, ClosingOutcome,
    Command, CorrectRecord, DeclareShipment, GrantLicense, Order, RaiseQuery, ServiceName, SubmitApplication,
    WithdrawApplication,
};
pub use country::{Countries, Country};
pub use decide::{Decision, Fact, decide};
pub use event::{
    ApplicationClosed, ApplicationLine, ApplicationSubmitted, ClearedLine, CloseOutcome, ControlStatus,
    Event, EventData, EventKind, Evidence, FieldPatch, GrantedLine, Lane, LicenseChange, LicenseChanged,
    LicenseGranted, LicenseKind, PaperworkAnswered, PaperworkQueried, QueryStage, RecordAnnulled,
    RecordCorrected, ShipmentCleared, ShipmentClosed, ShipmentDeclared, ShipmentOutcome,
};
pub use guard::Guard;
pub use identifier::{
    CaseId, CommandId, ControlCode, CountryCode, DeclarationNo, Digest, Element, EventId, Grams, HsCode,
    InvalidText, LicenseNo, PortCode, QueryId, Text,
};
pub use item::{CommodityCodes, ControlItem, ControlItems, LaterControl};
pub use policy::{Policy, PolicyError, PolicySet};
pub use port::{Gateway, Port, PortAliases, PortTable};
pub use reference::{Reference, ReferenceError, ReferenceTexts};
pub use rejection::Rejection;
pub use table::TableError;
