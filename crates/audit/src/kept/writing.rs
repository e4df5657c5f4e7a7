//! Sections into a file, one after the other, with nothing held but one piece of them.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use portbook_ledger::Hash;
use portbook_views::{Packed, TableSink};

use super::checksum::Checksum;
use super::{MAGIC, VERSION};

/// Bytes of a table handed over together.
const PIECE_BYTES: usize = 256 * 1024;

/// A file being written.
#[derive(Debug)]
pub(super) struct Writing {
    file: BufWriter<File>,
    at: u64,
    index: Vec<u8>,
}

impl Writing {
    pub(super) fn to(file: File) -> Self {
        Self {
            file: BufWriter::with_capacity(PIECE_BYTES, file),
            at: 0,
            index: Vec::new(),
        }
    }

    /// Writes a section of these bytes.
    pub(super) fn section(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.enter(length(bytes), Checksum::of(bytes));
        Ok(())
    }

    /// Writes index and foot: only with them it is a file of facts.
    pub(super) fn finish(mut self, size: u64, root: Hash) -> io::Result<()> {
        let mut foot = self.index.clone();
        foot.extend_from_slice(MAGIC);
        foot.extend_from_slice(&VERSION.to_le_bytes());
        foot.extend_from_slice(&size.to_le_bytes());
        foot.extend_from_slice(root.as_bytes());
        foot.extend_from_slice(&self.at.to_le_bytes());
        foot.extend_from_slice(&Checksum::of(&self.index).to_le_bytes());
        self.file.write_all(&foot)?;
        self.file.flush()
    }

    fn enter(&mut self, bytes: u64, sum: u64) {
        for number in [self.at, bytes, sum] {
            self.index.extend_from_slice(&number.to_le_bytes());
        }
        self.at += bytes;
    }
}

impl TableSink for Writing {
    type Error = io::Error;

    fn table<T: Packed>(&mut self, rows: impl Iterator<Item = T>) -> io::Result<()> {
        let (mut sum, mut bytes) = (Checksum::new(), 0);
        let mut piece = Vec::with_capacity(PIECE_BYTES + T::BYTES);
        for row in rows {
            row.pack(&mut piece);
            if piece.len() >= PIECE_BYTES {
                sum.add(&piece);
                bytes += length(&piece);
                self.file.write_all(&piece)?;
                piece.clear();
            }
        }
        sum.add(&piece);
        bytes += length(&piece);
        self.file.write_all(&piece)?;
        self.enter(bytes, sum.finish());
        Ok(())
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        self.section(text.as_bytes())
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
