//! A declaration and how far it has come.

use jiff::Timestamp;

use crate::event::{ClearedLine, ShipmentClosed, ShipmentDeclared, ShipmentOutcome};

/// How far a declaration has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeclarationStatus {
    /// Goods are declared and wait for release.
    Open,
    /// They were released.
    Cleared {
        /// When.
        occurred_at: Timestamp,
        /// What was released.
        lines: Vec<ClearedLine>,
    },
    /// It ended without release.
    Ended(ShipmentOutcome),
    /// It was released and the release undone, wholly or in part.
    Reversed {
        /// What was released.
        lines: Vec<ClearedLine>,
        /// Grams that came back.
        returned_g: u128,
    },
}

/// A declaration of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// The declaration as recorded.
    pub declared: ShipmentDeclared,
    /// When it was made.
    pub occurred_at: Timestamp,
    /// How far it has come.
    pub status: DeclarationStatus,
}

impl Declaration {
    /// Grams it takes from line `number` of its licence: what is declared while it is open, then what was released
    /// less what came back.
    ///
    /// A partial return names no line, so it is taken from the released lines in their order; a decided case
    /// accepts one only where a single line was released.
    #[must_use]
    pub fn drawn_g(&self, number: u16) -> u128 {
        match &self.status {
            DeclarationStatus::Open => mass_of_line(&self.declared.lines, number),
            DeclarationStatus::Cleared { lines, .. } => mass_of_line(lines, number),
            DeclarationStatus::Ended(_) => 0,
            DeclarationStatus::Reversed { lines, returned_g } => kept_of_line(lines, *returned_g, number),
        }
    }

    /// Whether it counts as a use of its licence.
    #[must_use]
    pub fn is_use(&self) -> bool {
        match &self.status {
            DeclarationStatus::Open | DeclarationStatus::Cleared { .. } => true,
            DeclarationStatus::Ended(_) => false,
            DeclarationStatus::Reversed { lines, returned_g } => *returned_g < mass_of(lines),
        }
    }

    pub(super) fn close(&mut self, closed: &ShipmentClosed) {
        self.status = match (closed.outcome, &self.status) {
            (
                ShipmentOutcome::Reversed,
                DeclarationStatus::Cleared { lines, .. } | DeclarationStatus::Reversed { lines, .. },
            ) => DeclarationStatus::Reversed {
                lines: lines.clone(),
                returned_g: closed
                    .returned_g
                    .map_or_else(|| mass_of(lines), |grams| u128::from(grams.get())),
            },
            (outcome, _) => DeclarationStatus::Ended(outcome),
        };
    }
}

/// Sum of all lines, in grams.
pub(crate) fn mass_of(lines: &[ClearedLine]) -> u128 {
    lines.iter().map(|line| u128::from(line.cleared_g.get())).sum()
}

fn mass_of_line(lines: &[ClearedLine], number: u16) -> u128 {
    lines
        .iter()
        .filter(|line| line.line == Some(number))
        .map(|line| u128::from(line.cleared_g.get()))
        .sum()
}

fn kept_of_line(lines: &[ClearedLine], returned_g: u128, number: u16) -> u128 {
    let mut returned_g = returned_g;
    let mut kept_g = 0;
    for line in lines {
        let cleared_g = u128::from(line.cleared_g.get());
        let taken_g = cleared_g.min(returned_g);
        returned_g -= taken_g;
        if line.line == Some(number) {
            kept_g += cleared_g - taken_g;
        }
    }
    kept_g
}
