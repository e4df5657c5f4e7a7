//! The command verbs: one order to one service.

use std::time::Duration;

use portbook_bus::Identity;
use portbook_service::Client;

use crate::failure::Outcome;
use crate::node::Server;
use crate::order::{OrderArgs, print_reply, unanswered};
use crate::session::Session;

/// Sends the order and prints the answer.
pub(crate) fn run(session: &Session, args: &OrderArgs) -> Outcome {
    let order = args.order()?;
    let reply = session.block_on(async {
        let server = Server::running(session)?;
        let bus = server.address().connect(session, Identity::Client).await?;
        let timeout = Duration::from_millis(session.config.nats.request_timeout_ms);
        let client = Client::new(&bus, timeout);
        let reply = match args.service() {
            Some(service) => client.request_from(service, &order).await,
            None => client.request(&order).await,
        };
        bus.close().await;
        reply.map_err(|error| unanswered(&order, &error))
    })?;
    print_reply(&session.speech, &reply)
}
