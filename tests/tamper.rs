//! The tamper matrix: what each attacker can do to each record, and which layer of verification finds it.
//!
//! Fourteen operators at every position of a small ledger, in the hands of four attackers, against the verifier as it is. The
//! table in docs/verification.md must say what came out.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a matrix that cannot be filled must stop and say where"
)]

mod tamper {
    pub(crate) mod book;
    pub(crate) mod layer;
    pub(crate) mod operator;
    pub(crate) mod world;
}

use std::collections::BTreeMap;

use crate::tamper::layer::{Layer, first_layer};
use crate::tamper::operator::Operator;
use crate::tamper::world::{Attacker, World, untouched};

/// How many attempts there were, and how many each layer had found at the latest.
#[derive(Debug, Default, Clone)]
struct Count {
    attempts: usize,
    found: BTreeMap<Layer, usize>,
}

impl Count {
    fn add(&mut self, found_by: Option<Layer>) {
        self.attempts += 1;
        for layer in Layer::ALL {
            let found = found_by.is_some_and(|by| by <= *layer);
            *self.found.entry(*layer).or_default() += usize::from(found);
        }
    }

    fn percent(&self, layer: Layer) -> String {
        let found = self.found.get(&layer).copied().unwrap_or_default();
        // Rounded down: 100 % is every single one.
        format!("{} %", found * 100 / self.attempts)
    }

    fn is_whole(&self, layer: Layer) -> bool {
        self.found.get(&layer) == Some(&self.attempts)
    }
}

fn matrix() -> BTreeMap<Attacker, Count> {
    let original = untouched();
    let attempts: Vec<(Operator, usize)> = Operator::ALL
        .iter()
        .flat_map(|operator| (0..original.len()).map(move |position| (*operator, position)))
        .collect();
    let threads = 2;
    let shares: Vec<_> = (0..threads)
        .map(|share| attempts.iter().copied().skip(share).step_by(threads))
        .collect();
    let results: Vec<(Attacker, Option<Layer>)> = std::thread::scope(|scope| {
        let tasks: Vec<_> = shares
            .into_iter()
            .map(|share| {
                scope.spawn(|| {
                    share
                        .flat_map(|(operator, position)| attempt(operator, position))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        tasks.into_iter().flat_map(|task| task.join().unwrap()).collect()
    });
    let mut matrix: BTreeMap<Attacker, Count> = BTreeMap::new();
    for (attacker, found_by) in results {
        matrix.entry(attacker).or_default().add(found_by);
    }
    matrix
}

/// One operator at one position, by each attacker; nothing where it does not apply.
fn attempt(operator: Operator, position: usize) -> Vec<(Attacker, Option<Layer>)> {
    Attacker::ALL
        .iter()
        .filter_map(|attacker| {
            let world = World::attacked(*attacker, operator, position)?;
            Some((*attacker, first_layer(&world)))
        })
        .collect()
}

/// The matrix as the documents have it.
fn table_of(matrix: &BTreeMap<Attacker, Count>) -> String {
    let row = |first: &str, cells: Vec<String>| format!("| {first} | {} |\n", cells.join(" | "));
    let titles = Layer::ALL.iter().map(|layer| layer.title().to_owned());
    let mut table = row("attacker", titles.collect());
    table.push_str("|---|");
    table.push_str(&"---|".repeat(Layer::ALL.len()));
    table.push('\n');
    for (attacker, count) in matrix {
        let cells = Layer::ALL.iter().map(|layer| count.percent(*layer));
        table.push_str(&row(attacker.title(), cells.collect()));
    }
    table
}

#[test]
fn what_each_layer_finds_is_what_the_documents_say() {
    let matrix = matrix();
    let table = table_of(&matrix);
    for (attacker, layer) in [
        (Attacker::Edits, Layer::Checkpoint),
        (Attacker::Rehashes, Layer::Checkpoint),
        (Attacker::HoldsLogKey, Layer::Stream),
        (Attacker::RewritesStream, Layer::Remembered),
    ] {
        assert!(
            matrix[&attacker].is_whole(layer),
            "{} gets away with something before {}:\n{table}",
            attacker.title(),
            layer.title()
        );
    }
    let document =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/verification.md")).unwrap();
    let attempts: usize = matrix.values().map(|count| count.attempts).sum();
    let (_, rest) = document.split_once("<!-- tamper matrix: begin -->\n").unwrap();
    let (written, _) = rest.split_once("<!-- tamper matrix: end -->").unwrap();
    assert_eq!(
        written, table,
        "docs/verification.md does not say what came out; it should be\n{table}"
    );
    let told = format!("{} operators, {attempts} attempts", Operator::ALL.len());
    assert!(
        document.contains(&told),
        "docs/verification.md should speak of {told}"
    );
}

#[test]
fn a_ledger_that_nobody_touched_passes_every_layer() {
    for attacker in Attacker::ALL {
        let world = World::untouched_by(*attacker);
        assert_eq!(first_layer(&world), None, "{}", attacker.title());
    }
}
