//! Sections out of a file, in pieces that stay in the processor's cache.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use portbook_ledger::Hash;
use portbook_views::{Packed, TableSource};

use super::checksum::Checksum;
use super::{Foot, MAGIC, VERSION};

/// Rows read together.
const ROWS_TOGETHER: usize = 2048;
const FOOT_BYTES: usize = MAGIC.len() + 4 + 8 + 32 + 8 + 8;
/// More sections than any version has.
const INDEX_BYTES_MAX: u64 = 24 * 64;

/// Where a section is.
#[derive(Debug, Clone, Copy)]
struct Section {
    at: u64,
    bytes: u64,
    sum: u64,
}

/// The sections of a file of facts.
#[derive(Debug)]
pub(super) struct Sections<'a> {
    file: &'a File,
    all: Vec<Section>,
}

/// What ends `file`.
pub(super) fn foot(file: &File) -> io::Result<Foot> {
    let mut bytes = [0; FOOT_BYTES];
    let length = file.metadata()?.len();
    let foot_bytes = u64::try_from(FOOT_BYTES).unwrap_or(u64::MAX);
    file.read_exact_at(&mut bytes, length.checked_sub(foot_bytes).ok_or_else(broken)?)?;
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(broken)?;
    let (version, rest) = rest.split_first_chunk().ok_or_else(broken)?;
    let (size, rest) = rest.split_first_chunk().ok_or_else(broken)?;
    let (root, rest) = rest.split_first_chunk::<32>().ok_or_else(broken)?;
    let (index_at, rest) = rest.split_first_chunk().ok_or_else(broken)?;
    if u32::from_le_bytes(*version) != VERSION {
        return Err(broken());
    }
    Ok(Foot {
        size: u64::from_le_bytes(*size),
        root: Hash::from_bytes(*root),
        index_at: u64::from_le_bytes(*index_at),
        index_sum: u64::unpack(rest).ok_or_else(broken)?,
    })
}

impl<'a> Sections<'a> {
    pub(super) fn of(file: &'a File, foot: &Foot) -> io::Result<Self> {
        let foot_bytes = u64::try_from(FOOT_BYTES).unwrap_or(u64::MAX);
        let end = file.metadata()?.len().saturating_sub(foot_bytes);
        let bytes = end
            .checked_sub(foot.index_at)
            .filter(|bytes| *bytes <= INDEX_BYTES_MAX);
        let mut index = vec![0; usize::try_from(bytes.ok_or_else(broken)?).unwrap_or(0)];
        file.read_exact_at(&mut index, foot.index_at)?;
        if Checksum::of(&index) != foot.index_sum {
            return Err(broken());
        }
        let (entries, _) = index.as_chunks::<24>();
        let entry = |entry: &[u8; 24]| {
            let (at, (bytes, sum)) = Packed::unpack(entry)?;
            Some(Section { at, bytes, sum })
        };
        Ok(Self {
            file,
            all: entries.iter().filter_map(entry).collect(),
        })
    }

    /// A whole section.
    pub(super) fn bytes(&self, place: usize) -> io::Result<Vec<u8>> {
        let section = self.section(place)?;
        let mut bytes = vec![0; usize::try_from(section.bytes).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut bytes, section.at)?;
        if Checksum::of(&bytes) == section.sum {
            Ok(bytes)
        } else {
            Err(broken())
        }
    }

    /// The section at a place, which lies within the file: what claims to be longer must not reserve memory.
    fn section(&self, place: usize) -> io::Result<Section> {
        let section = self.all.get(place).copied().ok_or_else(broken)?;
        let end = section.at.checked_add(section.bytes);
        let length = self.file.metadata()?.len();
        if end.is_some_and(|end| end <= length) {
            Ok(section)
        } else {
            Err(broken())
        }
    }
}

impl TableSource for Sections<'_> {
    type Error = io::Error;

    fn table<T: Packed>(&self, place: usize) -> io::Result<Vec<T>> {
        let section = self.section(place)?;
        let bytes = usize::try_from(section.bytes).map_err(io::Error::other)?;
        if bytes % T::BYTES != 0 {
            return Err(broken());
        }
        let mut rows = Vec::with_capacity(bytes / T::BYTES);
        let mut piece = vec![0; (T::BYTES * ROWS_TOGETHER).min(bytes)];
        let (mut at, mut left) = (section.at, bytes);
        let mut sum = Checksum::new();
        while left > 0 {
            piece.truncate(left);
            self.file.read_exact_at(&mut piece, at)?;
            sum.add(&piece);
            for row in piece.chunks_exact(T::BYTES) {
                rows.push(T::unpack(row).ok_or_else(broken)?);
            }
            at += u64::try_from(piece.len()).unwrap_or(u64::MAX);
            left -= piece.len();
        }
        if sum.finish() == section.sum {
            Ok(rows)
        } else {
            Err(broken())
        }
    }

    fn text(&self, place: usize) -> io::Result<String> {
        String::from_utf8(self.bytes(place)?).map_err(io::Error::other)
    }
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "no file of facts of this version")
}
