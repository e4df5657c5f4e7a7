//! The facts that answers and findings rest on: what each record told, joined by case, licence, declaration and document.
//!
//! A fold that only ever adds: every question is then one pass over compact facts, so a policy, a calendar or another date
//! can be asked about without folding anything again. What a fact joins with is found while it is taken; how often it is
//! asked for does not matter.

mod digits;
mod fact;
mod names;
mod packed;
mod patch;
mod repair;
mod row;
mod tables;
mod written;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use portbook_domain::local_date;

use crate::timeline::RecordClass;
use crate::view::{Recorded, View};

pub use fact::{Cleared, Declared, Fact, FactAt, Goods, Granted, Queried, Repeat, Span, Submitted, Told};
pub use names::Name;
use names::Names;
pub use packed::Packed;
use repair::Repairs;
pub use row::{FactRow, GoodsRow, ToldRow};
pub use tables::{TableSink, TableSource};

/// Facts by case, licence, declaration and document. See the module's text.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    cases: Names,
    licenses: Names,
    declarations: Names,
    words: Names,
    all: Vec<Fact>,
    goods: Vec<Goods>,
    exit_ports: Vec<Name>,
    documents: Vec<u128>,
    repeats: Vec<Repeat>,
    /// Beside `cases`.
    by_case: Vec<CaseFacts>,
    /// Beside `licenses`: the grant in force.
    by_license: Vec<Option<FactAt>>,
    /// Every grant of a number that was granted more than once.
    regranted: BTreeMap<Name, Vec<FactAt>>,
    /// The clearance that shows a document; see [`Facts::by_document`].
    by_document: Option<BTreeMap<u128, FactAt>>,
    /// Every clearance that shows a document which more than one shows.
    reused: BTreeMap<u128, Vec<FactAt>>,
    repairs: Repairs,
}

/// What stands of one case. Of several submissions, grants or closings the first in time counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CaseFacts {
    newest: Option<FactAt>,
    /// Its application.
    pub submitted: Option<FactAt>,
    /// Its licence.
    pub granted: Option<FactAt>,
    /// Its end without a licence.
    pub closed: Option<FactAt>,
}

impl View for Facts {
    const NAME: &'static str = "facts";
    const VERSION: u32 = 2;
    const IS_LOG: bool = true;
    type Key = u64;
    type Row = FactRow;
    type Part = FactRow;

    fn parts(recorded: &Recorded<'_>, add: &mut impl FnMut(u64, FactRow)) {
        add(recorded.place.index, FactRow::of(recorded));
    }

    fn join(part: &mut FactRow, later: FactRow) {
        *part = later;
    }

    fn row(_: Option<FactRow>, part: FactRow) -> FactRow {
        part
    }
}

impl Facts {
    /// The same records without their corrections and annulments: what was recorded first.
    #[must_use]
    pub fn as_recorded(&self) -> Self {
        let rows = self.rows().filter(|(_, row)| !row.is_repair());
        Self::from_rows(rows.map(|(leaf, row)| (leaf, row.into_owned())))
    }

    /// The facts of which these are the rows, by leaf.
    #[must_use]
    pub fn from_rows(rows: impl IntoIterator<Item = (u64, FactRow)>) -> Self {
        let mut facts = Self::default();
        for (leaf, row) in rows {
            facts.add_row(leaf, &row);
        }
        facts
    }

    /// Takes one record.
    pub fn take(&mut self, recorded: &Recorded<'_>) {
        Self::parts(recorded, &mut |leaf, row| self.add_row(leaf, &row));
    }

