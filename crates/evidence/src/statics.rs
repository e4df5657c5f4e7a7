//! A whole log as static files: what `Evidence::resource` gives, for any web server to hand out.

use portbook_ledger::tree::tiles_between;
use portbook_ledger::{Index, Size};

use crate::error::EvidenceError;
use crate::evidence::{Evidence, Published};
use crate::log::LogName;
use crate::resource;
use crate::sink::{Sink, SinkError};

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TileCount {
    /// Files in all.
    pub files: u64,
    /// Logs of single ports among them.
    pub ports: u64,
}

impl Evidence {
    /// Writes everything that `published` covers as static files: tiles of the ledger and of every port, the heads of every
    /// seal, and the checkpoints last. `progress` learns how many of how many leaves were written.
    ///
    /// # Errors
    /// [`EvidenceError`] when the store does not lead to what was signed, or the files cannot be written.
    pub fn write_tiles(
        &self,
        published: &Published,
        sink: &mut Sink,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<TileCount, EvidenceError> {
        let size = published.checkpoint.size;
        let heads = self.heads_at(published.seal_index, &published.seal)?;
        let total = heads
            .iter()
            .fold(size.get(), |sum, head| sum.saturating_add(head.count.get()));
        let mut count = TileCount::default();
        let mut done = 0;
        self.write_log(LogName::Ledger, size, "", sink, &mut count, &mut |leaves| {
            done += leaves;
            progress(done, total);
        })?;
        for head in heads.iter() {
            let (log, prefix) = (LogName::Chain(head.chain), format!("port/{}/", head.chain));
            self.write_log(log, head.count, &prefix, sink, &mut count, &mut |leaves| {
                done += leaves;
                progress(done, total);
            })?;
            let note = self
                .chain_checkpoint(published, head.chain)?
                .ok_or(EvidenceError::NoKey)?;
            add(sink, &format!("{prefix}checkpoint"), note.as_bytes(), &mut count)?;
            count.ports += 1;
        }
        let mut seal = Some((published.seal_index, published.seal));
        while let Some((index, at)) = seal {
            let heads = resource::encode_heads(&self.heads_at(index, &at)?);
            add(sink, &format!("heads/{index}"), &heads, &mut count)?;
            let before: Option<Index> = at.prev_seal.filter(|before| *before < index);
            seal = match before {
                Some(before) => self.seal(before)?.map(|seal| (before, seal)),
                None => None,
            };
        }
        add(sink, "checkpoint", published.note.as_bytes(), &mut count)?;
        Ok(count)
    }

    fn write_log(
        &self,
        log: LogName,
        size: Size,
        prefix: &str,
        sink: &mut Sink,
        count: &mut TileCount,
        written: &mut dyn FnMut(u64),
    ) -> Result<(), EvidenceError> {
        for tile in tiles_between(Size::ZERO, size) {
            let bytes = self.tile(log, size, tile)?.ok_or(EvidenceError::Damaged {
                what: "tile",
                log,
                place: tile.index,
            })?;
            add(sink, &format!("{prefix}{tile}"), &bytes, count)?;
            if tile.content == portbook_ledger::tree::TileContent::Entries {
                written(u64::from(tile.width.get()));
            }
        }
        Ok(())
    }
}

fn add(sink: &mut Sink, name: &str, bytes: &[u8], count: &mut TileCount) -> Result<(), SinkError> {
    count.files += 1;
    sink.add(name, bytes)
}
