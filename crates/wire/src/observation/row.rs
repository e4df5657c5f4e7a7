//! The columns of observation files, and one line as a row of them.

use super::cell::{Cell, Flaw, LineRule};
use crate::digest::sha256;

/// One column of one line.
#[derive(Debug)]
pub(super) struct Slot<'a> {
    name: &'static str,
    cell: Option<Cell<'a>>,
}

/// Declares the columns once, in the order of the catalogue.
macro_rules! columns {
    ($($field:ident = $name:literal,)*) => {
        /// The columns there are, in the order of the catalogue.
        pub const COLUMNS: &[&str] = &[$($name,)*];

        /// One line, by column. What is read is taken out, so that what is left is seen.
        #[derive(Debug)]
        pub(super) struct Row<'a> { $(pub(super) $field: Slot<'a>,)* }

        impl<'a> Row<'a> {
            pub(super) const fn new() -> Self {
                Self { $($field: Slot { name: $name, cell: None },)* }
            }

            /// The column called `name`.
            pub(super) fn slot(&mut self, name: &str) -> Option<&mut Slot<'a>> {
                match name { $($name => Some(&mut self.$field),)* _ => None }
            }

            fn slots(&self) -> impl Iterator<Item = &Slot<'a>> {
                [$(&self.$field,)*].into_iter()
            }
        }
    };
}

columns! {
    event_id = "event_id",
    type_ = "type",
    case_id = "case_id",
    occurred_at = "occurred_at",
    recorded_at = "recorded_at",
    port = "port",
    destination = "destination",
    hs = "hs",
    control_code = "control_code",
    element = "element",
    qty_kg = "qty_kg",
    qty_g = "qty_g",
    expedited = "expedited",
    doc_digest = "doc_digest",
    license_no = "license_no",
    valid_from = "valid_from",
    valid_until = "valid_until",
    uses_allowed = "uses_allowed",
    stage = "stage",
    round = "round",
    authority = "authority",
    reason = "reason",
    declaration_no = "declaration_no",
    reply_due = "reply_due",
    control_status = "control_status",
    outcome = "outcome",
    simulated = "simulated",
}

/// The published name of a column, when there is one called `name`.
pub(super) fn column(name: &str) -> Option<&'static str> {
    COLUMNS.iter().copied().find(|column| *column == name)
}

impl<'a> Slot<'a> {
    /// Puts a value into the column.
    pub(super) fn fill(&mut self, cell: Cell<'a>) -> Result<(), Flaw> {
        if self.cell.is_some() {
            return Err(self.flaw(LineRule::DuplicateColumn));
        }
        self.cell = Some(cell);
        Ok(())
    }

    /// Takes the value out, if there is one.
    pub(super) fn take<T>(
        &mut self,
        read: impl FnOnce(&Cell<'a>) -> Result<T, LineRule>,
    ) -> Result<Option<T>, Flaw> {
        let value = self.cell.take().map(|cell| read(&cell)).transpose();
        value.map_err(|rule| self.flaw(rule))
    }

    /// Takes the value out; it must be there.
    pub(super) fn need<T>(&mut self, read: impl FnOnce(&Cell<'a>) -> Result<T, LineRule>) -> Result<T, Flaw> {
        self.take(read)?.ok_or_else(|| self.flaw(LineRule::Missing))
    }

    pub(super) const fn is_filled(&self) -> bool {
        self.cell.is_some()
    }

    pub(super) fn flaw(&self, rule: LineRule) -> Flaw {
        Flaw::column(self.name, rule)
    }
}

impl Row<'_> {
    /// SHA-256 over `<column>=<value>` LF of every column that is there, in the order of the catalogue.
    ///
    /// It does not depend on the file's format or its order of columns: exporting a file again keeps it.
    pub(super) fn content(&self) -> [u8; 32] {
        let mut parts: Vec<&[u8]> = Vec::new();
        for slot in self.slots() {
            if let Some(cell) = &slot.cell {
                parts.extend([slot.name.as_bytes(), b"=", cell.written().as_bytes(), b"\n"]);
            }
        }
        sha256(&parts)
    }

    /// Refuses what nobody took.
    pub(super) fn finish(&self, type_: &'static str) -> Result<(), Flaw> {
        match self.slots().find(|slot| slot.is_filled()) {
            Some(slot) => Err(slot.flaw(LineRule::NotOfType { type_ })),
            None => Ok(()),
        }
    }
}
