//! Proofs that a log lied: two checkpoints that cannot both be true, or a seal that contradicts the leaves beside it.
//!
//! A proof is a file that convinces whoever has the log's public key and nothing else. Its layout is in
//! `docs/witness.md`.

mod layout;

use std::fmt;

use crate::{
    chain::{Chain, Origin},
    checkpoint::{Checkpoint, CheckpointError, OpenedCheckpoint},
    hash::Hash,
    head::{HeadPath, HeadProof, HeadProofError},
    key::VerifierKey,
    leaf::{Leaf, LeafError},
    position::{Index, Size},
    record::Record,
    seal::Seal,
    tree::{ProofError, leaf_hash, verify_consistency, verify_inclusion},
};

pub use layout::{FRAUD_BYTES_MAX, InvalidFraudFile};

/// What is claimed about a log, with all that is needed to check it; shown as the bytes of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FraudProof {
    /// Two signed trees of which neither is the beginning of the other.
    Fork {
        /// The smaller tree's checkpoint, as it was published.
        smaller: Vec<u8>,
        /// The larger tree's checkpoint.
        larger: Vec<u8>,
        /// What the larger tree really begins with, as many leaves as the smaller has.
        beginning: Hash,
        /// Consistency proof from `beginning` to the larger tree; empty when the sizes are equal.
        proof: Vec<Hash>,
    },
    /// A smaller tree that was served after a larger one.
    Rollback {
        /// The larger tree's checkpoint, seen first.
        before: Vec<u8>,
        /// The smaller tree's checkpoint, seen later.
        after: Vec<u8>,
    },
    /// A seal that says of a chain what the leaves below the same root contradict.
    FalseSeal {
        /// A checkpoint that covers seal and record.
        checkpoint: Vec<u8>,
        /// The seal.
        seal: CoveredLeaf,
        /// What the seal says about the chain.
        said: Box<HeadProof>,
        /// The record that contradicts it.
        record: CoveredLeaf,
    },
}

/// A leaf and the proof that a signed tree has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoveredLeaf {
    /// Its place.
    pub index: Index,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its inclusion proof.
    pub proof: Vec<Hash>,
}

/// What a proof shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fraud {
    /// The log signed two histories.
    Fork {
        /// Leaves of the smaller tree.
        smaller: Size,
        /// Leaves of the larger tree.
        larger: Size,
        /// Root that was signed for the smaller.
        signed: Hash,
        /// Root the larger has at that size.
        beginning: Hash,
    },
    /// The log signed both; that the smaller was served later rests on the word of whoever made the file.
    Rollback {
        /// Leaves seen first.
        before: Size,
        /// Leaves seen later.
        after: Size,
    },
    /// The seal has an older head than a record that it covers: it hides that record.
    HiddenRecord {
        /// The seal.
        seal: Index,
        /// The chain.
        chain: Chain,
        /// The head that the seal has.
        head: Index,
        /// The record behind it.
        record: Index,
    },
    /// The seal has no head for a chain of which it covers a record: it hides the whole chain.
    HiddenChain {
        /// The seal.
        seal: Index,
        /// The chain.
        chain: Chain,
        /// A record of it.
        record: Index,
    },
    /// The head that the seal has is not what the leaf at its place says.
    FalseHead {
        /// The seal.
        seal: Index,
        /// The chain.
        chain: Chain,
        /// The leaf.
        leaf: Index,
    },
}

