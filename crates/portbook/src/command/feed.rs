//! `portbook feed`: how far the verified feed has come, and making it again.

use jiff::Timestamp;
use portbook_bus::{Bus, Feed, FeedLag, Identity, StreamError, StreamSpec};
use portbook_wire::subject::STREAM_FEED;
use serde::Serialize;

use crate::args::FeedCommand;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::node::Server;
use crate::session::Session;
use crate::speech::grouped;

#[derive(Serialize)]
struct Status {
    schema: &'static str,
    /// Messages the stream keeps.
    messages: u64,
    /// Leaf of the first message it keeps.
    first_leaf: Option<u64>,
    /// Leaf of the last message.
    last_leaf: Option<u64>,
    /// Checkpoint that covers it.
    checkpoint_size: Option<u64>,
    /// Messages of the ledger stream that may be events to feed.
    waiting_at_most: u64,
    /// Age of the first of them.
    waiting_s: u64,
}

/// Carries out one verb.
pub(crate) fn run(session: &Session, command: &FeedCommand) -> Outcome {
    session.block_on(async {
        let server = Server::running(session)?;
        match command {
            FeedCommand::Status => {
                let bus = server.address().connect(session, Identity::Auditor).await?;
                let looked = status(session, &bus).await;
                bus.close().await;
                looked
            }
            FeedCommand::Reset => {
                let bus = server.address().connect(session, Identity::Operator).await?;
                let reset = reset(session, &bus).await;
                bus.close().await;
                reset
            }
        }
    })
}

/// What the feed's state is, in one sentence; for `doctor` as well.
pub(crate) async fn summary(session: &Session, bus: &Bus) -> Result<String, Failure> {
    let identity = bus.check_stream(&spec(session)).await.map_err(missing)?;
    let lag = Feed::new(bus).lag().await?;
    Ok(format!(
        "{} holds {} messages through leaf {}, {}",
        identity.name,
        identity.messages,
        lag.last
            .as_ref()
            .map_or_else(|| "none".to_owned(), |place| place.leaf_index.to_string()),
        waiting(&lag)
    ))
}

async fn status(session: &Session, bus: &Bus) -> Outcome {
    let identity = bus.check_stream(&spec(session)).await.map_err(missing)?;
    let feed = Feed::new(bus);
    let lag = feed.lag().await?;
    let first = feed.first().await?;
    let status = Status {
        schema: "portbook.feed/v1",
        messages: identity.messages,
        first_leaf: first.map(|place| place.leaf_index),
        last_leaf: lag.last.as_ref().map(|place| place.leaf_index),
        checkpoint_size: lag.last.as_ref().map(|place| place.checkpoint_size),
        waiting_at_most: lag.waiting_at_most,
        waiting_s: age_s(&lag),
    };
    if session.speech.is_machine() {
        session.speech.json(&status)?;
        return Ok(Exit::Done);
    }
    let leaf = |leaf: Option<u64>| leaf.map_or_else(|| "-".to_owned(), grouped);
    session.speech.answer(format_args!(
        "{STREAM_FEED}  {} messages, leaves {} to {}, covered by checkpoint {}",
        grouped(status.messages),
        leaf(status.first_leaf),
        leaf(status.last_leaf),
        leaf(status.checkpoint_size)
    ))?;
    session.speech.answer(waiting(&lag))?;
    Ok(Exit::Done)
}

async fn reset(session: &Session, bus: &Bus) -> Outcome {
    match bus.delete_stream(STREAM_FEED).await {
        Ok(()) | Err(StreamError::Missing { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    bus.create_stream(&spec(session)).await?;
    session.speech.tell(format_args!(
        "{STREAM_FEED} is empty; a running projector fills it again, with the same messages. Durable consumers were deleted \
         with it: subscribers create theirs again"
    ));
    Ok(Exit::Done)
}

fn spec(session: &Session) -> StreamSpec {
    StreamSpec::feed(session.config.nats.replicas, session.config.feed.bytes_max)
}

fn missing(error: StreamError) -> Failure {
    let hint = "portbook feed reset makes it, from the ledger; nothing is lost by that";
    Failure::from(error).hint(hint)
}

fn waiting(lag: &FeedLag) -> String {
    if lag.waiting_at_most == 0 {
        return "nothing waits".to_owned();
    }
    format!(
        "at most {} messages wait, the first for {} s",
        grouped(lag.waiting_at_most),
        age_s(lag)
    )
}

fn age_s(lag: &FeedLag) -> u64 {
    let now_ns = Timestamp::now().as_nanosecond();
    let since_ns = lag.waiting_since_ns.map_or(now_ns, i128::from);
    u64::try_from((now_ns - since_ns) / 1_000_000_000).unwrap_or(0)
}
