//! The layers of verification, one on top of the other, as `portbook verify` has them.

use std::path::Path;

use portbook_audit::{Against, Depth, Rederived, Trust, Verified, verify};
use portbook_ledger::{Auditor, Index, Leaf, SignedRoot, leaf_hash};
use portbook_projector::difference;
use portbook_store::{LedgerDirectory, Store, StoreReader, Verdict};

use super::book::origin;
use super::world::{World, signer};

/// What an auditor looks at, each layer beside those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Layer {
    Chain,
    Checkpoint,
    Signatures,
    Statements,
    Stream,
    Remembered,
}

impl Layer {
    pub(crate) const ALL: &[Self] = &[
        Self::Chain,
        Self::Checkpoint,
        Self::Signatures,
        Self::Statements,
        Self::Stream,
        Self::Remembered,
    ];

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Chain => "chains and seals alone",
            Self::Checkpoint => "+ signed checkpoint",
            Self::Signatures => "+ producers' signatures",
            Self::Statements => "+ statements of sources",
            Self::Stream => "+ the stream",
            Self::Remembered => "+ a remembered checkpoint",
        }
    }
}

/// The first layer that does not find everything in order.
pub(crate) fn first_layer(world: &World) -> Option<Layer> {
    if !chains_hold(world) {
        return Some(Layer::Chain);
    }
    let directory = tempfile::tempdir().unwrap();
    let ledger = LedgerDirectory::at(directory.path().join("ledger"));
    let store = written(world, &ledger, directory.path());
    let reader = store.reader();
    let Some(rederived) = verified(&reader, &ledger, &[]) else {
        return Some(Layer::Checkpoint);
    };
    if !signatures_hold(&rederived) {
        return Some(Layer::Signatures);
    }
    if rederived.sources.gap_count > 0 {
        return Some(Layer::Statements);
    }
    if !equals_stream(world) {
        return Some(Layer::Stream);
    }
    // As the command does before it verifies: an older tree than the one seen before is the past.
    let (published, seen) = (world.checkpoint.0.size, world.remembered);
    if published < seen.size || verified(&reader, &ledger, &[seen]).is_none() {
        return Some(Layer::Remembered);
    }
    None
}

fn written(world: &World, ledger: &LedgerDirectory, directory: &Path) -> Store {
    std::fs::create_dir_all(directory.join("ledger")).unwrap();
    let mut store = Store::create(&ledger.store()).unwrap();
    store.apply(world.commit()).unwrap();
    ledger.create().unwrap();
    let (root, note) = &world.checkpoint;
    ledger.note_signing(root).unwrap();
    ledger.publish_checkpoint(root.size, note).unwrap();
    store
}

/// What someone can see who has nothing but the leaves.
fn chains_hold(world: &World) -> bool {
    let mut auditor = Auditor::new(&origin(), []);
    let fed = world
        .leaves
        .iter()
        .try_for_each(|leaf| auditor.feed(leaf, leaf_hash(leaf)));
    fed.is_ok() && auditor.finish().is_ok()
}

/// What deriving everything again found, when the ledger is the signed one.
fn verified(reader: &StoreReader, ledger: &LedgerDirectory, remembered: &[SignedRoot]) -> Option<Rederived> {
    let trust = Trust {
        origin: origin(),
        log_key: signer().verifier().clone(),
        remembered: remembered.to_vec(),
    };
    let verified = verify(
        reader,
        ledger,
        &trust,
        Against::Newest,
        Depth::Everything,
        &mut |_, _| {},
    );
    match verified {
        Ok(Verified::Holds(verification)) => verification.rederived,
        Ok(Verified::Faulty { .. }) | Err(_) => None,
    }
}

/// Every event validly signed, and every record where its message belongs.
fn signatures_hold(rederived: &Rederived) -> bool {
    let counts = &rederived.signatures;
    let all: u64 = counts.by_verdict.values().sum();
    rederived.misplaced.is_none() && counts.of(Verdict::Valid) == all && counts.contested == 0
}

fn equals_stream(world: &World) -> bool {
    world.leaves.len() == world.stream.len()
        && (0..)
            .zip(&world.leaves)
            .zip(&world.stream)
            .all(|((index, leaf), message)| {
                let leaf = Leaf::decode(leaf).unwrap();
                Index::new(index).is_some() && difference(&leaf, message).is_none()
            })
}
