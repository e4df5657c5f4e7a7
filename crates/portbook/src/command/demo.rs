//! `portbook demo`: the whole path on simulated data, with a verdict at the end and one changed byte found.

mod live;
mod tamper;

use std::io::{BufReader, Cursor};
use std::path::{Path, PathBuf};
use std::time::Instant;

use portbook_audit::{Against, Depth, Trust, Verified, verify};
use portbook_bus::Identity;
use portbook_domain::{DeclarationNo, InvalidText};
use portbook_fold::Book;
use portbook_ledger::{Chain, Origin};
use portbook_projector::Position;
use portbook_store::{Store, StoreReader, Verdict};
use portbook_views::TimelineRow;
use portbook_wire::Source;
use portbook_wire::observation::read_observations;
use tokio::sync::watch;

use crate::args::{DemoArgs, Part, TimelineArgs};
use crate::command::import::{Rejects, import};
use crate::command::run::{Parts, wait_until_signed};
use crate::command::{init, timeline};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::{Home, KeyOf};
use crate::node::{Address, Server, interrupted};
use crate::reference::{self, Tables};
use crate::session::Session;
use crate::speech::{Form, grouped, kilograms};

/// 24,735 facts, every one marked as simulated.
const SCENARIO: &[u8] = include_bytes!("../../../../examples/scenario/events.jsonl.gz");
/// Name of the demo's log.
const ORIGIN: &str = "portbook.demo/rare-earths";
/// The port whose timeline is shown and whose record is changed.
const SHOWN: &str = "CNLYG";

/// Runs the tour, and serves on unless it is to stop there.
pub(crate) fn run(session: &Session, args: &DemoArgs) -> Outcome {
    let directory = std::env::temp_dir().join(format!("portbook-demo-{}", uuid::Uuid::now_v7().simple()));
    std::fs::create_dir_all(&directory).map_err(|error| Failure::file("create", &directory, &error))?;
    let demo = Demo::new(session, &directory);
    let toured = demo.tour();
    let ended = match toured {
        Ok(()) if !args.exit => demo.serve_on(),
        toured => toured,
    };
    if args.keep {
        session
            .speech
            .tell(format_args!("kept: portbook --home {} …", directory.display()));
    } else {
        std::fs::remove_dir_all(&directory).map_err(|error| Failure::file("remove", &directory, &error))?;
    }
    ended.map(|()| Exit::Done)
}

struct Demo {
    session: Session,
    copy: PathBuf,
}

impl Demo {
    fn new(session: &Session, directory: &Path) -> Self {
        let mut config = session.config.clone();
        // A demo leaves nothing behind, and is not mistaken for the one before.
        config.ledger.memory = directory.join("memory");
        let mut speech = session.speech.clone();
        speech.form = Form::Table;
        let home = Home::new(&directory.join("home"), &config);
        Self {
            copy: directory.join("copy"),
            session: Session {
                config,
                settings: Vec::new(),
                home,
                speech,
            },
        }
    }

    fn tour(&self) -> Result<(), Failure> {
        let started = Instant::now();
        let speech = &self.session.speech;
        speech.answer("portbook demo: SIMULATED data, a real nats-server, a real ledger")?;
        let origin = Origin::new(ORIGIN).map_err(|error| Failure::of(Exit::Configuration, &error))?;
        let tables = reference::load()?;
        self.session.block_on(async {
            init::create(&self.session, &origin).await?;
            Box::pin(self.fill(&tables)).await
        })?;
        let reader = StoreReader::open(&self.session.home.ledger().store())?;
        self.verify_all(&reader, &tables)?;
        self.show_timeline(&reader)?;
        let victim = victim(&reader)?;
        drop(reader);
        tamper::change_one_byte(&self.session, &self.copy, &victim)?;
        speech.answer(format_args!(
            "\ndone in {}.{} s",
            started.elapsed().as_secs(),
            started.elapsed().subsec_millis() / 100
        ))
    }

