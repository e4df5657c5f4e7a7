//! Publishing and reading against the limits of this machine, as ratios: limit and product in one run.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement prints its figures and stops when it cannot measure"
)]
#![expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::float_arithmetic,
    reason = "ratios for people"
)]

use std::ops::Range;
use std::time::{Duration, Instant};

use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::{Client, ConnectOptions, HeaderMap, Request};
use bytes::Bytes;
use futures_util::StreamExt as _;
use portbook_bus::{Bus, Identity, Log, Outgoing, PublishLimits, Publisher, Reader, ReaderSpec};
use portbook_testkit::nats::NatsServer;
use tokio::task::JoinSet;

/// Size of an ordinary event in bytes.
const BODY_BYTES: usize = 350;
/// Limit and product take turns, and the best of each counts: the machine may be busy with other things.
const ROUNDS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let messages = 300_000;
    let server = NatsServer::with_streams().await;
    let importer = server.connect(Identity::Importer).await;
    let publisher = Publisher::start(&importer, PublishLimits::default());
    let (mut bare, mut product) = (0.0_f64, 0.0_f64);
    let part = messages / ROUNDS;
    for round in 0..ROUNDS {
        bare = bare.max(rate(part, publish_bare(&server, part, 1_000)).await);
        product = product.max(rate(part, import(&publisher, round * part..(round + 1) * part)).await);
    }
    println!("publish, bare batches of 1,000:       {bare:>9.0}/s");
    println!(
        "import:                               {product:>9.0}/s  {:.2} of bare batches",
        product / bare
    );

    let messages = 2 * messages;
    let (mut bare, mut reader) = (0.0_f64, 0.0_f64);
    for _ in 0..ROUNDS {
        bare = bare.max(rate(messages, Box::pin(read_bare(&server, messages))).await);
        reader = reader.max(rate(messages, read(&server, messages)).await);
    }
    println!("read, bare client:                    {bare:>9.0}/s");
    println!(
        "read, Reader:                         {reader:>9.0}/s  {:.2} of the bare client",
        reader / bare
    );
    let direct = rate(messages, read_direct(&server, messages)).await;
    println!("read, direct gets:                    {direct:>9.0}/s");

    let bus = server.connect(Identity::Licensing).await;
    let one_by_one = rate(2_000, commands(&bus, 1, 2_000)).await;
    println!("guarded commands, one at a time:      {one_by_one:>9.0}/s");
    for callers in [64, 256, 2_048] {
        let bare = rate(60_000, publish_bare(&server, 60_000, callers.min(1_000))).await;
        let grouped = rate(60_000, commands(&bus, callers, 60_000)).await;
        println!(
            "guarded commands, {callers:>5} at a time:    {grouped:>9.0}/s  {:.1} times one at a time, {:.2} of bare batches",
            grouped / one_by_one,
            grouped / bare
        );
    }
}

async fn rate<T>(count: usize, work: impl Future<Output = T>) -> f64 {
    let started = Instant::now();
    work.await;
    count as f64 / started.elapsed().as_secs_f64()
}

fn event(case: &str, expected: Option<u64>, place: usize) -> Outgoing {
    let body = format!("{:0>BODY_BYTES$}", format!("{case}/{place}")).into_bytes();
    let signature = Some(format!("licensing-1:{}", "A".repeat(86)));
    let msg_id = portbook_wire::msg_id(signature.as_deref(), &body);
    Outgoing {
        subject: format!("portbook.events.{case}"),
        msg_id,
        signature,
        body: body.into(),
        expected_last_subject_seq: expected,
    }
}

async fn import(publisher: &Publisher, places: Range<usize>) {
    for start in places.clone().step_by(10_000) {
        let places = start..places.end.min(start + 10_000);
        let batch = places
            .map(|place| event(&format!("I{}", place / 4), None, place))
            .collect();
        for result in publisher.publish_batch(batch).await {
            result.unwrap();
        }
    }
}

/// Atomic batches as the protocol describes them, prepared beforehand, without guards or checks.
async fn publish_bare(server: &NatsServer, messages: usize, batch: usize) {
    let client = bare_client(server, Identity::Licensing).await;
    let body = Bytes::from(vec![b'x'; BODY_BYTES]);
    for number in 0..messages / batch {
        for place in 1..=batch {
            let mut headers = HeaderMap::new();
            headers.insert("Nats-Batch-Id", format!("bare-{number}").as_str());
            headers.insert("Nats-Batch-Sequence", place.to_string().as_str());
            let subject = format!("portbook.events.B{}", place % 250);
            if place == batch {
                headers.insert("Nats-Batch-Commit", "1");
                let request = Request::new().headers(headers).payload(body.clone());
                client.send_request(subject, request).await.unwrap();
            } else {
                client
                    .publish_with_headers(subject, headers, body.clone())
                    .await
                    .unwrap();
            }
        }
    }
}

async fn bare_client(server: &NatsServer, identity: Identity) -> Client {
    let seed = std::fs::read_to_string(identity.seed_file(&server.spec().seeds_dir)).unwrap();
    let options = ConnectOptions::with_nkey(seed.trim().to_owned());
    options
        .custom_inbox_prefix(format!("_INBOX_{identity}"))
        .connect(server.url())
        .await
        .unwrap()
}

/// A pull consumer of the client library as its users write it, without acknowledgements.
async fn read_bare(server: &NatsServer, messages: usize) {
    let client = bare_client(server, Identity::Operator).await;
    let stream = async_nats::jetstream::new(client)
        .get_stream("PORTBOOK")
        .await
        .unwrap();
    let config = pull::Config {
        ack_policy: AckPolicy::None,
        memory_storage: true,
        ..pull::Config::default()
    };
    let consumer = stream.create_consumer(config).await.unwrap();
    let arrivals = consumer
        .stream()
        .max_messages_per_batch(10_000)
        .messages()
        .await
        .unwrap();
    let bytes = arrivals.take(messages).fold(0, |bytes, message| {
        std::future::ready(bytes + message.unwrap().payload.len())
    });
    assert_eq!(bytes.await, messages * BODY_BYTES);
}

async fn read(server: &NatsServer, messages: usize) {
    let projector = server.connect(Identity::Projector).await;
    let spec = ReaderSpec {
        stream: "PORTBOOK".into(),
        start_seq: 1,
        batch: 10_000,
    };
    let mut reader = Reader::open(&projector, spec).await.unwrap();
    let mut count = 0;
    while count < messages {
        count += reader.next(10_000, PATIENCE).await.unwrap().len();
    }
}

async fn read_direct(server: &NatsServer, messages: usize) {
    let log = Log::ledger(&server.connect(Identity::Auditor).await);
    let (mut count, mut next_seq) = (0, 1);
    while count < messages {
        let page = log.read_from(next_seq, 5_000).await.unwrap();
        next_seq = page.last().unwrap().seq + 1;
        count += page.len();
    }
}

/// `callers` at a time publish guarded messages, each the history of its own case.
async fn commands(bus: &Bus, callers: usize, messages: usize) {
    let publisher = Publisher::start(bus, PublishLimits::default());
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        let publisher = publisher.clone();
        tasks.spawn(async move {
            let mut last = 0;
            for place in 0..messages / callers {
                let case = format!("C{callers}-{caller}");
                last = publisher
                    .publish(event(&case, Some(last), place))
                    .await
                    .unwrap()
                    .seq;
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}
