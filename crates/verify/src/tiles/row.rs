//! The open end of every level of tiles of one log: each tile is compared with its file when it is complete.

use portbook_ledger::{
    Frontier, Hash,
    tree::{TileContent, TileId, TileWidth},
};

use super::Tiles;
use crate::entries::Entries;
use crate::report::Refusal;

const FULL: usize = 256;
const TILE_HEIGHT: u8 = 8;

/// Tiles that are being filled.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// Hashes, by level of tiles.
    hashes: Vec<Row>,
    /// Entries, where they are compared.
    entries: Row,
}

#[derive(Debug, Default)]
struct Row {
    index: u64,
    width: usize,
    bytes: Vec<u8>,
}

/// Whether the entries of a log are compared with what another log's leaves give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryTiles {
    /// They are what is being read.
    Source,
    /// They are copies.
    Copies,
}

impl Row {
    fn close(&mut self, prefix: &str, content: TileContent, tiles: &mut Tiles<'_>) -> Result<(), Refusal> {
        let Some(width) = u16::try_from(self.width).ok().and_then(TileWidth::new) else {
            return Ok(());
        };
        let tile = TileId {
            content,
            index: self.index,
            width,
        };
        tiles.compare(&format!("{prefix}{tile}"), &self.bytes)?;
        self.bytes.clear();
        self.width = 0;
        self.index += 1;
        Ok(())
    }
}

impl Rows {
    /// Takes the next leaf of a log into its tiles and its tree.
    pub(super) fn push(
        &mut self,
        prefix: &str,
        leaf: &[u8],
        hash: Hash,
        edge: &mut Frontier,
        entries: EntryTiles,
        tiles: &mut Tiles<'_>,
    ) -> Result<(), Refusal> {
        let hashes = &mut self.hashes;
        edge.push_visiting(hash, |node, hash| {
            if node.level % TILE_HEIGHT == 0 {
                let level = usize::from(node.level / TILE_HEIGHT);
                if hashes.len() <= level {
                    hashes.resize_with(level + 1, Row::default);
                }
                if let Some(row) = hashes.get_mut(level) {
                    row.bytes.extend_from_slice(hash.as_bytes());
                    row.width += 1;
                }
            }
        });
        for (level, row) in (0..).zip(&mut self.hashes) {
            if row.width == FULL {
                row.close(prefix, TileContent::Hashes { level }, tiles)?;
            }
        }
        if entries == EntryTiles::Copies {
            Entries::append(&mut self.entries.bytes, leaf);
            self.entries.width += 1;
            if self.entries.width == FULL {
                self.entries.close(prefix, TileContent::Entries, tiles)?;
            }
        }
        Ok(())
    }

    /// Compares the tiles that are not full.
    pub(super) fn finish(&mut self, prefix: &str, tiles: &mut Tiles<'_>) -> Result<(), Refusal> {
        for (level, row) in (0..).zip(&mut self.hashes) {
            row.close(prefix, TileContent::Hashes { level }, tiles)?;
        }
        self.entries.close(prefix, TileContent::Entries, tiles)
    }
}
