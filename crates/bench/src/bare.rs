//! The limits on the bus: the NATS client alone, as somebody would use it who only wants to publish or to read.

use async_nats::header::{NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL, NATS_BATCH_ID, NATS_BATCH_SEQUENCE};
use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::{Client, ConnectOptions, Request};
use futures_util::{StreamExt as _, stream};
use portbook_bus::Identity;
use portbook_source::EventSigner;
use portbook_wire::subject::STREAM_LEDGER;
use serde::Deserialize;
use tokio::task::spawn_blocking;

use crate::Failure;
use crate::message::{Message, Unsigned};
use crate::site::Place;

/// The most an atomic batch of the server takes.
const BATCH_MESSAGES: usize = 1_000;
/// Batches being signed, or waiting signed, while one is published.
const BATCHES_SIGNED_AHEAD: usize = 4;
/// Messages asked for at a time; from 5,000 on the server is at full speed.
const PULL_MESSAGES: usize = 10_000;

/// A limit that could not be reached for.
#[derive(Debug, thiserror::Error)]
enum BareError {
    /// The server did not store a whole batch.
    #[error("the server acknowledged {found:?} of a batch of {sent} messages")]
    Count {
        /// Messages in the batch.
        sent: usize,
        /// Messages acknowledged.
        found: Option<usize>,
    },
    /// A consumer ended early.
    #[error("the consumer delivered {found} of {expected} messages")]
    Short {
        /// Messages in the stream.
        expected: usize,
        /// Messages delivered.
        found: usize,
    },
}

#[derive(Deserialize)]
struct BatchAck {
    count: Option<usize>,
}

/// Connects with nothing between the caller and the client library.
pub(crate) async fn connect(place: &Place, identity: Identity) -> Result<Client, Failure> {
    let seed = std::fs::read_to_string(place.seed_file(identity))?;
    let options = ConnectOptions::with_nkey(seed.trim().to_owned());
    Ok(options
        .custom_inbox_prefix(format!("_INBOX_{identity}"))
        .connect(place.url.as_str())
        .await?)
}

/// Members of an atomic batch, all its headers included.
type Batch = Vec<Message>;

/// Ids for batches, as long as the product's: ten random characters and a number.
#[derive(Debug, Clone)]
struct BatchIds {
    random: String,
}

impl BatchIds {
    fn new(client: &Client) -> Self {
        let inbox = client.new_inbox();
        Self {
            random: inbox.chars().skip(inbox.len().saturating_sub(10)).collect(),
        }
    }

    /// Makes messages batch `number`, each with the headers of its place.
    fn batch(&self, number: usize, mut messages: Vec<Message>) -> Batch {
        let id = format!("{}{number}", self.random);
        for (place, message) in (1_u64..).zip(&mut messages) {
            message.headers.insert(NATS_BATCH_ID, id.as_str());
            message.headers.insert(NATS_BATCH_SEQUENCE, place.to_string());
        }
        if let Some(last) = messages.last_mut() {
            last.headers.insert(NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL);
        }
        messages
    }
}

/// Puts messages into batches.
pub(crate) fn batches_of(client: &Client, messages: Vec<Message>) -> Vec<Batch> {
    let ids = BatchIds::new(client);
    let chunks = chunks_of(messages).into_iter().enumerate();
    chunks.map(|(number, chunk)| ids.batch(number, chunk)).collect()
}

fn chunks_of<T>(items: Vec<T>) -> Vec<Vec<T>> {
    let mut items = items.into_iter().peekable();
    let mut chunks = Vec::new();
    while items.peek().is_some() {
        chunks.push(items.by_ref().take(BATCH_MESSAGES).collect());
    }
    chunks
}

/// Publishes batches one after the other, each acknowledged before the next.
pub(crate) async fn publish(client: &Client, batches: Vec<Batch>) -> Result<(), Failure> {
    for batch in batches {
        publish_batch(client, batch).await?;
    }
    Ok(())
}

/// As [`publish`], with every message signed on the way, batches ahead of the one under way and on every core.
pub(crate) async fn sign_and_publish(
    client: &Client,
    messages: Vec<Unsigned>,
    signer: &EventSigner,
) -> Result<(), Failure> {
    let ids = BatchIds::new(client);
    let mut batches = stream::iter(chunks_of(messages).into_iter().enumerate())
        .map(|(number, chunk)| {
            let (ids, signer) = (ids.clone(), signer.clone());
            spawn_blocking(move || {
                let messages = chunk.into_iter().map(|message| message.sign(&signer));
                ids.batch(number, messages.collect())
            })
        })
        .buffered(BATCHES_SIGNED_AHEAD);
    while let Some(batch) = batches.next().await {
        publish_batch(client, batch?).await?;
    }
    Ok(())
}

async fn publish_batch(client: &Client, mut batch: Batch) -> Result<(), Failure> {
    let sent = batch.len();
    let Some(last) = batch.pop() else { return Ok(()) };
    for message in batch {
        client
            .publish_with_headers(message.subject, message.headers, message.body)
            .await?;
    }
    let commit = Request::new().headers(last.headers).payload(last.body);
    let answer = client.send_request(last.subject, commit).await?;
    let BatchAck { count: found } = serde_json::from_slice(&answer.payload)?;
    if found != Some(sent) {
        return Err(BareError::Count { sent, found }.into());
    }
    Ok(())
}

/// Reads the first `expected` messages of the stream without acknowledging any, and counts their bytes.
pub(crate) async fn count_bytes(client: &Client, expected: usize) -> Result<u64, Failure> {
    let stream = async_nats::jetstream::new(client.clone())
        .get_stream(STREAM_LEDGER)
        .await?;
    let config = pull::Config {
        ack_policy: AckPolicy::None,
        memory_storage: true,
        ..pull::Config::default()
    };
    let consumer = stream.create_consumer(config).await?;
    let mut arrivals = consumer
        .stream()
        .max_messages_per_batch(PULL_MESSAGES)
        .messages()
        .await?
        .take(expected);
    let (mut found, mut bytes) = (0, 0);
    while let Some(message) = arrivals.next().await {
        found += 1;
        bytes += u64::try_from(message?.payload.len())?;
    }
    if found < expected {
        return Err(BareError::Short { expected, found }.into());
    }
    Ok(bytes)
}
