//! What a service can be asked to do: commands in the imperative, each of which may be refused.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::event::{
    ApplicationLine, ClearedLine, CloseOutcome, ControlStatus, Evidence, FieldPatch, GrantedLine, Lane,
    LicenseChange, LicenseKind, QueryStage, ShipmentOutcome,
};
use crate::identifier::{
    CaseId, CommandId, CountryCode, DeclarationNo, Digest, EventId, Grams, LicenseNo, PortCode, QueryId, Text,
};
use crate::strict;

/// A command with its envelope, as a client sends it.
///
/// It names no port: the port of the resulting event follows from the case and the command ([`crate::Fact::port`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Chosen by the client. Sent again with the same content it gives the same answer, for ever.
    pub command_id: CommandId,
    /// The case it is about.
    pub case: CaseId,
    /// When it happened, as the client claims; absent means when the service decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<Timestamp>,
    /// What is asked for.
    pub command: Command,
}

/// The services that decide for an authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceName {
    /// Speaks for applicants.
    Intake,
    /// Asks for missing papers while an application is examined.
    Paperwork,
    /// Grants, refuses and changes licences.
    Licensing,
    /// Speaks for customs.
    Clearance,
}

impl ServiceName {
    /// Every service, in the order of a case.
    pub const ALL: &[Self] = &[Self::Intake, Self::Paperwork, Self::Licensing, Self::Clearance];

    /// The published name, as in `portbook.cmd.<service>.<verb>`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Paperwork => "paperwork",
            Self::Licensing => "licensing",
            Self::Clearance => "clearance",
        }
    }

    /// The service published under `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|service| service.name() == name)
    }
}

/// Declares the commands once: variant, payload and published verb.
macro_rules! commands {
    ($($(#[$doc:meta])* $command:ident = $name:literal,)*) => {
        /// What is asked for; in JSON `{"grant-license": {…}}`.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Command { $($(#[$doc])* $command($command),)* }

        impl Command {
            /// Every published verb, in the order of a case.
            pub const NAMES: &[&'static str] = &[$($name,)*];

            /// The published verb, for example `grant-license`.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$command(_) => $name,)* }
            }
        }

        $(impl From<$command> for Command {
            fn from(command: $command) -> Self {
                Self::$command(command)
            }
        })*
    };
}

commands! {
    /// File an application.
    SubmitApplication = "submit-application",
    /// Take an application back.
    WithdrawApplication = "withdraw-application",
    /// Ask for more paperwork.
    RaiseQuery = "raise-query",
    /// Answer a query.
    AnswerQuery = "answer-query",
    /// Grant a licence.
    GrantLicense = "grant-license",
    /// End an application without a licence.
    CloseApplication = "close-application",
    /// Suspend, reinstate, revoke, surrender or replace a licence.
    ChangeLicense = "change-license",
    /// Declare goods for export.
    DeclareShipment = "declare-shipment",
    /// Release declared goods.
    ClearShipment = "clear-shipment",
    /// End a declaration, or undo its clearance.
    CloseShipment = "close-shipment",
    /// Correct fields of an earlier event.
    CorrectRecord = "correct-record",
    /// State that an earlier event did not happen.
    AnnulRecord = "annul-record",
}

impl Command {
    /// The services that accept this command: exactly one, except that any of them may repair a record.
    #[must_use]
    pub const fn services(&self) -> &'static [ServiceName] {
        match self {
            Self::SubmitApplication(_) | Self::WithdrawApplication(_) | Self::AnswerQuery(_) => {
                &[ServiceName::Intake]
            }
            Self::RaiseQuery(query) => match query.stage {
                QueryStage::Licensing => &[ServiceName::Paperwork],
                QueryStage::Customs => &[ServiceName::Clearance],
            },
            Self::GrantLicense(_) | Self::CloseApplication(_) | Self::ChangeLicense(_) => {
                &[ServiceName::Licensing]
            }
            Self::DeclareShipment(_) | Self::ClearShipment(_) | Self::CloseShipment(_) => {
                &[ServiceName::Clearance]
            }
            Self::CorrectRecord(_) | Self::AnnulRecord(_) => ServiceName::ALL,
        }
    }
}

/// File an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubmitApplication {
    /// The applicant's own number for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_ref: Option<Text>,
    /// Commitment to the applicant's identity (a salted digest, never a name in clear).
    pub applicant: Text,
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
    #[serde(deserialize_with = "strict::application_lines")]
    pub lines: Vec<ApplicationLine>,
    /// Kind of licence asked for.
    pub kind: LicenseKind,
    /// Queue asked for.
    pub lane: Lane,
    /// Documents handed in.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "strict::evidence"
    )]
    pub evidence: Vec<Evidence>,
}

/// Take an application back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithdrawApplication {
    /// Why.
    pub reason_code: Text,
    /// Documents.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "strict::evidence"
    )]
    pub evidence: Vec<Evidence>,
}

