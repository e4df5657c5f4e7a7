//! The endpoints of a service: requests in, answers out, until told to stop.

use std::sync::Arc;

use bytes::Bytes;
use portbook_bus::{Answer, ApiError, Bus, Endpoint, Endpoints, Failure};
use portbook_wire::command::{CommandReply, encode_reply, parse_order};
use portbook_wire::subject::command_subject;

use crate::engine::Engine;
use crate::remit::Remit;
use crate::setback::Setback;

/// As HTTP has it: an answer could not be written.
const INTERNAL_ERROR: u16 = 500;

/// Answers the service's commands on `portbook.cmd.<service>.<verb>`, at most `in_flight_max` of each verb at once, until
/// `shutdown` completes; then answers those already taken, and returns.
///
/// The service shows up as `portbook-<service>` and answers pings, so that being reachable needs no endpoint of its own.
///
/// # Errors
/// [`ApiError`] when the endpoints cannot be announced.
pub async fn serve(
    bus: &Bus,
    engine: Arc<Engine>,
    in_flight_max: usize,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ApiError> {
    let service = engine.service();
    let endpoints = Remit::of(service)
        .verbs
        .iter()
        .map(|verb| endpoint(&engine, verb))
        .collect();
    let name = format!("portbook-{}", service.name());
    let endpoints = Endpoints::serve(bus, &name, env!("CARGO_PKG_VERSION"), endpoints, in_flight_max).await?;
    tracing::info!(service = service.name(), "answering commands");
    shutdown.await;
    endpoints.drain().await;
    tracing::info!(service = service.name(), "no longer answering commands");
    Ok(())
}

fn endpoint(engine: &Arc<Engine>, verb: &'static str) -> Endpoint {
    let subject = command_subject(engine.service().name(), verb);
    let engine = Arc::clone(engine);
    let handler = move |request: Bytes| -> Answer {
        let engine = Arc::clone(&engine);
        Box::pin(async move { written(&answer(&engine, verb, &request).await) })
    };
    Endpoint {
        verb: verb.to_owned(),
        subject,
        handler: Arc::new(handler),
    }
}

async fn answer(engine: &Engine, verb: &'static str, request: &[u8]) -> CommandReply {
    let order = match parse_order(request) {
        Ok(order) => order,
        Err(error) => return Setback::from(error).reply(None, 0),
    };
    let command = order.command.name();
    if command != verb {
        return Setback::WrongEndpoint { command, verb }.reply(Some(order.command_id), 0);
    }
    engine.execute(&order).await
}

fn written(reply: &CommandReply) -> Result<Bytes, Failure> {
    match encode_reply(reply) {
        Ok(body) => Ok(body.into()),
        Err(error) => Err(Failure {
            code: INTERNAL_ERROR,
            message: error.to_string(),
        }),
    }
}
