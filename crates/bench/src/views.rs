//! Every view folded again from the ledger, against reading the same leaves and counting their bytes, and against reading every
//! event; and the same while the ledger grows.
//!
//! The ledger is made in this process by the projector's own commits: what is measured here begins behind the stream.

use std::hint::black_box;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use portbook_fold::{Delivery, RecordReading};
use portbook_ledger::{Leaf, Seq};
use portbook_projection::{Filter, Kind, Projections, RebuildEnd, RebuildOptions, VIEWS, past, rebuild};
use portbook_projector::{Batch, Projector};
use portbook_store::{LedgerDirectory, Packed, Store, StoreReader, for_each_in_order};
use portbook_views::PortActivity;
use portbook_wire::control::{Control, LedgerOpened, PublicKey, encode_control};
use portbook_wire::observation::read_observations;
use portbook_wire::{encode, subject};

use crate::figure::{Pair, alternate, median, per_second};
use crate::site::{importer_source, log_key, origin};
use crate::speech::{answer, grouped, tell};
use crate::{Failure, fact, memory};

/// The first argument of this measurement.
pub(crate) const WORD: &str = "views";
/// Behind it: the ledger that is rebuilt in a process of its own.
const ALONE: &str = "alone";
const EVENTS: u64 = 1_000_000;
const ROUNDS: u64 = 3;
const BATCH: u64 = 5_000;
const GROWTH_PAUSE: Duration = Duration::from_millis(100);
const OPTIONS: RebuildOptions = RebuildOptions {
    resume: false,
    promote: true,
    snapshot_leaves: 250_000,
};

/// Measures over as many events as the argument says.
pub(crate) async fn carry_out(arguments: &[String]) -> Result<(), Failure> {
    let events = match arguments {
        [] => EVENTS,
        [word, directory] if word == ALONE => return alone(Path::new(directory)).await,
        [number] => number.parse()?,
        _ => return Err("views takes one number of events".into()),
    };
    let dir = tempfile::Builder::new().prefix("portbook-bench-").tempdir()?;
    let directory = LedgerDirectory::at(dir.path().join("ledger"));
    let mut projector = Projector::new(Store::create(&directory.store())?);
    tell(format_args!("making a ledger of {} events", grouped(events)));
    open(&mut projector)?;
    append(&mut projector, dir.path(), 0..events)?;
    answer(format_args!(
        "{} leaves, {} views",
        grouped(projector.book().size()),
        VIEWS.len()
    ))?;
    drop(projector);
    tell("measuring");
    // In a process of its own, so that its memory is its own as well.
    let alone = std::process::Command::new(std::env::current_exe()?)
        .args([WORD, ALONE])
        .arg(directory.path())
        .status()?;
    if !alone.success() {
        return Err("the rebuild alone could not be measured".into());
    }
    let mut projector = Projector::new(Store::open(&directory.store())?);
    let (reader, path) = (projector.reader(), directory.views());
    let projections = Projections::open(reader, &path, VIEWS)?;
    projections.catch_up(&mut |_, _| true)?;
    let growing = while_growing(&mut projector, &projections, &path, dir.path(), events)?;
    answer(format_args!(
        "while the ledger grew by {} leaves: {}/s, {} reads by others, {} of them wrong",
        grouped(growing.grown),
        grouped(growing.rate),
        grouped(growing.reads),
        growing.wrong,
    ))
}