/// Ask for more paperwork. The round is counted by the case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RaiseQuery {
    /// Who asks.
    pub stage: QueryStage,
    /// Names the query; absent means `licensing-<round>` or `customs-<declaration_no>-<round>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_id: Option<QueryId>,
    /// The asking authority.
    pub authority: Text,
    /// What is asked.
    pub reason: Text,
    /// Number of the customs challenge notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_no: Option<Text>,
    /// Declaration that is challenged; customs must name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declaration_no: Option<DeclarationNo>,
    /// Last day of the answer; absent means what the policy gives for the stage, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_due: Option<Date>,
}

/// Answer a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerQuery {
    /// The query that is answered.
    pub query_id: QueryId,
    /// Commitment to who answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<Text>,
    /// Documents.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "strict::evidence"
    )]
    pub evidence: Vec<Evidence>,
    /// Whether the answer settles the query.
    pub complete: bool,
}

/// Grant a licence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantLicense {
    /// Number of the licence.
    pub license_no: LicenseNo,
    /// Its kind.
    pub kind: LicenseKind,
    /// Number of declarations it may be used on; absent means one for a single licence, else no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses_allowed: Option<u32>,
    /// First day of validity.
    pub valid_from: Date,
    /// Last day of validity.
    pub valid_until: Date,
    /// Country of final destination.
    pub destination: CountryCode,
    /// Ports the goods may leave through, as written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exit_ports: Vec<PortCode>,
    /// Goods granted.
    #[serde(deserialize_with = "strict::granted_lines")]
    pub lines: Vec<GrantedLine>,
    /// Queue it was handled in.
    pub lane: Lane,
    /// The granting authority.
    pub authority: Text,
    /// Documents.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "strict::evidence"
    )]
    pub evidence: Vec<Evidence>,
}

/// How the licensing authority ends an application without a licence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClosingOutcome {
    /// The authority says no.
    Refused,
    /// The authority sends it back.
    Returned,
    /// It ran out of time.
    Lapsed,
}

impl From<ClosingOutcome> for CloseOutcome {
    fn from(outcome: ClosingOutcome) -> Self {
        match outcome {
            ClosingOutcome::Refused => Self::Refused,
            ClosingOutcome::Returned => Self::Returned,
            ClosingOutcome::Lapsed => Self::Lapsed,
        }
    }
}

/// End an application without a licence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloseApplication {
    /// How it ends.
    pub outcome: ClosingOutcome,
    /// Why.
    pub reason_code: Text,
    /// Documents.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "strict::evidence"
    )]
    pub evidence: Vec<Evidence>,
}

/// Suspend, reinstate, revoke, surrender or replace a licence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeLicense {
    /// Number of the licence.
    pub license_no: LicenseNo,
    /// What changes.
    pub change: LicenseChange,
    /// When it takes effect.
    pub effective_at: Timestamp,
    /// Why.
    pub reason_code: Text,
    /// The licence that stands in its place; stated exactly when the change is a replacement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<LicenseNo>,
}

/// Declare goods for export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclareShipment {
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
    pub destination: CountryCode,
    /// Declared goods.
    #[serde(deserialize_with = "strict::cleared_lines")]
    pub lines: Vec<ClearedLine>,
    /// Commitment to the consignee's identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consignee_commitment: Option<Digest>,
    /// Mode of transport.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport_mode: Option<Text>,
}

/// Release declared goods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClearShipment {
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
    #[serde(deserialize_with = "strict::cleared_lines")]
    pub lines: Vec<ClearedLine>,
    /// Documents.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "strict::evidence"
    )]
    pub evidence: Vec<Evidence>,
}

/// End a declaration, or undo its clearance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloseShipment {
    /// Number of the declaration.
    pub declaration_no: DeclarationNo,
    /// How it ends.
    pub outcome: ShipmentOutcome,
    /// Why.
    pub reason_code: Text,
    /// Mass that came back after a reversal, in grams; absent means all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned_g: Option<Grams>,
}

/// Correct fields of an earlier event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorrectRecord {
    /// The event to correct.
    pub target_event_id: EventId,
    /// Leaf hash of its record.
    pub target_leaf: Digest,
    /// What to correct.
    #[serde(deserialize_with = "strict::field_patches")]
    pub field_patches: Vec<FieldPatch>,
    /// Why.
    pub reason: Text,
    /// The first person: who asks for it.
    pub requested_by: Text,
    /// The second person.
    pub approved_by: Text,
}

/// State that an earlier event did not happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnnulRecord {
    /// The event to annul.
    pub target_event_id: EventId,
    /// Leaf hash of its record.
    pub target_leaf: Digest,
    /// Why.
    pub reason: Text,
    /// The first person: who asks for it.
    pub requested_by: Text,
    /// The second person.
    pub approved_by: Text,
}
