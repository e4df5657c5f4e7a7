//! Messages as they go into the stream and as they come out of it.

use std::str::FromStr;

use async_nats::header::{
    NATS_MESSAGE_ID, NATS_SEQUENCE, NATS_SUBJECT, NATS_TIME_STAMP, ParseHeaderNameError,
};
use async_nats::{HeaderMap, HeaderName, Message};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use jiff::Timestamp;
use portbook_wire::subject::HEADER_SIGNATURE;
use serde::Deserialize;

const SIGNATURE: HeaderName = HeaderName::from_static(HEADER_SIGNATURE);

/// A message to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Exact subject, for facts `portbook.events.<case>`.
    pub subject: String,
    /// Unguessable id, `portbook_wire::msg_id` of signature and body.
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
    /// Whether an earlier attempt had stored it.
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

/// A message as `$JS.API.STREAM.MSG.GET` answers it.
#[derive(Debug, Deserialize)]
pub(crate) struct RawMessage {
    subject: String,
    seq: u64,
    #[serde(default)]
    hdrs: String,
    #[serde(default)]
    data: String,
    time: String,
}

impl RawMessage {
    /// The block of its headers, as stored.
    pub(crate) fn headers(&self) -> Option<Vec<u8>> {
        BASE64.decode(&self.hdrs).ok()
    }
}

impl Stored {
    /// From a consumer's delivery, whose place is in its reply subject.
    pub(crate) fn from_delivery(message: Message) -> Option<Self> {
        let (seq, time_ns) = message.reply.as_deref().and_then(delivery_place)?;
        let (msg_id, signature) = identifying(message.headers.as_ref());
        Some(Self {
            seq,
            time_ns,
            subject: message.subject.into_string(),
            msg_id,
            signature,
            body: message.payload,
        })
    }

    /// From the answer to a direct get. The server appends its own headers after those of the message, so the last ones
    /// count: a publisher could have stored a header of the same name.
    pub(crate) fn from_direct(message: Message) -> Option<Self> {
        let headers = message.headers.as_ref()?;
        let last = |name| headers.get_last(name).map(async_nats::HeaderValue::as_str);
        let seq = last(NATS_SEQUENCE)?.parse().ok()?;
        let time_ns = nanoseconds(last(NATS_TIME_STAMP)?)?;
        let subject = last(NATS_SUBJECT)?.to_owned();
        let (msg_id, signature) = identifying(Some(headers));
        Some(Self {
            seq,
            time_ns,
            subject,
            msg_id,
            signature,
            body: message.payload,
        })
    }

    /// From the answer of the stream's leader. Headers that a NATS client could not parse count as none.
    pub(crate) fn from_raw(raw: RawMessage) -> Option<Self> {
        let time_ns = nanoseconds(&raw.time)?;
        let body = BASE64.decode(raw.data).ok()?.into();
        let headers = parse_headers(&BASE64.decode(raw.hdrs).ok()?);
        let (msg_id, signature) = identifying(headers.as_ref());
        Some(Self {
            seq: raw.seq,
            time_ns,
            subject: raw.subject,
            msg_id,
            signature,
            body,
        })
    }
}

fn identifying(headers: Option<&HeaderMap>) -> (Option<String>, Option<String>) {
    let text = |name| {
        headers
            .and_then(|headers| headers.get(name))
            .map(|value| value.as_str().to_owned())
    };
    (text(NATS_MESSAGE_ID), text(SIGNATURE))
}

/// Sequence and time in `$JS.ACK.<stream>.<consumer>.<deliveries>.<seq>.<consumer seq>.<time>.<pending>`; newer servers
/// may put domain and account before the stream and a token at the end.
fn delivery_place(reply: &str) -> Option<(u64, u64)> {
    let tokens: Vec<&str> = reply.strip_prefix("$JS.ACK.")?.split('.').collect();
    let at = if tokens.len() == 7 { 3 } else { 5 };
    let seq = tokens.get(at)?.parse().ok()?;
    let time_ns = tokens.get(at.checked_add(2)?)?.parse().ok()?;
    Some((seq, time_ns))
}

fn nanoseconds(rfc3339: &str) -> Option<u64> {
    rfc3339.parse::<Timestamp>().ok()?.as_nanosecond().try_into().ok()
}

/// Reads a header block exactly as the NATS client does, so that a message has the same headers on every way.
pub(crate) fn parse_headers(block: &[u8]) -> Option<HeaderMap> {
    let mut lines = std::str::from_utf8(block).ok()?.lines().peekable();
    lines.next()?.strip_prefix("NATS/1.0")?;
    let mut headers = HeaderMap::new();
    while let Some(line) = lines.next() {
        if line.is_empty() {
            continue;
        }
        let (name, value) = line.split_once(':')?;
        let name: Result<HeaderName, ParseHeaderNameError> = HeaderName::from_str(name);
        let mut value = value.trim_start().to_owned();
        while let Some(more) = lines.next_if(|line| line.starts_with(char::is_whitespace)) {
            value.push_str(more);
        }
        headers.append(name.ok()?, value.trim_end());
    }
    Some(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_is_read_from_both_shapes_of_reply_subjects() {
        let old = "$JS.ACK.PORTBOOK.projector.1.42.7.1750000000000000001.3";
        let new = "$JS.ACK._.ACCOUNT.PORTBOOK.projector.1.42.7.1750000000000000001.3.token";
        assert_eq!(delivery_place(old), Some((42, 1_750_000_000_000_000_001)));
        assert_eq!(delivery_place(new), Some((42, 1_750_000_000_000_000_001)));
        assert_eq!(delivery_place("$JS.ACK.PORTBOOK.projector.1.x.7.1.3"), None);
        assert_eq!(delivery_place("_INBOX.x"), None);
    }

    #[test]
    fn headers_are_parsed_as_the_client_does() {
        let headers = parse_headers(b"NATS/1.0\r\nA:  b \r\n c\r\nA: d\r\n\r\n").unwrap();
        assert_eq!(headers.get("A").unwrap().as_str(), "b  c");
        assert_eq!(headers.get_last("A").unwrap().as_str(), "d");
        assert!(parse_headers(b"NATS/1.0\r\nno colon\r\n\r\n").is_none());
        assert!(parse_headers(b"NATS/1.0\r\nA: \xff\r\n\r\n").is_none());
        assert!(parse_headers(b"").is_none());
    }
}
