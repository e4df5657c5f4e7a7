//! Whether the checkpoint that was verified against carries the cosignatures that a policy asks for.

use std::path::Path;

use portbook_ledger::{Checkpoint, OpenedCheckpoint, VerifierKey};
use portbook_store::LedgerDirectory;
use portbook_witness::Cosigned;

use crate::cosigning::load_policy;
use crate::exit::Exit;
use crate::failure::Failure;

/// Judges the cosignatures of `checkpoint`, those that were attached later included, by the policy in `file`.
pub(super) fn judge(
    file: &Path,
    directory: &LedgerDirectory,
    checkpoint: &Checkpoint,
    log_key: &VerifierKey,
) -> Result<Cosigned, Failure> {
    let policy = load_policy(file)?;
    let listed = policy.logs().iter().any(|log| log.key == *log_key);
    if !listed && !policy.logs().is_empty() {
        return Err(Failure::new(
            Exit::Incomplete,
            format!("the policy does not list the log key {}", log_key.id()),
        ));
    }
    let keys = policy.witness_keys();
    let mut cosignatures = Vec::new();
    for note in [
        directory.checkpoint_at(checkpoint.size)?,
        directory.cosigned_at(checkpoint.size)?,
    ]
    .into_iter()
    .flatten()
    {
        let opened = OpenedCheckpoint::open(note.as_bytes(), &checkpoint.origin, log_key, &keys)
            .map_err(|error| Failure::of(Exit::LedgerFault, &error))?;
        if opened.checkpoint == *checkpoint {
            cosignatures.extend(opened.cosignatures);
        }
    }
    Ok(Cosigned::judge(&policy, &cosignatures))
}
