//! Auditing a whole log: every leaf in order, every chain, every seal, every signed root.

use std::collections::BTreeMap;

use super::{
    dispute::Dispute,
    event_set::EventSet,
    fault::{Check, Fault, Voucher},
    suspicion::Suspicion,
    tip::Tip,
};
use crate::{
    chain::{Chain, Origin, genesis},
    hash::Hash,
    head::{Head, heads_root},
    leaf::Leaf,
    position::{Index, Size},
    record::{Record, RecordKind},
    seal::Seal,
    signed_log::SignedRoot,
    tree::{Frontier, leaf_hash},
};

/// Checks the leaves of a log, fed in order from the first.
///
/// Checked per leaf: that it decodes and its `stream_seq` is its index + 1. Per record: that it continues its chain in
/// `port_seq`, `prev_index` and `prev_hash` from the genesis of this log and chain, and that what it refers to is an earlier
/// event. Per seal: `covered_size`, origin, `prev_seal`, `port_count`, and `heads_root` derived again from the leaves. At
/// every signed size: the root.
///
/// When what was read shows that something was changed but not yet what, reading goes on until later records have spoken
/// for every chain, so that the fault names the first bad leaf.
#[derive(Debug)]
pub struct Auditor {
    origin: Origin,
    origin_hash: Hash,
    tree: Frontier,
    tips: BTreeMap<Chain, Tip>,
    events: EventSet,
    prev_seal: Option<Index>,
    /// Signed roots not reached yet, the smallest size last.
    signed: Vec<SignedRoot>,
    reproduced: Option<SignedRoot>,
    suspicion: Option<Suspicion>,
    fault: Option<Fault>,
}

/// What an audited log amounts to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogVerdict {
    /// Leaves read.
    pub size: Size,
    /// Root over them.
    pub root: Hash,
    /// The largest signed root that was reproduced; leaves beyond it are vouched for by nothing outside the log.
    pub reproduced: Option<SignedRoot>,
    /// The newest seal.
    pub last_seal: Option<Index>,
    /// Every chain's head, sorted by raw name.
    pub heads: Vec<Head>,
}

impl Auditor {
    /// An audit of the log `origin` that has read nothing; `signed` are roots to be reproduced, from checkpoints or a signed
    /// log that the auditor trusts.
    #[must_use]
    pub fn new(origin: &Origin, signed: impl IntoIterator<Item = SignedRoot>) -> Self {
        let mut signed: Vec<SignedRoot> = signed.into_iter().collect();
        signed.sort_by_key(|root| std::cmp::Reverse(root.size));
        Self {
            origin: origin.clone(),
            origin_hash: origin.hash(),
            tree: Frontier::new(),
            tips: BTreeMap::new(),
            events: EventSet::default(),
            prev_seal: None,
            signed,
            reproduced: None,
            suspicion: None,
            fault: None,
        }
    }

