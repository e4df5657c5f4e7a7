//! The manifest: what a bundle is about, and the digest of every file. A function of the bundle: nobody has to parse it.

use std::fmt;

use portbook_ledger::{Chain, Checkpoint, Hash};

use super::json::quoted;

/// What a bundle says about itself; shown as the bytes of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// What the checkpoint says.
    pub checkpoint: Checkpoint,
    /// The port, or one of the two other chains.
    pub chain: Chain,
    /// Records of the port at the checkpoint.
    pub count: u64,
    /// Position of the first record in the bundle; 0 when there is none.
    pub first: u64,
    /// Position of the last record in the bundle; 0 when there is none.
    pub last: u64,
    /// Every other file, sorted by name.
    pub files: Vec<Listed>,
}

/// A file of the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: Hash,
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Checkpoint { origin, size, root } = &self.checkpoint;
        writeln!(f, "{{\n  \"schema\": \"portbook.bundle/v1\",")?;
        writeln!(f, "  \"origin\": {},", quoted(origin.as_str()))?;
        writeln!(f, "  \"size\": {size},\n  \"root\": \"{}\",", root.to_base64())?;
        writeln!(f, "  \"port\": \"{}\",\n  \"count\": {},", self.chain, self.count)?;
        writeln!(f, "  \"first\": {},\n  \"last\": {},", self.first, self.last)?;
        writeln!(f, "  \"files\": [")?;
        for (place, file) in (1..).zip(&self.files) {
            let Listed { name, bytes, sha256 } = file;
            let comma = if place < self.files.len() { "," } else { "" };
            writeln!(
                f,
                "    {{\"name\": \"{name}\", \"bytes\": {bytes}, \"sha256\": \"{sha256}\"}}{comma}"
            )?;
        }
        writeln!(f, "  ]\n}}")
    }
}
