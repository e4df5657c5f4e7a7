//! A report of a ledger or a port: one printable page with no network, each number with its method and its command.

mod chart;
mod page;
mod section;

use std::io::Write;

use crate::error::ExportError;
use crate::manifest::{About, Tally};

pub use section::{Section, Subject};

/// A report before it is a page: the same numbers for people and for programs.
#[derive(Debug)]
pub struct Report {
    /// What it was made of.
    pub about: About,
    /// What it is about, in numbers.
    pub tally: Tally,
    /// Facts of later days are left out.
    pub as_of: String,
    /// Its parts, in order.
    pub sections: Vec<Section>,
}

impl Report {
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