    /// Reads the next leaf. `hash` must be [`leaf_hash`] of `leaf`; it is passed in so that callers can hash on several
    /// threads.
    ///
    /// # Errors
    /// The first [`Fault`], possibly some leaves later: see [`Auditor`]. After a fault every call returns it again.
    pub fn feed(&mut self, leaf: &[u8], hash: Hash) -> Result<(), Fault> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let read = self.compare_roots().and_then(|()| self.read(leaf, hash));
        read.map_err(|fault| self.conclude(fault))
    }

    /// Reads the next leaf and compares it with the leaf hash in a tile. The tiles must be known to lead to a signed root,
    /// for then a difference names the bad leaf beyond doubt.
    ///
    /// # Errors
    /// The first [`Fault`], as [`Auditor::feed`].
    pub fn feed_committed(&mut self, leaf: &[u8], hash: Hash, committed: Hash) -> Result<(), Fault> {
        if hash == committed || self.suspicion.is_some() || self.fault.is_some() {
            return self.feed(leaf, hash);
        }
        let fault = Fault::at(
            self.next_index(),
            Check::LeafHash {
                computed: hash,
                committed,
                by: Voucher::Tile,
            },
        );
        Err(self.conclude(match Leaf::decode(leaf) {
            Ok(Leaf::Record(record)) => fault.in_chain(record.chain, record.chain_seq),
            Ok(Leaf::Seal(_)) | Err(_) => fault,
        }))
    }

    /// Number of leaves read.
    #[must_use]
    pub const fn size(&self) -> Size {
        self.tree.size()
    }

    /// Root over the leaves read.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.tree.root()
    }

    /// Ends the audit: there are no more leaves.
    ///
    /// # Errors
    /// The first [`Fault`]; leaves that were signed and are not there are one.
    pub fn finish(mut self) -> Result<LogVerdict, Fault> {
        self.settle()
    }

    /// What the log amounts to if it ends here, for an audit that goes on when it has grown.
    ///
    /// # Errors
    /// As [`Auditor::finish`]. After a fault nothing goes on.
    pub fn settle(&mut self) -> Result<LogVerdict, Fault> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        if let Some(suspicion) = self.suspicion.take() {
            return Err(self.conclude(suspicion.outcome()));
        }
        self.compare_roots().map_err(|fault| self.conclude(fault))?;
        if let Some(missing) = self.signed.first() {
            let check = Check::Missing {
                signed: missing.size,
                found: self.tree.size(),
            };
            return Err(self.conclude(Fault::at(self.next_index(), check)));
        }
        Ok(LogVerdict {
            size: self.tree.size(),
            root: self.tree.root(),
            reproduced: self.reproduced,
            last_seal: self.prev_seal,
            heads: self.heads().collect(),
        })
    }

    fn conclude(&mut self, fault: Fault) -> Fault {
        let fault = Fault {
            last_good_size: self.reproduced.map(|root| root.size),
            ..fault
        };
        self.fault.insert(fault).clone()
    }

    fn next_index(&self) -> Index {
        self.tree.size().next_index().unwrap_or(Index::FIRST)
    }

    fn heads(&self) -> impl Iterator<Item = Head> + '_ {
        self.tips.iter().map(|(chain, tip)| tip.head(*chain))
    }

    /// Compares the root whenever a signed size is reached. A suspicion says more than the root it spoils.
    fn compare_roots(&mut self) -> Result<(), Fault> {
        while let Some(signed) = self.signed.pop_if(|next| next.size <= self.tree.size()) {
            if self.suspicion.is_some() {
                continue;
            }
            let computed = self.tree.root();
            if computed != signed.root {
                let first = self.reproduced.map_or(Index::FIRST, |root| {
                    root.size.next_index().unwrap_or(Index::FIRST)
                });
                let last = signed.size.last().unwrap_or(Index::FIRST);
                let check = Check::Root {
                    size: signed.size,
                    computed,
                    signed: signed.root,
                };
                return Err(Fault::at(last, check).since(first.min(last)));
            }
            self.reproduced = Some(signed);
        }
        Ok(())
    }

    fn read(&mut self, bytes: &[u8], hash: Hash) -> Result<(), Fault> {
        let index = self.next_index();
        let leaf = Leaf::decode(bytes);
        match (&mut self.suspicion, leaf) {
            (None, Ok(Leaf::Record(record))) => self.read_record(index, &record, bytes, hash),
            (None, Ok(Leaf::Seal(seal))) => self.read_seal(index, &seal),
            (None, Err(error)) => self.suspect(Fault::at(index, Check::Leaf(error)), None),
            (Some(suspicion), Ok(Leaf::Record(record))) => {
                suspicion.hear_record(&mut self.tips, index, &record, hash);
            }
            (Some(suspicion), Ok(Leaf::Seal(seal))) => suspicion.hear_seal(&self.tips, &seal),
            (Some(_), Err(_)) => {}
        }
        self.tree.push(hash);
        match self.suspicion.take_if(|suspicion| suspicion.is_settled()) {
            Some(suspicion) => Err(suspicion.outcome()),
            None => Ok(()),
        }
    }

    fn read_record(&mut self, index: Index, record: &Record<'_>, bytes: &[u8], hash: Hash) {
        let fault = |check| Fault::at(index, check).in_chain(record.chain, record.chain_seq);
        if let Some(check) = self.misplaced(index, record) {
            let mut suspicion = Suspicion::open(fault(check), None, &mut self.tips);
            // Whatever is wrong with this record, it still speaks about its predecessor.
            suspicion.hear_record(&mut self.tips, index, record, hash);
            self.suspicion = Some(suspicion);
            return;
        }
        if record.kind == RecordKind::Event {
            self.events.insert(index);
        }
        match self.tips.get_mut(&record.chain) {
            Some(tip) if record.prev_hash == tip.hash => tip.advance(index, hash),
            Some(tip) if tip.sealed => {
                let check = Check::PrevHash {
                    expected: tip.hash,
                    found: record.prev_hash,
                };
                tip.advance(index, hash);
                self.suspect(fault(check), None);
            }
            Some(tip) => {
                let dispute = Dispute::open(tip, record, index, bytes, hash);
                self.suspect(dispute.undecided(), Some(dispute));
            }
            None => {
                let expected = genesis(&self.origin, record.chain);
                self.tips.insert(record.chain, Tip::first(index, hash));
                if record.prev_hash != expected {
                    self.suspect(
                        fault(Check::PrevHash {
                            expected,
                            found: record.prev_hash,
                        }),
                        None,
                    );
                }
            }
        }
    }

    /// What is wrong with where the record stands and what it refers to, not looking at hashes.
    fn misplaced(&self, index: Index, record: &Record<'_>) -> Option<Check> {
        if record.stream_seq != index.seq() {
            return Some(Check::StreamSeq {
                expected: index.seq(),
                found: record.stream_seq,
            });
        }
        if let Some(check) = Tip::misplaced(self.tips.get(&record.chain), record) {
            return Some(check);
        }
        match record.refers_to {
            Some(found) if found >= index => Some(Check::RefersForward { found }),
            Some(found) if !self.events.contains(found) => Some(Check::RefersToNoEvent { found }),
            Some(_) | None => None,
        }
    }

    fn read_seal(&mut self, index: Index, seal: &Seal) {
        if let Some(check) = self.wrong_in(index, seal) {
            return self.suspect(Fault::at(index, check), None);
        }
        let heads: Vec<Head> = self.heads().collect();
        // The heads come out of a sorted map, so they have a root.
        let expected = heads_root(&heads).unwrap_or(Hash::ZERO);
        if expected == seal.heads_root {
            self.tips.values_mut().for_each(|tip| tip.sealed = true);
            self.prev_seal = Some(index);
            return;
        }
        let fault = Fault::at(
            index,
            Check::HeadsRoot {
                expected,
                found: seal.heads_root,
            },
        );
        if self.was_signed_as(&Seal {
            heads_root: expected,
            ..*seal
        }) {
            return self.suspect(fault, None);
        }
        let first = self.prev_seal.and_then(Index::next).unwrap_or(Index::FIRST);
        self.suspect(fault.since(first), None);
    }

    fn wrong_in(&self, index: Index, seal: &Seal) -> Option<Check> {
        let chain_count = u64::try_from(self.tips.len()).unwrap_or(u64::MAX);
        if seal.stream_seq != index.seq() {
            Some(Check::StreamSeq {
                expected: index.seq(),
                found: seal.stream_seq,
            })
        } else if seal.covered_size != index.size_before() {
            Some(Check::CoveredSize {
                expected: index.size_before(),
                found: seal.covered_size,
            })
        } else if seal.origin_hash != self.origin_hash {
            Some(Check::SealOrigin {
                expected: self.origin_hash,
                found: seal.origin_hash,
            })
        } else if seal.prev_seal != self.prev_seal {
            Some(Check::PrevSeal {
                expected: self.prev_seal,
                found: seal.prev_seal,
            })
        } else if seal.chain_count != chain_count {
            Some(Check::ChainCount {
                expected: chain_count,
                found: seal.chain_count,
            })
        } else {
            None
        }
    }

    /// Whether a root was signed that fits all leaves before and `seal` in the next place.
    fn was_signed_as(&self, seal: &Seal) -> bool {
        let mut tree = self.tree.clone();
        tree.push(leaf_hash(&seal.encode()));
        self.signed
            .last()
            .is_some_and(|signed| signed.size == tree.size() && signed.root == tree.root())
    }

    fn suspect(&mut self, fault: Fault, dispute: Option<Dispute>) {
        self.suspicion = Some(Suspicion::open(fault, dispute, &mut self.tips));
    }
}
