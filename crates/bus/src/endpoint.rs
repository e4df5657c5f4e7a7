//! Command endpoints: NATS services, so that `nats service ls` shows them.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::service::error::Error as ServiceFailure;
use async_nats::service::{NATS_SERVICE_ERROR, NATS_SERVICE_ERROR_CODE, Request, Service, ServiceExt as _};
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::api::ApiError;
use crate::connection::Bus;

/// The answer when a service has as much to do as it takes on.
const BUSY: u16 = 503;

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
    /// Name shown by `nats service`, for example `grant-license`.
    pub verb: String,
    /// Exact subject, `portbook.cmd.<service>.<verb>`.
    pub subject: String,
    /// Answers a request's body.
    pub handler: Arc<dyn Fn(Bytes) -> Answer + Send + Sync>,
}

/// Endpoints that answer until they are drained. Dropped without that, they end at once.
#[derive(Debug)]
pub struct Endpoints {
    service: Service,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    bus: Bus,
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// It failed on the way. What was asked for may have been done.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The service answered with a failure.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("verb", &self.verb)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

impl Endpoints {
    /// Announces service `name` in `version` (semantic versioning) and answers its endpoints, each at most
    /// `concurrency_max` requests at once; what comes on top is told to come again (503). Instances share the load.
    ///
    /// # Errors
    /// [`ApiError::Unsendable`] when a name, a version or a subject is not one; [`ApiError::Unanswered`] when the connection
    /// is closed.
    pub async fn serve(
        bus: &Bus,
        name: &str,
        version: &str,
        endpoints: Vec<Endpoint>,
        concurrency_max: usize,
    ) -> Result<Self, ApiError> {
        let refused = |subject: &str| {
            let subject = subject.to_owned();
            move |error: async_nats::Error| {
                tracing::error!(%error, %subject, "the endpoint cannot be announced");
                ApiError::Unsendable { subject, bytes: 0 }
            }
        };
        let service = bus
            .client()
            .service_builder()
            .start(name, version)
            .await
            .map_err(refused(name))?;
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for endpoint in endpoints {
            let builder = service.endpoint_builder().name(&endpoint.verb);
            let requests = builder
                .add(&endpoint.subject)
                .await
                .map_err(refused(&endpoint.subject))?;
            tasks.spawn(answer_all(requests, endpoint, concurrency_max, stopped.clone()));
        }
        // An announcement is only a write into a buffer; a caller must find what was announced.
        let flushed = bus.client().flush().await;
        flushed.map_err(|_gone| ApiError::Unanswered {
            subject: name.to_owned(),
            waited_ms: 0,
        })?;
        Ok(Self {
            service,
            stop,
            tasks,
            bus: bus.clone(),
        })
    }

    /// Takes no more requests, answers those already taken, and returns when the answers are sent.
    pub async fn drain(mut self) {
        self.stop.send_replace(true);
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "an endpoint ended early");
            }
        }
        if let Err(error) = self.service.stop().await {
            tracing::debug!(%error, "the service was already stopped");
        }
        if let Err(error) = self.bus.client().flush().await {
            tracing::warn!(%error, "the last answers may not have been sent");
        }
    }
}

impl Bus {
    /// Sends `body` to the service that answers `subject` and waits for its answer.
    ///
    /// # Errors
    /// [`RequestError::Failed`] when the service answered with a failure, [`RequestError::Api`] when it did not answer.
    pub async fn request(
        &self,
        subject: &str,
        body: Bytes,
        timeout: Duration,
    ) -> Result<Bytes, RequestError> {
        let answer = self.ask(subject, HeaderMap::new(), body, timeout).await?;
        let header = |name| {
            answer
                .headers
                .as_ref()
                .and_then(|headers| headers.get(name))
                .map(ToString::to_string)
        };
        match header(NATS_SERVICE_ERROR_CODE) {
            Some(code) => {
                let message = header(NATS_SERVICE_ERROR).unwrap_or_default();
                Err(Failure {
                    code: code.parse().unwrap_or_default(),
                    message,
                }
                .into())
            }
            None => Ok(answer.payload),
        }
    }
}

/// Takes the requests of one endpoint until told to stop, then waits for the answers under way.
async fn answer_all(
    mut requests: async_nats::service::endpoint::Endpoint,
    endpoint: Endpoint,
    concurrency_max: usize,
    mut stopped: watch::Receiver<bool>,
) {
    let slots = Arc::new(Semaphore::new(concurrency_max.max(1)));
    let mut answers = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped) => break,
            request = requests.next() => match request {
                Some(request) => take(&endpoint, request, &slots, &mut answers),
                None => break,
            },
            // Finished answers must not pile up.
            Some(ended) = answers.join_next() => note(ended),
        }
    }
    if let Err(error) = requests.stop().await {
        tracing::debug!(%error, "the endpoint was already closed");
    }
    // What the server had delivered before it heard of the stop is answered too.
    while let Some(request) = requests.next().await {
        take(&endpoint, request, &slots, &mut answers);
    }
    while let Some(ended) = answers.join_next().await {
        note(ended);
    }
}

fn take(endpoint: &Endpoint, request: Request, slots: &Arc<Semaphore>, answers: &mut JoinSet<()>) {
    let slot = Arc::clone(slots).try_acquire_owned();
    let handler = Arc::clone(&endpoint.handler);
    answers.spawn(async move {
        let answer = match slot {
            Ok(slot) => {
                let answer = handler(request.message.payload.clone()).await;
                drop(slot);
                answer
            }
            Err(_full) => Err(Failure {
                code: BUSY,
                message: "too many requests at once; try again".to_owned(),
            }),
        };
        let answer = answer.map_err(|failure| ServiceFailure {
            status: one_line(&failure.message),
            code: failure.code.into(),
        });
        if let Err(error) = request.respond(answer).await {
            tracing::warn!(%error, "an answer could not be sent");
        }
    });
}

fn note(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a request was not answered");
    }
}

/// A failure travels in a header, where a line break would start another one.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
