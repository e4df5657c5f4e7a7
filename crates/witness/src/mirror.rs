//! The mirror: what somebody who follows a log has seen of it, on disk, in the layout of C2SP tlog-tiles.
//!
//! ```text
//! checkpoint                      the newest checkpoint that was checked, as it was served
//! checkpoints/<size>              every checkpoint that was checked, 20 digits
//! tile/entries/<N>[.p/<W>]        the leaves below it
//! ```

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use portbook_ledger::tree::{Frontier, NodeId, Plan, PlanError, TileContent, TileId, TileWidth};
use portbook_ledger::{Hash, Size, leaf_hash};

/// Leaves in a full bundle.
pub(crate) const BUNDLE_WIDTH: u64 = 256;

/// A folder with the leaves and checkpoints of one log.
#[derive(Debug)]
pub struct Mirror {
    folder: PathBuf,
    /// Bundles that are written but not synced yet.
    unsynced: Vec<PathBuf>,
}

/// Why a mirror cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// A file could not be read or written.
    #[error("could not {doing} {}", .path.display())]
    Io {
        /// Read or write.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A bundle is not what a bundle is made of.
    #[error("{} is damaged; remove it, and it is fetched again", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// A proof was asked for that does not exist.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

impl Mirror {
    /// The mirror in `folder`, which is created when it is not there.
    ///
    /// # Errors
    /// [`MirrorError::Io`] when it cannot be.
    pub fn open(folder: &Path) -> Result<Self, MirrorError> {
        let checkpoints = folder.join("checkpoints");
        fs::create_dir_all(&checkpoints).map_err(|source| MirrorError::Io {
            doing: "create",
            path: checkpoints,
            source,
        })?;
        Ok(Self {
            folder: folder.to_owned(),
            unsynced: Vec::new(),
        })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The newest checkpoint that was checked; none in the beginning.
    ///
    /// # Errors
    /// [`MirrorError::Io`] when it is there but cannot be read.
    pub fn checkpoint(&self) -> Result<Option<Vec<u8>>, MirrorError> {
        let path = self.folder.join("checkpoint");
        match fs::read(&path) {
            Ok(note) => Ok(Some(note)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(MirrorError::Io {
                doing: "read",
                path,
                source,
            }),
        }
    }

    /// Keeps a checkpoint that was checked, and returns once it and the leaves below it would survive power loss.
    ///
    /// # Errors
    /// [`MirrorError::Io`] when that is not certain.
    pub fn keep_checkpoint(&mut self, size: Size, note: &[u8]) -> Result<(), MirrorError> {
        for path in self.unsynced.drain(..) {
            match File::open(&path).and_then(|file| file.sync_all()) {
                Ok(()) => {}
                // A wider bundle has taken its place.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => {
                    return Err(MirrorError::Io {
                        doing: "sync",
                        path,
                        source,
                    });
                }
            }
        }
        let of_size = self
            .folder
            .join("checkpoints")
            .join(format!("{:020}", size.get()));
        write_whole(&of_size, note)?;
        write_whole(&self.folder.join("checkpoint"), note)
    }

    /// Keeps the bundle of `width` leaves with number `index`; a narrower one of the same number goes.
    ///
    /// # Errors
    /// [`MirrorError::Io`] when it cannot be written.
    pub fn keep_bundle(&mut self, index: u64, width: TileWidth, bytes: &[u8]) -> Result<(), MirrorError> {
        let path = self.path_of(index, width);
        write_unsynced(&path, bytes)?;
        self.remove_partial(index, &path)?;
        self.unsynced.push(path);
        Ok(())
    }

    /// Reads the first `size` leaves in order.
    ///
    /// # Errors
    /// [`MirrorError`] names the file that is missing or damaged.
    pub fn leaves(&self, size: Size) -> impl Iterator<Item = Result<Vec<Vec<u8>>, MirrorError>> + '_ {
        let bundles = size.get().div_ceil(BUNDLE_WIDTH);
        (0..bundles).map(move |index| {
            let rest = size.get() - index * BUNDLE_WIDTH;
            let wanted = usize::try_from(rest.min(BUNDLE_WIDTH)).unwrap_or(usize::MAX);
            self.bundle(index, wanted)
        })
    }

    /// Carries out `plan` in the tree of the first `size` leaves, in one pass over them.
    ///
    /// # Errors
    /// As [`Mirror::leaves`].
    pub fn carry_out(&self, plan: &Plan, size: Size) -> Result<Vec<Hash>, MirrorError> {
        let mut found: Vec<Option<Hash>> = vec![None; plan.nodes().len()];
        let mut tree = Frontier::new();
        let mut note = |node: NodeId, hash: Hash| {
            for (slot, wanted) in found.iter_mut().zip(plan.nodes()) {
                if *wanted == node {
                    *slot = Some(hash);
                }
            }
        };
        for leaves in self.leaves(size) {
            for leaf in leaves? {
                tree.push_visiting(leaf_hash(&leaf), &mut note);
            }
        }
        // A plan asks for complete nodes of the tree only, so all were visited; else the count does not fit.
        let read: Vec<Hash> = found.into_iter().flatten().collect();
        Ok(plan.hashes(&read)?)
    }

    /// The first `wanted` leaves of bundle `index`.
    ///
    /// # Errors
    /// As [`Mirror::leaves`].
    pub fn bundle(&self, index: u64, wanted: usize) -> Result<Vec<Vec<u8>>, MirrorError> {
        if wanted == 0 {
            return Ok(Vec::new());
        }
        let (path, bytes) = self.narrowest(index, wanted)?;
        let leaves = leaves_of(&bytes).filter(|leaves| leaves.len() >= wanted);
        let mut leaves = leaves.ok_or(MirrorError::Damaged { path })?;
        leaves.truncate(wanted);
        Ok(leaves)
    }

    /// Removes the partial bundles of this number, except `kept`.
    fn remove_partial(&self, index: u64, kept: &Path) -> Result<(), MirrorError> {
        let one = TileWidth::new(1).map(|width| self.path_of(index, width));
        let Some(partial) = one
            .as_deref()
            .and_then(Path::parent)
            .filter(|folder| folder.is_dir())
        else {
            return Ok(());
        };
        let remove = || {
            if kept.parent() != Some(partial) {
                return fs::remove_dir_all(partial);
            }
            for entry in fs::read_dir(partial)? {
                let path = entry?.path();
                if path != kept {
                    fs::remove_file(path)?;
                }
            }
            Ok(())
        };
        remove().map_err(|source| MirrorError::Io {
            doing: "clear",
            path: partial.to_owned(),
            source,
        })
    }

    /// The bundle itself, or the narrowest one that has as many leaves.
    fn narrowest(&self, index: u64, wanted: usize) -> Result<(PathBuf, Vec<u8>), MirrorError> {
        let wanted = u16::try_from(wanted).unwrap_or(u16::MAX);
        let path = (wanted..=TileWidth::FULL.get())
            .filter_map(TileWidth::new)
            .map(|width| self.path_of(index, width))
            .find(|path| path.is_file())
            .unwrap_or_else(|| self.path_of(index, TileWidth::FULL));
        let bytes = fs::read(&path).map_err(|source| MirrorError::Io {
            doing: "read",
            path: path.clone(),
            source,
        })?;
        Ok((path, bytes))
    }

    fn path_of(&self, index: u64, width: TileWidth) -> PathBuf {
        self.folder.join(bundle(index, width).to_string())
    }
}

/// The tile of entries with this number and width.
pub(crate) const fn bundle(index: u64, width: TileWidth) -> TileId {
    TileId {
        content: TileContent::Entries,
        index,
        width,
    }
}

/// The leaves of a bundle, each with its u16 length before it; none when bytes are missing or left over.
pub(crate) fn leaves_of(mut bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut leaves = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let (leaf, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        leaves.push(leaf.to_vec());
        bytes = rest;
    }
    bytes.is_empty().then_some(leaves)
}

fn write_unsynced(path: &Path, bytes: &[u8]) -> Result<(), MirrorError> {
    let unfinished = path.with_extension("new");
    let write = || {
        fs::create_dir_all(path.parent().unwrap_or(path))?;
        fs::write(&unfinished, bytes)?;
        fs::rename(&unfinished, path)
    };
    write().map_err(|source| MirrorError::Io {
        doing: "write",
        path: path.to_owned(),
        source,
    })
}

fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), MirrorError> {
    let unfinished = path.with_extension("new");
    let folder = path.parent().unwrap_or(path);
    let write = || {
        let mut file = File::create(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|source| MirrorError::Io {
        doing: "write",
        path: path.to_owned(),
        source,
    })
}
