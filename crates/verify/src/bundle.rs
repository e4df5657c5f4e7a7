//! The form of an evidence bundle: which files it has and what its manifest says. Byte exact in `docs/evidence.md`.

mod json;
mod manifest;

pub use json::quoted;
pub use manifest::{Listed, Manifest};

use portbook_ledger::tree::{TileContent, TileId};

/// The checkpoint, cosignatures included.
pub const CHECKPOINT: &str = "checkpoint";
/// C2SP tlog-proof of the seal the checkpoint ends with; the seal itself is its extra data.
pub const SEAL: &str = "seal.tlog-proof";
/// What the seal says about the port.
pub const HEAD: &str = "head";
/// Which part of the port's records there is; absent when there are all.
pub const RANGE: &str = "range";
/// An earlier checkpoint.
pub const EARLIER: &str = "earlier";
/// That the checkpoint's tree begins with the earlier one: the body of C2SP add-checkpoint.
pub const CONSISTENCY: &str = "consistency";
/// The exporter's C2SP tlog-policy. Never trusted.
pub const POLICY: &str = "policy";
/// What is proven and what is not, for people.
pub const README: &str = "README.txt";
/// A verifier for a browser.
pub const PAGE: &str = "verify.html";
/// A verifier in Python.
pub const SCRIPT: &str = "verify.py";
/// All other files with their digests; the last file.
pub const MANIFEST: &str = "MANIFEST.json";
/// Folder of the records.
const ENTRIES: &str = "entries/";

/// Most records of one file of the bundle.
pub const ENTRIES_TOGETHER: u64 = 256;

/// Name of the file that holds up to 256 records from `256 * index` on, counted within the bundle.
#[must_use]
pub fn entries_name(tile: &TileId) -> String {
    let path = tile.to_string();
    path.strip_prefix("tile/").unwrap_or(&path).to_owned()
}

/// Whether a bundle can have a file called `name`.
#[must_use]
pub fn is_known(name: &str) -> bool {
    let fixed = [
        CHECKPOINT,
        SEAL,
        HEAD,
        RANGE,
        EARLIER,
        CONSISTENCY,
        POLICY,
        README,
        PAGE,
        SCRIPT,
        MANIFEST,
    ];
    fixed.contains(&name) || is_entries(name)
}

/// Whether `name` is that of records.
#[must_use]
pub fn is_entries(name: &str) -> bool {
    name.starts_with(ENTRIES)
        && TileId::parse(&format!("tile/{name}")).is_ok_and(|tile| tile.content == TileContent::Entries)
}
