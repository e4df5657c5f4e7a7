//! JetStream: streams, guarded publishing with group commit, replay, command endpoints and the managed nats-server.
//!
//! This crate alone names the NATS client. Bytes go in and bytes come out: what an event means is not its business.

pub mod api;
pub mod checkpoint;
pub mod connection;
pub mod endpoint;
pub mod identity;
pub mod log;
pub mod message;
pub mod publish;
pub mod reader;
pub mod server;
pub mod stream;

pub use checkpoint::{CheckpointError, CheckpointRegister};
pub use connection::{Bus, BusOptions, ConnectError, Login};
pub use endpoint::{Endpoint, Endpoints, Failure, RequestError};
pub use identity::{Identity, IdentityError};
pub use log::{Log, ReadError};
pub use message::{Appended, Outgoing, Stored};
pub use publish::{PublishError, PublishLimits, Publisher};
pub use reader::{Reader, ReaderError, ReaderSpec};
pub use server::{ManagedServer, ServerError, ServerSpec};
pub use stream::{ConfigDrift, StreamError, StreamIdentity, StreamSpec};
