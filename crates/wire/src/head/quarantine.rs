//! Why a message of an events subject is no event. Every such message is a record all the same.

use crate::json::SyntaxError;

/// The attributes the ledger reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attribute {
    /// `specversion`, always `1.0`.
    SpecVersion,
    /// `id`, a UUID in lower case.
    Id,
    /// `source`, a portbook URN.
    Source,
    /// `type`, `portbook.<entity>.<verb>.v<n>`.
    Type,
    /// `subject`, the case id.
    Subject,
    /// `partitionkey`, the port as UN/LOCODE.
    PartitionKey,
}

/// Why a message of an events subject is no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Quarantine {
    /// It was not published on `portbook.events.<case>`.
    #[error("not published on portbook.events.<case>")]
    NotAnEventSubject,
    /// The body is longer than an event may be.
    #[error("{bytes} bytes are more than an event may have")]
    BodyTooLarge {
        /// Length of the body.
        bytes: usize,
    },
    /// The body is not UTF-8.
    #[error("not UTF-8 after byte {valid_bytes}")]
    NotUtf8 {
        /// Length of the part that is UTF-8.
        valid_bytes: usize,
    },
    /// The body is not one JSON object.
    #[error("not a JSON object: {syntax}")]
    NotAnObject {
        /// Where reading stopped.
        syntax: SyntaxError,
    },
    /// More members stand beside one another than an event may have.
    #[error("more than 64 members")]
    TooManyMembers,
    /// A member's name is written with an escape, so that it could hide another.
    #[error("member {position} is named with an escape")]
    EscapedName {
        /// Which member, from 1.
        position: usize,
    },
    /// A member stands twice.
    #[error("member {position} stands there already")]
    DuplicateMember {
        /// Which member, from 1.
        position: usize,
    },
    /// A required attribute is not there.
    #[error("the attribute {} is missing", attribute.name())]
    Missing {
        /// Which one.
        attribute: Attribute,
    },
    /// A required attribute is not a string without escapes.
    #[error("the attribute {} is not a string without escapes", attribute.name())]
    NotPlainText {
        /// Which one.
        attribute: Attribute,
    },
    /// A required attribute does not keep to its grammar.
    #[error("the attribute {} is not {}", attribute.name(), attribute.rule())]
    Invalid {
        /// Which one.
        attribute: Attribute,
    },
    /// It was published on the subject of another case.
    #[error("published on the subject of another case")]
    SubjectMismatch,
}

impl Attribute {
    pub(super) const ALL: [Self; 6] = [
        Self::SpecVersion,
        Self::Id,
        Self::Source,
        Self::Type,
        Self::Subject,
        Self::PartitionKey,
    ];

    /// Its name in the envelope.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SpecVersion => "specversion",
            Self::Id => "id",
            Self::Source => "source",
            Self::Type => "type",
            Self::Subject => "subject",
            Self::PartitionKey => "partitionkey",
        }
    }

    const fn rule(self) -> &'static str {
        match self {
            Self::SpecVersion => "1.0",
            Self::Id => "a UUID in lower case",
            Self::Source => "a portbook source URN",
            Self::Type => "portbook.<entity>.<verb>.v<n>",
            Self::Subject => "a case id",
            Self::PartitionKey => "a UN/LOCODE",
        }
    }
}

impl Quarantine {
    /// The stable name of the reason, for lists and counts.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotAnEventSubject => "not-an-event-subject",
            Self::BodyTooLarge { .. } => "body-too-large",
            Self::NotUtf8 { .. } => "not-utf-8",
            Self::NotAnObject { .. } => "not-an-object",
            Self::TooManyMembers => "too-many-members",
            Self::EscapedName { .. } => "escaped-name",
            Self::DuplicateMember { .. } => "duplicate-member",
            Self::Missing { .. } => "missing-attribute",
            Self::NotPlainText { .. } => "not-plain-text",
            Self::Invalid { .. } => "invalid-attribute",
            Self::SubjectMismatch => "subject-mismatch",
        }
    }
}

impl From<SyntaxError> for Quarantine {
    fn from(syntax: SyntaxError) -> Self {
        Self::NotAnObject { syntax }
    }
}
