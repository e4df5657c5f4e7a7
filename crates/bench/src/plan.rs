//! Which measurements are made, in which order, and what their ratios should be.

use portbook_audit::Depth;
use portbook_bus::Identity;

use crate::arguments::{Arguments, Part};
use crate::figure::{Pair, median};
use crate::import::Facts;
use crate::site::{Place, Site};
use crate::speech::{grouped, tell};
use crate::table::{Row, Table, Target};
use crate::whole::Whole;
use crate::{Failure, command, cores, import, replay, verification, whole};

const MILLION: u64 = 1_000_000;
/// The smaller commits that are measured beside the usual ones.
const SMALL_BATCH_MESSAGES: usize = 1_000;
/// A ledger of any length must do with this.
const MEMORY_MIB_MAX: u64 = 512;
/// Short ledgers are measured this often, because each takes only seconds.
const SHORT_RUNS: usize = 3;

/// Makes the measurements.
pub(crate) async fn carry_out(arguments: &Arguments) -> Result<Table, Failure> {
    let site = Site::open().await?;
    let operator = site.place().connect(Identity::Operator).await?;
    let nats_server = operator.server_version();
    operator.close().await;
    let mut rows = side_by_side(arguments, site).await?;
    rows.extend(by_length(arguments).await?);
    Ok(Table {
        events: arguments.events,
        cores: cores::count(),
        nats_server,
        rows,
    })
}

/// Product and limit on the same events.
async fn side_by_side(arguments: &Arguments, site: Site) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    let rival = Site::open().await?;
    let facts = Facts::write(site.place(), arguments.events)?;
    if arguments.wants(Part::Import) {
        tell("measuring import");
        rows.extend(import(site.place(), rival.place(), &facts).await?);
    } else if arguments.wants(Part::Replay) || arguments.wants(Part::Verify) {
        import::fill(site.place(), &facts).await?;
    }
    if arguments.wants(Part::Commands) {
        tell("measuring commands");
        let what = format!(
            "commands of {} callers, against publishing their events",
            command::CALLERS
        );
        let pair = command::compare(rival.place(), arguments.events / 10).await?;
        rows.push(row(Part::Commands, &what, pair, Target::AtLeast(500)));
    }
    rival.close().await?;
    if arguments.wants(Part::Replay) {
        for batch_messages in [replay::BATCH_MESSAGES, SMALL_BATCH_MESSAGES] {
            tell(format_args!(
                "measuring replay, {batch_messages} messages a commit"
            ));
            let what = format!("stream to ledger, {batch_messages} a commit, against reading the stream");
            let pair = replay::compare(site.place(), batch_messages).await?;
            rows.push(row(Part::Replay, &what, pair, Target::AtLeast(400)));
        }
    }
    if arguments.wants(Part::Verify) {
        rows.extend(verify(site.place()).await?);
    }
    site.close().await?;
    Ok(rows)
}

async fn import(place: &Place, rival: &Place, facts: &Facts) -> Result<[Row; 2], Failure> {
    let signing = Site::open().await?;
    let compared = import::compare(place, [rival, signing.place()], facts).await?;
    signing.close().await?;
    let what = [
        "facts of a file into the stream, against publishing the same batches",
        "and against signing and publishing them",
    ];
    let [publishing, and_signing] = what;
    Ok([
        row(
            Part::Import,
            publishing,
            compared.with_publishing,
            Target::AtLeast(700),
        ),
        row(Part::Import, and_signing, compared.with_signing, Target::Unset),
    ])
}

async fn verify(place: &Place) -> Result<[Row; 2], Failure> {
    let name = "verified";
    replay::replay(place, name, replay::BATCH_MESSAGES).await?;
    let directory = place.ledger(name);
    tell("measuring verification of structure");
    let structure = verification::compare(&directory, Depth::Structure).await?;
    tell("measuring verification of everything");
    let everything = verification::compare(&directory, Depth::Everything).await?;
    let what = [
        "leaves and chains, against SHA-256 of the leaves",
        "and every signature, against Ed25519 alone",
    ];
    let [of_structure, of_everything] = what;
    Ok([
        row(Part::Verify, of_structure, structure, Target::AtLeast(600)),
        row(Part::Verify, of_everything, everything, Target::Unset),
    ])
}

/// Short ledgers and, when asked for, a long one.
async fn by_length(arguments: &Arguments) -> Result<Vec<Row>, Failure> {
    let grows = arguments.wants(Part::Growth) && arguments.million;
    let mut rows = Vec::new();
    if arguments.wants(Part::Growth) && !arguments.million {
        tell("growth is measured with --million only");
    }
    if !grows && !arguments.wants(Part::Memory) {
        return Ok(rows);
    }
    let mut short = Vec::new();
    for _ in 0..if grows { SHORT_RUNS } else { 1 } {
        tell(format_args!(
            "measuring a ledger of {} events",
            grouped(arguments.events)
        ));
        short.push(whole::measure(arguments.events).await?);
    }
    let long = if arguments.million {
        tell(format_args!("measuring a ledger of {} events", grouped(MILLION)));
        Some(whole::measure(MILLION).await?)
    } else {
        None
    };
    if arguments.wants(Part::Memory) {
        rows.extend(
            short
                .first()
                .into_iter()
                .flat_map(|whole| memory(whole, arguments.events)),
        );
        rows.extend(long.iter().flat_map(|whole| memory(whole, MILLION)));
    }
    if let Some(long) = long.filter(|_| grows) {
        rows.extend(growth(&short, &long, arguments.events));
    }
    Ok(rows)
}

fn memory(whole: &Whole, events: u64) -> impl Iterator<Item = Row> + use<> {
    let peaks = [
        ("replay", whole.replay.peak_mib),
        ("verification", whole.verify.peak_mib),
    ];
    peaks.into_iter().filter_map(move |(of, mib)| {
        Some(Row {
            part: Part::Memory,
            what: format!("peak of {of}, {} events", grouped(events)),
            unit: " MiB",
            product: mib?,
            limit: MEMORY_MIB_MAX,
            target: Target::AtMost(1_000),
        })
    })
}

fn growth(short: &[Whole], long: &Whole, events: u64) -> [Row; 3] {
    let rate = |of: &str, rate: fn(&Whole) -> u64| {
        let what = format!(
            "{of} over {} events, against {}",
            grouped(MILLION),
            grouped(events)
        );
        let limit = median(short.iter().map(rate).collect());
        row(
            Part::Growth,
            &what,
            Pair {
                product: rate(long),
                limit,
            },
            Target::AtLeast(800),
        )
    };
    [
        rate("import", |whole| whole.import),
        rate("replay", |whole| whole.replay.rate),
        rate("verification", |whole| whole.verify.rate),
    ]
}

fn row(part: Part, what: &str, pair: Pair, target: Target) -> Row {
    let Pair { product, limit } = pair;
    Row {
        part,
        what: what.to_owned(),
        unit: "/s",
        product,
        limit,
        target,
    }
}
