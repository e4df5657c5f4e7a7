//! Messages as they go into the stream and as they come out of it.

use bytes::Bytes;

/// A message to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Exact subject, for facts `portbook.events.<case>`.
    pub subject: String,
    /// Unguessable id, `wire::msg_id` of signature and body.
    pub msg_id: String,
    /// Text of the signature header.
    pub signature: Option<String>,
    /// The body, byte for byte as the ledger hashes it.
    pub body: Bytes,
    /// Guard: the message is stored only if this is the sequence of the last message on its subject (0: there is none).
    /// `None` stores it whatever is there.
    pub expected_last_subject_seq: Option<u64>,
}

/// Where a message was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Stream sequence, 1-based.
    pub seq: u64,
    /// Whether it had been stored before, by an earlier attempt.
    pub duplicate: bool,
}

/// A message as the stream holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Stream sequence, 1-based.
    pub seq: u64,
    /// Time the server stored it, nanoseconds since 1970-01-01T00:00:00Z.
    pub time_ns: u64,
    /// Its subject.
    pub subject: String,
    /// Its message id, when it carries one.
    pub msg_id: Option<String>,
    /// Text of the signature header, when it carries one.
    pub signature: Option<String>,
    /// The body, byte for byte as published.
    pub body: Bytes,
}
