//! Lookups from hashed keys to leaf indexes: sorted runs, merged by size, with fences and filters in memory.
//!
//! A random-key insert per event is what makes sled slow and large; here a batch writes one sorted run, and eight runs
//! of one size class become one of the next. Merging stops at runs of about 260,000 entries, so that no commit ever
//! holds more than a few megabytes, however long the ledger.

use std::collections::BTreeMap;

use portbook_fold::LookupKey;
use sled::IVec;

use crate::bloom::Bloom;
use crate::key;
use crate::packed::CHUNK_BYTES_MAX;

/// `key || leaf index`, so that the order of bytes is the order of entries.
pub(crate) type Entry = [u8; 24];

/// As large as a chunk of leaves, for the same reason.
const BLOCK_ENTRIES_MAX: usize = CHUNK_BYTES_MAX / size_of::<Entry>();
const RUNS_PER_TIER: usize = 8;
/// Runs of this tier (32,768 entries and more) are merged no further than once.
const MERGED_TIER_MAX: u32 = 4;

/// An entry that leads from `key` to the leaf at `index`.
pub(crate) fn lookup_entry(key: &LookupKey, index: u64) -> Entry {
    let mut entry = [0; 24];
    let (head, tail) = entry.split_at_mut(16);
    head.copy_from_slice(key);
    tail.copy_from_slice(&index.to_be_bytes());
    entry
}

/// Whether a family's keys are looked up while it is written, and so need filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filters {
    Kept,
    None,
}

/// All runs of one family of lookups.
#[derive(Debug)]
pub(crate) struct Runs {
    prefix: Vec<u8>,
    filters: Filters,
    tiers: BTreeMap<u32, Vec<Run>>,
    next_id: u64,
}

#[derive(Debug)]
struct Run {
    id: u64,
    /// First key of each block.
    fences: Vec<LookupKey>,
    filter: Option<Bloom>,
}

impl Runs {
    /// Reads the fences and filters of what is stored.
    pub(crate) fn open(db: &sled::Db, family: u8, filters: Filters) -> sled::Result<Self> {
        let mut runs = Self {
            prefix: key::runs(family),
            filters,
            tiers: BTreeMap::new(),
            next_id: 0,
        };
        let mut blocks: Vec<IVec> = Vec::new();
        let mut current = None;
        for stored in db.scan_prefix(&runs.prefix) {
            let (at, block) = stored?;
            let id = at.get(..at.len().saturating_sub(8)).and_then(key::number_of);
            if id != current {
                runs.adopt(current, &blocks);
                blocks.clear();
                current = id;
            }
            blocks.push(block);
        }
        runs.adopt(current, &blocks);
        Ok(runs)
    }

    fn adopt(&mut self, id: Option<u64>, blocks: &[IVec]) {
        let Some(id) = id else { return };
        let count = blocks.iter().map(|block| block.len() / size_of::<Entry>()).sum();
        let entries = blocks.iter().flat_map(|block| entries_of(block));
        let run = Run {
            id,
            fences: fences_of(blocks),
            filter: self.filter_of(count, entries),
        };
        self.tier_mut(count).push(run);
        self.next_id = self.next_id.max(id + 1);
    }

    fn filter_of<'a>(&self, count: usize, entries: impl Iterator<Item = &'a [u8]>) -> Option<Bloom> {
        (self.filters == Filters::Kept).then(|| {
            let mut filter = Bloom::for_keys(count);
            entries
                .filter_map(<[u8]>::first_chunk::<16>)
                .for_each(|key| filter.insert(key));
            filter
        })
    }

    fn tier_mut(&mut self, entries: usize) -> &mut Vec<Run> {
        self.tiers.entry(tier_of(entries)).or_default()
    }

    /// Adds `entries` in any order, merging runs where a size class is full.
    pub(crate) fn add(
        &mut self,
        db: &sled::Db,
        mut entries: Vec<Entry>,
        batch: &mut sled::Batch,
    ) -> sled::Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        entries.sort_unstable();
        while tier_of(entries.len()) <= MERGED_TIER_MAX {
            let tier = self.tier_mut(entries.len());
            if tier.len() + 1 < RUNS_PER_TIER {
                break;
            }
            let full = std::mem::take(tier);
            for run in full {
                self.take_out(db, &run, &mut entries, batch)?;
            }
            // A stable sort joins runs that are sorted already in one pass.
            #[expect(
                clippy::stable_sort_primitive,
                reason = "only the stable sort sees that runs are sorted already"
            )]
            entries.sort();
        }
        self.write(&entries, batch);
        Ok(())
    }

    fn take_out(
        &self,
        db: &sled::Db,
        run: &Run,
        into: &mut Vec<Entry>,
        batch: &mut sled::Batch,
    ) -> sled::Result<()> {
        for stored in db.scan_prefix(key::numbered(&self.prefix, run.id)) {
            let (at, block) = stored?;
            into.extend(entries_of(&block).filter_map(|entry| <Entry>::try_from(entry).ok()));
            batch.remove(at);
        }
        Ok(())
    }

    fn write(&mut self, entries: &[Entry], batch: &mut sled::Batch) {
        let id = self.next_id;
        self.next_id += 1;
        let prefix = key::numbered(&self.prefix, id);
        let mut fences = Vec::new();
        for (number, block) in (0_u64..).zip(entries.chunks(BLOCK_ENTRIES_MAX)) {
            fences.extend(block.first().and_then(|entry| entry.first_chunk::<16>()));
            batch.insert(key::numbered(&prefix, number), block.as_flattened());
        }
        let filter = self.filter_of(entries.len(), entries.iter().map(<[u8; 24]>::as_slice));
        self.tier_mut(entries.len()).push(Run { id, fences, filter });
    }

    /// The smallest leaf index entered under `key`.
    pub(crate) fn first(&self, db: &sled::Db, key: &LookupKey) -> sled::Result<Option<u64>> {
        let mut first = None;
        for run in self.tiers.values().flatten() {
            if run.filter.as_ref().is_some_and(|filter| !filter.may_contain(key)) {
                continue;
            }
            let found = run.find(db, &self.prefix, key)?.into_iter().next();
            first = first.into_iter().chain(found).min();
        }
        Ok(first)
    }
}

