//! Commands of many callers at once, decided by a service and stored, against storing messages of the same size.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use portbook_bus::{Bus, Identity, Log, Outgoing, PublishLimits, Publisher, Stored};
use portbook_domain::{Calendar, CaseId, Countries, PolicySet, ServiceName};
use portbook_ledger::SecretKey;
use portbook_service::{Authorities, Client, Clock, Engine, EngineLimits, EngineParts, IdSource, serve};
use portbook_wire::command::Outcome;
use portbook_wire::subject::events_subject;
use tokio::task::JoinSet;

use crate::Failure;
use crate::figure::{Pair, alternate, per_second};
use crate::order::submit;
use crate::site::Place;

const CALENDAR: &str = include_str!("../../../config/reference/calendar_cn.csv");
const COUNTRIES: &str = include_str!("../../../config/reference/countries.csv");
const POLICY: &str = include_str!("../../../config/policy/2024-12-01-regulation.toml");

/// Callers at the same time, each waiting for its answer before it asks again.
pub(crate) const CALLERS: u64 = 256;
const ROUNDS: u64 = 5;
const PATIENCE: Duration = Duration::from_secs(30);
/// 2025-06-02T02:00:00Z: a working day that the calendar and the policy cover.
const DECIDED_AT: i64 = 1_748_829_600;
/// As `config/default.toml` has them.
const COMMANDS_IN_FLIGHT_MAX: usize = 1_024;
const ENGINE_LIMITS: EngineLimits = EngineLimits {
    conflict_retries_max: 8,
    cases_cached_max: 100_000,
};

/// A command that was not accepted.
#[derive(Debug, thiserror::Error)]
#[error("case {case}: {outcome:?} instead of an accepted command")]
struct Unaccepted {
    case: String,
    outcome: Outcome,
}

/// Sends about `commands` commands a round over the bus, and stores as many messages, in turn.
pub(crate) async fn compare(place: &Place, commands: u64) -> Result<Pair, Failure> {
    let per_caller = (commands / CALLERS).max(1);
    let intake = place.connect(Identity::Intake).await?;
    let serving = tokio::spawn({
        let (intake, engine) = (intake.clone(), Arc::new(engine(&intake)?));
        async move { serve(&intake, engine, COMMANDS_IN_FLIGHT_MAX, std::future::pending()).await }
    });
    let bus = place.connect(Identity::Client).await?;
    let client = Client::new(&bus, PATIENCE);
    let rival = place.connect(Identity::Intake).await?;
    let publisher = Publisher::start(&rival, PublishLimits::default());
    let model = Arc::new(model(&client, &rival).await?);
    let pair = alternate(
        ROUNDS,
        async |round| {
            let client = &client;
            together(per_caller, |caller| {
                let client = client.clone();
                async move { ask(&client, round, caller, per_caller).await }
            })
            .await
        },
        async |round| {
            together(per_caller, |caller| {
                let (publisher, model) = (publisher.clone(), Arc::clone(&model));
                async move { store(&publisher, &model, round, caller, per_caller).await }
            })
            .await
        },
    )
    .await?;
    serving.abort();
    for bus in [bus, intake, rival] {
        bus.close().await;
    }
    Ok(pair)
}

/// Lets every caller do its share at the same time; gives the rate of all together.
async fn together<F>(per_caller: u64, work: impl Fn(u64) -> F) -> Result<u64, Failure>
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let started = Instant::now();
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        callers.spawn(work(caller));
    }
    while let Some(done) = callers.join_next().await {
        done??;
    }
    Ok(per_second(CALLERS * per_caller, started.elapsed()))
}

async fn ask(client: &Client, round: u64, caller: u64, count: u64) -> Result<(), Failure> {
    for number in 0..count {
        accepted(client, &format!("P{round}-{caller}-{number}")).await?;
    }
    Ok(())
}

/// Files one application; gives the sequence of its event.
async fn accepted(client: &Client, case: &str) -> Result<u64, Failure> {
    let reply = client.request(&submit(case)?).await?;
    match (reply.outcome, reply.events.first()) {
        (Outcome::Accepted, Some(event)) => Ok(event.seq),
        (outcome, _) => Err(Unaccepted {
            case: case.to_owned(),
            outcome,
        }
        .into()),
    }
}

async fn store(
    publisher: &Publisher,
    model: &Stored,
    round: u64,
    caller: u64,
    count: u64,
) -> Result<(), Failure> {
    let id_chars = model.msg_id.as_ref().map_or(0, String::len);
    for number in 0..count {
        let case = format!("L{round}-{caller}-{number}");
        let outgoing = Outgoing {
            subject: events_subject(&CaseId::new(&case)?),
            msg_id: format!("{case:_>id_chars$}"),
            signature: model.signature.clone(),
            body: model.body.clone(),
            expected_last_subject_seq: Some(0),
        };
        publisher.publish(outgoing).await?;
    }
    Ok(())
}

/// An event as the service stores it, for the messages that are only published.
async fn model(client: &Client, bus: &Bus) -> Result<Stored, Failure> {
    let seq = accepted(client, "M0-000-00").await?;
    Ok(Log::ledger(bus).get(seq).await?)
}

fn engine(bus: &Bus) -> Result<Engine, Failure> {
    let key = SecretKey::from_seed(&[3; 32]);
    let countries = Countries::parse("countries.csv", COUNTRIES)?;
    let decided_at = Timestamp::from_second(DECIDED_AT)?;
    Ok(Engine::new(EngineParts {
        service: ServiceName::Intake,
        authorities: Authorities::given([(ServiceName::Intake, key.public())]),
        key,
        policies: Arc::new(PolicySet::parse(
            &[("2024-12-01-regulation.toml", POLICY)],
            &countries,
        )?),
        calendar: Arc::new(Calendar::parse("calendar_cn.csv", CALENDAR)?),
        bus: bus.clone(),
        publisher: Publisher::start(bus, PublishLimits::default()),
        clock: Clock::new(move || decided_at),
        ids: IdSource::random(),
        limits: ENGINE_LIMITS,
        account: None,
        simulated: true,
    })?)
}
