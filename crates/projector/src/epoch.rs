//! Declaring an epoch: the ledger goes on after a restore, and says so.

use bytes::Bytes;
use portbook_bus::{Outgoing, PublishError, Publisher};
use portbook_ledger::SecretKey;
use portbook_wire::control::{Control, EpochDeclared, encode_control};
use portbook_wire::{JsonError, msg_id};

/// Why an epoch was not declared.
#[derive(Debug, thiserror::Error)]
pub enum EpochError {
    /// The message could not be written.
    #[error("the declaration of the epoch could not be written")]
    Text(#[from] JsonError),
    /// The message could not be published.
    #[error("the declaration of the epoch could not be published")]
    Publish(#[from] PublishError),
}

/// Publishes the declaration under the log key; answers its sequence. It must be the first message behind what was restored.
///
/// # Errors
/// [`EpochError`]; when the acknowledgement was lost the declaration may be there.
pub async fn declare_epoch(
    publisher: &Publisher,
    log_key: &SecretKey,
    epoch: EpochDeclared,
) -> Result<u64, EpochError> {
    let control = Control::EpochDeclared(epoch);
    let body = encode_control(&control)?;
    let subject = control.kind().subject();
    let signature = log_key.sign_event(subject, &body).to_string();
    let outgoing = Outgoing {
        subject: subject.to_owned(),
        msg_id: msg_id(Some(&signature), &body),
        signature: Some(signature),
        body: Bytes::from(body),
        expected_last_subject_seq: None,
    };
    Ok(publisher.publish(outgoing).await?.seq)
}
