//! The server's answer to a published message.

use serde::Deserialize;

use crate::api::{ApiError, Refusal, decode};

/// An acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ack {
    /// Sequence of the message, or of the last one of a batch.
    pub(crate) seq: u64,
    /// The server had seen the message id before, and `seq` is where.
    pub(crate) duplicate: bool,
    /// Messages in the batch. A server that does not know batches leaves it out.
    pub(crate) count: Option<u64>,
}

#[derive(Deserialize)]
struct AckAnswer {
    error: Option<Refusal>,
    stream: Option<String>,
    seq: Option<u64>,
    #[serde(default)]
    duplicate: bool,
    count: Option<u64>,
}

/// Reads the answer to a message on `subject`, which must come from `stream`.
pub(crate) fn read(stream: &str, subject: &str, answer: &[u8]) -> Result<Ack, ApiError> {
    let answer: AckAnswer = decode(subject, answer)?;
    match answer {
        AckAnswer {
            error: Some(refusal), ..
        } => Err(refusal.on(subject)),
        AckAnswer {
            stream: Some(name),
            seq: Some(seq),
            duplicate,
            count,
            ..
        } if name == stream && seq > 0 => Ok(Ack {
            seq,
            duplicate,
            count,
        }),
        AckAnswer { .. } => Err(ApiError::Malformed {
            subject: subject.to_owned(),
            rule: "an acknowledgement of the stream",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_streams_own_acknowledgement_counts() {
        let read = |answer: &str| read("PORTBOOK", "portbook.events.A", answer.as_bytes());
        assert_eq!(
            read(r#"{"stream":"PORTBOOK","seq":7,"batch":"x","count":2}"#).unwrap(),
            Ack {
                seq: 7,
                duplicate: false,
                count: Some(2)
            }
        );
        for bad in [
            "",
            "{}",
            "+OK",
            r#"{"stream":"OTHER","seq":7}"#,
            r#"{"stream":"PORTBOOK","seq":0}"#,
        ] {
            assert!(matches!(read(bad), Err(ApiError::Malformed { .. })), "{bad}");
        }
        let refused =
            read(r#"{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 3"}}"#);
        assert_eq!(refused.unwrap_err().refusal_code(), Some(10_071));
    }
}
