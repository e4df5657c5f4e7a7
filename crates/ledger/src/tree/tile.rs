//! C2SP tlog-tiles: where in static files a node of the tree is found, and how those files are named.

use std::fmt;

use super::{NodeId, root_of};
use crate::{
    hash::{Hash, excerpt},
    position::Size,
};

/// Leaves or nodes in a full tile.
const FULL_WIDTH: u64 = 256;
/// Levels of the tree per level of tiles.
const TILE_HEIGHT: u8 = 8;

/// What a tile is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileContent {
    /// Leaves themselves, each with a u16 length before it.
    Entries,
    /// Hashes of complete subtrees of `256^level` leaves; level at most 7.
    Hashes {
        /// Level of tiles, not of the tree.
        level: u8,
    },
}

/// How many entries or hashes a tile has: 1 to 256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileWidth(u16);

/// One tile; shown as its path below the prefix of the log, for example `tile/0/x001/234.p/5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    /// What it is made of.
    pub content: TileContent,
    /// Place among the tiles of its kind, from 0.
    pub index: u64,
    /// How much of it there is.
    pub width: TileWidth,
}

/// A path that is not the one spelling of a tile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the path of a tile: {found:?}")]
pub struct InvalidTilePath {
    /// What was offered, cut to 80 characters.
    pub found: String,
}

impl TileWidth {
    /// A full tile.
    pub const FULL: Self = Self(256);

    /// A width of 1 to 256.
    #[must_use]
    pub const fn new(width: u16) -> Option<Self> {
        if matches!(width, 1..=256) {
            Some(Self(width))
        } else {
            None
        }
    }

    /// The number itself.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl TileId {
    /// The tile of hashes that `node` is read from in a tree of `size` leaves; none when the node is not complete there.
    #[must_use]
    pub fn holding(node: NodeId, size: Size) -> Option<Self> {
        let level = node.level / TILE_HEIGHT;
        let first = node.index.checked_shl(u32::from(node.level % TILE_HEIGHT))?;
        let complete = size.get().checked_shr(u32::from(node.level))?;
        if node.index >= complete {
            return None;
        }
        let index = first / FULL_WIDTH;
        Some(Self {
            content: TileContent::Hashes { level },
            index,
            width: width_of(level, index, size)?,
        })
    }

    /// The hash of `node`, computed from the hashes of the tile that [`TileId::holding`] named.
    ///
    /// None when the tile does not hold the node or `hashes` is not as wide as the tile.
    #[must_use]
    pub fn hash_of(&self, node: NodeId, hashes: &[Hash]) -> Option<Hash> {
        let within = u32::from(node.level % TILE_HEIGHT);
        let first = node.index.checked_shl(within)?;
        let same_tile = self.content
            == TileContent::Hashes {
                level: node.level / TILE_HEIGHT,
            }
            && first / FULL_WIDTH == self.index
            && hashes.len() == usize::from(self.width.get());
        if !same_tile {
            return None;
        }
        let start = usize::try_from(first % FULL_WIDTH).ok()?;
        Some(root_of(hashes.get(start..start.checked_add(1 << within)?)?))
    }

    /// Reads a path as [`TileId`] shows it; every other spelling of a tile is refused.
    ///
    /// # Errors
    /// [`InvalidTilePath`] quotes the path.
    pub fn parse(path: &str) -> Result<Self, InvalidTilePath> {
        parse_path(path)
            .filter(|tile| tile.to_string() == path)
            .ok_or_else(|| InvalidTilePath { found: excerpt(path) })
    }
}

impl fmt::Display for TileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.content {
            TileContent::Entries => f.write_str("tile/entries/")?,
            TileContent::Hashes { level } => write!(f, "tile/{level}/")?,
        }
        let mut groups = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        for (after, group) in groups.iter().enumerate().rev() {
            if after > 0 {
                write!(f, "x{group:03}/")?;
            } else {
                write!(f, "{group:03}")?;
            }
        }
        if self.width == TileWidth::FULL {
            Ok(())
        } else {
            write!(f, ".p/{}", self.width.get())
        }
    }
}

/// The tiles to write when a tree of `old` leaves has grown to `new`: entries and hashes, full and partial.
///
/// A tile that was partial at `old` and has grown is named again with its new width.
pub fn tiles_between(old: Size, new: Size) -> impl Iterator<Item = TileId> {
    let levels = (0..TILE_HEIGHT).map(|level| TileContent::Hashes { level });
    std::iter::once(TileContent::Entries)
        .chain(levels)
        .flat_map(move |content| {
            let level = match content {
                TileContent::Entries => 0,
                TileContent::Hashes { level } => level,
            };
            let (before, after) = (entries_at(level, old), entries_at(level, new));
            let first = before / FULL_WIDTH;
            // Nothing new on this level: an unchanged partial tile is not written again.
            let end = if after > before {
                after.div_ceil(FULL_WIDTH)
            } else {
                first
            };
            (first..end).filter_map(move |index| {
                Some(TileId {
                    content,
                    index,
                    width: width_of(level, index, new)?,
                })
            })
        })
}

