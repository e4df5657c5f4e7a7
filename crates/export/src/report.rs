//! A report of a ledger or a port: one printable page with no network, each number with its definition and its command.

mod chart;
mod figures;
mod page;
mod section;

use std::io::Write;

use portbook_domain::Calendar;

use crate::entry::{Book, Scope};
use crate::error::ExportError;
use crate::manifest::{About, Tally};
use crate::row::Row;
use figures::Figures;

pub use section::Section;

/// A report before it is a page: the same numbers for people and for programs.
#[derive(Debug)]
pub struct Report {
    /// What it was made of.
    pub about: About,
    /// What it is about, in numbers.
    pub tally: Tally,
    /// First and last day of events, in the time of China.
    pub days: Option<(String, String)>,
    /// Its parts, in order.
    pub sections: Vec<Section>,
}

impl Report {
    /// Reads what the report is about. `progress` is told how many entries were taken.
    ///
    /// # Errors
    /// [`ExportError`] when the ledger cannot be read.
    pub fn of(
        book: &Book<'_>,
        scope: Scope,
        about: About,
        calendar: &Calendar,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Self, ExportError> {
        let (mut tally, mut figures) = (Tally::default(), Figures::default());
        let mut taken = 0;
        book.each(scope, &mut |entry| {
            let row = Row::of(&entry);
            tally.count(&entry, &row)?;
            figures.take(&entry, &row);
            taken += 1;
            progress(taken);
            Ok(())
        })?;
        Ok(Self {
            days: figures.days(),
            sections: section::all(&figures, &tally, scope, &about, calendar),
            about,
            tally,
        })
    }

    /// Writes the page.
    ///
    /// # Errors
    /// [`ExportError::Write`].
    pub fn write_page(&self, out: &mut dyn Write) -> Result<(), ExportError> {
        let page = page::page(self).map_err(std::io::Error::other)?;
        out.write_all(page.as_bytes())?;
        Ok(())
    }
}
