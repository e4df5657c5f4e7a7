//! Why a command was not accepted, and how that is said to its sender.

use std::error::Error;

use portbook_bus::{PublishError, ReadError};
use portbook_domain::{CommandId, Order, PolicyError, Rejection, ServiceName};
use portbook_source::KeyRingError;
use portbook_wire::command::{CommandReply, Outcome, Refusal};
use portbook_wire::{EncodeError, JsonError, JsonRule};

use crate::history::HistoryFault;

/// What stood between a command and its event.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Setback {
    #[error(transparent)]
    Malformed(#[from] JsonError),
    #[error("/command: {command} was sent to the endpoint of {verb}")]
    WrongEndpoint {
        command: &'static str,
        verb: &'static str,
    },
    #[error("/command: {command} is not for {}, but for {}", service.name(), names(services))]
    WrongService {
        command: &'static str,
        service: ServiceName,
        services: &'static [ServiceName],
    },
    #[error(transparent)]
    Rejected(#[from] Rejection),
    #[error(transparent)]
    NoPolicy(#[from] PolicyError),
    #[error(transparent)]
    Unwritable(#[from] EncodeError),
    #[error("the history of the case is broken; nothing more is decided on it")]
    Broken(#[from] HistoryFault),
    #[error("the case could not be read")]
    Unread(#[from] ReadError),
    #[error("the keys of the services could not be read")]
    KeysUnread(#[from] KeyRingError),
    #[error(transparent)]
    Unpublished(#[from] PublishError),
}

impl Setback {
    /// What to tell the sender.
    pub(crate) const fn outcome(&self) -> Outcome {
        match self {
            Self::Malformed(_) | Self::WrongEndpoint { .. } | Self::WrongService { .. } => Outcome::Invalid,
            Self::Rejected(_) | Self::NoPolicy(_) | Self::Unwritable(_) | Self::Broken(_) => {
                Outcome::Rejected
            }
            Self::Unpublished(PublishError::Conflict { .. }) => Outcome::Conflict,
            Self::Unread(_) | Self::KeysUnread(_) | Self::Unpublished(_) => Outcome::Unavailable,
        }
    }

    /// Stable name of the rule.
    pub(crate) const fn rule(&self) -> &'static str {
        match self {
            Self::Malformed(error) => rule_of(&error.rule),
            Self::WrongEndpoint { .. } => "wrong-endpoint",
            Self::WrongService { .. } => "wrong-service",
            Self::Rejected(rejection) => rejection.rule(),
            Self::NoPolicy(_) => "no-policy-in-force",
            Self::Unwritable(EncodeError::TooLarge { .. }) => "event-too-large",
            Self::Unwritable(EncodeError::Sequence(_) | EncodeError::Json(_)) => "event-unwritable",
            Self::Broken(_) => "case-history-broken",
            Self::Unread(_) => "case-not-read",
            Self::KeysUnread(_) => "keys-not-read",
            Self::Unpublished(error) => match error {
                PublishError::Conflict { .. } => "case-moved-on",
                PublishError::Denied { .. } => "publishing-denied",
                PublishError::Poisoned { .. } => "message-id-taken",
                PublishError::Refused { .. } | PublishError::Unsendable { .. } => "message-refused",
                PublishError::Unacknowledged { .. } => "not-acknowledged",
                PublishError::Foreign { .. } => "acknowledgement-foreign",
                PublishError::Closed => "service-stopping",
            },
        }
    }

    /// Leaves a trace of it: loud only where somebody has to look.
    pub(crate) fn log(&self, order: &Order) {
        let (case, command, text) = (&order.case, order.command.name(), in_words(self));
        if let Self::Broken(_) = self {
            tracing::error!(%case, command, "{text}");
        } else if self.outcome() == Outcome::Unavailable {
            tracing::warn!(%case, command, "{text}");
        } else {
            tracing::debug!(%case, command, rule = self.rule(), "{text}");
        }
    }

    /// The answer to a command.
    pub(crate) fn reply(&self, command_id: Option<CommandId>, case_version: u64) -> CommandReply {
        let rejection = Refusal {
            rule: self.rule().to_owned(),
            message: in_words(self),
        };
        CommandReply {
            command_id,
            outcome: self.outcome(),
            case_version,
            events: Vec::new(),
            rejection: Some(rejection),
        }
    }
}

const fn rule_of(rule: &JsonRule) -> &'static str {
    match rule {
        JsonRule::TooLarge { .. } => "request-too-large",
        JsonRule::NotUtf8 { .. } => "not-utf-8",
        JsonRule::Syntax(_) => "not-json",
        JsonRule::Duplicate => "name-repeated",
        JsonRule::Null => "null",
        JsonRule::NotAnInteger { .. } => "not-an-integer",
        JsonRule::Missing { .. } => "field-missing",
        JsonRule::UnknownField { .. } => "field-unknown",
        JsonRule::WrongKind { .. } => "wrong-kind",
        JsonRule::Grammar { .. } => "grammar",
    }
}

/// An error and what it comes from, in one line.
fn in_words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        words.push_str(": ");
        words.push_str(&cause.to_string());
        source = cause.source();
    }
    words
}

fn names(services: &[ServiceName]) -> String {
    services
        .iter()
        .map(|service| service.name())
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_rule_and_every_cause() {
        let fault = HistoryFault::Version {
            seq: 7,
            found: 4,
            expected: 3,
        };
        let reply = Setback::from(fault).reply(None, 2);
        let refusal = reply.rejection.unwrap();
        assert_eq!((reply.outcome, reply.case_version), (Outcome::Rejected, 2));
        assert_eq!(refusal.rule, "case-history-broken");
        assert_eq!(
            refusal.message,
            "the history of the case is broken; nothing more is decided on it: \
             message 7 is version 4 of the case, expected 3"
        );
    }

    #[test]
    fn only_a_lost_guard_is_a_conflict() {
        let subject = || "portbook.events.A".to_owned();
        let outcome = |error: PublishError| Setback::from(error).outcome();
        assert_eq!(
            outcome(PublishError::Conflict {
                subject: subject(),
                expected: 0,
                found: 1
            }),
            Outcome::Conflict
        );
        assert_eq!(
            outcome(PublishError::Denied { subject: subject() }),
            Outcome::Unavailable
        );
        let unacknowledged = PublishError::Unacknowledged {
            subject: subject(),
            waited_ms: 9,
        };
        assert_eq!(outcome(unacknowledged), Outcome::Unavailable);
    }
}
