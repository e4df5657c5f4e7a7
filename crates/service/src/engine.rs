//! Load, decide, append: the way every command goes.

use std::sync::Arc;

use portbook_bus::{Appended as Stored, Bus, Log, Outgoing, PublishError, Publisher};
use portbook_domain::{
    Calendar, CaseId, Command, Decision, Digest, InvalidText, Order, PolicySet, ServiceName, decide,
    local_date,
};
use portbook_ledger::{Hash, KeyId, SecretKey};
use portbook_source::{Account, EventSigner, SignerError};
use portbook_wire::Source;
use portbook_wire::command::{Appended, CommandReply, Outcome};
use portbook_wire::subject::events_subject;

use crate::authority::Authorities;
use crate::cache::CaseCache;
use crate::draft::{Draft, Writer};
use crate::history::CaseHistory;
use crate::setback::Setback;
use crate::surroundings::{Clock, IdSource};

/// Bounds of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineLimits {
    /// How often a command is decided again when its case moved on after it was read.
    pub conflict_retries_max: u32,
    /// Cases whose history is kept in memory, beside those being worked on.
    pub cases_cached_max: usize,
}

/// What an engine is made of.
#[derive(Debug)]
pub struct EngineParts {
    /// The service it decides for.
    pub service: ServiceName,
    /// The key that signs the service's events.
    pub key: SecretKey,
    /// The keys of all services, this one's included.
    pub authorities: Authorities,
    /// The dated rule sets.
    pub policies: Arc<PolicySet>,
    /// Working days.
    pub calendar: Arc<Calendar>,
    /// Reads cases.
    pub bus: Bus,
    /// Appends events; engines that share one commit in common groups.
    pub publisher: Publisher,
    /// When commands are decided.
    pub clock: Clock,
    /// Names of new events.
    pub ids: IdSource,
    /// The account of the service's own source; without one nothing is stated.
    pub account: Option<Account>,
    /// Bounds.
    pub limits: EngineLimits,
    /// Whether every event is made up; such events are labelled for ever.
    pub simulated: bool,
}

