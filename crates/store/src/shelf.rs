//! Where stored values come from: the database itself, or the process that holds it.
//!
//! sled lets one process at a time have a database. Who finds it taken asks the holder over a socket beside it, for values
//! and never for verdicts: what they mean is worked out by the one who asks, with his own program, keys and memory.

mod holder;
mod question;
mod serving;
pub(crate) mod socket;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use portbook_fold::LookupKey;
use sled::IVec;

use self::holder::Holder;
use self::question::Question;
pub(crate) use self::serving::Serving;
use crate::durable::StoreError;
use crate::opening;
use crate::packed::value_holding;
use crate::{key, run};

/// How often a reading that several commits overtook is tried again; each takes microseconds, a commit milliseconds.
const READINGS_MAX: u32 = 1000;

/// Values read along with one that was asked for: about as many as share a node.
const VALUES_AHEAD: usize = 16;

/// Something that stored values can be read from. Clones share it.
#[derive(Debug, Clone)]
pub(crate) enum Shelf {
    /// This process has the database open.
    Own(sled::Db),
    /// Another process has, and is asked.
    Held(Arc<Holder>),
}

/// Packed values that came along with one that was asked for, by the number of their first item.
pub(crate) type Ahead = VecDeque<(u64, IVec)>;

impl Shelf {
    /// The database in `path`: from the process that holds it, when one answers, or else opened by this one.
    ///
    /// # Errors
    /// As [`crate::Store::open`].
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let held = || Holder::at(path).map(|holder| Self::Held(Arc::new(holder)));
        if let Some(held) = held() {
            return Ok(held);
        }
        match opening::open(path, false) {
            Ok(db) => Ok(Self::Own(db)),
            // Who took it meanwhile may be answering by now.
            Err(error @ StoreError::InUse { .. }) => held().ok_or(error),
            Err(error) => Err(error),
        }
    }

    /// The value under `key`.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<IVec>, StoreError> {
        match self {
            Self::Own(db) => db.get(key).map_err(reading),
            Self::Held(holder) => {
                let pairs = holder.ask(&Question::Get { key })?;
                Ok(pairs.into_iter().next().map(|(_, value)| value))
            }
        }
    }

    /// The packed value that holds item `number`, and the number of its first item.
    pub(crate) fn holding(&self, prefix: &[u8], number: u64) -> Result<Option<(u64, IVec)>, StoreError> {
        match self {
            Self::Own(db) => value_holding(db, prefix, number).map_err(reading),
            Self::Held(holder) => {
                let pairs = holder.ask(&Question::Holding { prefix, number })?;
                Ok(numbered(pairs).next())
            }
        }
    }

    /// As [`Shelf::holding`]; values behind it that come along are put into `ahead`.
    pub(crate) fn holding_and_more(
        &self,
        prefix: &[u8],
        number: u64,
        ahead: &mut Ahead,
    ) -> Result<Option<(u64, IVec)>, StoreError> {
        ahead.clear();
        match self {
            Self::Own(db) => own_and_more(db, prefix, number, ahead).map_err(reading),
            Self::Held(holder) => {
                let pairs = holder.ask(&Question::HoldingAndMore { prefix, number })?;
                ahead.extend(numbered(pairs));
                Ok(ahead.pop_front())
            }
        }
    }

    /// Everything under `prefix`, in the order of keys. For families that stay small.
    pub(crate) fn family(&self, prefix: &[u8]) -> Result<Vec<(IVec, IVec)>, StoreError> {
        match self {
            Self::Own(db) => db.scan_prefix(prefix).collect::<Result<_, _>>().map_err(reading),
            Self::Held(holder) => {
                let mut pairs = holder.ask(&Question::Family { prefix, after: None })?;
                while let Some((after, _)) = pairs.last().cloned() {
                    let more = holder.ask(&Question::Family {
                        prefix,
                        after: Some(&after),
                    })?;
                    if more.is_empty() {
                        break;
                    }
                    pairs.extend(more);
                }
                Ok(pairs)
            }
        }
    }

    /// Every leaf index entered under `key` in a family of lookups, in ledger order.
    pub(crate) fn find(&self, family: u8, key: &LookupKey) -> Result<Vec<u64>, StoreError> {
        match self {
            // A commit that merges runs while they are gone through would hide entries.
            Self::Own(db) => self.settled(|| run::find_all(db, family, key).map_err(reading)),
            Self::Held(holder) => {
                let pairs = holder.ask(&Question::Find { family, key })?;
                Ok(pairs
                    .iter()
                    .filter_map(|(index, _)| key::number_of(index))
                    .collect())
            }
        }
    }

    /// What `read` finds between two commits, however many values it looks at.
    pub(crate) fn settled<T>(&self, read: impl Fn() -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut before = self.get(key::BOOK)?;
        for _ in 0..READINGS_MAX {
            let found = read();
            let after = self.get(key::BOOK)?;
            if before == after {
                return found;
            }
            before = after;
        }
        Err(StoreError::Restless)
    }

    /// The database, when it is this process that has it.
    pub(crate) const fn own(&self) -> Option<&sled::Db> {
        match self {
            Self::Own(db) => Some(db),
            Self::Held(_) => None,
        }
    }
}

/// Reads on from the value that holds item `number`: finding each value anew costs several times as much.
///
/// Each is looked up once more all the same: sled asks whether its cache is full only when some pages of it were looked up
/// 64 times, and a reading that goes from page to page would fill the memory before that.
fn own_and_more(
    db: &sled::Db,
    prefix: &[u8],
    number: u64,
    ahead: &mut Ahead,
) -> sled::Result<Option<(u64, IVec)>> {
    let Some(found) = value_holding(db, prefix, number)? else {
        return Ok(None);
    };
    let behind = key::numbered(prefix, found.0.saturating_add(1))..=key::numbered(prefix, u64::MAX);
    for stored in db.range(behind).take(VALUES_AHEAD) {
        let (at, value) = stored?;
        db.contains_key(&at)?;
        ahead.extend(key::number_of(&at).map(|first| (first, value)));
    }
    Ok(Some(found))
}

fn numbered(pairs: Vec<(IVec, IVec)>) -> impl Iterator<Item = (u64, IVec)> {
    pairs
        .into_iter()
        .filter_map(|(found, value)| Some((key::number_of(&found)?, value)))
}

pub(crate) fn reading(source: sled::Error) -> StoreError {
    StoreError::Sled {
        doing: "read the store",
        source,
    }
}
