//! The gate before every request: its body is read whole, in time and within its size, and the answer begins in time.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use tokio::time::timeout;
use tower_service::Service;

use crate::limits::Limits;
use crate::problem::Problem;

/// What every answer says unless it says otherwise: nothing here is a page that may load or run anything.
const DEFAULT_HEADERS: [(header::HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
];

/// Answers one request within `limits`.
pub(crate) async fn answer(mut router: Router, request: Request<Incoming>, limits: Limits) -> Response {
    let (head, body) = request.into_parts();
    let answered = match timeout(limits.request_timeout, whole(body, limits.body_bytes_max)).await {
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "the body did not arrive in time",
        )),
        Ok(Err(problem)) => Err(problem),
        Ok(Ok(body)) => {
            let answering = router.call(Request::from_parts(head, Body::from(body)));
            match timeout(limits.request_timeout, answering).await {
                Ok(Ok(response)) => Ok(response),
                Ok(Err(never)) => match never {},
                Err(_) => Err(Problem::busy("the answer took too long", 10)),
            }
        }
    };
    let mut response = answered.unwrap_or_else(IntoResponse::into_response);
    for (name, value) in DEFAULT_HEADERS {
        response
            .headers_mut()
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

async fn whole(body: Incoming, bytes_max: usize) -> Result<Bytes, Problem> {
    let too_large = || {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("a body has at most {bytes_max} bytes"),
        )
    };
    // What says that it is too large need not be read first.
    if body.size_hint().lower() > u64::try_from(bytes_max).unwrap_or(u64::MAX) {
        return Err(too_large());
    }
    match Limited::new(body, bytes_max).collect().await {
        Ok(read) => Ok(read.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "the body ended before its end",
        )),
    }
}