/// Decides the commands of one service.
///
/// Any number of engines, in any number of processes, may decide for the same service: the stream keeps one order.
#[derive(Debug)]
pub struct Engine {
    service: ServiceName,
    writer: Writer,
    authorities: Authorities,
    policies: Arc<PolicySet>,
    calendar: Arc<Calendar>,
    log: Log,
    publisher: Publisher,
    account: Option<Account>,
    clock: Clock,
    ids: IdSource,
    cases: CaseCache,
    conflict_retries_max: u32,
}

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The key is none of the service's: the engine would not recognise what it decided itself.
    #[error("key {key_id} is not registered for service {}", service.name())]
    KeyUnknown {
        /// The service.
        service: ServiceName,
        /// The key.
        key_id: KeyId,
    },
    /// The service has no source name.
    #[error(transparent)]
    Source(#[from] InvalidText),
    /// The key cannot sign.
    #[error(transparent)]
    Signer(#[from] SignerError),
}

/// A command that has its event, now or since earlier.
struct Answered {
    outcome: Outcome,
    events: Vec<Appended>,
}

impl Engine {
    /// Puts an engine together.
    ///
    /// # Errors
    /// [`EngineError::KeyUnknown`] when `parts.authorities` lacks `parts.key`.
    pub fn new(parts: EngineParts) -> Result<Self, EngineError> {
        let service = parts.service;
        let public = parts.key.public();
        if !parts.authorities.has(service, &public) {
            return Err(EngineError::KeyUnknown {
                service,
                key_id: public.id(),
            });
        }
        let source = Source::service(service.name())?;
        Ok(Self {
            service,
            writer: Writer {
                source,
                signer: EventSigner::new(&parts.key)?,
                simulated: parts.simulated,
            },
            authorities: parts.authorities,
            policies: parts.policies,
            calendar: parts.calendar,
            log: Log::ledger(&parts.bus),
            publisher: parts.publisher,
            account: parts.account,
            clock: parts.clock,
            ids: parts.ids,
            cases: CaseCache::new(parts.limits.cases_cached_max),
            conflict_retries_max: parts.limits.conflict_retries_max,
        })
    }

    /// The service it decides for.
    #[must_use]
    pub const fn service(&self) -> ServiceName {
        self.service
    }

    /// Answers one command. The same command id gives the same event for ever, whoever asks and after whatever crash.
    ///
    /// An accepted event is durable before this returns. When the future is dropped early, the command may have been
    /// accepted or not; sending it again is right.
    pub async fn execute(&self, order: &Order) -> CommandReply {
        let slot = self.cases.slot(&order.case);
        let mut remembered = slot.lock().await;
        let settled = self.settle(order, &mut remembered).await;
        let case_version = remembered.as_ref().map_or(0, |history| history.state().version());
        let command_id = Some(order.command_id.clone());
        match settled {
            Ok(Answered { outcome, events }) => CommandReply {
                command_id,
                outcome,
                case_version,
                events,
                rejection: None,
            },
            Err(setback) => {
                setback.log(order);
                setback.reply(command_id, case_version)
            }
        }
    }

    /// Tries until the command has its event or a setback stands.
    ///
    /// What is remembered of a case is true but may be old. Acceptance rests on the guard, and an earlier answer never
    /// changes, so both may be given on an old view. A rejection may not: it is given on the case as the stream's leader
    /// knew it after this command had come, for what a replica reads may be old as well. A new case is taken to be empty without a look; if it is not, the guard says so.
    async fn settle(&self, order: &Order, remembered: &mut Option<CaseHistory>) -> Result<Answered, Setback> {
        self.check_service(&order.command)?;
        if remembered.is_none() && matches!(order.command, Command::SubmitApplication(_)) {
            *remembered = Some(CaseHistory::default());
        }
        let (mut is_current, mut is_complete) = (false, false);
        let (mut through_seq, mut conflicts) = (0, 0);
        loop {
            let history = if let Some(history) = remembered {
                history
            } else {
                is_current = true;
                remembered.insert(self.load(&order.case, through_seq).await?)
            };
            through_seq = match self.attempt(order, history).await {
                Err(Setback::Unpublished(PublishError::Conflict { found, .. })) if !is_current => found,
                Err(Setback::Rejected(rejection)) if !is_complete => {
                    is_complete = true;
                    let last_seq = self.log.last_seq_on(&events_subject(&order.case)).await?;
                    if history.last_seq() >= last_seq {
                        return Err(Setback::Rejected(rejection));
                    }
                    last_seq
                }
                Err(Setback::Unpublished(PublishError::Conflict { found, .. }))
                    if conflicts < self.conflict_retries_max =>
                {
                    conflicts += 1;
                    found
                }
                settled => return settled,
            };
            *remembered = None;
        }
    }

    fn check_service(&self, command: &Command) -> Result<(), Setback> {
        let services = command.services();
        if services.contains(&self.service) {
            return Ok(());
        }
        Err(Setback::WrongService {
            command: command.name(),
            service: self.service,
            services,
        })
    }

    /// Reads a case, at least up to message `through_seq`, which a replica may not have yet.
    async fn load(&self, case: &CaseId, through_seq: u64) -> Result<CaseHistory, Setback> {
        let subject = events_subject(case);
        let messages = match through_seq {
            0 => self.log.load_subject(&subject).await?,
            seq => self.log.load_subject_through(&subject, seq).await?,
        };
        self.authorities.renew(&self.log, &messages).await?;
        Ok(CaseHistory::read(case, &messages, &self.authorities)?)
    }

    /// Decides on `history` as it is, and appends what was decided.
    async fn attempt(&self, order: &Order, history: &mut CaseHistory) -> Result<Answered, Setback> {
        let now = self.clock.now();
        let date = local_date(order.occurred_at.unwrap_or(now));
        let policy = self.policies.in_force_as_known(date, local_date(now))?;
        let fact = match decide(history.state(), order, policy, &self.calendar, now)? {
            Decision::Accepted(fact) => *fact,
            Decision::Already(event) => {
                let events = history.appended(&event).into_iter().collect();
                return Ok(Answered {
                    outcome: Outcome::Already,
                    events,
                });
            }
        };
        let Draft {
            event,
            digest,
            outgoing,
        } = self.writer.write(history, order, fact, self.ids.next(), now)?;
        let stored = self.publish(outgoing, &digest).await?;
        history.append(&event, &order.command_id, digest, stored.seq);
        let events = history.appended(&event.id).into_iter().collect();
        Ok(Answered {
            outcome: Outcome::Accepted,
            events,
        })
    }

    /// Publishes one event, and takes it into the account of the source.
    async fn publish(&self, outgoing: Outgoing, digest: &Digest) -> Result<Stored, Setback> {
        let Some(account) = &self.account else {
            return Ok(self.publisher.publish(outgoing).await?);
        };
        let publishing = account.publishing().await;
        match self.publisher.publish(outgoing).await {
            Ok(stored) => {
                // A digest is 64 hexadecimal digits by construction.
                let digest = Hash::from_hex(digest.as_str()).unwrap_or(Hash::ZERO);
                if let Err(error) = publishing.acknowledged(&[(stored.seq, digest)]) {
                    // The event is stored; the stream says so when the next statement is made.
                    tracing::error!(%error, "the journal of the source cannot be written");
                    publishing.uncertain();
                }
                Ok(stored)
            }
            Err(error) => {
                if !matches!(error, PublishError::Conflict { .. } | PublishError::Denied { .. }) {
                    publishing.uncertain();
                }
                Err(error.into())
            }
        }
    }
}