/// Why a file proves nothing against the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FraudError {
    /// A checkpoint was not signed by this log.
    #[error("a checkpoint in it does not hold")]
    Checkpoint(#[from] CheckpointError),
    /// A leaf or a beginning is not in the signed tree.
    #[error("the {what} is not in the signed tree")]
    Tree {
        /// Seal, record or beginning.
        what: &'static str,
        /// Why its proof does not hold.
        #[source]
        source: ProofError,
    },
    /// A leaf is not what it should be.
    #[error("leaf {index} is no {expected}")]
    Leaf {
        /// Which.
        index: Index,
        /// Seal or record.
        expected: &'static str,
        /// Why it is not even a leaf.
        #[source]
        source: Option<LeafError>,
    },
    /// The seal does not say of the chain what the file says it does.
    #[error("the seal does not say that")]
    Said(#[from] HeadProofError),
    /// Everything in it is genuine, and nothing in it contradicts anything else.
    #[error("there is no contradiction: {why}")]
    NoContradiction {
        /// How it fits together.
        why: &'static str,
    },
}

impl FraudProof {
    /// The first checkpoint in it, as it was served: it names the log that the proof is about.
    #[must_use]
    pub fn first_checkpoint(&self) -> &[u8] {
        match self {
            Self::Fork { smaller: first, .. }
            | Self::Rollback { before: first, .. }
            | Self::FalseSeal {
                checkpoint: first, ..
            } => first,
        }
    }

    /// What this proves against the log `origin` with `log_key`.
    ///
    /// # Errors
    /// [`FraudError`] says why it proves nothing.
    pub fn verify(&self, origin: &Origin, log_key: &VerifierKey) -> Result<Fraud, FraudError> {
        let open =
            |note: &[u8]| Ok::<_, FraudError>(OpenedCheckpoint::open(note, origin, log_key, &[])?.checkpoint);
        match self {
            Self::Fork {
                smaller,
                larger,
                beginning,
                proof,
            } => fork(&open(smaller)?, &open(larger)?, *beginning, proof),
            Self::Rollback { before, after } => rollback(&open(before)?, &open(after)?),
            Self::FalseSeal {
                checkpoint,
                seal,
                said,
                record,
            } => false_seal(&open(checkpoint)?, seal, said, record),
        }
    }
}

fn fork(
    smaller: &Checkpoint,
    larger: &Checkpoint,
    beginning: Hash,
    proof: &[Hash],
) -> Result<Fraud, FraudError> {
    if smaller.size > larger.size {
        return Err(FraudError::NoContradiction {
            why: "the checkpoint said to be the smaller one is the larger one",
        });
    }
    verify_consistency(smaller.size, larger.size, proof, &beginning, &larger.root).map_err(|source| {
        FraudError::Tree {
            what: "beginning",
            source,
        }
    })?;
    if beginning == smaller.root {
        return Err(FraudError::NoContradiction {
            why: "the larger tree begins with the smaller one",
        });
    }
    Ok(Fraud::Fork {
        smaller: smaller.size,
        larger: larger.size,
        signed: smaller.root,
        beginning,
    })
}

fn rollback(before: &Checkpoint, after: &Checkpoint) -> Result<Fraud, FraudError> {
    if after.size >= before.size {
        return Err(FraudError::NoContradiction {
            why: "the checkpoint seen later is not smaller",
        });
    }
    Ok(Fraud::Rollback {
        before: before.size,
        after: after.size,
    })
}

fn false_seal(
    checkpoint: &Checkpoint,
    seal: &CoveredLeaf,
    said: &HeadProof,
    record: &CoveredLeaf,
) -> Result<Fraud, FraudError> {
    seal.check("seal", checkpoint)?;
    record.check("record", checkpoint)?;
    let content = seal.seal()?;
    if record.index.get() >= content.covered_size.get() {
        return Err(FraudError::NoContradiction {
            why: "the seal does not speak about that leaf",
        });
    }
    let HeadProof::Present(HeadPath { head, .. }) = said else {
        let chain = record.record()?.chain;
        said.verify(&content, chain)?;
        return Ok(Fraud::HiddenChain {
            seal: seal.index,
            chain,
            record: record.index,
        });
    };
    said.verify(&content, head.chain)?;
    if record.index == head.head_index {
        let agrees = record.record().is_ok_and(|found| {
            found.chain == head.chain
                && found.chain_seq.get() == head.count.get()
                && leaf_hash(&record.bytes) == head.head_hash
        });
        if agrees {
            return Err(FraudError::NoContradiction {
                why: "the seal has that very record as its head",
            });
        }
        return Ok(Fraud::FalseHead {
            seal: seal.index,
            chain: head.chain,
            leaf: record.index,
        });
    }
    if record.record()?.chain != head.chain {
        return Err(FraudError::NoContradiction {
            why: "record and head are of different chains",
        });
    }
    if record.index < head.head_index {
        return Err(FraudError::NoContradiction {
            why: "the record is older than the head",
        });
    }
    Ok(Fraud::HiddenRecord {
        seal: seal.index,
        chain: head.chain,
        head: head.head_index,
        record: record.index,
    })
}

impl CoveredLeaf {
    fn check(&self, what: &'static str, checkpoint: &Checkpoint) -> Result<(), FraudError> {
        verify_inclusion(
            &leaf_hash(&self.bytes),
            self.index,
            checkpoint.size,
            &self.proof,
            &checkpoint.root,
        )
        .map_err(|source| FraudError::Tree { what, source })
    }

    fn seal(&self) -> Result<Seal, FraudError> {
        let other = |source| FraudError::Leaf {
            index: self.index,
            expected: "seal",
            source,
        };
        match Leaf::decode(&self.bytes) {
            Ok(Leaf::Seal(seal)) => Ok(seal),
            Ok(Leaf::Record(_)) => Err(other(None)),
            Err(error) => Err(other(Some(error))),
        }
    }

    fn record(&self) -> Result<Record<'_>, FraudError> {
        let other = |source| FraudError::Leaf {
            index: self.index,
            expected: "record",
            source,
        };
        match Leaf::decode(&self.bytes) {
            Ok(Leaf::Record(record)) => Ok(record),
            Ok(Leaf::Seal(_)) => Err(other(None)),
            Err(error) => Err(other(Some(error))),
        }
    }
}

impl Fraud {
    /// Whether the file alone convinces; of a rollback it shows only that both checkpoints are the log's.
    #[must_use]
    pub const fn is_conclusive(&self) -> bool {
        match self {
            Self::Fork { .. }
            | Self::HiddenRecord { .. }
            | Self::HiddenChain { .. }
            | Self::FalseHead { .. } => true,
            Self::Rollback { .. } => false,
        }
    }

    /// The kind in capitals, as it is told: `FORK`, `ROLLBACK` or `FALSE SEAL`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Fork { .. } => "FORK",
            Self::Rollback { .. } => "ROLLBACK",
            Self::HiddenRecord { .. } | Self::HiddenChain { .. } | Self::FalseHead { .. } => "FALSE SEAL",
        }
    }
}

impl fmt::Display for Fraud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fork {
                smaller,
                larger,
                signed,
                beginning,
            } => write!(
                f,
                "the log signed {signed} as the root of {smaller} leaves, and a tree of {larger} leaves whose first \
                 {smaller} have root {beginning}"
            ),
            Self::Rollback { before, after } => write!(
                f,
                "the log served a tree of {before} leaves and later one of {after}; that it was later is the word of \
                 whoever made this file"
            ),
            Self::HiddenRecord {
                seal,
                chain,
                head,
                record,
            } => write!(
                f,
                "the seal at leaf {seal} gives leaf {head} as the newest record of {chain}, but covers leaf {record}, a \
                 newer one"
            ),
            Self::HiddenChain { seal, chain, record } => write!(
                f,
                "the seal at leaf {seal} says that {chain} has no records, but covers leaf {record}, which is one"
            ),
            Self::FalseHead { seal, chain, leaf } => write!(
                f,
                "the seal at leaf {seal} gives leaf {leaf} as the newest record of {chain}, but not as it is"
            ),
        }
    }
}