    /// Runs all parts, imports the scenario twice and takes live cases through the services.
    async fn fill(&self, tables: &Tables) -> Result<(), Failure> {
        let session = &self.session;
        let server = Server::start(session).await?;
        let store = Store::open(&session.home.ledger().store())?;
        let (position, mut watched) = watch::channel(Position::default());
        let (stop, stopped) = watch::channel(false);
        let parts = Parts {
            session,
            address: server.address(),
            tables,
            simulated: true,
            ready: &watch::Sender::new(0),
        };
        let tour = async {
            let last = self.import_twice(server.address()).await?;
            let last = last.max(live::drive_cases(session, server.address()).await?);
            wait_until_signed(&mut watched, last).await?;
            stop.send_replace(true);
            Ok(())
        };
        let ran = tokio::try_join!(parts.run(Part::All, Some(store), position, stopped), tour);
        let closed = server.stop().await;
        ran.map(|_| ()).and(closed)
    }

    async fn import_twice(&self, address: &Address) -> Result<u64, Failure> {
        let session = &self.session;
        let bus = address.connect(session, Identity::Importer).await?;
        let mut last = 0;
        for times in ["import", "again"] {
            let started = Instant::now();
            let input: Box<dyn std::io::BufRead + Send> = Box::new(BufReader::new(Cursor::new(SCENARIO)));
            let observations = read_observations(input, "scenario.jsonl.gz")
                .map_err(|error| Failure::file("read", Path::new("scenario.jsonl.gz"), &error))?;
            let source = Source::outside(&session.config.import.source)
                .map_err(|error| Failure::of(Exit::Configuration, &error))?;
            let mut rejects = Rejects::beside(&self.copy);
            let tally = import(session, &bus, source, observations, &mut rejects).await?;
            last = last.max(tally.last_seq);
            session.speech.answer(format_args!(
                "  {times:<8} {} facts: {} recorded, {} known already, {} rejected  ({} ms)",
                grouped(tally.lines),
                grouped(tally.recorded),
                grouped(tally.redelivered),
                grouped(tally.rejected),
                started.elapsed().as_millis()
            ))?;
        }
        bus.close().await;
        Ok(last)
    }

    fn verify_all(&self, reader: &StoreReader, tables: &Tables) -> Result<(), Failure> {
        let speech = &self.session.speech;
        let started = Instant::now();
        let bar = speech.bar("verifying", 0);
        let verified = verify(
            reader,
            &self.session.home.ledger(),
            &self.trust()?,
            Against::Newest,
            Depth::Everything,
            &mut |done, total| {
                bar.set_length(total);
                bar.set_position(done);
            },
        )?;
        bar.finish_and_clear();
        let Verified::Holds(verification) = verified else {
            return Err(Failure::new(
                Exit::LedgerFault,
                "the demo's ledger does not verify",
            ));
        };
        print_ports(&self.session, reader, &verification.log.heads, tables)?;
        let signatures = verification
            .rederived
            .map(|rederived| rederived.signatures.of(Verdict::Valid))
            .unwrap_or_default();
        let checkpoint = &verification.checkpoint;
        speech.answer(format_args!(
            "\n{} VERIFIED all chains @{} {}\n  every byte hashed again, {} signatures hold, {} signed trees reproduced, nothing missing  ({} ms)",
            speech.mark(true),
            grouped(checkpoint.size.get()),
            checkpoint.root.to_base64(),
            grouped(signatures),
            verification.roots,
            started.elapsed().as_millis()
        ))
    }

    fn trust(&self) -> Result<Trust, Failure> {
        let log_key = self.session.home.public_key(KeyOf::Log)?;
        let origin = Origin::new(ORIGIN).map_err(|error| Failure::of(Exit::Configuration, &error))?;
        Ok(Trust {
            origin,
            log_key,
            remembered: Vec::new(),
        })
    }

    fn show_timeline(&self, reader: &StoreReader) -> Result<(), Failure> {
        let chain = shown()?;
        let rows = timeline::rows(reader, chain, u64::MAX, &TimelineArgs::last(SHOWN, 10))?;
        let rows = timeline::marked(reader, rows, u64::MAX, false)?;
        self.session.speech.answer(format_args!(
            "\nThe last of {SHOWN}'s timeline (portbook timeline {SHOWN}):"
        ))?;
        timeline::print(&self.session, chain, &rows)
    }

