//! A message as the stream delivered it.

use bytes::Bytes;
use portbook_ledger::Seq;

/// One message of the ledger stream, with everything a leaf may depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its sequence in the stream.
    pub seq: Seq,
    /// The stream's timestamp, nanoseconds since 1970.
    pub recorded_at_ns: u64,
    /// Its subject.
    pub subject: String,
    /// Text of the signature header, when it has one.
    pub signature: Option<String>,
    /// Its payload, untouched.
    pub body: Bytes,
}
