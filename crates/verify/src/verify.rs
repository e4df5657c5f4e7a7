//! Checking an evidence bundle: from the auditor's key to the last record, one step resting on the one before.

use portbook_ledger::{
    Chain, ChainAuditor, Checkpoint, GrowthProof, Head, HeadProofText, Leaf, Seal, Size, TlogProof,
    leaf_hash,
    tree::{TileContent, TileId, TileWidth, verify_consistency, verify_inclusion},
};

use crate::bundle::{self, CHECKPOINT, CONSISTENCY, EARLIER, HEAD, Manifest, RANGE, SEAL};
use crate::entries::Entries;
use crate::files::Files;
use crate::memory::{self, Memory};
use crate::range::{RangeAuditor, RangeProof};
use crate::report::{Line, Refusal, Report, Subject};
use crate::shelf::Shelf;
use crate::trust::{Opened, Trust};

/// What a bundle cannot show.
const NOT_CHECKED: &[&str] = &[
    "that an event is true, or that everything that happened was published",
    "that the seal itself is honest: only who follows the whole log can tell (monitor, verifying witness, tiles)",
    "signatures of producers, and what the bodies of records mean",
    "README.txt, policy and the verifiers in the bundle: they are the exporter's word",
];

/// The records of a bundle, and what was found about them.
struct Checked {
    first: u64,
    last: u64,
    lines: Vec<Line>,
}