    /// Every fact that stands, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = &Fact> {
        self.all.iter().filter(|fact| fact.stands)
    }

    /// The fact at a place.
    #[must_use]
    pub fn get(&self, at: FactAt) -> Option<&Fact> {
        self.all.get(at.at())
    }

    /// Every case, in no order that means anything.
    pub fn cases(&self) -> impl Iterator<Item = (Name, &CaseFacts)> {
        self.cases.iter().zip(&self.by_case)
    }

    /// What stands of a case.
    #[must_use]
    pub fn case(&self, case: Name) -> CaseFacts {
        self.by_case.get(case.at()).copied().unwrap_or_default()
    }

    /// The facts of a case that stand, in no order that means anything.
    pub fn of_case(&self, case: Name) -> impl Iterator<Item = &Fact> {
        let first = self.case(case).newest.and_then(|at| self.get(at));
        std::iter::successors(first, |fact| fact.next_of_case.and_then(|at| self.get(at)))
            .filter(|fact| fact.stands)
    }

    /// The application of a case.
    #[must_use]
    pub fn submission(&self, case: &CaseFacts) -> Option<(&Fact, &Submitted)> {
        let fact = self.get(case.submitted?)?;
        if let Told::Submitted(it) = &fact.told {
            Some((fact, it))
        } else {
            None
        }
    }

    /// The grant at a place.
    #[must_use]
    pub fn grant(&self, at: Option<FactAt>) -> Option<(&Fact, &Granted)> {
        let fact = self.get(at?)?;
        if let Told::Granted(it) = &fact.told {
            Some((fact, it))
        } else {
            None
        }
    }

    /// The grant of a licence: the first in time of those that carry its number.
    #[must_use]
    pub fn grant_of(&self, license: Name) -> Option<(&Fact, &Granted)> {
        self.grant(self.by_license.get(license.at()).copied().flatten())
    }

    /// Every grant that is the first in time of its number.
    pub fn grants(&self) -> impl Iterator<Item = (&Fact, &Granted)> {
        self.by_license.iter().filter_map(|at| self.grant(*at))
    }

    /// Every clearance that stands.
    pub fn clearances(&self) -> impl Iterator<Item = (&Fact, &Cleared)> {
        self.iter().filter_map(|fact| {
            if let Told::Cleared(it) = &fact.told {
                Some((fact, it))
            } else {
                None
            }
        })
    }

    /// Groups of clearances that show one document.
    pub fn reused_documents(&self) -> impl Iterator<Item = (u128, impl Iterator<Item = &Fact>)> {
        self.reused
            .iter()
            .map(|(document, uses)| (*document, uses.iter().filter_map(|at| self.get(*at))))
    }

    /// Redeliveries and conflicts.
    #[must_use]
    pub fn repeats(&self) -> &[Repeat] {
        &self.repeats
    }

    /// Goods of a fact.
    #[must_use]
    pub fn goods(&self, lines: Span) -> &[Goods] {
        lines.of(&self.goods)
    }

    /// Exit ports of a grant, as written.
    #[must_use]
    pub fn exit_ports(&self, ports: Span) -> &[Name] {
        ports.of(&self.exit_ports)
    }

    /// Identifier of a case.
    #[must_use]
    pub fn case_id(&self, case: Name) -> &str {
        self.cases.text(case)
    }

    /// Number of a licence.
    #[must_use]
    pub fn license_no(&self, license: Name) -> &str {
        self.licenses.text(license)
    }

    /// Number of a declaration.
    #[must_use]
    pub fn declaration_no(&self, declaration: Name) -> &str {
        self.declarations.text(declaration)
    }

    /// Any other text: a port, a country, a code.
    #[must_use]
    pub fn word(&self, word: Name) -> &str {
        self.words.text(word)
    }

    /// Every text that is no case, licence or declaration, in the order of [`Name::at`].
    pub fn words(&self) -> impl Iterator<Item = (Name, &str)> {
        self.words.iter().map(|name| (name, self.words.text(name)))
    }

    /// The number of a text, where any fact carries it.
    #[must_use]
    pub fn find_word(&self, text: &str) -> Option<Name> {
        self.words.find(text)
    }

    /// How many licences and declarations are named: the length of tables beside them.
    #[must_use]
    pub fn counts(&self) -> NamedCounts {
        NamedCounts {
            cases: self.cases.len(),
            licenses: self.licenses.len(),
            declarations: self.declarations.len(),
            words: self.words.len(),
        }
    }

    /// How many events it took, corrections and annulments included, repeats not.
    #[must_use]
    pub fn records(&self) -> u64 {
        let originals = self.all.iter().filter(|fact| !fact.is_copy).count();
        u64::try_from(originals.saturating_add(self.repairs.records.len())).unwrap_or(u64::MAX)
    }

    /// How many events were corrected or annulled, and how many repairs name an event that no record holds.
    #[must_use]
    pub fn repaired(&self) -> (usize, usize) {
        self.repairs.counts()
    }

    /// Takes a row, whatever it is.
    fn add_row(&mut self, leaf: u64, row: &FactRow) {
        let case = self.cases.keep(row.case.as_str());
        self.by_case.resize(self.cases.len(), CaseFacts::default());
        match &row.told {
            ToldRow::Repeated => self.repeat(leaf, case, row),
            ToldRow::Corrected { .. } | ToldRow::Annulled { .. } => self.repair(leaf, case, row),
            ToldRow::Submitted { .. }
            | ToldRow::Closed { .. }
            | ToldRow::Queried { .. }
            | ToldRow::Answered { .. }
            | ToldRow::Granted { .. }
            | ToldRow::Changed { .. }
            | ToldRow::Declared { .. }
            | ToldRow::Cleared { .. }
            | ToldRow::ShipmentEnded { .. } => {
                let is_repaired = self.repairs.concern(case, row.event);
                self.add(leaf, case, row, !is_repaired);
                if is_repaired {
                    self.refresh(case, row.event);
                }
            }
        }
    }

    fn repeat(&mut self, leaf: u64, case: Name, row: &FactRow) {
        let port = self.words.keep(row.port.as_str());
        let port_as_written = self.words.keep(row.port_as_written.as_str());
        self.repeats.push(Repeat {
            leaf,
            refers_to: row.refers_to,
            is_conflict: row.class == RecordClass::Conflict,
            occurred_at_ns: row.occurred_at_ns,
            stated_at_ns: row.stated_at_ns,
            simulated: row.simulated,
            event: row.event.to_be_bytes(),
            case,
            port,
            port_as_written,
        });
    }

    /// Adds a fact, and joins it with what it belongs to if it stands.
    fn add(&mut self, leaf: u64, case: Name, row: &FactRow, stands: bool) {
        let Some(told) = self.compact(&row.told) else {
            return;
        };
        let at = FactAt::after(self.all.len());
        let fact = Fact {
            leaf,
            occurred_at_ns: row.occurred_at_ns,
            stated_at_ns: row.stated_at_ns,
            event: row.event.to_be_bytes(),
            case,
            port: self.words.keep(row.port.as_str()),
            port_as_written: self.words.keep(row.port_as_written.as_str()),
            next_of_case: self.case(case).newest,
            day: day_of(row.occurred_at_ns),
            simulated: row.simulated,
            stands,
            is_copy: false,
            told,
        };
        self.all.push(fact);
        if let Some(entry) = self.by_case.get_mut(case.at()) {
            entry.newest = Some(at);
        }
        self.by_license.resize(self.licenses.len(), None);
        if stands {
            self.join(at, &fact);
        }
    }

    fn join(&mut self, at: FactAt, fact: &Fact) {
        self.join_case(at, fact);
        if let Told::Granted(it) = &fact.told {
            self.join_license(at, fact, it.license);
        }
        if let Told::Cleared(it) = &fact.told {
            self.join_documents(at, it.documents);
        }
    }

    fn join_case(&mut self, at: FactAt, fact: &Fact) {
        let mut entry = self.case(fact.case);
        let place = match &fact.told {
            Told::Submitted(_) => &mut entry.submitted,
            Told::Granted(_) => &mut entry.granted,
            Told::Closed(_) => &mut entry.closed,
            Told::Queried(_)
            | Told::Answered { .. }
            | Told::Changed { .. }
            | Told::Declared(_)
            | Told::Cleared(_)
            | Told::ShipmentEnded { .. } => return,
        };
        let known = place.and_then(|known| self.get(known));
        if known.is_none_or(|known| fact.moment() < known.moment()) {
            *place = Some(at);
            if let Some(kept) = self.by_case.get_mut(fact.case.at()) {
                *kept = entry;
            }
        }
    }

    fn join_license(&mut self, at: FactAt, fact: &Fact, license: Name) {
        let known = self.by_license.get(license.at()).copied().flatten();
        let earlier = known.and_then(|known| self.get(known)).map(Fact::moment);
        if let Some(known) = known {
            let grants = self.regranted.entry(license).or_insert_with(|| vec![known]);
            if !grants.contains(&at) {
                grants.push(at);
            }
        }
        if earlier.is_none_or(|earlier| fact.moment() < earlier)
            && let Some(entry) = self.by_license.get_mut(license.at())
        {
            *entry = Some(at);
        }
    }

    fn join_documents(&mut self, at: FactAt, documents: Span) {
        for document in documents.of(&self.documents).to_vec() {
            let first = *self.by_document().entry(document).or_insert(at);
            if first != at {
                let uses = self.reused.entry(document).or_insert_with(|| vec![first]);
                if !uses.contains(&at) {
                    uses.push(at);
                }
            }
        }
    }
}

/// How many different texts of each kind there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedCounts {
    /// Cases.
    pub cases: usize,
    /// Licence numbers, granted or only used.
    pub licenses: usize,
    /// Declaration numbers.
    pub declarations: usize,
    /// Other texts.
    pub words: usize,
}

/// The day in the time of China on which a moment falls.
#[must_use]
pub fn day_of(at_ns: i64) -> Date {
    local_date(Timestamp::from_nanosecond(i128::from(at_ns)).unwrap_or(Timestamp::UNIX_EPOCH))
}
