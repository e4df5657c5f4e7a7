//! Messages of test cases.

use bytes::Bytes;
use portbook_bus::Outgoing;

/// A message on `portbook.events.<case>` with a body that says where it belongs.
pub(crate) fn event(case: &str, place: u64, expected: Option<u64>) -> Outgoing {
    let body = format!("{{\"case\":\"{case}\",\"place\":{place}}}").into_bytes();
    Outgoing {
        subject: format!("portbook.events.{case}"),
        msg_id: portbook_wire::msg_id(None, &body),
        signature: Some(format!("licensing-1:{place}")),
        body: Bytes::from(body),
        expected_last_subject_seq: expected,
    }
}
