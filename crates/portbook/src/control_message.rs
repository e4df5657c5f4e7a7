//! Control messages from the command line: signed with the log key, published as the operator.

use portbook_bus::{Appended, Bus, Identity, Log, Outgoing, PublishLimits, Publisher};
use portbook_source::KeyRing;
use portbook_wire::control::{Control, encode_control};
use portbook_wire::msg_id;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::home::KeyOf;
use crate::node::{Server, secret};
use crate::session::Session;

/// A connection as the operator, to the server that runs or to the home's own.
#[derive(Debug)]
pub(crate) struct Desk {
    server: Server,
    bus: Bus,
}

impl Desk {
    /// Connects.
    pub(crate) async fn open(session: &Session) -> Result<Self, Failure> {
        let server = Server::reachable(session).await?;
        match server.address().connect(session, Identity::Operator).await {
            Ok(bus) => Ok(Self { server, bus }),
            Err(failure) => {
                server.stop().await?;
                Err(failure)
            }
        }
    }

    /// The producers' keys as the stream has them now.
    pub(crate) async fn key_ring(&self, session: &Session) -> Result<KeyRing, Failure> {
        let log_key = *session.home.public_key(KeyOf::Log)?.public();
        Ok(KeyRing::load(&Log::ledger(&self.bus), &log_key).await?)
    }

    /// Publishes one message.
    pub(crate) async fn publish(&self, session: &Session, control: &Control) -> Result<Appended, Failure> {
        let key = secret(session, KeyOf::Log)?;
        let body = encode_control(control).map_err(|error| Failure::of(Exit::Usage, &error))?;
        let subject = control.kind().subject();
        let signature = key.sign_event(subject, &body).to_string();
        let outgoing = Outgoing {
            subject: subject.to_owned(),
            msg_id: msg_id(Some(&signature), &body),
            signature: Some(signature),
            body: body.into(),
            expected_last_subject_seq: None,
        };
        let publisher = Publisher::start(&self.bus, PublishLimits::default());
        Ok(publisher.publish(outgoing).await?)
    }

    /// Disconnects, and stops the server if it was started here.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        self.bus.close().await;
        self.server.stop().await
    }
}
