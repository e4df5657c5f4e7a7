//! Exporting: one pass over the entries, or as many as the format needs, into one file.

use std::collections::BTreeMap;
use std::io::{self, Write};

use portbook_ledger::Hasher;

use crate::csv_file::CsvFile;
use crate::entry::{Book, Entry, Scope};
use crate::epcis::EpcisFile;
use crate::error::ExportError;
use crate::manifest::{About, Inside, Manifest, SCHEMA, Tally};
use crate::ndjson::NdjsonFile;
use crate::ocel::OcelFile;
use crate::parquet_file::ParquetFile;
use crate::row::Row;
use crate::xes::XesFile;

/// Formats of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Apache Parquet.
    Parquet,
    /// Comma-separated values.
    Csv,
    /// One JSON document a line.
    Ndjson,
    /// OCEL 2.0 in JSON: object-centric event logs.
    Ocel,
    /// XES: event logs by case.
    Xes,
    /// EPCIS 2.0 in JSON-LD.
    Epcis,
}

impl Format {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Ocel => "ocel",
            Self::Xes => "xes",
            Self::Epcis => "epcis",
        }
    }

    /// Whether every record has a row; the others are about events alone.
    const fn is_table(self) -> bool {
        match self {
            Self::Parquet | Self::Csv | Self::Ndjson => true,
            Self::Ocel | Self::Xes | Self::Epcis => false,
        }
    }
}

/// A file in the making.
pub(crate) trait File {
    /// Takes the next entry.
    fn take(&mut self, entry: &Entry, row: &Row<'_>) -> Result<(), ExportError>;

    /// Writes what comes after the last entry, and gives how many rows there are.
    fn finish(self: Box<Self>, about: &About, tally: &Tally) -> Result<u64, ExportError>;
}

/// Writes an export to `out`, and gives its manifest. `progress` is told how many entries were taken.
///
/// What is held is a buffer of rows. XES and OCEL hold the ids of cases and objects beside it, because their layouts ask for
/// what belongs together to stand together.
///
/// # Errors
/// [`ExportError`]; what was written until then is no export.
pub fn export(
    book: &Book<'_>,
    scope: Scope,
    format: Format,
    about: About,
    out: &mut (dyn Write + Send),
    progress: &mut dyn FnMut(u64),
) -> Result<Manifest, ExportError> {
    let mut out = Digested {
        out,
        hasher: Hasher::default(),
        bytes: 0,
    };
    let mut file: Box<dyn File + '_> = match format {
        Format::Parquet => Box::new(ParquetFile::begin(&mut out)?),
        Format::Csv => Box::new(CsvFile::begin(&mut out)?),
        Format::Ndjson => Box::new(NdjsonFile::begin(&mut out)),
        Format::Ocel => Box::new(OcelFile::begin(&mut out)?),
        Format::Xes => Box::new(XesFile::begin(&mut out, *book)?),
        Format::Epcis => Box::new(EpcisFile::begin(&mut out, *book)?),
    };
    let mut tally = Tally::default();
    let mut taken = 0;
    book.each(scope, &mut |entry| {
        let row = Row::of(&entry);
        tally.count(&entry, &row)?;
        if format.is_table() || entry.event().is_some() {
            file.take(&entry, &row)?;
        }
        taken += 1;
        progress(taken);
        Ok(())
    })?;
    let rows = file.finish(&about, &tally)?;
    out.flush()?;
    let left_out = if format.is_table() {
        BTreeMap::new()
    } else {
        tally.besides_events()
    };
    Ok(Manifest {
        schema: SCHEMA,
        format: format.name(),
        about,
        rows,
        tally,
        left_out,
        bytes: out.bytes,
        sha256: out.hasher.finish().to_hex(),
    })
}

/// The manifest as the file itself can carry it.
pub(crate) fn inside(about: &About, rows: u64, tally: &Tally) -> Result<String, ExportError> {
    Ok(serde_json::to_string(&Inside {
        schema: SCHEMA,
        end: true,
        about,
        rows,
        tally,
    })?)
}

/// Counts and digests what passes by.
struct Digested<'a> {
    out: &'a mut (dyn Write + Send),
    hasher: Hasher,
    bytes: u64,
}

impl Write for Digested<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(bytes.get(..written).unwrap_or_default());
        self.bytes += u64::try_from(written).unwrap_or_default();
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
