//! Paths and what is under them: C2SP tlog-tiles of the ledger and of every chain, and the heads of seals.
//!
//! ```text
//! checkpoint                         port/<CHAIN>/checkpoint
//! tile/<L>/<N>[.p/<W>]               port/<CHAIN>/tile/<L>/<N>[.p/<W>]
//! tile/entries/<N>[.p/<W>]           port/<CHAIN>/tile/entries/<N>[.p/<W>]
//! heads/<leaf index of a seal>
//! ```
//! Each thing has exactly one path; every other spelling leads to nothing.

use portbook_ledger::{
    Chain, Head, Index, NodeId, Size,
    tree::{TileContent, TileId},
};

use crate::error::EvidenceError;
use crate::evidence::{Evidence, Published};
use crate::log::LogName;
use crate::reading;

/// Hashes or entries in a full tile.
const TILE_WIDTH: u64 = 256;
/// Levels of the tree in one level of tiles.
const TILE_HEIGHT: u8 = 8;

/// What is under a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// How to read them.
    pub media: Media,
    /// Whether these bytes are under this path for ever. Of a checkpoint they are not.
    pub immutable: bool,
}

/// How to read the bytes of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// UTF-8 text: a checkpoint.
    Text,
    /// Bytes: tiles, entries and heads.
    Octets,
}

impl Resource {
    /// The value for an HTTP `Content-Type`.
    #[must_use]
    pub const fn content_type(&self) -> &'static str {
        match self.media {
            Media::Text => "text/plain; charset=utf-8",
            Media::Octets => "application/octet-stream",
        }
    }

    /// The value for an HTTP `Cache-Control`.
    #[must_use]
    pub const fn cache_control(&self) -> &'static str {
        if self.immutable {
            "public, max-age=31536000, immutable"
        } else {
            "no-store"
        }
    }

    const fn octets(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            media: Media::Octets,
            immutable: true,
        }
    }

    fn checkpoint(note: String) -> Self {
        Self {
            bytes: note.into_bytes(),
            media: Media::Text,
            immutable: false,
        }
    }
}

impl Evidence {
    /// What is under `path`, which is relative to the prefix of the log; none when nothing is.
    ///
    /// Never more than the newest published checkpoint covers. A partial tile is given for every width up to that.
    ///
    /// # Errors
    /// [`EvidenceError`] when the store cannot be read, or does not lead to what was signed.
    pub fn resource(&self, path: &str) -> Result<Option<Resource>, EvidenceError> {
        let Some(published) = self.published()? else {
            return Ok(None);
        };
        if path == "checkpoint" {
            return Ok(Some(Resource::checkpoint(published.note.clone())));
        }
        if let Some(seal) = path.strip_prefix("heads/") {
            return self.heads_resource(&published, seal);
        }
        if let Some((name, rest)) = path.strip_prefix("port/").and_then(|path| path.split_once('/')) {
            return match Chain::from_bytes(name.as_bytes()) {
                Some(chain) => self.chain_resource(&published, chain, rest),
                None => Ok(None),
            };
        }
        self.tile_resource(LogName::Ledger, published.checkpoint.size, path)
    }

    fn chain_resource(
        &self,
        published: &Published,
        chain: Chain,
        path: &str,
    ) -> Result<Option<Resource>, EvidenceError> {
        if path == "checkpoint" {
            let note = self.chain_checkpoint(published, chain)?;
            return Ok(note.map(Resource::checkpoint));
        }
        let heads = self.heads_at(published.seal_index, &published.seal)?;
        let Some(head) = heads.iter().find(|head| head.chain == chain) else {
            return Ok(None);
        };
        self.tile_resource(LogName::Chain(chain), head.count, path)
    }

    fn heads_resource(&self, published: &Published, seal: &str) -> Result<Option<Resource>, EvidenceError> {
        let index = seal.parse().ok().and_then(Index::new);
        let Some(index) = index.filter(|index| index.to_string() == seal) else {
            return Ok(None);
        };
        if index.get() >= published.checkpoint.size.get() {
            return Ok(None);
        }
        let Some(seal) = self.seal(index)? else {
            return Ok(None);
        };
        Ok(Some(Resource::octets(encode_heads(
            &self.heads_at(index, &seal)?,
        ))))
    }

    fn tile_resource(&self, log: LogName, size: Size, path: &str) -> Result<Option<Resource>, EvidenceError> {
        match TileId::parse(path) {
            Ok(tile) => Ok(self.tile(log, size, tile)?.map(Resource::octets)),
            Err(_) => Ok(None),
        }
    }

    /// The bytes of `tile` in the tree of `size` leaves of `log`; none when that tree does not fill it.
    ///
    /// # Errors
    /// [`EvidenceError`] when the store cannot be read.
    pub fn tile(&self, log: LogName, size: Size, tile: TileId) -> Result<Option<Vec<u8>>, EvidenceError> {
        let level = match tile.content {
            TileContent::Entries => 0,
            TileContent::Hashes { level } => level,
        };
        let complete = size
            .get()
            .checked_shr(u32::from(level) * u32::from(TILE_HEIGHT))
            .unwrap_or(0);
        let first = tile.index.checked_mul(TILE_WIDTH);
        let end = first.and_then(|first| first.checked_add(u64::from(tile.width.get())));
        let (Some(first), Some(end)) = (first, end.filter(|end| *end <= complete)) else {
            return Ok(None);
        };
        if tile.content == TileContent::Entries {
            return reading::entries(self.reader(), log, first..end).map(Some);
        }
        let hashes = if level == 0 {
            reading::leaf_hashes(self.reader(), log, first..end)?
        } else {
            let node = |index| NodeId {
                level: level * TILE_HEIGHT,
                index,
            };
            self.nodes(log, size, &(first..end).map(node).collect::<Vec<_>>())?
        };
        Ok(Some(hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()))
    }
}

/// The file `heads/<seal>`: every head with its u16 length before it, in order.
pub(crate) fn encode_heads(heads: &[Head]) -> Vec<u8> {
    let mut out = Vec::new();
    for head in heads {
        let bytes = head.encode();
        // A head has at most 95 bytes.
        out.extend_from_slice(&u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes());
        out.extend_from_slice(&bytes);
    }
    out
}
