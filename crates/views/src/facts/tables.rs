//! Facts written down as tables, and read back without folding anything again.

use std::collections::BTreeMap;

use super::fact::{FactAt, Told};
use super::names::Names;
use super::packed::Packed;
use super::row::FactRow;
use super::{CaseFacts, Facts};

/// Takes tables, in the order in which facts hand them over.
pub trait TableSink {
    /// Why one cannot be taken.
    type Error;

    /// Takes a table.
    ///
    /// # Errors
    /// When it cannot be written.
    fn table<T: Packed>(&mut self, rows: impl Iterator<Item = T>) -> Result<(), Self::Error>;

    /// Takes a text.
    ///
    /// # Errors
    /// When it cannot be written.
    fn text(&mut self, text: &str) -> Result<(), Self::Error>;
}

/// Gives tables by the place in which they were taken, from several threads at once.
pub trait TableSource: Sync {
    /// Why one cannot be given.
    type Error: Send;

    /// The table taken at `place`.
    ///
    /// # Errors
    /// When it cannot be read, or is none of such rows.
    fn table<T: Packed>(&self, place: usize) -> Result<Vec<T>, Self::Error>;

    /// The text taken at `place`.
    ///
    /// # Errors
    /// When it cannot be read, or is none.
    fn text(&self, place: usize) -> Result<String, Self::Error>;
}

impl Facts {
    /// Hands over everything but [`Facts::repair_rows`].
    ///
    /// # Errors
    /// That of `sink`.
    pub fn write_tables<S: TableSink>(&self, sink: &mut S) -> Result<(), S::Error> {
        for names in [&self.cases, &self.licenses, &self.declarations, &self.words] {
            let (text, ends) = names.written();
            sink.text(text)?;
            sink.table(ends.iter().copied())?;
        }
        sink.table(self.all.iter().copied())?;
        sink.table(self.goods.iter().copied())?;
        sink.table(self.exit_ports.iter().copied())?;
        sink.table(self.documents.iter().copied())?;
        sink.table(self.repeats.iter().copied())?;
        sink.table(self.by_case.iter().copied())?;
        sink.table(self.by_license.iter().copied())?;
        sink.table(pairs(&self.regranted))?;
        sink.table(pairs(&self.reused))
    }

    /// The facts that handed over these tables, with `repairs` as [`Facts::repair_rows`] gave them.
    ///
    /// # Errors
    /// That of `source`.
    pub fn read_tables<S: TableSource>(
        source: &S,
        repairs: impl IntoIterator<Item = (u64, FactRow)>,
    ) -> Result<Self, S::Error> {
        // The facts themselves are about as much as everything else.
        let (all, rest) = std::thread::scope(|scope| {
            let all = scope.spawn(|| source.table(8));
            let rest = Self::read_beside(source);
            (all.join(), rest)
        });
        let mut facts = rest?;
        match all {
            Ok(all) => facts.all = all?,
            Err(panic) => std::panic::resume_unwind(panic),
        }
        for (leaf, row) in repairs {
            facts.remember_repair(leaf, &row);
        }
        Ok(facts)
    }

    /// Everything but the facts themselves.
    fn read_beside<S: TableSource>(source: &S) -> Result<Self, S::Error> {
        Ok(Self {
            cases: names(source, 0)?,
            licenses: names(source, 2)?,
            declarations: names(source, 4)?,
            words: names(source, 6)?,
            goods: source.table(9)?,
            exit_ports: source.table(10)?,
            documents: source.table(11)?,
            repeats: source.table(12)?,
            by_case: source.table::<CaseFacts>(13)?,
            by_license: source.table(14)?,
            regranted: grouped(source.table(15)?),
            reused: grouped(source.table(16)?),
            ..Self::default()
        })
    }

    /// Corrections and annulments, by leaf.
    pub fn repair_rows(&self) -> impl Iterator<Item = (u64, &FactRow)> {
        self.repairs.records.iter().map(|(leaf, row)| (*leaf, row))
    }

    /// Whether the correction or annulment at `leaf` was taken.
    #[must_use]
    pub fn has_repair(&self, leaf: u64) -> bool {
        self.repairs.records.contains_key(&leaf)
    }

    /// The clearance that shows each document. Only folding asks for it, so facts that were read back make it then.
    pub(super) fn by_document(&mut self) -> &mut BTreeMap<u128, FactAt> {
        let (all, documents) = (&self.all, &self.documents);
        self.by_document.get_or_insert_with(|| {
            let mut shown = Vec::new();
            for (at, fact) in all.iter().enumerate().filter(|(_, fact)| fact.stands) {
                if let Told::Cleared(it) = &fact.told {
                    let at = FactAt::after(at);
                    shown.extend(it.documents.of(documents).iter().map(|document| (*document, at)));
                }
            }
            // Of several that show a document the first stays.
            shown.sort_unstable();
            shown.dedup_by_key(|(document, _)| *document);
            shown.into_iter().collect()
        })
    }
}

fn names<S: TableSource>(source: &S, place: usize) -> Result<Names, S::Error> {
    Ok(Names::read_back(source.text(place)?, source.table(place + 1)?))
}

fn pairs<K: Copy>(groups: &BTreeMap<K, Vec<FactAt>>) -> impl Iterator<Item = (K, FactAt)> {
    groups
        .iter()
        .flat_map(|(key, places)| places.iter().map(|at| (*key, *at)))
}

fn grouped<K: Ord>(pairs: Vec<(K, FactAt)>) -> BTreeMap<K, Vec<FactAt>> {
    let mut groups: BTreeMap<K, Vec<FactAt>> = BTreeMap::new();
    for (key, at) in pairs {
        groups.entry(key).or_default().push(at);
    }
    groups
}