impl Run {
    fn find(&self, db: &sled::Db, prefix: &[u8], key: &LookupKey) -> sled::Result<Vec<u64>> {
        let start = self.fences.partition_point(|fence| fence < key).saturating_sub(1);
        collect(
            db,
            &key::numbered(prefix, self.id),
            u64::try_from(start).unwrap_or(u64::MAX),
            key,
        )
    }
}

/// Every leaf index entered under `key`, read without any state in memory.
pub(crate) fn find_all(db: &sled::Db, family: u8, key: &LookupKey) -> sled::Result<Vec<u64>> {
    let prefix = key::runs(family);
    let mut found = Vec::new();
    let mut next_run = 0_u64;
    // Runs are few; one seek finds the next, a search by halves the block in it.
    while let Some(stored) = db.range(key::numbered(&prefix, next_run)..).next() {
        let (at, _) = stored?;
        let Some(id) = at
            .strip_prefix(prefix.as_slice())
            .and_then(|rest| rest.first_chunk::<8>())
        else {
            break;
        };
        let id = u64::from_be_bytes(*id);
        let run = key::numbered(&prefix, id);
        found.extend(collect(db, &run, start_block(db, &run, key)?, key)?);
        let Some(after) = id.checked_add(1) else { break };
        next_run = after;
    }
    found.sort_unstable();
    Ok(found)
}

/// The block of a run in which entries under `key` begin, if there are any.
fn start_block(db: &sled::Db, run: &[u8], key: &LookupKey) -> sled::Result<u64> {
    let last = db
        .range(run.to_vec()..=key::numbered(run, u64::MAX))
        .next_back()
        .transpose()?;
    let (mut low, mut high) = (
        0,
        last.and_then(|(at, _)| key::number_of(&at))
            .map_or(0, |last| last + 1),
    );
    while low < high {
        let middle = low.midpoint(high);
        let block = db.get(key::numbered(run, middle))?;
        if block.is_some_and(|block| block.as_ref() < key.as_slice()) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low.saturating_sub(1))
}

/// The indexes under `key`, which begin in block `start` of `run` or the one behind it, and may go on in others.
fn collect(db: &sled::Db, run: &[u8], start: u64, key: &LookupKey) -> sled::Result<Vec<u64>> {
    let mut found = Vec::new();
    let mut number = start;
    while let Some(block) = db.get(key::numbered(run, number))? {
        if find_in_block(&block, key, &mut found) {
            break;
        }
        number += 1;
    }
    Ok(found)
}

/// Collects the indexes under `key`; `true` when the block ends behind it.
fn find_in_block(block: &[u8], key: &LookupKey, found: &mut Vec<u64>) -> bool {
    let (entries, _) = block.as_chunks::<24>();
    let from = entries.partition_point(|entry| entry.as_slice() < key.as_slice());
    for entry in entries.iter().skip(from) {
        if !entry.starts_with(key) {
            return true;
        }
        found.extend(entry.last_chunk::<8>().map(|index| u64::from_be_bytes(*index)));
    }
    false
}

fn entries_of(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    block.as_chunks::<24>().0.iter().map(<[u8; 24]>::as_slice)
}

fn fences_of(blocks: &[IVec]) -> Vec<LookupKey> {
    blocks
        .iter()
        .filter_map(|block| block.first_chunk::<16>().copied())
        .collect()
}

/// Size class: 0 below 8 entries, 1 below 64, and so on by factors of eight.
fn tier_of(entries: usize) -> u32 {
    entries.max(1).ilog2() / 3
}
