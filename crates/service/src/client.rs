//! The sender's side of a command.

use std::time::Duration;

use portbook_bus::{Bus, RequestError};
use portbook_domain::{Order, ServiceName};
use portbook_wire::JsonError;
use portbook_wire::command::{CommandReply, encode_order, parse_reply};
use portbook_wire::subject::command_subject;

/// Sends commands to the services that answer them.
#[derive(Debug, Clone)]
pub struct Client {
    bus: Bus,
    timeout: Duration,
}

/// Why a command has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No service answered. The command may have been accepted all the same; sending it again is right.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The command cannot be written.
    #[error("the command cannot be written as JSON")]
    Unwritable(#[source] serde_json::Error),
    /// What came back is no answer to a command.
    #[error("the answer of service {} cannot be read", service.name())]
    Unreadable {
        /// The service.
        service: ServiceName,
        /// Why.
        source: JsonError,
    },
}

impl Client {
    /// A client that waits `timeout` for each answer.
    #[must_use]
    pub fn new(bus: &Bus, timeout: Duration) -> Self {
        Self {
            bus: bus.clone(),
            timeout,
        }
    }

    /// Sends a command to the first of the services that accept it, and waits for the answer.
    ///
    /// # Errors
    /// [`ClientError`] when no answer came. A refusal is an answer.
    pub async fn request(&self, order: &Order) -> Result<CommandReply, ClientError> {
        let service = order
            .command
            .services()
            .first()
            .copied()
            .unwrap_or(ServiceName::Intake);
        self.request_from(service, order).await
    }

    /// Sends a command to one service: a record may be repaired by any of them.
    ///
    /// # Errors
    /// As [`Client::request`].
    pub async fn request_from(
        &self,
        service: ServiceName,
        order: &Order,
    ) -> Result<CommandReply, ClientError> {
        let body = encode_order(order).map_err(ClientError::Unwritable)?;
        let subject = command_subject(service.name(), order.command.name());
        let answer = self.bus.request(&subject, body.into(), self.timeout).await?;
        parse_reply(&answer).map_err(|source| ClientError::Unreadable { service, source })
    }
}