    fn serve_on(&self) -> Result<(), Failure> {
        let session = &self.session;
        session.block_on(async {
            let tables = reference::load()?;
            let server = Server::start(session).await?;
            let mut store = Store::open(&session.home.ledger().store())?;
            store.answer_readers()?;
            let (position, _watched) = watch::channel(Position::default());
            let (stop, stopped) = watch::channel(false);
            session.speech.tell(format_args!(
                "\nstill running on {}; try: portbook --home {} submit --help. Ctrl-C ends the demo",
                server.address().url(),
                session.home.root().display()
            ));
            let parts = Parts {
                session,
                address: server.address(),
                tables: &tables,
                simulated: true,
                ready: &watch::Sender::new(0),
            };
            let until = async {
                interrupted().await;
                stop.send_replace(true);
                Ok(())
            };
            let ran = tokio::try_join!(parts.run(Part::All, Some(store), position, stopped), until);
            let closed = server.stop().await;
            ran.map(|_| ()).and(closed)
        })
    }
}

fn shown() -> Result<Chain, Failure> {
    Chain::port(SHOWN).map_err(|error| Failure::of(Exit::Configuration, &error))
}

/// A clearance in the middle of the shown port's chain.
fn victim(reader: &StoreReader) -> Result<TimelineRow, Failure> {
    let rows = timeline::rows(reader, shown()?, u64::MAX, &TimelineArgs::last(SHOWN, usize::MAX))?;
    let cleared: Vec<TimelineRow> = rows
        .into_iter()
        .filter(|row| row.declaration_no.is_some() && row.mass_g.is_some())
        .collect();
    let middle = cleared.len() / 2;
    cleared
        .into_iter()
        .nth(middle)
        .ok_or_else(|| Failure::new(Exit::LedgerFault, "the shown port has no clearance"))
}

fn print_ports(
    session: &Session,
    reader: &StoreReader,
    heads: &[portbook_ledger::Head],
    tables: &Tables,
) -> Result<(), Failure> {
    let speech = &session.speech;
    let book: Book = reader.book()?;
    speech.answer(format_args!(
        "\n{:<12} {:<24} {:>8} {:>7} {:>7} {:>14} {:>12}",
        "port", "name", "records", "granted", "cleared", "cleared kg", "head"
    ))?;
    for head in heads {
        let sums = Sums::of(reader, head.chain, head.count.get())?;
        let name = tables
            .reference
            .ports
            .iter()
            .find(|(code, _)| code.as_str().as_bytes() == head.chain.as_bytes())
            .map(|(_, port)| port.name.clone())
            .unwrap_or_default();
        speech.answer(format_args!(
            "{:<12} {:<24} {:>8} {:>7} {:>7} {:>14} {:>12}",
            head.chain.to_string(),
            name.chars().take(24).collect::<String>(),
            grouped(head.count.get()),
            grouped(sums.granted),
            grouped(sums.cleared),
            kilograms(sums.cleared_g),
            head.head_hash.to_hex().get(..12).unwrap_or_default()
        ))?;
    }
    let counts = book.counts;
    speech.answer(format_args!(
        "{} events, {} redeliveries, {} conflicts, {} quarantined, {} control messages, {} seals",
        grouped(counts.events),
        counts.redeliveries,
        counts.conflicts,
        counts.quarantined,
        counts.control,
        counts.seals
    ))
}

#[derive(Default)]
struct Sums {
    granted: u64,
    cleared: u64,
    cleared_g: u64,
}

impl Sums {
    fn of(reader: &StoreReader, chain: Chain, count: u64) -> Result<Self, Failure> {
        let mut sums = Self::default();
        for row in reader.rows(chain, 1..count.saturating_add(1)) {
            let row = row?;
            match row.event.as_str() {
                "license.granted" => sums.granted += 1,
                "shipment.cleared" => {
                    sums.cleared += 1;
                    sums.cleared_g = sums.cleared_g.saturating_add(row.mass_g.unwrap_or_default());
                }
                _ => {}
            }
        }
        Ok(sums)
    }
}

/// Declaration numbers of the live cases are made like real ones: office, year, export, serial.
fn declaration_no(serial: u32) -> Result<DeclarationNo, InvalidText> {
    DeclarationNo::new(&format!("23012025{:010}", 900_000_000 + serial))
}
