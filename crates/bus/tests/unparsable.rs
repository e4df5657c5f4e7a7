//! A message whose headers no client can parse: it breaks connections, and is read all the same.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's helpers")]

#[path = "support/case.rs"]
mod case;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use case::event;
use portbook_bus::{Identity, Log, PublishLimits, Publisher, Reader, ReaderSpec};
use portbook_testkit::nats::NatsServer;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_stops_neither_the_reader_nor_its_case() {
    let server = NatsServer::with_streams().await;
    let importer = Publisher::start(
        &server.connect(Identity::Importer).await,
        PublishLimits::default(),
    );
    importer
        .publish_batch((0..3).map(|place| event("U", place, None)).collect())
        .await;
    publish_unparsable(&server, "portbook.events.U", "{\"hostile\":true}");
    importer
        .publish_batch((4..7).map(|place| event("U", place, None)).collect())
        .await;

    let projector = server.connect(Identity::Projector).await;
    let spec = ReaderSpec {
        stream: "PORTBOOK".into(),
        start_seq: 1,
        batch: 100,
    };
    let mut reader = Reader::open(&projector, spec).await.unwrap();
    let mut read = Vec::new();
    while read.len() < 7 {
        let next = reader.next(100, Duration::from_secs(20)).await.unwrap();
        assert!(!next.is_empty(), "the reader is stuck after {}", read.len());
        read.extend(next);
    }
    assert_eq!(
        read.iter().map(|stored| stored.seq).collect::<Vec<_>>(),
        (1..=7).collect::<Vec<_>>()
    );
    assert_eq!(read[3].body, "{\"hostile\":true}");
    assert_eq!((&read[3].msg_id, &read[3].signature), (&None, &None));

    let service = server.connect(Identity::Licensing).await;
    let case = Log::ledger(&service)
        .load_subject("portbook.events.U")
        .await
        .unwrap();
    assert_eq!(case, read);
}

/// Publishes as the licensing service would if it were hostile: a header line without a colon.
fn publish_unparsable(server: &NatsServer, subject: &str, body: &str) {
    let mut stream = TcpStream::connect(server.url().trim_start_matches("nats://")).unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap())
        .lines()
        .map(Result::unwrap);
    let info = lines.next().unwrap();
    let info: serde_json::Value = serde_json::from_str(info.strip_prefix("INFO ").unwrap()).unwrap();
    let seed = std::fs::read_to_string(Identity::Licensing.seed_file(&server.spec().seeds_dir)).unwrap();
    let pair = nkeys::KeyPair::from_seed(seed.trim()).unwrap();
    let signature = URL_SAFE_NO_PAD.encode(pair.sign(info["nonce"].as_str().unwrap().as_bytes()).unwrap());
    let connect = serde_json::json!({
        "verbose": false, "pedantic": false, "headers": true, "no_responders": true,
        "lang": "none", "version": "0", "protocol": 1, "nkey": pair.public_key(), "sig": signature,
    });
    let headers = "NATS/1.0\r\nPortbook-Signature\r\n\r\n";
    let (size, total) = (headers.len(), headers.len() + body.len());
    write!(
        stream,
        "CONNECT {connect}\r\nHPUB {subject} {size} {total}\r\n{headers}{body}\r\nPING\r\n"
    )
    .unwrap();
    assert_eq!(lines.next().as_deref(), Some("PONG"));
}
