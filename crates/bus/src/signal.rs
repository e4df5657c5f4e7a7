//! What the client says aside: refused permissions, lost and restored connections.
//!
//! A refused publish has no answer of its own; without these signals it would look like a slow server.

use std::time::Duration;

use async_nats::{Event, ServerError};
use tokio::sync::{broadcast, watch};

use crate::identity::Identity;

/// Refusals nobody has looked at yet; older ones are only in the log.
const DENIALS_MAX: usize = 1_024;

/// Collects the client's events and hands them to whoever waits for an answer.
#[derive(Debug)]
pub(crate) struct Switchboard {
    denials: broadcast::Sender<String>,
    link: watch::Sender<Link>,
}

/// State of the connection. `losses` only grows, so that a loss is seen even when the link is up again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Link {
    up: bool,
    losses: u64,
}

/// One waiter's view, from the moment it was taken.
#[derive(Debug)]
pub(crate) struct Signals {
    denials: broadcast::Receiver<String>,
    link: watch::Receiver<Link>,
    losses_seen: u64,
}

/// Why an answer will not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Break {
    /// Publishing was refused.
    Denied,
    /// The connection was lost.
    Lost,
}

impl Switchboard {
    pub(crate) fn new() -> Self {
        Self {
            denials: broadcast::Sender::new(DENIALS_MAX),
            link: watch::Sender::new(Link { up: false, losses: 0 }),
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.link.borrow().up
    }

    pub(crate) fn link_up(&self) {
        self.link.send_modify(|link| link.up = true);
    }

    pub(crate) fn signals(&self) -> Signals {
        let link = self.link.subscribe();
        let losses_seen = link.borrow().losses;
        Signals {
            denials: self.denials.subscribe(),
            link,
            losses_seen,
        }
    }

    pub(crate) fn take(&self, event: Event, identity: Identity) {
        match event {
            Event::Connected => {
                tracing::info!(%identity, "connected to NATS");
                self.link_up();
            }
            Event::Disconnected | Event::Closed => {
                // A connection that is closed by us ends with `Closed` and nothing is lost by it.
                if event == Event::Disconnected {
                    tracing::warn!(%identity, "connection to NATS lost");
                } else {
                    tracing::debug!(%identity, "connection to NATS closed");
                }
                self.link.send_modify(|link| {
                    *link = Link {
                        up: false,
                        losses: link.losses.saturating_add(1),
                    }
                });
            }
            Event::ServerError(ServerError::Other(text)) => {
                tracing::error!(%identity, %text, "refused by NATS");
                if let Some(subject) = denied_subject(&text)
                    && self.denials.send(subject.to_owned()).is_err()
                {
                    tracing::debug!(%identity, subject, "nobody waits for the refused message");
                }
            }
            Event::ServerError(error) => tracing::error!(%identity, %error, "refused by NATS"),
            Event::ClientError(error) => tracing::warn!(%identity, %error, "NATS client"),
            Event::SlowConsumer(subscription) => {
                tracing::warn!(%identity, subscription, "messages were dropped: read too slowly");
            }
            Event::LameDuckMode | Event::Draining => tracing::info!(%identity, "NATS: {event}"),
        }
    }
}

impl Signals {
    /// Waits until the connection stands, at most `patience`; answers whether it does. Losses before are forgotten.
    pub(crate) async fn connected(&mut self, patience: Duration) -> bool {
        let is_up = matches!(
            tokio::time::timeout(patience, self.link.wait_for(|link| link.up)).await,
            Ok(Ok(_))
        );
        self.losses_seen = self.link.borrow().losses;
        is_up
    }

    /// Returns once no answer can be expected any more: publishing on `subject` was refused, or the connection was
    /// lost since the last [`Signals::connected`].
    pub(crate) async fn broken(&mut self, subject: &str) -> Break {
        let seen = self.losses_seen;
        tokio::select! {
            () = denied(&mut self.denials, subject) => Break::Denied,
            () = lost(&mut self.link, seen) => Break::Lost,
        }
    }
}

async fn denied(denials: &mut broadcast::Receiver<String>, subject: &str) {
    loop {
        match denials.recv().await {
            Ok(denied) if denied == subject => return,
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

async fn lost(link: &mut watch::Receiver<Link>, losses_seen: u64) {
    let ended = link.wait_for(|link| link.losses != losses_seen).await.is_err();
    if ended {
        std::future::pending::<()>().await;
    }
}

/// The subject in `Permissions Violation for Publish to "<subject>"`.
fn denied_subject(text: &str) -> Option<&str> {
    let rest = text
        .to_ascii_lowercase()
        .find("permissions violation for publish to \"")
        .and_then(|at| text.get(at.saturating_add("permissions violation for publish to \"".len())..))?;
    rest.split_once('"').map(|(subject, _)| subject)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refused_subject_is_read_from_the_servers_words() {
        assert_eq!(
            denied_subject("Permissions Violation for Publish to \"portbook.events.X\""),
            Some("portbook.events.X")
        );
        assert_eq!(
            denied_subject("Permissions Violation for Subscription to \"portbook.events.X\""),
            None
        );
        assert_eq!(denied_subject("Maximum Payload Violation"), None);
    }
}
