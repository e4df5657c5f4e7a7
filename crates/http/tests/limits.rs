//! A server that no client can hold up: slow heads, slow bodies, slow readers, too many connections, too many bytes.
#![expect(clippy::unwrap_used, reason = "a test's helpers")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use portbook_http::{Client, ClientError, Limits, Problem, Router, StatusCode, bind, routing, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longer than anything here should take, shorter than anybody's patience.
const DEADLINE: Duration = Duration::from_secs(20);

struct Served {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

const LIMITS: Limits = Limits {
    connections_max: 8,
    header_timeout: Duration::from_millis(300),
    request_timeout: Duration::from_millis(600),
    body_bytes_max: 1000,
    shutdown_timeout: Duration::from_secs(5),
};

async fn served(limits: Limits) -> Served {
    let router = Router::new()
        .route("/word", routing::get(async || "portbook"))
        .route("/echo", routing::post(async |body: String| body))
        .route("/large", routing::get(async || vec![b'.'; 64 << 20]))
        .route("/never", routing::get(std::future::pending::<&str>))
        .route(
            "/soon",
            routing::get(async || {
                timeout(Duration::from_millis(200), std::future::pending::<()>())
                    .await
                    .unwrap_err();
                "in time"
            }),
        )
        .route("/busy", routing::get(async || Problem::busy("later", 7)));
    let (listener, address) = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(serve(listener, router, limits, async move {
        stopped.await.unwrap_or_default();
    }));
    Served { address, stop, task }
}

impl Served {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn ask(&self, text: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(text.as_bytes()).await.unwrap();
        rest(&mut stream).await
    }

