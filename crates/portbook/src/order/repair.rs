//! Flags of the commands on a record: `correct`, `annul`.

use clap::Args;
use portbook_domain::{AnnulRecord, Command, CorrectRecord, Digest, EventId, FieldPatch, Text};

use super::Fields;
use crate::exit::Exit;
use crate::failure::Failure;

/// Fields of `correct`.
#[derive(Debug, Args)]
pub(crate) struct CorrectFields {
    /// The event to correct: a UUID, as the timeline shows it
    #[arg(long, value_name = "UUID")]
    target_event_id: EventId,
    /// Leaf hash of its record: SHA-256, 64 lower-case hexadecimal digits
    #[arg(long, value_name = "SHA256")]
    target_leaf: Digest,
    /// A field: its JSON pointer in the event's data, its value as recorded and as corrected, both as JSON; repeatable
    #[arg(
        long = "patch",
        num_args = 3,
        value_names = ["POINTER", "OLD", "NEW"],
        required = true,
        allow_negative_numbers = true
    )]
    patches: Vec<Text>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Text,
    /// The first person: who asks for it
    #[arg(long, value_name = "PERSON")]
    requested_by: Text,
    /// The second person: who approves it
    #[arg(long, value_name = "PERSON")]
    approved_by: Text,
}

/// Fields of `annul`.
#[derive(Debug, Args)]
pub(crate) struct AnnulFields {
    /// The event to annul: a UUID, as the timeline shows it
    #[arg(long, value_name = "UUID")]
    target_event_id: EventId,
    /// Leaf hash of its record: SHA-256, 64 lower-case hexadecimal digits
    #[arg(long, value_name = "SHA256")]
    target_leaf: Digest,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Text,
    /// The first person: who asks for it
    #[arg(long, value_name = "PERSON")]
    requested_by: Text,
    /// The second person: who approves it
    #[arg(long, value_name = "PERSON")]
    approved_by: Text,
}

impl Fields for CorrectFields {
    const VERB: &'static str = "correct-record";

    fn command(&self) -> Result<Command, Failure> {
        Ok(Command::CorrectRecord(CorrectRecord {
            target_event_id: self.target_event_id.clone(),
            target_leaf: self.target_leaf.clone(),
            field_patches: self.field_patches()?,
            reason: self.reason.clone(),
            requested_by: self.requested_by.clone(),
            approved_by: self.approved_by.clone(),
        }))
    }
}

impl CorrectFields {
    fn field_patches(&self) -> Result<Vec<FieldPatch>, Failure> {
        let (patches, _) = self.patches.as_chunks();
        patches.iter().map(field_patch).collect()
    }
}

impl Fields for AnnulFields {
    const VERB: &'static str = "annul-record";

    fn command(&self) -> Result<Command, Failure> {
        Ok(Command::AnnulRecord(AnnulRecord {
            target_event_id: self.target_event_id.clone(),
            target_leaf: self.target_leaf.clone(),
            reason: self.reason.clone(),
            requested_by: self.requested_by.clone(),
            approved_by: self.approved_by.clone(),
        }))
    }
}

/// Values are JSON, and a shell takes the quotes of a JSON text away unless it is quoted again.
fn field_patch([pointer, old, new]: &[Text; 3]) -> Result<FieldPatch, Failure> {
    for (name, value) in [("OLD", old), ("NEW", new)] {
        if serde_json::from_str::<serde::de::IgnoredAny>(value.as_str()).is_err() {
            let message = format!(
                "--patch {pointer}: {name} must be JSON, found {:?}",
                value.as_str()
            );
            return Err(
                Failure::new(Exit::Usage, message).hint(r#"a text is JSON with its quotes, as in '"CNNBG"'"#)
            );
        }
    }
    Ok(FieldPatch {
        pointer: pointer.clone(),
        old: old.clone(),
        new: new.clone(),
    })
}