/// Checks the bundle in `files`. `progress` learns how many of how many records were read.
///
/// # Errors
/// [`Refusal`] names the first check that does not hold.
pub fn verify_bundle(
    files: &mut Files,
    trust: &Trust,
    memory: Option<&Memory>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(Report, Opened), Refusal> {
    let mut shelf = Shelf::new(files)?;
    let opened = trust.open("signature", &shelf.take(CHECKPOINT)?)?;
    if opened.chain.is_some() {
        return Err(Refusal::fault(
            "signature",
            "a bundle rests on a checkpoint of the whole ledger",
        ));
    }
    let mut lines = vec![Line {
        check: "signature",
        shows: format!("{} signed {} leaves", opened.log_key.id(), opened.checkpoint.size),
    }];
    let (line, not_after_s) = trust.quorum(&opened)?;
    lines.push(line);
    let seal = check_seal(&shelf.take(SEAL)?, &opened)?;
    lines.push(Line {
        check: "seal",
        shows: format!("leaf {} seals {} chains", seal.covered_size, seal.chain_count),
    });
    let text = HeadProofText::parse(&shelf.take(HEAD)?).map_err(|error| Refusal::fault("head", error))?;
    let chain = text.chain;
    let head = text
        .proof
        .verify(&seal, chain)
        .map_err(|error| Refusal::fault("head", told(&error)))?;
    let checked = match head.copied() {
        Some(head) => check_records(&mut shelf, &opened, &head, progress)?,
        None => absent(chain),
    };
    lines.extend(checked.lines);
    let earlier = check_earlier(&mut shelf, trust, &opened)?;
    let count = head.map_or(0, |head| head.count.get());
    lines.push(shelf.close(Manifest {
        checkpoint: opened.checkpoint.clone(),
        chain,
        count,
        first: checked.first,
        last: checked.last,
        files: Vec::new(),
    })?);
    let remembered = memory.and_then(|memory| memory.recall(&opened));
    lines.push(memory::compare(&opened, remembered.as_ref(), earlier.as_ref())?);
    let report = Report {
        checkpoint: opened.checkpoint.clone(),
        note: opened.note.clone(),
        subject: Subject::Chain {
            chain,
            count,
            first: checked.first,
            last: checked.last,
        },
        lines,
        not_checked: NOT_CHECKED.to_vec(),
        not_after_s,
    };
    Ok((report, opened))
}

/// The seal the checkpoint ends with.
pub(crate) fn check_seal(file: &[u8], opened: &Opened) -> Result<Seal, Refusal> {
    const CHECK: &str = "seal";
    let fault = |reason: &str| Refusal::fault(CHECK, reason);
    let proof = TlogProof::parse(file).map_err(|error| Refusal::fault(CHECK, error))?;
    if proof.checkpoint != opened.note {
        return Err(fault("its proof is for another checkpoint"));
    }
    let leaf = proof
        .extra
        .ok_or_else(|| fault("its proof comes without the seal"))?;
    let Checkpoint { size, root, .. } = &opened.checkpoint;
    if size.last() != Some(proof.index) {
        return Err(fault("it is not the last leaf of the checkpoint"));
    }
    verify_inclusion(&leaf_hash(&leaf), proof.index, *size, &proof.hashes, root)
        .map_err(|error| Refusal::fault(CHECK, error))?;
    let seal = match Leaf::decode(&leaf) {
        Ok(Leaf::Seal(seal)) => seal,
        Ok(Leaf::Record(_)) => return Err(fault("the last leaf of the checkpoint is a record")),
        Err(error) => return Err(Refusal::fault(CHECK, error)),
    };
    if seal.covered_size != proof.index.size_before() || seal.stream_seq != proof.index.seq() {
        return Err(fault("it speaks about another size than its own place"));
    }
    if !seal.is_of(&opened.ledger) {
        return Err(fault("it is a seal of another log"));
    }
    Ok(seal)
}

fn absent(chain: Chain) -> Checked {
    Checked {
        first: 0,
        last: 0,
        lines: vec![Line {
            check: "absent",
            shows: format!(
                "{chain} has no records: its neighbours among the sealed heads are next to each other"
            ),
        }],
    }
}

/// All records of the chain, or the range of them that the bundle has.
fn check_records(
    shelf: &mut Shelf<'_>,
    opened: &Opened,
    head: &Head,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Checked, Refusal> {
    let range = shelf.take_if_there(RANGE)?;
    let range = range.map(|bytes| RangeProof::parse(&bytes)).transpose();
    match range.map_err(|error| Refusal::fault("range", error))? {
        None => check_all(shelf, opened, head, progress),
        Some(range) => check_range(shelf, opened, head, &range, progress),
    }
}

fn check_all(
    shelf: &mut Shelf<'_>,
    opened: &Opened,
    head: &Head,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Checked, Refusal> {
    let mut auditor = ChainAuditor::new(&opened.ledger, head.chain);
    let count = head.count.get();
    each_record(shelf, count, progress, &mut |leaf| {
        auditor
            .feed(leaf, leaf_hash(leaf))
            .map_err(|fault| Refusal::fault("chain", fault))
    })?;
    auditor
        .finish(Some(head))
        .map_err(|fault| Refusal::fault("complete", fault))?;
    let line = |check, shows| Line { check, shows };
    Ok(Checked {
        first: 1,
        last: count,
        lines: vec![
            line(
                "chain",
                format!("{count} records, genesis to head, 0 links broken"),
            ),
            line(
                "complete",
                "count, head and root are those of the seal: nothing is missing".to_owned(),
            ),
        ],
    })
}

fn check_range(
    shelf: &mut Shelf<'_>,
    opened: &Opened,
    head: &Head,
    range: &RangeProof,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Checked, Refusal> {
    let RangeProof { first, last, .. } = *range;
    if last > head.count.get() {
        let reason = format!(
            "{} has {} records, the range ends with {last}",
            head.chain, head.count
        );
        return Err(Refusal::fault("range", reason));
    }
    let mut auditor = RangeAuditor::new(&opened.ledger, head.chain, first);
    each_record(shelf, last - first + 1, progress, &mut |leaf| {
        auditor
            .feed(leaf)
            .map_err(|reason| Refusal::fault("chain", reason))
    })?;
    auditor
        .finish(range, head)
        .map_err(|reason| Refusal::fault("range", reason))?;
    let line = |check, shows| Line { check, shows };
    Ok(Checked {
        first,
        last,
        lines: vec![
            line(
                "chain",
                format!("records {first} to {last}, each the predecessor of the next"),
            ),
            line(
                "range",
                format!("the last is record {last} of {} in the sealed tree", head.count),
            ),
        ],
    })
}

/// Reads `count` records in order, file by file.
fn each_record(
    shelf: &mut Shelf<'_>,
    count: u64,
    progress: &mut dyn FnMut(u64, u64),
    take: &mut dyn FnMut(&[u8]) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let together = bundle::ENTRIES_TOGETHER;
    for index in 0..count.div_ceil(together) {
        let here = (count - index * together).min(together);
        let width = u16::try_from(here).ok().and_then(TileWidth::new);
        let name = bundle::entries_name(&TileId {
            content: TileContent::Entries,
            index,
            width: width.unwrap_or(TileWidth::FULL),
        });
        let bytes = shelf.take(&name)?;
        let mut read = 0_u64;
        for leaf in Entries::new(&bytes) {
            take(leaf.map_err(|error| Refusal::fault("files", format!("{name}: {error}")))?)?;
            read += 1;
        }
        if read != here {
            let reason = format!("{name} has {read} records, {here} belong there");
            return Err(Refusal::fault("files", reason));
        }
        progress(index * together + here, count);
    }
    Ok(())
}

/// The earlier checkpoint a bundle continues, if it has one.
fn check_earlier(
    shelf: &mut Shelf<'_>,
    trust: &Trust,
    opened: &Opened,
) -> Result<Option<Checkpoint>, Refusal> {
    const CHECK: &str = "append-only";
    let (earlier, proof) = match (shelf.take_if_there(EARLIER)?, shelf.take_if_there(CONSISTENCY)?) {
        (None, None) => return Ok(None),
        (Some(earlier), Some(proof)) => (earlier, proof),
        (Some(_), None) | (None, Some(_)) => {
            let reason = "an earlier checkpoint and a consistency proof come together";
            return Err(Refusal::incomplete(CHECK, reason));
        }
    };
    let earlier = trust.open(CHECK, &earlier)?;
    check_growth(CHECK, &earlier, opened, &proof)?;
    Ok(Some(earlier.checkpoint))
}

/// That the tree of `opened` begins with the tree of `earlier`.
pub(crate) fn check_growth(
    check: &'static str,
    earlier: &Opened,
    opened: &Opened,
    proof: &[u8],
) -> Result<(), Refusal> {
    let fault = |reason: &str| Refusal::fault(check, reason);
    let proof = GrowthProof::parse(proof).map_err(|error| Refusal::fault(check, error))?;
    if earlier.checkpoint.origin != opened.checkpoint.origin {
        return Err(fault("the earlier checkpoint is of another log"));
    }
    if proof.checkpoint != opened.note || proof.old != earlier.checkpoint.size {
        return Err(fault("the proof is for two other checkpoints"));
    }
    if earlier.checkpoint.size == opened.checkpoint.size && earlier.checkpoint.root != opened.checkpoint.root
    {
        let reason = format!("{} leaves were signed with two roots", opened.checkpoint.size);
        return Err(Refusal::fork(check, reason, &earlier.note, &opened.note));
    }
    let (old, new): (Size, Size) = (earlier.checkpoint.size, opened.checkpoint.size);
    let roots = (&earlier.checkpoint.root, &opened.checkpoint.root);
    verify_consistency(old, new, &proof.hashes, roots.0, roots.1)
        .map_err(|error| Refusal::fault(check, error))
}

/// An error and what caused it, in one line.
fn told(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
