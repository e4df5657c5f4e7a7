//! Facts written down beside the ledger, in a form that is read back a hundred times faster than they are folded.
//!
//! A cache: whatever is not of this ledger, of this code or whole is as if it were not there, and is folded again.
//!
//! ```text
//! sections   each a table of values of equal length, or a text
//! index      per section: u64 offset || u64 bytes || u64 checksum
//! foot       magic || u32 version of the facts || u64 leaves || root || u64 offset of the index || u64 its checksum
//! ```
//! Numbers are little-endian. Checksums find what a power cut or a disk did; against people there is the ledger.

mod checksum;
mod reading;
mod writing;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use portbook_ledger::Hash;
use portbook_store::{LedgerDirectory, StoreError, StoreReader, decode_row, encode_row};
use portbook_views::{FactRow, Facts, TableSink as _, TableSource as _};

use self::reading::Sections;
use self::writing::Writing;
use crate::facts::{FactsAt, RecordCounts, SealTime, SourceFacts};
use crate::question::QuestionError;

const MAGIC: &[u8; 18] = b"portbook/v1/facts\n";
/// Version of this form and of what facts hold.
const VERSION: u32 = 1;
/// Where corrections and annulments are found among the sections, behind the tables of [`Facts`].
const REPAIRS: usize = 17;
/// Where the seals are.
const SEALS: usize = 18;
/// Where counts and sources are.
const COUNTS: usize = 19;

/// Where facts of one ledger are kept.
#[derive(Debug, Clone)]
pub struct KeptFacts {
    path: PathBuf,
}

/// What ends the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Foot {
    size: u64,
    root: Hash,
    index_at: u64,
    index_sum: u64,
}

/// Counts, sources, and repairs without effect, as one row.
type Counts = ([u64; 4], Vec<Source>, Vec<u64>);
type Source = (String, [u64; 5], Option<u64>, Vec<String>);

impl KeptFacts {
    /// The facts kept in a ledger directory, whether or not there are any.
    #[must_use]
    pub fn in_ledger(directory: &LedgerDirectory) -> Self {
        Self {
            path: directory.facts(),
        }
    }

    /// What is kept, when it is of the ledger behind `reader`, of no more than `size_max` leaves, and whole.
    ///
    /// # Errors
    /// [`QuestionError`] when the store cannot be read.
    pub fn load(&self, reader: &StoreReader, size_max: u64) -> Result<Option<FactsAt>, QuestionError> {
        let Some((file, foot)) = self.open() else {
            return Ok(None);
        };
        let mut at = FactsAt {
            size: foot.size,
            root: foot.root,
            ..FactsAt::empty()
        };
        if foot.size > size_max || !at.is_of(reader)? {
            return Ok(None);
        }
        // What cannot be read is as good as not kept.
        Ok(read_into(&mut at, &file, &foot).ok().map(|()| at))
    }

    /// How many leaves the kept facts are of; none where nothing is kept.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.open().map(|(_, foot)| foot.size)
    }

    /// Writes facts down in the place of what is kept. Whoever reads meanwhile reads the one or the other.
    ///
    /// # Errors
    /// [`QuestionError::Store`] when they cannot be written; what was kept stands.
    pub fn write(&self, at: &FactsAt) -> Result<(), QuestionError> {
        let unfinished = self.path.with_extension(format!("new-{}", std::process::id()));
        let written = write_to(at, &unfinished).and_then(|()| fs::rename(&unfinished, &self.path));
        written.map_err(|source| {
            fs::remove_file(&unfinished).unwrap_or_default();
            QuestionError::Store(StoreError::Io {
                doing: "write",
                path: self.path.clone(),
                source,
            })
        })
    }

    fn open(&self) -> Option<(File, Foot)> {
        let file = File::open(&self.path).ok()?;
        let foot = reading::foot(&file).ok()?;
        Some((file, foot))
    }
}

fn write_to(at: &FactsAt, path: &Path) -> io::Result<()> {
    let mut writing = Writing::to(File::create(path)?);
    at.facts.write_tables(&mut writing)?;
    let mut repairs = Vec::new();
    for (leaf, row) in at.facts.repair_rows() {
        let row = encode_row(&(leaf, row)).map_err(io::Error::other)?;
        let length = u32::try_from(row.len()).map_err(io::Error::other)?;
        repairs.extend_from_slice(&length.to_le_bytes());
        repairs.extend_from_slice(&row);
    }
    writing.section(&repairs)?;
    writing.table(at.seals.iter().map(|seal| (seal.index, seal.sealed_at_ns)))?;
    writing.section(&encode_row(&counts_of(at)).map_err(io::Error::other)?)?;
    writing.finish(at.size, at.root)
}

fn read_into(at: &mut FactsAt, file: &File, foot: &Foot) -> io::Result<()> {
    let sections = Sections::of(file, foot)?;
    at.facts = Facts::read_tables(&sections, repairs(&sections.bytes(REPAIRS)?)?)?;
    let seal = |(index, sealed_at_ns)| SealTime { index, sealed_at_ns };
    at.seals = sections.table(SEALS)?.into_iter().map(seal).collect();
    let counts: Counts = decode_row(&sections.bytes(COUNTS)?).map_err(io::Error::other)?;
    let [events, redeliveries, conflicts, unreadable] = counts.0;
    at.counted = RecordCounts {
        events,
        redeliveries,
        conflicts,
        unreadable,
    };
    at.sources = counts.1.into_iter().map(source_facts).collect();
    at.idle = counts.2.into_iter().collect();
    Ok(())
}

fn repairs(mut bytes: &[u8]) -> io::Result<Vec<(u64, FactRow)>> {
    let cut_short = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let mut rows = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(io::Error::other)?;
        let (row, rest) = rest.split_at_checked(length).ok_or_else(cut_short)?;
        rows.push(decode_row(row).map_err(io::Error::other)?);
        bytes = rest;
    }
    Ok(rows)
}

fn counts_of(at: &FactsAt) -> Counts {
    let sources = at.sources.iter().map(|(source, it)| {
        let counts = [
            it.events,
            it.statements,
            it.stated,
            it.events_at_statement,
            it.differing,
        ];
        let ports = it.ports.iter().cloned().collect();
        (source.clone(), counts, it.stated_at_ns, ports)
    });
    let counted = at.counted;
    let counts = [
        counted.events,
        counted.redeliveries,
        counted.conflicts,
        counted.unreadable,
    ];
    (counts, sources.collect(), at.idle.iter().copied().collect())
}

fn source_facts((source, counts, stated_at_ns, ports): Source) -> (String, SourceFacts) {
    let [events, statements, stated, events_at_statement, differing] = counts;
    let facts = SourceFacts {
        events,
        statements,
        stated,
        events_at_statement,
        differing,
        stated_at_ns,
        ports: ports.into_iter().collect(),
    };
    (source, facts)
}
