//! `portbook witness request`, `answer` and `attach`: the same exchange as over HTTP, from file to file.

use std::fs;
use std::path::Path;

use portbook_evidence::{Evidence, LogName};
use portbook_ledger::{GrowthProof, Note, NoteSignature, OpenedCheckpoint, Size};
use portbook_store::StoreReader;

use super::{deliver, origin_of, witness};
use crate::args::witness::LogArgs;
use crate::cosigning::load_policy;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::KeyOf;
use crate::session::Session;

/// Writes the body of `add-checkpoint` for the newest checkpoint.
pub(super) fn request(session: &Session, old: u64, out: Option<&Path>) -> Outcome {
    let directory = session.home.ledger();
    let reader = StoreReader::open(&directory.store())?;
    let key = session.home.public_key(KeyOf::Log)?;
    let unproven = |error| Failure::of(Exit::LedgerFault, &error);
    let evidence = Evidence::new(reader, directory, key).map_err(unproven)?;
    let published = evidence.published().map_err(unproven)?.ok_or_else(|| {
        Failure::new(
            Exit::Unavailable,
            "nothing was signed yet: there is no checkpoint to cosign",
        )
    })?;
    let size = published.checkpoint.size;
    if old > size.get() {
        return Err(Failure::new(
            Exit::Fork,
            format!("the witness is said to know {old} leaves, this ledger has signed {size}"),
        )
        .hint("if the witness really does, this ledger was rolled back"));
    }
    let hashes = evidence
        .consistency(LogName::Ledger, Size::new(old), size)
        .map_err(unproven)?;
    let request = GrowthProof {
        old: Size::new(old),
        hashes,
        checkpoint: published.note.clone(),
    };
    deliver(session, &request.to_string(), out)?;
    Ok(Exit::Done)
}

/// Considers a request and writes the cosignature.
pub(super) fn answer(session: &Session, request: &Path, logs: &LogArgs, out: Option<&Path>) -> Outcome {
    let body = fs::read(request).map_err(|error| Failure::file("read", request, &error))?;
    let witness = witness(session, logs, false)?;
    let cosignature = session.block_on(async {
        let considered = witness.consider(&body).await;
        considered.map_err(|refusal| Failure::of(Exit::Rejected, &refusal))
    })?;
    deliver(session, &cosignature, out)?;
    Ok(Exit::Done)
}

/// Keeps the cosignatures of a file with the checkpoint they are for.
pub(super) fn attach(session: &Session, answer: &Path, policy: Option<&Path>, size: Option<u64>) -> Outcome {
    let directory = session.home.ledger();
    let configured = session.home.root().join(&session.config.witness.policy);
    let policy = load_policy(policy.unwrap_or(&configured))?;
    let size = match size {
        Some(size) => Size::new(size),
        None => directory
            .checkpoint_sizes()?
            .last()
            .copied()
            .unwrap_or(Size::ZERO),
    };
    let known = match directory.cosigned_at(size)? {
        Some(note) => Some(note),
        None => directory.checkpoint_at(size)?,
    };
    let known = known.ok_or_else(|| {
        Failure::new(
            Exit::Unavailable,
            format!("there is no checkpoint of {size} leaves"),
        )
        .hint("portbook checkpoint ls lists them")
    })?;
    let text = fs::read_to_string(answer).map_err(|error| Failure::file("read", answer, &error))?;
    let refused = |error: &dyn std::error::Error| Failure::of(Exit::Rejected, error);
    let mut note = Note::parse(known.as_bytes()).map_err(|error| refused(&error))?;
    for line in text.lines() {
        let signature = NoteSignature::parse(line).map_err(|error| refused(&error))?;
        if note.signatures().iter().all(|known| known.key != signature.key) {
            note = note.with_signature(signature);
        }
    }
    let (key, note) = (session.home.public_key(KeyOf::Log)?, note.to_string());
    let opened = OpenedCheckpoint::open(note.as_bytes(), &origin_of(&key)?, &key, &policy.witness_keys())
        .map_err(|error| refused(&error))?;
    directory.keep_cosigned(size, &note)?;
    session.speech.tell(format_args!(
        "checkpoint {size} now has {} cosignatures by {} known witnesses",
        opened.cosignatures.len(),
        policy.witnesses().len()
    ));
    Ok(Exit::Done)
}
