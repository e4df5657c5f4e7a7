//! Checking a proof against a log: what a monitor or a verifying witness found, confirmed with the log's key alone.

use portbook_ledger::fraud::{Fraud, FraudError, FraudProof};
use portbook_ledger::{CheckpointError, NoteError, Origin};

use crate::report::{Line, Refusal};
use crate::trust::{Signer, Trust, first_that_holds};

/// First line of the file of a proof against a log.
pub const FRAUD_MAGIC: &[u8] = b"portbook/fraud@v1\n";

/// What even a conclusive proof leaves open.
const NOT_SHOWN: &[&str] = &[
    "who did it: everybody who holds the log's key can have signed it",
    "that nothing else is wrong with the log, or anything right",
];

/// A lie of a log that was confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conviction {
    /// The log.
    pub origin: Origin,
    /// What it did.
    pub fraud: Fraud,
    /// The checks, in order.
    pub lines: Vec<Line>,
    /// What was not shown.
    pub not_shown: Vec<&'static str>,
}

/// Checks `file`, a proof in the form `portbook/fraud@v1` of `docs/witness.md`. Witnesses have no say in it: what the log
/// signed is held against what the log signed.
///
/// # Errors
/// FAULT names what does not hold; INCOMPLETE when you brought no key of the log, and for a rollback, of which a file
/// shows both checkpoints but never which was served later.
pub fn verify_fraud(file: &[u8], trust: &Trust) -> Result<Conviction, Refusal> {
    let proof = FraudProof::parse(file).map_err(|error| Refusal::fault("proof", error))?;
    let signers = trust.signers("signature", proof.first_checkpoint())?;
    first_that_holds(signers, |signer| convict(&proof, signer))
}

fn convict(proof: &FraudProof, signer: Signer) -> Result<Conviction, Refusal> {
    let fraud = proof
        .verify(&signer.origin, &signer.key)
        .map_err(|error| Refusal::fault(check_of(&error), told(&error)))?;
    if !fraud.is_conclusive() {
        return Err(Refusal::incomplete(
            "order",
            format!("{}: both are signed by the log, and {fraud}", fraud.kind()),
        ));
    }
    let line = |check, shows| Line { check, shows };
    let signature = line(
        "signature",
        format!("{} signed what is held against it", signer.key.id()),
    );
    Ok(Conviction {
        origin: signer.origin,
        lines: vec![signature, line("contradiction", fraud.to_string())],
        fraud,
        not_shown: NOT_SHOWN.to_vec(),
    })
}

const fn check_of(error: &FraudError) -> &'static str {
    match error {
        FraudError::Checkpoint(_) => "signature",
        FraudError::Tree { .. } => "inclusion",
        FraudError::Leaf { .. } => "leaf",
        FraudError::Said(_) => "head",
        FraudError::NoContradiction { .. } => "contradiction",
    }
}

/// The error and its causes, in one line.
fn told(error: &FraudError) -> String {
    if matches!(
        error,
        FraudError::Checkpoint(CheckpointError::Note(NoteError::NoKnownSignature))
    ) {
        return "the key you brought did not sign it".to_owned();
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(found) = cause {
        text += ": ";
        text += &found.to_string();
        cause = found.source();
    }
    text
}
