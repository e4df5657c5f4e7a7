//! Part of a chain: consecutive records, the last of which is proven to be in the chain's own tree.

use std::fmt;

use portbook_ledger::{
    Chain, Hash, Head, Index, InvalidProofText, Leaf, Origin, Size, genesis, leaf_hash,
    tree::verify_inclusion,
};

const LABEL: &str = "portbook/range-proof@v1";

/// Which records of a chain there are, and that the last of them is one of the chain; shown as its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeProof {
    /// Position of the first, from 1.
    pub first: u64,
    /// Position of the last.
    pub last: u64,
    /// RFC 6962 inclusion proof of the last in the chain's own tree.
    pub hashes: Vec<Hash>,
}

/// Checks consecutive records of a chain, fed in order.
#[derive(Debug)]
pub struct RangeAuditor {
    chain: Chain,
    genesis: Hash,
    first: u64,
    next: u64,
    newest: Option<(Index, Hash)>,
}

impl RangeProof {
    /// Reads a range; nothing in it is verified by this. What is read is shown as the same bytes again.
    ///
    /// # Errors
    /// [`InvalidProofText`] names the first line that is not as the format says.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidProofText> {
        let text = String::from_utf8_lossy(bytes.get(..8192).unwrap_or(bytes));
        let mut lines = text.split_inclusive('\n');
        let mut number = 0;
        let mut read = |expected| {
            number += 1;
            let line = lines.next().unwrap_or_default();
            let refused = InvalidProofText {
                line: number,
                expected,
                found: line.chars().take(80).collect(),
            };
            line.strip_suffix('\n').map(str::to_owned).ok_or(refused)
        };
        let label = read(LABEL)?;
        let first = read("first and a position")?;
        let last = read("last and a position")?;
        let mut range = Self {
            first: number_after(&first, "first ").unwrap_or(0),
            last: number_after(&last, "last ").unwrap_or(0),
            hashes: Vec::new(),
        };
        while let Ok(line) = read("the base64 of a hash") {
            range.hashes.extend(Hash::from_base64(&line));
        }
        // Whatever was misread above shows in what it is written as.
        let fits = label == LABEL && 1 <= range.first && range.first <= range.last;
        if fits && range.to_string().as_bytes() == bytes {
            Ok(range)
        } else {
            Err(InvalidProofText {
                line: 1,
                expected: "a range proof of two positions and hashes",
                found: text.chars().take(80).collect(),
            })
        }
    }
}

impl fmt::Display for RangeProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{LABEL}\nfirst {}\nlast {}", self.first, self.last)?;
        self.hashes
            .iter()
            .try_for_each(|hash| writeln!(f, "{}", hash.to_base64()))
    }
}

impl RangeAuditor {
    /// A check of the records of `chain` from position `first` on.
    #[must_use]
    pub fn new(origin: &Origin, chain: Chain, first: u64) -> Self {
        Self {
            chain,
            genesis: genesis(origin, chain),
            first,
            next: first,
            newest: None,
        }
    }

    /// Reads the next record.
    ///
    /// # Errors
    /// What does not fit, in words.
    pub fn feed(&mut self, leaf: &[u8]) -> Result<(), String> {
        let at = self.next;
        let fail = |what: String| Err(format!("{} record {at}: {what}", self.chain));
        let record = match Leaf::decode(leaf) {
            Ok(Leaf::Record(record)) => record,
            Ok(Leaf::Seal(_)) => return fail("a seal is not a record".to_owned()),
            Err(error) => return fail(error.to_string()),
        };
        let index = record.stream_seq.index();
        if record.chain != self.chain {
            return fail(format!("it belongs to {}", record.chain));
        }
        if record.chain_seq.get() != at {
            return fail(format!("port_seq is {}", record.chain_seq));
        }
        if record.refers_to.is_some_and(|original| original >= index) {
            return fail("it refers to a later leaf".to_owned());
        }
        match self.newest {
            Some((_, hash)) if record.prev_hash != hash => {
                return fail(format!(
                    "it commits to predecessor {}, the predecessor hashes to {hash}",
                    record.prev_hash
                ));
            }
            Some((previous, _)) if record.prev_index != Some(previous) => {
                return fail("prev_index is not its predecessor's".to_owned());
            }
            Some((previous, _)) if index <= previous => {
                return fail(format!("leaf {index} does not come after leaf {previous}"));
            }
            None if self.first == 1 && record.prev_hash != self.genesis => {
                return fail("it does not link to the genesis of this log and chain".to_owned());
            }
            Some(_) | None => {}
        }
        self.newest = Some((index, leaf_hash(leaf)));
        self.next = at.saturating_add(1);
        Ok(())
    }

    /// Compares the last record with the head of its chain.
    ///
    /// # Errors
    /// What does not fit, in words.
    pub fn finish(self, range: &RangeProof, head: &Head) -> Result<(), String> {
        let read = self.next.saturating_sub(1);
        if read != range.last {
            return Err(format!(
                "the last record is {read}, the range ends with {}",
                range.last
            ));
        }
        let newest = self.newest.zip(range.last.checked_sub(1).and_then(Index::new));
        let Some(((index, hash), place)) = newest else {
            return Err("a range has at least one record".to_owned());
        };
        if index > head.head_index {
            return Err(format!(
                "leaf {index} comes after the newest record, leaf {}",
                head.head_index
            ));
        }
        let count = Size::new(head.count.get());
        verify_inclusion(&hash, place, count, &range.hashes, &head.chain_root)
            .map_err(|error| error.to_string())
    }
}

fn number_after(line: &str, prefix: &str) -> Option<u64> {
    line.strip_prefix(prefix)?.parse().ok()
}
