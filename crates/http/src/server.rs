//! The server: accepts as many connections as it may, gives each its time, and stops when it is told.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::gate;
use crate::limits::Limits;
use crate::patience::Patient;
use crate::problem::Problem;

/// Largest head of a request in bytes.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// Pause after a connection could not be accepted: there are too few descriptors, and trying at once would not give more.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Listens on `address`; port 0 takes a free one.
///
/// # Errors
/// Whatever the system says.
pub async fn bind(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves `router` within `limits` until `shutdown`; answers under way are finished first, as far as their time allows.
///
/// Every answer that is not the router's own is a problem document. There is no 5xx but 503.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let router = router
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || {
            Problem::new(
                axum::http::StatusCode::METHOD_NOT_ALLOWED,
                "this resource does not know this method",
            )
        });
    let (closing, closed) = watch::channel(false);
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if connections.len() >= limits.connections_max => refuse(&stream),
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, router.clone(), limits, closed.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
            () = &mut shutdown => break,
        }
    }
    drop(listener);
    closing.send_replace(true);
    let drained = async { while connections.join_next().await.is_some() {} };
    if timeout(limits.shutdown_timeout, drained).await.is_err() {
        connections.shutdown().await;
    }
}

/// One connection, from its first byte to its last.
async fn converse(stream: TcpStream, router: Router, limits: Limits, mut closed: watch::Receiver<bool>) {
    let service = service_fn(move |request| {
        let router = router.clone();
        async move { Ok::<_, Infallible>(gate::answer(router, request, limits).await) }
    });
    let stream = TokioIo::new(Patient::new(stream, limits.request_timeout));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(stream, service);
    tokio::pin!(connection);
    let told = async { closed.wait_for(|closed| *closed).await.is_ok() };
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        _ = told => None,
    };
    let ended = if let Some(ended) = ended {
        ended
    } else {
        connection.as_mut().graceful_shutdown();
        connection.await
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Says in one write that there is no room; whoever does not read that gets no more.
fn refuse(stream: &TcpStream) {
    let problem = Problem::busy("there are too many connections", 1).document();
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\nretry-after: 1\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{problem}",
        problem.len()
    );
    if let Err(error) = stream.try_write(answer.as_bytes()) {
        tracing::debug!(%error, "a connection too many could not be answered");
    }
}
