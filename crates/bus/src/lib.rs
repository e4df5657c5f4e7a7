//! JetStream: streams, guarded publishing with group commit, replay, command endpoints and the managed nats-server.
//!
//! This crate alone names the NATS client. Bytes go in and bytes come out: what an event means is not its business.

mod api;
mod checkpoint;
mod connection;
mod endpoint;
mod feed;
mod identity;
mod log;
mod message;
mod publish;
mod reader;
mod server;
mod signal;
mod snapshot;
mod stream;

pub use api::ApiError;
pub use checkpoint::{CheckpointError, CheckpointRegister};
pub use connection::{Bus, BusOptions, ConnectError, Login};
pub use endpoint::{Answer, Endpoint, Endpoints, Failure, RequestError};
pub use feed::{Fed, Feed, FeedEnd, FeedError, FeedFilter, FeedLag, FeedMessage, FeedReader};
pub use identity::{Identity, IdentityError, create_seeds, write_secret};
pub use log::{Log, ReadError};
pub use message::{Appended, Outgoing, Stored};
pub use publish::{BegunBatch, PublishError, PublishLimits, Publisher};
pub use reader::{Reader, ReaderError, ReaderSpec};
pub use server::{ManagedServer, ServerError, ServerPort, ServerSpec, find_binary, keys_conf};
pub use snapshot::{SnapshotError, SnapshotHead};
pub use stream::{ConfigDrift, StreamError, StreamIdentity, StreamSpec};
