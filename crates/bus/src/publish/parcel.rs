//! A message that can be sent as often as needed, and its headers.

use async_nats::header::{
    NATS_BATCH_ID, NATS_BATCH_SEQUENCE, NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_MESSAGE_ID,
};
use async_nats::{HeaderMap, HeaderName};
use bytes::Bytes;
use portbook_wire::subject::{
    CONTENT_TYPE_EVENT, CONTENT_TYPE_JSON, HEADER_CONTENT_TYPE, HEADER_SIGNATURE, is_control,
};

use super::PublishError;
use crate::api::ApiError;
use crate::message::{Outgoing, Stored};

const CONTENT_TYPE: HeaderName = HeaderName::from_static(HEADER_CONTENT_TYPE);
const SIGNATURE: HeaderName = HeaderName::from_static(HEADER_SIGNATURE);

/// A message of any stream that can be sent as it is.
#[derive(Debug, Clone)]
pub(crate) struct Parcel {
    pub(super) subject: String,
    pub(super) body: Bytes,
    /// The sequence its guard names.
    pub(super) expected: Option<u64>,
    pub(super) msg_id: String,
    pub(super) signature: Option<String>,
}

impl Parcel {
    fn new(outgoing: Outgoing) -> Result<Self, PublishError> {
        let Outgoing {
            subject,
            msg_id,
            signature,
            body,
            expected_last_subject_seq: expected,
        } = outgoing;
        if !comes_back(&msg_id) || signature.as_ref().is_some_and(|text| !comes_back(text)) {
            return Err(PublishError::Unsendable {
                subject,
                bytes: body.len(),
            });
        }
        Ok(Self {
            subject,
            body,
            expected,
            msg_id,
            signature,
        })
    }

    /// Its headers.
    pub(super) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(NATS_MESSAGE_ID, self.msg_id.as_str());
        if let Some(signature) = &self.signature {
            headers.insert(SIGNATURE, signature.as_str());
        }
        let content_type = if is_control(&self.subject) {
            CONTENT_TYPE_JSON
        } else {
            CONTENT_TYPE_EVENT
        };
        headers.insert(CONTENT_TYPE, content_type);
        if let Some(seq) = self.expected {
            headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, seq.to_string());
        }
        headers
    }

    /// Its headers at a place in a batch.
    pub(super) fn batch_headers(&self, id: &str, place: u64) -> HeaderMap {
        let mut headers = self.headers();
        headers.insert(NATS_BATCH_ID, id);
        headers.insert(NATS_BATCH_SEQUENCE, place.to_string());
        headers
    }

    /// Whether `stored` is this message, byte for byte.
    pub(super) fn is(&self, stored: &Stored) -> bool {
        stored.subject == self.subject
            && stored.body == self.body
            && stored.signature == self.signature
            && stored.msg_id.as_ref() == Some(&self.msg_id)
    }

    pub(super) fn unsendable(&self) -> ApiError {
        ApiError::Unsendable {
            subject: self.subject.clone(),
            bytes: self.body.len(),
        }
    }
}

impl TryFrom<Outgoing> for Parcel {
    type Error = PublishError;
    fn try_from(outgoing: Outgoing) -> Result<Self, PublishError> {
        Self::new(outgoing)
    }
}

/// Whether a header's text comes back as it was sent: readers trim blanks, and a line break would start another header.
fn comes_back(text: &str) -> bool {
    let is_printable = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    is_printable && !text.is_empty() && text.trim() == text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outgoing(signature: &str) -> Outgoing {
        Outgoing {
            subject: "portbook.events.A".into(),
            msg_id: "id".into(),
            signature: Some(signature.into()),
            body: Bytes::from_static(b"{}"),
            expected_last_subject_seq: Some(0),
        }
    }

    #[test]
    fn a_text_that_would_not_come_back_is_no_header() {
        assert!(Parcel::try_from(outgoing("licensing-1:q+/=")).is_ok());
        for bad in ["", " a", "a ", "a\r\nNats-Rollup: all", "a\n", "\u{e9}"] {
            let error = Parcel::try_from(outgoing(bad)).unwrap_err();
            assert!(
                matches!(error, PublishError::Unsendable { bytes: 2, .. }),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn a_message_is_recognised_by_all_its_bytes() {
        let parcel = Parcel::try_from(outgoing("k:s")).unwrap();
        let stored = Stored {
            seq: 1,
            time_ns: 0,
            subject: parcel.subject.clone(),
            msg_id: Some("id".into()),
            signature: Some("k:s".into()),
            body: Bytes::from_static(b"{}"),
        };
        assert!(parcel.is(&stored));
        assert!(!parcel.is(&Stored {
            body: Bytes::from_static(b"{ }"),
            ..stored.clone()
        }));
        assert!(!parcel.is(&Stored {
            signature: None,
            ..stored.clone()
        }));
        assert!(!parcel.is(&Stored {
            msg_id: None,
            ..stored.clone()
        }));
        assert!(!parcel.is(&Stored {
            subject: "portbook.events.B".into(),
            ..stored
        }));
    }
}
