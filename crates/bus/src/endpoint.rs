//! Command endpoints: NATS services, so that `nats service ls` shows them.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use crate::api::ApiError;
use crate::connection::Bus;

/// A failure answered instead of a body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (code {code})")]
pub struct Failure {
    /// As HTTP has them: 400 malformed, 503 not now.
    pub code: u16,
    /// For the caller.
    pub message: String,
}

/// What a handler promises.
pub type Answer = Pin<Box<dyn Future<Output = Result<Bytes, Failure>> + Send>>;

/// One verb a service answers.
#[derive(Clone)]
pub struct Endpoint {
    /// Name shown by `nats service`, for example `grant`.
    pub verb: String,
    /// Exact subject, `portbook.cmd.<service>.<verb>`.
    pub subject: String,
    /// Answers a request's body.
    pub handler: Arc<dyn Fn(Bytes) -> Answer + Send + Sync>,
}

/// Endpoints that answer until they are drained.
#[derive(Debug)]
pub struct Endpoints {}

impl Endpoints {
    /// Announces service `name` and answers its endpoints, at most `concurrency_max` requests at once; instances share the load.
    ///
    /// # Errors
    /// [`ApiError`] when the subscriptions cannot be made.
    pub async fn serve(
        bus: &Bus,
        name: &str,
        version: &str,
        endpoints: Vec<Endpoint>,
        concurrency_max: usize,
    ) -> Result<Self, ApiError> {
        todo!("{bus:?} {name} {version} {} {concurrency_max}", endpoints.len())
    }

    /// Takes no more requests, answers those already taken, and returns.
    pub async fn drain(self) {}
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The request failed.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The service answered with a failure.
    #[error(transparent)]
    Failed(#[from] Failure),
}