/// Complete subtrees of `256^level` leaves.
fn entries_at(level: u8, size: Size) -> u64 {
    size.get()
        .checked_shr(u32::from(level).saturating_mul(u32::from(TILE_HEIGHT)))
        .unwrap_or(0)
}

fn width_of(level: u8, index: u64, size: Size) -> Option<TileWidth> {
    let behind = entries_at(level, size).checked_sub(index.checked_mul(FULL_WIDTH)?)?;
    TileWidth::new(u16::try_from(behind.min(FULL_WIDTH)).ok()?)
}

/// Reads digits and separators loosely; [`TileId::parse`] then compares the spelling.
fn parse_path(path: &str) -> Option<TileId> {
    let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
    let content = if kind == "entries" {
        TileContent::Entries
    } else {
        let level = kind.parse().ok().filter(|level| *level < TILE_HEIGHT)?;
        TileContent::Hashes { level }
    };
    let (groups, width) = match rest.split_once(".p/") {
        Some((groups, width)) => (groups, width.parse().ok().filter(|width| *width < 256)?),
        None => (rest, 256),
    };
    let mut index: u64 = 0;
    for group in groups.split('/') {
        let group: u64 = group
            .trim_start_matches('x')
            .parse()
            .ok()
            .filter(|group| *group < 1000)?;
        index = index.checked_mul(1000)?.checked_add(group)?;
    }
    Some(TileId {
        content,
        index,
        width: TileWidth::new(width)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Frontier, leaf_hash};

    #[test]
    fn every_tile_has_one_path() {
        for path in [
            "tile/0/000",
            "tile/0/x001/x234/067",
            "tile/entries/x001/000",
            "tile/7/000.p/1",
            "tile/entries/999.p/255",
        ] {
            assert_eq!(TileId::parse(path).unwrap().to_string(), path);
        }
        for path in [
            "tile/8/64/000",
            "tile/8/000",
            "tile/00/000",
            "tile/+1/000",
            "tile/0/0",
            "tile/0/x000/001",
            "tile/0/001/000",
            "tile/0/xx01/000",
            "tile/0/000.p/256",
            "tile/0/000.p/0",
            "tile/0/000.p/01",
            "tile/0/000.p/",
            "tile/0/../000",
            "tile/0/",
            "/tile/0/000",
            "tile/0/000/",
            "tile/0/x018/x446/x744/x073/x709/x551/x616/000",
            "tile/entries/1e3",
        ] {
            assert!(TileId::parse(path).is_err(), "{path}");
        }
    }

    #[test]
    fn tiles_written_while_growing_hold_every_complete_node() {
        let size = Size::new(70_000);
        let mut edge = Frontier::new();
        let mut nodes = std::collections::BTreeMap::new();
        for leaf in 0..size.get() {
            edge.push_visiting(leaf_hash(&leaf.to_be_bytes()), |node, hash| {
                nodes.insert(node, hash);
            });
        }
        let tiles: std::collections::BTreeSet<TileId> = tiles_between(Size::ZERO, size).collect();
        for (node, hash) in &nodes {
            let tile = TileId::holding(*node, size).unwrap();
            assert!(tiles.contains(&tile), "{tile}");
            if node.index % 97 == 0 {
                let TileContent::Hashes { level } = tile.content else {
                    panic!("{tile}")
                };
                let row: Vec<Hash> = (0..u64::from(tile.width.get()))
                    .map(|at| {
                        nodes[&NodeId {
                            level: level * 8,
                            index: tile.index * 256 + at,
                        }]
                    })
                    .collect();
                assert_eq!(tile.hash_of(*node, &row), Some(*hash), "{node:?}");
                assert_eq!(tile.hash_of(*node, &row[1..]), None);
            }
        }
    }

    #[test]
    fn growth_names_new_and_wider_tiles_only() {
        let names = |old, new| {
            tiles_between(Size::new(old), Size::new(new))
                .map(|tile| tile.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(0, 5), ["tile/entries/000.p/5", "tile/0/000.p/5"]);
        assert_eq!(names(5, 5), Vec::<String>::new());
        assert_eq!(
            names(255, 257),
            [
                "tile/entries/000",
                "tile/entries/001.p/1",
                "tile/0/000",
                "tile/0/001.p/1",
                "tile/1/000.p/1"
            ]
        );
        assert_eq!(names(256, 257), ["tile/entries/001.p/1", "tile/0/001.p/1"]);
    }

    #[test]
    fn nodes_outside_the_tree_are_in_no_tile() {
        let node = |level, index| NodeId { level, index };
        assert_eq!(TileId::holding(node(0, 5), Size::new(5)), None);
        assert_eq!(TileId::holding(node(3, 0), Size::new(7)), None);
        assert_eq!(TileId::holding(node(64, 0), Size::new(u64::MAX)), None);
        assert_eq!(
            TileId::holding(node(63, 0), Size::new(u64::MAX))
                .unwrap()
                .to_string(),
            "tile/7/000.p/255"
        );
        assert_eq!(TileId::holding(node(1, u64::MAX), Size::new(u64::MAX)), None);
    }
}
