//! A server, the four services' keys, and as many engines as a test wants.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use portbook_bus::{Bus, BusOptions, Identity, Log, PublishLimits, Publisher, Stored};
use portbook_domain::{Calendar, CaseId, Countries, Event, Order, PolicySet, ServiceName};
use portbook_ledger::SecretKey;
use portbook_service::{Authorities, Clock, Engine, EngineLimits, EngineParts, IdSource};
use portbook_testkit::nats::NatsServer;
use portbook_wire::command::{CommandReply, Outcome};
use portbook_wire::subject::events_subject;
use portbook_wire::{Envelope, decode_event, event_digest};

const CALENDAR: &str = include_str!("../../../../config/reference/calendar_cn.csv");
const COUNTRIES: &str = include_str!("../../../../config/reference/countries.csv");
const POLICY: &str = include_str!("../../../../config/policy/2024-12-01-regulation.toml");

/// How long a test waits for what must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const LIMITS: EngineLimits = EngineLimits {
    conflict_retries_max: 8,
    cases_cached_max: 100,
};

pub(crate) struct Scene {
    pub(crate) server: NatsServer,
    policies: Arc<PolicySet>,
    calendar: Arc<Calendar>,
}

impl Scene {
    pub(crate) async fn open() -> Self {
        let countries = Countries::parse("countries.csv", COUNTRIES).unwrap();
        Self {
            server: NatsServer::with_streams().await,
            policies: Arc::new(PolicySet::parse(&[("regulation", POLICY)], &countries).unwrap()),
            calendar: Arc::new(Calendar::parse("calendar_cn.csv", CALENDAR).unwrap()),
        }
    }

    /// An engine that has never seen a case, on a connection of its own.
    pub(crate) async fn engine(&self, service: ServiceName) -> Engine {
        Engine::new(self.parts(service).await).unwrap()
    }

    pub(crate) async fn engine_within(&self, service: ServiceName, limits: EngineLimits) -> Engine {
        Engine::new(EngineParts {
            limits,
            ..self.parts(service).await
        })
        .unwrap()
    }

    /// An engine that reaches the server at another address and soon gives up on an acknowledgement.
    pub(crate) async fn engine_at(&self, url: &str, service: ServiceName) -> Engine {
        let options = BusOptions {
            url: url.to_owned(),
            ..self.server.options(identity(service))
        };
        let bus = Bus::connect(options).await.unwrap();
        let (ack_timeout, deadline) = (Duration::from_millis(200), Duration::from_secs(1));
        let publisher = Publisher::start(
            &bus,
            PublishLimits {
                ack_timeout,
                deadline,
                ..PublishLimits::default()
            },
        );
        Engine::new(self.parts_over(bus, publisher, service)).unwrap()
    }

    /// What an engine of `service` is made of.
    pub(crate) async fn parts(&self, service: ServiceName) -> EngineParts {
        let bus = self.server.connect(identity(service)).await;
        let publisher = Publisher::start(&bus, PublishLimits::default());
        self.parts_over(bus, publisher, service)
    }

    fn parts_over(&self, bus: Bus, publisher: Publisher, service: ServiceName) -> EngineParts {
        EngineParts {
            service,
            key: key(service),
            authorities: Authorities::given(ServiceName::ALL.iter().map(|each| (*each, key(*each).public()))),
            policies: Arc::clone(&self.policies),
            calendar: Arc::clone(&self.calendar),
            bus,
            publisher,
            clock: Clock::new(now),
            ids: IdSource::random(),
            limits: LIMITS,
            account: None,
            simulated: true,
        }
    }

    /// Everything on the subject of a case.
    pub(crate) async fn stored(&self, case: &str) -> Vec<Stored> {
        let bus = self.server.connect(Identity::Auditor).await;
        let messages = Log::ledger(&bus)
            .load_subject(&events_subject(&CaseId::new(case).unwrap()))
            .await
            .unwrap();
        bus.close().await;
        messages
    }

    /// The events of a case that a service signed, after checking that each follows from the one before it.
    pub(crate) async fn decided(&self, case: &str) -> Vec<(u64, Envelope, Event)> {
        let mut decisions = Vec::new();
        let mut last_digest = None;
        let mut bodies = BTreeSet::new();
        for message in self.stored(case).await {
            if !is_signed(&message) || !bodies.insert(message.body.clone()) {
                continue;
            }
            let (envelope, event) = decode_event(&message.body).unwrap();
            let decided = envelope.decided().unwrap();
            assert_eq!(
                decided.sequence,
                u64::try_from(decisions.len()).unwrap() + 1,
                "{case}: versions are contiguous"
            );
            assert_eq!(
                decided.prev, last_digest,
                "{case}: version {} follows the one before",
                decided.sequence
            );
            last_digest = Some(event_digest(&message.body));
            decisions.push((message.seq, envelope, event));
        }
        decisions
    }
}

fn is_signed(message: &Stored) -> bool {
    let Some(signature) = message.signature.as_ref().and_then(|text| text.parse().ok()) else {
        return false;
    };
    let signed = |service: &ServiceName| {
        key(*service)
            .public()
            .verify_event(&message.subject, &message.body, &signature)
    };
    ServiceName::ALL.iter().any(|service| signed(service).is_ok())
}

/// The time at which everything happens.
pub(crate) fn now() -> Timestamp {
    "2025-11-20T08:00:00Z".parse().unwrap()
}

pub(crate) fn key(service: ServiceName) -> SecretKey {
    let place = ServiceName::ALL.iter().position(|each| *each == service).unwrap();
    SecretKey::from_seed(&[u8::try_from(place).unwrap() + 1; 32])
}

pub(crate) const fn identity(service: ServiceName) -> Identity {
    match service {
        ServiceName::Intake => Identity::Intake,
        ServiceName::Paperwork => Identity::Paperwork,
        ServiceName::Licensing => Identity::Licensing,
        ServiceName::Clearance => Identity::Clearance,
    }
}

/// Executes a command that must be accepted, and answers the sequence of its event.
pub(crate) async fn accepted(engine: &Engine, order: &Order) -> u64 {
    let reply = engine.execute(order).await;
    assert_eq!(reply.outcome, Outcome::Accepted, "{reply:?}");
    seq_of(&reply)
}

/// Asks again and again until it is so.
pub(crate) async fn eventually(mut is_so: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap();
}

/// The sequence of the one event a reply names.
pub(crate) fn seq_of(reply: &CommandReply) -> u64 {
    match reply.events.as_slice() {
        [event] => event.seq,
        _ => panic!("one event is expected: {reply:?}"),
    }
}

/// The rule a refusal names.
pub(crate) fn rule_of(reply: &CommandReply) -> &str {
    reply.rejection.as_ref().map_or("none", |refusal| &refusal.rule)
}
