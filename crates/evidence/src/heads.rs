//! The heads that a seal commits to, derived again from the rows of every chain.

use portbook_ledger::{Head, Index, Seal, Size, heads_root};

use crate::error::EvidenceError;
use crate::evidence::Evidence;
use crate::log::LogName;
use crate::reading;

/// The heads at the seal at `index`, compared with its `heads_root`.
pub(crate) fn derive(evidence: &Evidence, index: Index, seal: &Seal) -> Result<Vec<Head>, EvidenceError> {
    let reader = evidence.reader();
    let mut heads = Vec::new();
    for (chain, newest) in reader.book()?.heads {
        let log = LogName::Chain(chain);
        let all = newest.frontier.size().get();
        let count = reading::count_before(reader, chain, all, index.get())?;
        let Some(last) = count.checked_sub(1) else {
            continue;
        };
        let damaged = |what| EvidenceError::Damaged {
            what,
            log,
            place: last,
        };
        let hashes = reading::leaf_hashes(reader, log, last..count)?;
        heads.push(Head {
            chain,
            count: Size::new(count),
            head_index: reading::index_of(reader, chain, last)?.ok_or_else(|| damaged("row"))?,
            head_hash: *hashes.first().ok_or_else(|| damaged("leaf hash"))?,
            // Without newer records the chain's own edge has the root already.
            chain_root: if count == all {
                newest.frontier.root()
            } else {
                evidence.root(log, Size::new(count))?
            },
        });
    }
    if heads_root(&heads)? == seal.heads_root {
        Ok(heads)
    } else {
        Err(EvidenceError::Heads { seal: index })
    }
}
