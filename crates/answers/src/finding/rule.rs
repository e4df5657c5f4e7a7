//! The rules that facts can break: name, version and sentence of each.

/// Declares the rules once: variant, word, concern and sentence.
macro_rules! rules {
    ($($rule:ident = $word:literal, $concern:ident, $sentence:literal;)*) => {
        /// A rule that facts can break.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Rule { $(#[doc = $sentence] $rule,)* }

        impl Rule {
            /// Every rule.
            pub const ALL: &[Self] = &[$(Self::$rule,)*];

            /// Its name, as people type it.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$rule => $word,)* }
            }

            /// What it takes care of.
            #[must_use]
            pub const fn concern(self) -> Concern {
                match self { $(Self::$rule => Concern::$concern,)* }
            }

            /// When it is broken, in one sentence.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$rule => $sentence,)* }
            }
        }
    };
}

/// What a rule takes care of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concern {
    /// The record or what it tells is wrong, or looks wrong.
    Defect,
    /// A term was missed; nothing need be wrong with the record.
    Term,
    /// Two records differ in a way that may have a good reason, and is worth a question.
    Lead,
}

rules! {
    ClearedBeforeGranted = "cleared_before_granted", Defect,
        "goods were cleared on a licence earlier than it was granted";
    ControlledWithoutLicense = "controlled_without_license", Defect,
        "controlled goods were cleared and no licence was named";
    LicenseUnknown = "license_unknown", Defect,
        "goods were cleared on a licence number that no grant carries";
    ClearedOverLicensed = "cleared_over_licensed", Defect,
        "more grams were cleared on a licence than it was granted for";
    ClearedAfterExpiry = "cleared_after_expiry", Defect,
        "goods were cleared after the last day of their licence";
    ClearedBeforeValidity = "cleared_before_validity", Defect,
        "goods were cleared before the first day of their licence";
    DestinationMismatch = "destination_mismatch", Defect,
        "goods were cleared to another country than their licence names";
    ItemMismatch = "item_mismatch", Defect,
        "goods were cleared under another control code than their licence names";
    ElementMismatch = "element_mismatch", Lead,
        "goods were cleared under another element than their licence names";
    PortMismatch = "port_mismatch", Lead,
        "goods were cleared at a port that their licence does not name";
    ExporterMismatch = "exporter_mismatch", Lead,
        "goods were cleared in a case of another exporter than their licence was granted in";
    EndUserMismatch = "end_user_mismatch", Lead,
        "goods were cleared in a case of another end user than their licence was granted in";
    DigestReuse = "digest_reuse", Defect,
        "one document was shown with clearances of two or more cases";
    DeclarationReuse = "declaration_reuse", Defect,
        "one declaration number stands on clearances of two or more cases";
    Backdated = "backdated_over_30d", Defect,
        "the source wrote an event down more than 30 days after it says it happened";
    RecordedBeforeOccurred = "recorded_before_occurred", Defect,
        "the source wrote an event down before it says it happened";
    UnknownPort = "unknown_port", Defect,
        "the port is not in the UN/LOCODE table";
    GrantOnNonWorkingDay = "grant_on_non_working_day", Defect,
        "a licence was granted on a day on which the licensing authority does not work";
    ExpeditedNotEligible = "expedited_not_eligible", Defect,
        "a licence was expedited although no policy in force that day allows it for its destination";
    GrantBurst = "grant_burst", Defect,
        "20 or more licences were granted within one minute";
    LicenseNumberGap = "license_number_gap", Defect,
        "no grant carries a number between the first and the last of its series";
    DeclarationNumberInvalid = "declaration_number_invalid", Defect,
        "a declaration number is not of 18 digits, or its year or export flag is wrong";
    IdConflict = "id_conflict", Defect,
        "a source stated another content under the identity of an earlier event";
    LateDecision = "late_decision", Term,
        "the authority decided after the term for a decision had passed";
    Overdue = "overdue", Term,
        "a case is open although the term for a decision has passed";
}

impl Rule {
    /// Version of a rule: a finding of another version may have been judged otherwise.
    pub const VERSION: u32 = 1;

    /// The rule of this name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.word() == word)
    }

    /// Every rule about defects: what is looked for unless something else is asked for.
    #[must_use]
    pub fn defects() -> Vec<Self> {
        let defects = Self::ALL.iter().copied();
        defects.filter(|rule| rule.concern() == Concern::Defect).collect()
    }
}
