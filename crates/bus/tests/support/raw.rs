//! A bare NATS client under one identity, to do what the bus would not.
#![expect(clippy::unwrap_used, reason = "a test that cannot connect has failed")]

use async_nats::{Client, ConnectOptions, Event};
use portbook_bus::Identity;
use portbook_testkit::nats::NatsServer;
use tokio::sync::mpsc;

/// Connects as `identity`; what the server says aside comes out of the receiver.
pub(crate) async fn client(
    server: &NatsServer,
    identity: Identity,
) -> (Client, mpsc::UnboundedReceiver<String>) {
    let seed = std::fs::read_to_string(identity.seed_file(&server.spec().seeds_dir)).unwrap();
    let (aside, said) = mpsc::unbounded_channel();
    let client = ConnectOptions::with_nkey(seed.trim().to_owned())
        .custom_inbox_prefix(format!("_INBOX_{identity}"))
        .event_callback(move |event| {
            let aside = aside.clone();
            async move {
                if let Event::ServerError(error) = event {
                    aside.send(error.to_string()).ok();
                }
            }
        })
        .connect(server.url())
        .await
        .unwrap();
    (client, said)
}
