//! What is known of a generation of a view: which code folded it, how far, and what it came to.

use portbook_ledger::Hash;
use serde::{Deserialize, Serialize};

use crate::row_file::{RowFile, Written};

/// One generation of a view, as of its newest snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// Name of the view.
    pub view: String,
    /// Number of the generation, from 1.
    pub number: u64,
    /// Version of the code that folded it.
    pub version: u32,
    /// Leaves folded: the leaf index it goes on at.
    pub cursor: u64,
    /// Hash of the last leaf folded, which binds it to its ledger; zeros when there is none.
    pub last_leaf: Hash,
    /// State root of its rows.
    pub root: Hash,
    /// Number of its rows.
    pub rows: u64,
    /// Bytes of its rows.
    pub bytes: u64,
    /// Number of its parked cases.
    pub parked: u64,
    /// Leaves on which the fold itself failed, and how.
    pub poisoned: Vec<(u64, String)>,
    /// Whether it caught up with the ledger once; until then nothing can be said by it.
    pub whole: bool,
    /// The generation that was live when it was begun.
    pub created_from: Option<u64>,
    /// What holding it against the live generation came to.
    pub compared: Option<Comparison>,
    pub(crate) files: Files,
}

/// The files that hold a generation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Files {
    /// Its rows, in the order of keys from one file to the next.
    pub(crate) rows: Vec<RowFile>,
    /// What records added to rows since, each file in the order of keys.
    pub(crate) parts: Vec<RowFile>,
    /// Its parked cases.
    pub(crate) parked: Option<RowFile>,
    /// Number of the next file.
    pub(crate) next: u64,
}

/// What holding a generation against another came to, both after the same leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// Number of the other generation.
    pub with: u64,
    /// Leaves that both had folded.
    pub at: u64,
    /// Rows that only this one has.
    pub added: u64,
    /// Rows that only the other has.
    pub removed: u64,
    /// Rows whose keys both have, and that differ.
    pub changed: u64,
}

/// Which generation of a view is read, and which was read before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    /// The one that is read.
    pub live: u64,
    /// The one that was read before it: the way back.
    pub before: Option<u64>,
}

/// A case whose later events wait behind one that cannot be folded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// The case.
    pub case: String,
    /// Why its first waiting event cannot be folded.
    pub reason: String,
    /// Leaf indexes of its waiting events, in ledger order; the first is the one that cannot be folded.
    pub waiting: Vec<u64>,
}

/// A declared skip: somebody said why one event enters no view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// Leaf index of the event.
    pub leaf: u64,
    /// Its case.
    pub case: String,
    /// Why it is skipped.
    pub reason: String,
    /// When that was declared, nanoseconds since 1970.
    pub declared_at_ns: u64,
}

/// [`Generation`] as stored, without view and number, which are its key.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct GenerationRow {
    version: u32,
    cursor: u64,
    last_leaf: [u8; 32],
    root: [u8; 32],
    rows: u64,
    bytes: u64,
    parked: u64,
    poisoned: Vec<(u64, String)>,
    whole: bool,
    created_from: Option<u64>,
    compared: Option<Comparison>,
    files: Files,
}

impl Comparison {
    /// Whether both hold the same.
    #[must_use]
    pub const fn is_equal(&self) -> bool {
        self.added == 0 && self.removed == 0 && self.changed == 0
    }
}

impl Generation {
    /// A generation that has folded nothing.
    #[must_use]
    pub fn begun(view: &str, number: u64, version: u32, created_from: Option<u64>) -> Self {
        Self {
            view: view.to_owned(),
            number,
            version,
            cursor: 0,
            last_leaf: Hash::ZERO,
            root: crate::StateRoot::of(view).finish(),
            rows: 0,
            bytes: 0,
            parked: 0,
            poisoned: Vec::new(),
            whole: false,
            created_from,
            compared: None,
            files: Files::default(),
        }
    }

    /// Its rows are those of `written` from now on, and nothing is to be added to them.
    pub fn replace_rows(&mut self, written: &Written) {
        self.files.rows.clear();
        self.files.parts.clear();
        self.append_rows(written);
    }

    /// Behind its rows come those of `written`.
    pub fn append_rows(&mut self, written: &Written) {
        self.files.rows.push(written.file);
        self.root = written.file.root();
        self.rows = written.root.rows();
        self.bytes = self.files.rows.iter().map(|file| file.bytes).sum();
    }

    /// To its rows is to be added what `written` holds.
    pub fn add_parts(&mut self, written: &Written) {
        self.files.parts.push(written.file);
    }

    /// Its parked cases are those of `written` from now on.
    pub fn replace_parked(&mut self, written: &Written) {
        self.parked = written.root.rows();
        self.files.parked = (self.parked > 0).then_some(written.file);
    }

    /// How many files hold what is to be added to its rows.
    #[must_use]
    pub const fn pending(&self) -> usize {
        self.files.parts.len()
    }

    /// How many files hold its rows.
    #[must_use]
    pub const fn row_files(&self) -> usize {
        self.files.rows.len()
    }

    /// The number of the next file.
    pub(crate) const fn next_file(&mut self) -> u64 {
        self.files.next += 1;
        self.files.next
    }
}

impl Files {
    /// Every file.
    pub(crate) fn all(&self) -> impl Iterator<Item = &RowFile> {
        self.rows.iter().chain(&self.parts).chain(&self.parked)
    }
}

impl GenerationRow {
    pub(crate) fn of(generation: &Generation) -> Self {
        let it = generation.clone();
        Self {
            version: it.version,
            cursor: it.cursor,
            last_leaf: *it.last_leaf.as_bytes(),
            root: *it.root.as_bytes(),
            rows: it.rows,
            bytes: it.bytes,
            parked: it.parked,
            poisoned: it.poisoned,
            whole: it.whole,
            created_from: it.created_from,
            compared: it.compared,
            files: it.files,
        }
    }

    pub(crate) fn into_generation(self, view: &str, number: u64) -> Generation {
        Generation {
            view: view.to_owned(),
            number,
            version: self.version,
            cursor: self.cursor,
            last_leaf: Hash::from_bytes(self.last_leaf),
            root: Hash::from_bytes(self.root),
            rows: self.rows,
            bytes: self.bytes,
            parked: self.parked,
            poisoned: self.poisoned,
            whole: self.whole,
            created_from: self.created_from,
            compared: self.compared,
            files: self.files,
        }
    }
}
