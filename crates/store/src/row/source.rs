//! What the ledger holds of each source as a row, and back.

use std::collections::BTreeMap;

use portbook_fold::{GapKind, SourceAccount, SourceBook, SourceGap};
use portbook_ledger::DigestRun;
use serde::{Deserialize, Serialize};

use super::unreadable;
use crate::durable::StoreError;

/// [`SourceBook`] as stored.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SourcesRow {
    sources: BTreeMap<String, AccountRow>,
    gaps: Vec<GapRow>,
    gap_count: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct AccountRow {
    statements: u64,
    last_statement: u64,
    covered: u64,
    last_event: u64,
    run: ([u32; 8], Option<[u8; 32]>, u64),
}

#[derive(Debug, Serialize, Deserialize)]
struct GapRow {
    source: String,
    leaf: u64,
    kind: u8,
    after_seq: u64,
    stated: u64,
    found: u64,
}

impl SourcesRow {
    pub(crate) fn of(book: &SourceBook) -> Self {
        let account = |account: &SourceAccount| AccountRow {
            statements: account.statements,
            last_statement: account.last_statement,
            covered: account.covered,
            last_event: account.last_event,
            run: account.run.parts(),
        };
        Self {
            sources: book
                .sources
                .iter()
                .map(|(source, of)| (source.clone(), account(of)))
                .collect(),
            gaps: book.gaps.iter().map(GapRow::of).collect(),
            gap_count: book.gap_count,
        }
    }

    pub(crate) fn into_book(self) -> Result<SourceBook, StoreError> {
        let mut book = SourceBook {
            gap_count: self.gap_count,
            ..SourceBook::default()
        };
        for (source, row) in self.sources {
            book.sources.insert(source, row.into_account()?);
        }
        for row in self.gaps {
            book.gaps.push(row.into_gap()?);
        }
        Ok(book)
    }
}

impl AccountRow {
    fn into_account(self) -> Result<SourceAccount, StoreError> {
        let (state, waiting, count) = self.run;
        Ok(SourceAccount {
            statements: self.statements,
            last_statement: self.last_statement,
            covered: self.covered,
            last_event: self.last_event,
            run: DigestRun::from_parts(state, waiting, count).ok_or(unreadable("account of a source"))?,
        })
    }
}

impl GapRow {
    fn of(gap: &SourceGap) -> Self {
        let kind = GapKind::ALL.iter().position(|kind| *kind == gap.kind);
        Self {
            source: gap.source.clone(),
            leaf: gap.leaf,
            kind: kind.and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX),
            after_seq: gap.after_seq,
            stated: gap.stated,
            found: gap.found,
        }
    }

    fn into_gap(self) -> Result<SourceGap, StoreError> {
        let kind = GapKind::ALL.get(usize::from(self.kind)).copied();
        Ok(SourceGap {
            source: self.source,
            leaf: self.leaf,
            kind: kind.ok_or(unreadable("gap of a source"))?,
            after_seq: self.after_seq,
            stated: self.stated,
            found: self.found,
        })
    }
}
