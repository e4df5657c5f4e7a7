//! The answer of a rule to a command it refuses: one variant per rule, with the values that disagree.

use jiff::{Timestamp, civil::Date};

use crate::event::{ControlStatus, Lane, LicenseChange, LicenseKind, ShipmentOutcome};
use crate::identifier::{CommandId, CountryCode, DeclarationNo, EventId, Grams, LicenseNo, QueryId, Text};

/// Declares the rejections once: message, variant, rule name and fields.
macro_rules! rejections {
    ($(
        $(#[doc = $doc:literal])* #[error($($message:tt)*)]
        $name:ident = $rule:literal { $($(#[doc = $field_doc:literal])* $field:ident: $type:ty,)* },
    )*) => {
        /// Why a command was refused.
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
        pub enum Rejection { $(
            $(#[doc = $doc])*
            #[error($($message)*)]
            $name { $($(#[doc = $field_doc])* $field: $type,)* },
        )* }

        impl Rejection {
            /// The name of every rule that can refuse a command.
            pub const RULES: &[&'static str] = &[$($rule,)*];

            /// The stable name of the rule that refused.
            #[must_use]
            pub const fn rule(&self) -> &'static str {
                match self { $(Self::$name { .. } => $rule,)* }
            }
        }
    };
}

rejections! {
    /// A command id stands for one command, for ever.
    #[error("command id {command_id} was already used for {event}, with other content")]
    CommandIdReused = "command-id-reused" {
        /// The id.
        command_id: CommandId,
        /// The event that answered its first use.
        event: EventId,
    },
    /// Nothing happens later than the clocks' tolerance allows.
    #[error("occurred at {occurred_at}, which is more than {skew_s} s after the present, {now}")]
    OccurredInFuture = "occurred-in-future" {
        /// The claimed time.
        occurred_at: Timestamp,
        /// The time of the decision.
        now: Timestamp,
        /// Tolerance in seconds.
        skew_s: u32,
    },
    /// Nothing happens before what it follows from.
    #[error("occurred at {occurred_at}, before what it follows from, at {cause}")]
    OccurredBeforeCause = "occurred-before-cause" {
        /// The claimed time.
        occurred_at: Timestamp,
        /// When what it follows from occurred.
        cause: Timestamp,
    },
    /// A case has one application.
    #[error("the case has an application already, filed at {filed_at}")]
    AlreadySubmitted = "already-submitted" {
        /// When it was filed.
        filed_at: Timestamp,
    },
    /// Everything follows from an application.
    #[error("{attempted} needs an application, and the case has none")]
    NotSubmitted = "not-submitted" {
        /// The event that was asked for.
        attempted: &'static str,
    },
    /// An application is decided once.
    #[error("{attempted} needs an open application, and this one is {status}")]
    AlreadyDecided = "already-decided" {
        /// The event that was asked for.
        attempted: &'static str,
        /// Where the application stands.
        status: &'static str,
    },
    /// A query id names one query.
    #[error("query {query_id} was already asked at {asked_at}")]
    QueryRepeated = "query-repeated" {
        /// The query.
        query_id: QueryId,
        /// When it was asked.
        asked_at: Timestamp,
    },
    /// An answer names a query of the case.
    #[error("query {query_id} was never asked in this case")]
    QueryUnknown = "query-unknown" {
        /// The query.
        query_id: QueryId,
    },
    /// A query is answered in full once.
    #[error("query {query_id} was already answered at {answered_at}")]
    QueryAnswered = "query-answered" {
        /// The query.
        query_id: QueryId,
        /// When it was answered in full.
        answered_at: Timestamp,
    },
    /// A reply is never due before the question.
    #[error("reply due {reply_due}, before the query of {asked_on}")]
    ReplyDueBeforeQuery = "reply-due-before-query" {
        /// The stated last day.
        reply_due: Date,
        /// Local date of the query.
        asked_on: Date,
    },
    /// The calendar must reach the day a reply is due.
    #[error("{working_days} working days after {asked_on} cannot be counted; state when the reply is due")]
    ReplyDueUnknown = "reply-due-unknown" {
        /// Local date of the query.
        asked_on: Date,
        /// Working days the policy gives.
        working_days: u32,
        /// Why the calendar cannot count them.
        source: crate::calendar::CalendarError,
    },
    /// A licence is granted when every question about the application is answered.
    #[error("licensing query {query_id} of {asked_at} is open")]
    LicensingQueryOpen = "licensing-query-open" {
        /// The query.
        query_id: QueryId,
        /// When it was asked.
        asked_at: Timestamp,
    },
    /// Goods are released when every question of customs about them is answered.
    #[error("customs query {query_id} of {asked_at} about declaration {declaration_no} is open")]
    CustomsQueryOpen = "customs-query-open" {
        /// The query.
        query_id: QueryId,
        /// When it was asked.
        asked_at: Timestamp,
        /// The declaration.
        declaration_no: DeclarationNo,
    },
    /// Goods are listed.
    #[error("{attempted} lists no goods")]
    LinesMissing = "lines-missing" {
        /// The event that was asked for.
        attempted: &'static str,
    },
    /// A line number names one line.
    #[error("line {line} is listed more than once")]
    LineRepeated = "line-repeated" {
        /// The line.
        line: u16,
    },
    /// A line has mass.
    #[error("line number {position} of the list has a mass of 0 g")]
    MassZero = "mass-zero" {
        /// Position in the list, from 1.
        position: usize,
    },
    /// A line refers to a line of what it follows from.
    #[error("{attempted} refers to line {}, which is not a line of what it follows from", stated(.line.as_ref()))]
    LineUnknown = "line-unknown" {
        /// The event that was asked for.
        attempted: &'static str,
        /// The line; `None` where a number is needed and none is stated.
        line: Option<u16>,
    },
    /// Goods stay the same from application to declaration.
    #[error("{field} of line {line} is {found}, expected {expected}")]
    GoodsMismatch = "goods-mismatch" {
        /// The line.
        line: u16,
        /// The field that differs.
        field: &'static str,
        /// What is stated.
        found: String,
        /// What it follows from.
        expected: String,
    },
    /// The destination stays the same from application to clearance.
    #[error("destination is {found}, expected {expected}")]
    DestinationMismatch = "destination-mismatch" {
        /// What is stated.
        found: CountryCode,
        /// What it follows from.
        expected: CountryCode,
    },
    /// No more is granted than was applied for.
    #[error("line {line} grants {granted_g} g of {applied_g} g applied for")]
    GrantedOverApplied = "granted-over-applied" {
        /// The line.
        line: u16,
        /// Grams granted.
        granted_g: Grams,
        /// Grams applied for.
        applied_g: Grams,
    },
    /// A licence ends no earlier than it begins.
    #[error("valid until {valid_until}, before it is valid from {valid_from}")]
    ValidityReversed = "validity-reversed" {
        /// First day.
        valid_from: Date,
        /// Last day.
        valid_until: Date,
    },
    /// A licence lasts no longer than the policy allows its kind.
    #[error("a {kind} licence from {valid_from} lasts until {valid_until_max} at most, not {valid_until}")]
    ValidityTooLong = "validity-too-long" {
        /// Kind of licence.
        kind: LicenseKind,
        /// First day.
        valid_from: Date,
        /// Last day asked for.
        valid_until: Date,
        /// Last day allowed.
        valid_until_max: Date,
    },
    /// A licence can be used.
    #[error("license {license_no} would allow no use at all")]
    UsesZero = "uses-zero" {
        /// The licence.
        license_no: LicenseNo,
    },
    /// The expedited lane is for the destinations the policy names.
    #[error("destination {destination} is not eligible for the {lane} lane under policy {policy}")]
    LaneNotEligible = "lane-not-eligible" {
        /// The destination.
        destination: CountryCode,
        /// The lane.
        lane: Lane,
        /// Id of the policy.
        policy: Text,
    },
    /// Only the licence of the case can be named.
    #[error("license {named} is not the license of this case ({})", stated(.held.as_ref()))]
    LicenseUnknown = "license-unknown" {
        /// The licence named.
        named: LicenseNo,
        /// The licence the case has.
        held: Option<LicenseNo>,
    },
    /// A revoked, surrendered or replaced licence stays so.
    #[error("license {license_no} was {ended} and cannot be {attempted}")]
    LicenseEnded = "license-ended" {
        /// The licence.
        license_no: LicenseNo,
        /// How it ended.
        ended: LicenseChange,
        /// What was asked for.
        attempted: LicenseChange,
    },
    /// A licence is suspended once at a time.
    #[error("license {license_no} is suspended already")]
    LicenseAlreadySuspended = "license-already-suspended" {
        /// The licence.
        license_no: LicenseNo,
    },
    /// Only a suspended licence is reinstated.
    #[error("license {license_no} is not suspended")]
    LicenseNotSuspended = "license-not-suspended" {
        /// The licence.
        license_no: LicenseNo,
    },
    /// A replacement names another licence; no other change names one.
    #[error("license {license_no} cannot be {change}: replaced_by is {}", stated(.replaced_by.as_ref()))]
    ReplacementMismatch = "replacement-mismatch" {
        /// The licence.
        license_no: LicenseNo,
        /// What was asked for.
        change: LicenseChange,
        /// The replacement named.
        replaced_by: Option<LicenseNo>,
    },
    /// Changes take effect in the order they are recorded in.
    #[error("takes effect at {effective_at}, before the previous change or the grant, at {previous}")]
    ChangeOutOfOrder = "change-out-of-order" {
        /// When the change takes effect.
        effective_at: Timestamp,
        /// When the previous one does.
        previous: Timestamp,
    },
    /// Controlled goods need a licence.
    #[error("goods of declaration {declaration_no} are {control_status} and no license is named")]
    LicenseRequired = "license-required" {
        /// The declaration.
        declaration_no: DeclarationNo,
        /// Their status.
        control_status: ControlStatus,
    },
    /// A declaration number names one declaration.
    #[error("declaration {declaration_no} was already made at {declared_at}")]
    DeclarationRepeated = "declaration-repeated" {
        /// The declaration.
        declaration_no: DeclarationNo,
        /// When it was made.
        declared_at: Timestamp,
    },
    /// Customs asks about a declaration.
    #[error("a customs query names the declaration it is about")]
    DeclarationMissing = "declaration-missing" {},
    /// Only a declaration of the case can be named.
    #[error("declaration {declaration_no} was never made in this case")]
    DeclarationUnknown = "declaration-unknown" {
        /// The declaration.
        declaration_no: DeclarationNo,
    },
    /// A declaration is released, challenged or ended while it is open.
    #[error("declaration {declaration_no} is {status}, not open")]
    DeclarationNotOpen = "declaration-not-open" {
        /// The declaration.
        declaration_no: DeclarationNo,
        /// How far it has come.
        status: &'static str,
    },
    /// Only a clearance is reversed.
    #[error("declaration {declaration_no} is {status}, not cleared")]
    DeclarationNotCleared = "declaration-not-cleared" {
        /// The declaration.
        declaration_no: DeclarationNo,
        /// How far it has come.
        status: &'static str,
    },
    /// Goods are released under the licence they were declared under.
    #[error("cleared under license {}, declared under {}", stated(.cleared.as_ref()), stated(.declared.as_ref()))]
    LicenseNotDeclared = "license-not-declared" {
        /// The licence of the clearance.
        cleared: Option<LicenseNo>,
        /// The licence of the declaration.
        declared: Option<LicenseNo>,
    },
    /// No more is released than was declared.
    #[error("{cleared_g} g of {hs} (line {}) cleared, {declared_g} g declared", stated(.line.as_ref()))]
    ClearedOverDeclared = "cleared-over-declared" {
        /// The line.
        line: Option<u16>,
        /// Its commodity code.
        hs: String,
        /// Grams to release.
        cleared_g: u128,
        /// Grams declared of the same goods.
        declared_g: u128,
    },
    /// No more is declared and released than was granted.
    #[error("line {line} of license {license_no} would have {drawn_g} g drawn of {granted_g} g granted")]
    Overdrawn = "overdrawn" {
        /// The licence.
        license_no: LicenseNo,
        /// The line.
        line: u16,
        /// Grams declared and cleared, this one included.
        drawn_g: u128,
        /// Grams granted.
        granted_g: Grams,
    },
    /// A licence is used no more often than it allows.
    #[error("license {license_no} allows {uses_max} uses and has {uses}")]
    UsesExceeded = "uses-exceeded" {
        /// The licence.
        license_no: LicenseNo,
        /// Uses so far.
        uses: usize,
        /// Uses allowed.
        uses_max: u32,
    },
    /// Goods are released while the licence is valid, by the date in local time.
    #[error("license {license_no} is not valid on {date}, only from {} to {valid_until}", stated(.valid_from.as_ref()))]
    LicenseNotValid = "license-not-valid" {
        /// The licence.
        license_no: LicenseNo,
        /// Local date of the clearance.
        date: Date,
        /// First day.
        valid_from: Option<Date>,
        /// Last day.
        valid_until: Date,
    },
    /// Goods are released while the licence is neither suspended nor ended.
    #[error("license {license_no} is {condition} at {at}")]
    LicenseNotActive = "license-not-active" {
        /// The licence.
        license_no: LicenseNo,
        /// Its condition.
        condition: LicenseChange,
        /// When the goods were to be released.
        at: Timestamp,
    },
    /// Mass comes back from a clearance only: some of it, and no more than was released.
    #[error("{returned_g} g cannot come back of {cleared_g} g cleared ({outcome})")]
    ReturnOutOfRange = "return-out-of-range" {
        /// How the declaration was to end.
        outcome: ShipmentOutcome,
        /// Grams to come back.
        returned_g: Grams,
        /// Grams released.
        cleared_g: u128,
    },
    /// A partial return says which line it is from.
    #[error("{returned_g} g returned of {lines} cleared lines: it cannot be said which")]
    ReturnAmbiguous = "return-ambiguous" {
        /// Grams to come back.
        returned_g: Grams,
        /// Lines released.
        lines: usize,
    },
    /// A repair names an event of the case.
    #[error("event {event} is not an event of this case")]
    TargetUnknown = "target-unknown" {
        /// The event named.
        event: EventId,
    },
    /// An annulled event is not repaired again.
    #[error("event {event} was annulled already")]
    TargetAnnulled = "target-annulled" {
        /// The event named.
        event: EventId,
    },
    /// An annulment is not annulled; what happened after all is recorded anew.
    #[error("event {event} is itself an annulment; record what happened anew instead")]
    AnnulmentFinal = "annulment-final" {
        /// The event named.
        event: EventId,
    },
    /// What remains after an annulment must have been allowed without the annulled event.
    #[error("event {dependent} rests on event {event} (rule {rule}); annul it first")]
    AnnulmentBreaksHistory = "annulment-breaks-history" {
        /// The event named.
        event: EventId,
        /// The first later event that would not have been accepted.
        dependent: EventId,
        /// The rule that would have refused it.
        rule: &'static str,
    },
    /// A correction changes something.
    #[error("the correction of event {event} changes nothing")]
    CorrectionEmpty = "correction-empty" {
        /// The event named.
        event: EventId,
    },
    /// Fields that decisions rest on are not corrected: the event is annulled and recorded anew.
    #[error("{pointer} of a {kind} event decides what follows; annul the event and record it anew")]
    FieldNotCorrectable = "field-not-correctable" {
        /// The field.
        pointer: Text,
        /// Published name of the event's kind.
        kind: &'static str,
    },
    /// Repairs need a second person.
    #[error("{person} asks for the repair and approves it")]
    ApproverIsRequester = "approver-is-requester" {
        /// The one person.
        person: Text,
    },
}

/// A value that may be missing, in words.
fn stated<T: std::fmt::Display>(value: Option<&T>) -> String {
    value.map_or_else(|| "none".to_owned(), T::to_string)
}
