//! `portbook rebuild`: fold views again beside the live ones, show what differs, promote.

use std::time::{Duration, Instant};

use portbook_projection::{Kind, RebuildEnd, RebuildOptions, Rebuilt, VIEWS, rebuild, try_folding};
use portbook_store::StoreReader;
use serde_json::{Value, json};

use crate::args::views::RebuildArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::following::Following;
use crate::session::Session;
use crate::speech::{Form, grouped};
use crate::view_row::{change_json, kind_of};

/// Leaves folded to estimate by.
const SAMPLE_LEAVES: u64 = 100_000;

/// Rebuilds one view, or all.
pub(crate) fn run(session: &Session, args: &RebuildArgs) -> Outcome {
    let kinds = match &args.view {
        Some(name) => vec![kind_of(name)?],
        None => VIEWS.to_vec(),
    };
    let reader = StoreReader::open(&session.home.ledger().store())?;
    if args.dry_run {
        return estimate(session, &reader, &kinds);
    }
    let options = RebuildOptions {
        resume: args.resume,
        promote: !args.no_promote,
        snapshot_leaves: session.config.views.rebuild_snapshot_leaves.max(1),
    };
    let following = Following::start(session, "rebuilding")?;
    let mut changes = Changes::new(session);
    let path = session.home.ledger().views();
    let ended = rebuild(
        &reader,
        &path,
        &kinds,
        options,
        &mut |view, change| changes.take(change_json(view, change)),
        &mut |reached, size| following.go_on(reached, size),
    )?;
    following.end();
    match ended {
        RebuildEnd::Whole(rebuilt) => {
            print(session, &rebuilt, changes)?;
            Ok(Exit::Done)
        }
        RebuildEnd::Stopped { at } => {
            let what = args.view.as_deref().unwrap_or("--all");
            Err(
                Failure::new(Exit::Interrupted, format!("stopped after {} leaves", grouped(at)))
                    .hint(format!("portbook rebuild {what} --resume goes on from there")),
            )
        }
    }
}

/// Rows that differ: printed as they come, or kept for the one document.
pub(crate) struct Changes<'a> {
    session: &'a Session,
    kept: Vec<Value>,
    failed: Option<Failure>,
}

impl<'a> Changes<'a> {
    pub(crate) const fn new(session: &'a Session) -> Self {
        Self {
            session,
            kept: Vec::new(),
            failed: None,
        }
    }

    pub(crate) fn take(&mut self, change: Value) {
        if self.failed.is_some() {
            return;
        }
        match self.session.speech.form {
            Form::Json => self.kept.push(change),
            Form::Table | Form::Ndjson | Form::Csv => self.failed = self.session.speech.answer(change).err(),
        }
    }

    /// What was kept.
    pub(crate) fn end(self) -> Result<Vec<Value>, Failure> {
        self.failed.map_or(Ok(self.kept), Err)
    }
}

fn estimate(session: &Session, reader: &StoreReader, kinds: &[Kind]) -> Outcome {
    let size = reader.book()?.size();
    let started = Instant::now();
    let sample = try_folding(reader, kinds, SAMPLE_LEAVES)?;
    let taken = started.elapsed().as_millis();
    let needed = u64::try_from(taken * u128::from(size) / u128::from(sample.max(1))).unwrap_or(u64::MAX);
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
    if session.speech.is_machine() {
        session.speech.json(&json!({
            "schema": "portbook.rebuild-estimate/v1", "views": names, "leaves": size, "sampled": sample,
            "estimated_ms": needed,
        }))?;
    } else {
        session.speech.answer(format_args!(
            "would fold {} leaves into {}; about {} s, by the first {}",
            grouped(size),
            names.join(", "),
            Duration::from_millis(needed).as_secs() + 1,
            grouped(sample)
        ))?;
    }
    Ok(Exit::Done)
}

fn print(session: &Session, rebuilt: &[Rebuilt], changes: Changes<'_>) -> Result<(), Failure> {
    let kept = changes.end()?;
    if session.speech.is_machine() {
        let views: Vec<Value> = rebuilt.iter().map(document).collect();
        return session.speech.json(&json!({
            "schema": "portbook.rebuild/v1", "views": views, "changes": kept,
        }));
    }
    for it in rebuilt {
        let generation = &it.generation;
        let compared = match generation.compared {
            None => "nothing to compare with".to_owned(),
            Some(compared) if compared.is_equal() => format!("equal to generation {}", compared.with),
            Some(compared) => format!(
                "differs from generation {} at {} leaves: {} added, {} removed, {} changed",
                compared.with,
                grouped(compared.at),
                compared.added,
                compared.removed,
                compared.changed
            ),
        };
        session.speech.answer(format_args!(
            "{:<14} generation {}  {} leaves  {} rows  root {}\n{:<14} {compared}; {}",
            generation.view,
            generation.number,
            grouped(generation.cursor),
            grouped(generation.rows),
            generation.root,
            "",
            if it.promoted { "live now" } else { "not promoted" }
        ))?;
    }
    Ok(())
}

fn document(rebuilt: &Rebuilt) -> Value {
    let it = &rebuilt.generation;
    json!({
        "view": it.view, "generation": it.number, "version": it.version, "leaves": it.cursor, "rows": it.rows,
        "root": it.root.to_hex(), "parked": it.parked, "promoted": rebuilt.promoted, "compared": it.compared,
    })
}
