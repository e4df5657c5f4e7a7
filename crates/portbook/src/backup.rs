//! What a backup is: a directory of few files, each with its digest in a manifest, all of them made for other programs to read.
//!
//! ```text
//! manifest.json                 written last: a directory without one is no backup
//! ledger/leaves                 every signed leaf, as C2SP entry bundles have them: u16 length || bytes
//! ledger/signed.log             what was signed
//! ledger/checkpoints            the published checkpoints, packed like leaves
//! keys/*.pub                    public keys; secret ones are not in a backup
//! streams/<NAME>.snapshot       the stream as nats-server gives and takes it
//! streams/<NAME>.json           what nats-server needs beside it
//! portbook.toml                 the configuration file, if there is one
//! ```
//! Leaves are not copied as sled's files, which only one version of one library reads, and not while they are written to.

mod manifest;
mod packed;

pub(crate) use self::manifest::{FileEntry, Manifest, StreamEntry, Writing, check_file, sync_directory};
pub(crate) use self::packed::{items_of, write_item};

/// Name of the manifest.
pub(crate) const MANIFEST: &str = "manifest.json";
/// The leaves.
pub(crate) const LEAVES: &str = "ledger/leaves";
/// What was signed.
pub(crate) const SIGNED_LOG: &str = "ledger/signed.log";
/// The checkpoints.
pub(crate) const CHECKPOINTS: &str = "ledger/checkpoints";
/// The configuration file.
pub(crate) const CONFIGURATION: &str = "portbook.toml";