/// Rebuilds against a bare scan, with nothing else in memory.
async fn alone(directory: &Path) -> Result<(), Failure> {
    let directory = LedgerDirectory::at(directory.to_owned());
    let (reader, path) = (StoreReader::open(&directory.store())?, directory.views());
    scan(&reader)?;
    let before = memory::peak_mib();
    // The first generation is what all later ones are held against.
    fold_again(&reader, &path)?;
    let mut reading = Vec::new();
    let Pair { product, limit } = alternate(
        ROUNDS,
        async |_| fold_again(&reader, &path),
        async |_| {
            reading.push(read_events(&reader)?);
            scan(&reader)
        },
    )
    .await?;
    let mib = |peak: Option<u64>| peak.map_or_else(|| "unknown".to_owned(), |mib| format!("{mib} MiB"));
    answer(format_args!(
        "rebuild of all views  {}/s against a bare scan of {}/s: {}.{:03} (target 0.300)",
        grouped(product),
        grouped(limit),
        product / limit.max(1),
        product * 1_000 / limit.max(1) % 1_000,
    ))?;
    let reading = median(reading);
    answer(format_args!(
        "and against reading every event, on all cores, {}/s: {}.{:03}",
        grouped(reading),
        product / reading.max(1),
        product * 1_000 / reading.max(1) % 1_000,
    ))?;
    answer(format_args!(
        "peak memory: {} of the scan, {} of rebuilding",
        mib(before),
        mib(memory::peak_mib())
    ))
}

/// What a rebuild beside a growing ledger came to.
struct Growing {
    rate: u64,
    grown: u64,
    reads: u64,
    wrong: u64,
}

fn scan(reader: &StoreReader) -> Result<u64, Failure> {
    let started = Instant::now();
    let (mut leaves, mut bytes) = (0_u64, 0_usize);
    for packed in reader.leaves(0..reader.book()?.size()) {
        for leaf in packed?.iter() {
            leaves += 1;
            bytes += black_box(leaf).len();
        }
    }
    black_box(bytes);
    Ok(per_second(leaves, started.elapsed()))
}

/// Reads every event as views do, on every core, and drops it.
fn read_events(reader: &StoreReader) -> Result<u64, Failure> {
    let started = Instant::now();
    let read = |packed: &Packed| -> u64 {
        let leaves = (packed.first..).zip(packed.iter());
        let events = leaves.filter(|(index, leaf)| match Leaf::decode(leaf) {
            Ok(Leaf::Record(record)) => matches!(RecordReading::of(*index, &record), RecordReading::Event(_)),
            Ok(Leaf::Seal(_)) | Err(_) => false,
        });
        u64::try_from(events.count()).unwrap_or_default()
    };
    let mut events = 0;
    for_each_in_order(reader.leaves(0..reader.book()?.size()), read, |_, count| {
        events += count;
        Ok::<_, Failure>(())
    })?;
    Ok(per_second(events, started.elapsed()))
}

fn fold_again(reader: &StoreReader, path: &Path) -> Result<u64, Failure> {
    let started = Instant::now();
    let ended = rebuild(reader, path, VIEWS, OPTIONS, &mut |_, _| {}, &mut |_, _| true)?;
    let took = started.elapsed();
    let RebuildEnd::Whole(rebuilt) = ended else {
        return Err("nobody stopped the rebuild".into());
    };
    for it in &rebuilt {
        if it
            .generation
            .compared
            .is_some_and(|compared| !compared.is_equal())
        {
            return Err("a rebuilt view differs from the one it replaces".into());
        }
    }
    Ok(per_second(reader.book()?.size(), took))
}

/// Rebuilds while batches are committed, the live views are kept current, and a reader looks at them all the time.
fn while_growing(
    projector: &mut Projector,
    projections: &Projections,
    path: &Path,
    dir: &Path,
    events: u64,
) -> Result<Growing, Failure> {
    let (reader, start) = (projector.reader(), projector.book().size());
    let (done, reads, wrong) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let rate = thread::scope(|scope| {
        let looking = scope.spawn(|| -> Result<(), Failure> {
            while !done.load(Ordering::Relaxed) {
                reads.fetch_add(1, Ordering::Relaxed);
                wrong.fetch_add(u64::from(!is_right(&reader, path)?), Ordering::Relaxed);
                thread::sleep(Duration::from_millis(20));
            }
            Ok(())
        });
        let keeping = scope.spawn(|| -> Result<(), Failure> {
            while !done.load(Ordering::Relaxed) {
                projections.catch_up(&mut |_, _| true)?;
                projections.snapshot()?;
                thread::sleep(Duration::from_millis(500));
            }
            Ok(())
        });
        let growing = scope.spawn(|| -> Result<(), Failure> {
            let mut next = events;
            while !done.load(Ordering::Relaxed) {
                append(projector, dir, next..next + BATCH)?;
                next += BATCH;
                // As fast as an import that syncs every batch, not as fast as made-up messages can be folded.
                thread::sleep(GROWTH_PAUSE);
            }
            Ok(())
        });
        let rate = fold_again(&reader, path);
        done.store(true, Ordering::Relaxed);
        let ended = [keeping.join(), growing.join(), looking.join()];
        for joined in ended {
            joined.unwrap_or_else(|panic| resume_unwind(panic))?;
        }
        rate
    })?;
    projections.catch_up(&mut |_, _| true)?;
    Ok(Growing {
        rate,
        grown: reader.book()?.size() - start,
        reads: reads.into_inner(),
        wrong: wrong.into_inner(),
    })
}

