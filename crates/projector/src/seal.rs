//! The message that asks for a seal.

use bytes::Bytes;
use portbook_bus::Outgoing;
use portbook_domain::{Digest, Text};
use portbook_ledger::{Hash, Origin, SecretKey, Size};
use portbook_wire::control::{Control, ControlKind, SealRequested, encode_control};
use portbook_wire::msg_id;

use crate::run::RunError;

/// Asks, under the log key, that the head of every port be committed to; names the checkpoint before.
pub(crate) fn seal_request(
    origin: &Origin,
    log_key: &SecretKey,
    prev_checkpoint: Hash,
    prev_size: Size,
) -> Result<Outgoing, RunError> {
    let request = SealRequested {
        origin: Text::new(origin.as_str())?,
        prev_checkpoint: Digest::new(&prev_checkpoint.to_hex())?,
        prev_size: prev_size.get(),
    };
    let body = encode_control(&Control::Seal(request))?;
    let subject = ControlKind::Seal.subject();
    let signature = log_key.sign_event(subject, &body).to_string();
    Ok(Outgoing {
        subject: subject.to_owned(),
        msg_id: msg_id(Some(&signature), &body),
        signature: Some(signature),
        body: Bytes::from(body),
        expected_last_subject_seq: None,
    })
}