    fn client(&self) -> Client {
        Client::new(format!("http://{}", self.address).parse().unwrap(), DEADLINE)
    }
}

/// Everything until the server closes; it must.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A connection that is cut may end with an error: what was read counts.
    timeout(DEADLINE, stream.read_to_end(&mut bytes))
        .await
        .unwrap()
        .unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn a_head_that_drips_is_cut_off_and_others_are_answered_meanwhile() {
    let served = served(LIMITS).await;
    let mut slow = Vec::new();
    for _ in 0..LIMITS.connections_max - 1 {
        let mut stream = served.connect().await;
        slow.push(tokio::spawn(async move {
            let started = Instant::now();
            // One byte now and then, as slowloris does: never a whole head, never silent.
            for byte in b"GET /word HTTP/1.1\r\nx: "
                .iter()
                .chain(std::iter::repeat(&b'a'))
            {
                let gone = stream.write_all(&[*byte]).await.is_err();
                let closed = timeout(Duration::from_millis(20), stream.read_u8()).await.is_ok();
                if gone || closed || started.elapsed() > DEADLINE {
                    break;
                }
            }
            started.elapsed()
        }));
    }
    let answer = served.client().get("/word", 100).await.unwrap();
    assert_eq!(
        (answer.status, &answer.body[..]),
        (StatusCode::OK, &b"portbook"[..])
    );
    for drip in slow {
        let lasted = drip.await.unwrap();
        assert!(
            lasted < LIMITS.header_timeout * 10,
            "a dripping head lasted {lasted:?}"
        );
    }
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed_before_and_after_a_request() {
    let served = served(LIMITS).await;
    let mut silent = served.connect().await;
    assert_eq!(rest(&mut silent).await, "");
    let mut once = served.connect().await;
    once.write_all(b"GET /word HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    assert!(rest(&mut once).await.ends_with("portbook"));
}

#[tokio::test]
async fn a_body_has_its_size_and_its_time() {
    let served = served(LIMITS).await;
    let said = served
        .ask("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 1001\r\n\r\n")
        .await;
    assert!(said.starts_with("HTTP/1.1 413 "), "{said}");
    assert!(said.contains("application/problem+json"), "{said}");
    let chunk = "x".repeat(600);
    let said = served
        .ask(&format!(
            "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n258\r\n{chunk}\r\n258\r\n{chunk}\r\n0\r\n\r\n"
        ))
        .await;
    assert!(said.starts_with("HTTP/1.1 413 "), "{said}");
    let said = served
        .ask("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf")
        .await;
    assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
    let whole = "y".repeat(1000);
    let answer = served.client().post("/echo", whole.clone(), 2000).await.unwrap();
    assert_eq!(answer.body, whole.as_bytes());
}

#[tokio::test]
async fn a_head_has_its_size() {
    let served = served(LIMITS).await;
    let said = served
        .ask(&format!(
            "GET /word HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n",
            "x".repeat(100_000)
        ))
        .await;
    assert!(said.starts_with("HTTP/1.1 431 ") || said.is_empty(), "{said}");
}

#[tokio::test]
async fn one_connection_too_many_is_told_so_and_there_is_room_again_later() {
    let limits = Limits {
        header_timeout: DEADLINE,
        ..LIMITS
    };
    let served = served(limits).await;
    let client = served.client();
    client.get("/word", 100).await.unwrap();
    let mut others = Vec::new();
    for _ in 1..limits.connections_max {
        others.push(served.connect().await);
    }
    let said = rest(&mut served.connect().await).await;
    assert!(said.starts_with("HTTP/1.1 503 "), "{said}");
    assert!(
        said.contains("retry-after: 1") && said.contains("too many connections"),
        "{said}"
    );
    // Who is inside is served on.
    assert_eq!(client.get("/word", 100).await.unwrap().status, StatusCode::OK);
    drop(others);
    let started = Instant::now();
    loop {
        if let Ok(answer) = served.client().get("/word", 1000).await
            && answer.status == StatusCode::OK
        {
            break;
        }
        assert!(started.elapsed() < DEADLINE, "the places were not given back");
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_loses_its_place() {
    let limits = Limits {
        connections_max: 1,
        ..LIMITS
    };
    let served = served(limits).await;
    let mut lazy = served.connect().await;
    lazy.write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let mut byte = [0];
    timeout(DEADLINE, lazy.read_exact(&mut byte))
        .await
        .unwrap()
        .unwrap();
    let started = Instant::now();
    while !served
        .client()
        .get("/word", 1000)
        .await
        .is_ok_and(|answer| answer.status == StatusCode::OK)
    {
        assert!(started.elapsed() < DEADLINE, "the place was not given back");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_a_503_and_every_problem_is_a_document() {
    let served = served(LIMITS).await;
    for (request, status, detail) in [
        ("GET /never HTTP/1.1", 503, "took too long"),
        ("GET /busy HTTP/1.1", 503, "later"),
        ("GET /nothing HTTP/1.1", 404, "nothing here"),
        ("GET /../word HTTP/1.1", 404, "nothing here"),
        ("DELETE /word HTTP/1.1", 405, "does not know this method"),
    ] {
        let said = served
            .ask(&format!("{request}\r\nhost: a\r\nconnection: close\r\n\r\n"))
            .await;
        assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{said}");
        assert!(
            said.contains("application/problem+json") && said.contains(detail),
            "{said}"
        );
        assert!(said.contains(&format!("\"status\":{status}")), "{said}");
    }
    let said = served
        .ask("HEAD /word HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;
    assert!(
        said.contains("content-length: 8") && said.ends_with("\r\n\r\n"),
        "{said}"
    );
    assert!(said.contains("x-content-type-options: nosniff"), "{said}");
}

#[tokio::test]
async fn stopping_finishes_what_is_under_way() {
    let served = served(LIMITS).await;
    let mut under_way = served.connect().await;
    under_way
        .write_all(b"GET /soon HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let idle = served.client();
    idle.get("/word", 100).await.unwrap();
    served.stop.send(()).unwrap();
    let said = rest(&mut under_way).await;
    assert!(said.ends_with("in time"), "{said}");
    timeout(DEADLINE, served.task).await.unwrap().unwrap();
    assert!(TcpStream::connect(served.address).await.is_err());
}

#[tokio::test]
async fn the_client_reads_no_more_and_waits_no_longer_than_it_was_told() {
    let served = served(LIMITS).await;
    let client = served.client();
    let error = client.get("/large", 1000).await.unwrap_err();
    assert!(
        matches!(error, ClientError::TooLarge { bytes_max: 1000, .. }),
        "{error}"
    );
    // What is left of the large answer must not be taken for the next one.
    assert_eq!(client.get("/word", 1000).await.unwrap().body, "portbook");
    let hasty = Client::new(client.base().clone(), Duration::from_millis(50));
    let error = hasty.get("/soon", 1000).await.unwrap_err();
    assert!(matches!(error, ClientError::TimedOut { .. }), "{error}");
    assert_eq!(
        client.get("/../../etc", 1000).await.unwrap().status,
        StatusCode::NOT_FOUND
    );
}