/// Reads a view as others do, and holds it against what it must say: every leaf behind the opening is an event that one cell counts.
fn is_right(reader: &StoreReader, path: &Path) -> Result<bool, Failure> {
    let (kind, size) = (Kind::of::<PortActivity>(), reader.book()?.size());
    let found = past(reader, path, kind, size, Filter::default(), &mut |_, _| true)?;
    let mut known = 0;
    if let Some(found) = found {
        found.each_row::<PortActivity, Failure>(|_, cell| {
            known += cell.events;
            Ok(())
        })?;
    }
    Ok(known + 1 == size)
}

fn open(projector: &mut Projector) -> Result<(), Failure> {
    let key = log_key()?;
    let control = Control::from(LedgerOpened {
        origin: origin()?.as_str().parse()?,
        log_public_key: PublicKey(*key.secret().public().as_bytes()),
        stream: subject::STREAM_LEDGER.parse()?,
        stream_created: "2025-04-01T00:00:00Z".parse()?,
        stream_config_sha256: "0".repeat(64).parse()?,
        port_aliases: fact::aliases()
            .map(|(alias, port)| Ok((alias.parse()?, port.parse()?)))
            .collect::<Result<_, Failure>>()?,
        references: std::collections::BTreeMap::new(),
        policies: std::collections::BTreeMap::new(),
        opened_at: "2025-04-01T00:00:00Z".parse()?,
    });
    let (subject, body) = (control.kind().subject(), encode_control(&control)?);
    let signature = key.secret().sign_event(subject, &body).to_string();
    let opening = delivery(1, subject.to_owned(), Some(signature), body)?;
    projector.take(Batch::read(vec![opening]))?;
    Ok(())
}

/// Records the facts of `range`, unsigned, in the projector's usual commits.
fn append(projector: &mut Projector, dir: &Path, range: std::ops::Range<u64>) -> Result<(), Failure> {
    let source = importer_source()?;
    let file = dir.join("facts.ndjson");
    let mut next = range.start;
    while next < range.end {
        let end = range.end.min(next + BATCH);
        fact::write(&file, next..end)?;
        let input = std::io::BufReader::new(std::fs::File::open(&file)?);
        let mut deliveries = Vec::new();
        let first = projector.book().size() + 1;
        for (seq, observation) in (first..).zip(read_observations(input, "facts.ndjson")?) {
            let (envelope, data) = observation?.into_event(&source);
            let subject = subject::events_subject(&envelope.case);
            deliveries.push(delivery(seq, subject, None, encode(&envelope, &data)?)?);
        }
        projector.take(Batch::read(deliveries))?;
        next = end;
    }
    Ok(())
}

fn delivery(
    seq: u64,
    subject: String,
    signature: Option<String>,
    body: Vec<u8>,
) -> Result<Delivery, Failure> {
    Ok(Delivery {
        seq: Seq::new(seq).ok_or("sequences begin at 1")?,
        recorded_at_ns: 1_744_000_000_000_000_000 + seq * 1_000_000,
        subject,
        signature,
        body: body.into(),
    })
}
