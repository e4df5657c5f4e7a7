//! `POST /add-checkpoint`: the statuses of C2SP tlog-witness.

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use portbook_http::{IntoResponse, Problem, Response, Router, State, StatusCode, header, routing};

use crate::witness::{Refusal, Witness};

/// Takes submissions for `witness`.
pub fn endpoint(witness: Arc<Witness>) -> Router {
    Router::new()
        .route("/add-checkpoint", routing::post(add_checkpoint))
        .with_state(witness)
}

async fn add_checkpoint(State(witness): State<Arc<Witness>>, body: Bytes) -> Response {
    match witness.consider(&body).await {
        Ok(cosignature) => {
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], cosignature).into_response()
        }
        Err(refusal) => answer(&refusal),
    }
}

fn answer(refusal: &Refusal) -> Response {
    let status = match refusal {
        Refusal::Malformed(_)
        | Refusal::ProofLength { .. }
        | Refusal::Checkpoint(_)
        | Refusal::Shrinking { .. } => StatusCode::BAD_REQUEST,
        Refusal::UnknownLog { .. } => StatusCode::NOT_FOUND,
        Refusal::NotSigned { .. } => StatusCode::FORBIDDEN,
        Refusal::Conflict { latest } => {
            let kind = [(header::CONTENT_TYPE, "text/x.tlog.size")];
            return (StatusCode::CONFLICT, kind, format!("{latest}\n")).into_response();
        }
        Refusal::Inconsistent(_) | Refusal::Contradicted(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::Unread(_) | Refusal::Memory(_) | Refusal::Clock => {
            return Problem::busy(told(refusal), 5).into_response();
        }
    };
    Problem::new(status, told(refusal)).into_response()
}

/// The refusal with its causes, in one line.
fn told(refusal: &Refusal) -> String {
    let mut text = refusal.to_string();
    let mut cause = refusal.source();
    while let Some(found) = cause {
        text += ": ";
        text += &found.to_string();
        cause = found.source();
    }
    text
}
