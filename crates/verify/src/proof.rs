//! Checking single proofs: one leaf in a log, one tree in a larger one.

use portbook_ledger::{TlogProof, leaf_hash, tree::verify_inclusion};

use crate::report::{Line, Refusal, Report, Subject};
use crate::trust::{Opened, Trust};
use crate::verify::check_growth;

const NOT_CHECKED: &[&str] = &[
    "that the record is true, or what is recorded beside it",
    "that others are shown the same log: a proof says nothing about growth since its checkpoint",
];

/// Checks that `leaf` is in the log whose checkpoint the C2SP tlog-proof `proof` carries. Of a seal's proof the leaf may be
/// left out: it is in the proof.
///
/// # Errors
/// [`Refusal`] names the check that does not hold.
pub fn verify_proof(proof: &[u8], leaf: Option<&[u8]>, trust: &Trust) -> Result<(Report, Opened), Refusal> {
    let proof = TlogProof::parse(proof).map_err(|error| Refusal::fault("proof", error))?;
    let opened = trust.open("signature", proof.checkpoint.as_bytes())?;
    let mut lines = vec![Line {
        check: "signature",
        shows: format!(
            "{} signed {} leaves",
            opened.checkpoint.origin, opened.checkpoint.size
        ),
    }];
    let not_after_s = witnessed(trust, &opened, &mut lines)?;
    let Some(leaf) = leaf.or(proof.extra.as_deref()) else {
        let reason = "the proof is about a record that you did not give: --leaf FILE";
        return Err(Refusal::incomplete("inclusion", reason));
    };
    let hash = leaf_hash(leaf);
    let (size, root) = (opened.checkpoint.size, opened.checkpoint.root);
    verify_inclusion(&hash, proof.index, size, &proof.hashes, &root)
        .map_err(|error| Refusal::fault("inclusion", error))?;
    lines.push(Line {
        check: "inclusion",
        shows: format!("leaf {} is {hash}", proof.index),
    });
    let report = Report {
        checkpoint: opened.checkpoint.clone(),
        note: opened.note.clone(),
        subject: Subject::Leaf {
            index: proof.index.get(),
            hash,
        },
        lines,
        not_checked: NOT_CHECKED.to_vec(),
        not_after_s,
    };
    Ok((report, opened))
}

/// Checks that the tree of the checkpoint in `proof`, the body of a C2SP add-checkpoint request, begins with that of `earlier`.
///
/// # Errors
/// [`Refusal`] names the check that does not hold.
pub fn verify_growth(proof: &[u8], earlier: &[u8], trust: &Trust) -> Result<(Report, Opened), Refusal> {
    let note = portbook_ledger::GrowthProof::parse(proof).map_err(|error| Refusal::fault("proof", error))?;
    let opened = trust.open("signature", note.checkpoint.as_bytes())?;
    let mut lines = vec![Line {
        check: "signature",
        shows: format!(
            "{} signed {} leaves",
            opened.checkpoint.origin, opened.checkpoint.size
        ),
    }];
    let not_after_s = witnessed(trust, &opened, &mut lines)?;
    let earlier = trust.open("append-only", earlier)?;
    check_growth("append-only", &earlier, &opened, proof)?;
    let old = earlier.checkpoint.size;
    lines.push(Line {
        check: "append-only",
        shows: format!("continues the signed tree of {old} leaves"),
    });
    let report = Report {
        checkpoint: opened.checkpoint.clone(),
        note: opened.note.clone(),
        subject: Subject::Growth { old: old.get() },
        lines,
        not_checked: NOT_CHECKED.to_vec(),
        not_after_s,
    };
    Ok((report, opened))
}

/// A chain's own checkpoint has no witnesses: the seal under a cosigned checkpoint commits to the same head.
fn witnessed(trust: &Trust, opened: &Opened, lines: &mut Vec<Line>) -> Result<Option<u64>, Refusal> {
    if opened.chain.is_some() {
        lines.push(Line {
            check: "witnesses",
            shows: "none: the checkpoint of a port is the log's word alone".to_owned(),
        });
        return Ok(None);
    }
    let (line, not_after_s) = trust.quorum(opened)?;
    lines.push(line);
    Ok(not_after_s)
}
