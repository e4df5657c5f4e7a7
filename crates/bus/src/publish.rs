//! Publishing with guards and group commit.
//!
//! The server syncs every single message before it acknowledges it, but an atomic batch of any size costs about the same as
//! six messages. So while one group is under way messages gather, and leave together as the next.

pub(crate) mod ack;
mod batch;
mod parcel;
mod settle;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use portbook_wire::subject::STREAM_LEDGER;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

pub(crate) use self::batch::BatchIds;
use self::batch::{Begun, Results};
pub(crate) use self::parcel::Parcel;
use crate::connection::Bus;
use crate::log::Log;
use crate::message::{Appended, Outgoing};

/// Messages in one atomic batch: the server's own limit.
const GROUP_MESSAGES_MAX: usize = 1_000;
/// Bytes in one group, so that memory stays bounded whatever the size of a message.
const GROUP_BYTES_MAX: usize = 4 << 20;
/// Fewer messages than this travel singly: on one replica a batch of two costs as much as 30 single messages.
const GROUP_MESSAGES_MIN: usize = 8;

/// Bounds of a publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublishLimits {
    /// Messages that may wait; the next caller waits for room.
    pub queue_messages_max: usize,
    /// Longest wait for one acknowledgement before it counts as lost and the stream is asked.
    pub ack_timeout: Duration,
    /// Longest time spent on one message once it has left the queue, retries included.
    pub deadline: Duration,
}

/// Why a message is not known to be stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The guard did not hold: somebody else wrote to the subject. Nothing was stored.
    #[error("{subject} has moved on: its last message is {found}, not {expected}")]
    Conflict {
        /// The subject.
        subject: String,
        /// The guard.
        expected: u64,
        /// Sequence of the last message, 0 when there is none.
        found: u64,
    },
    /// This identity may not publish on the subject. Nothing was stored.
    #[error("permission denied for subject {subject}")]
    Denied {
        /// The subject.
        subject: String,
    },
    /// The message id had been used for other bytes, so the server took this message for a repeat. Nothing was stored.
    ///
    /// An id covers signature and body, so this is no accident: somebody who knew the bytes tried to make the message
    /// vanish. It is not published again behind the caller's back; a new attempt of a command has another id, and
    /// the server forgets ids after seconds.
    #[error("message id {msg_id} was used for another message, stored as {seq}")]
    Poisoned {
        /// The subject.
        subject: String,
        /// The id.
        msg_id: String,
        /// Where the other message is.
        seq: u64,
    },
    /// The server refused the message. Nothing was stored.
    #[error("the server refused a message on {subject}: {description} (error {code})")]
    Refused {
        /// The subject.
        subject: String,
        /// JetStream's error code.
        code: u64,
        /// The server's own words.
        description: String,
    },
    /// The message cannot be sent: it is too large, its subject is none, or its id or signature is no header text.
    #[error("a message of {bytes} bytes on {subject} cannot be sent")]
    Unsendable {
        /// The subject.
        subject: String,
        /// Size of the body in bytes.
        bytes: usize,
    },
    /// No acknowledgement: the message may or may not be stored. Offer the same bytes again, or read the subject.
    #[error("no acknowledgement for {subject} within {waited_ms} ms")]
    Unacknowledged {
        /// The subject.
        subject: String,
        /// How long was waited, in milliseconds.
        waited_ms: u128,
    },
    /// The answer was not one of the stream: the server is not what it seems.
    #[error("the acknowledgement for {subject} is not one of stream {stream}")]
    Foreign {
        /// The subject.
        subject: String,
        /// The stream that should have acknowledged.
        stream: &'static str,
    },
    /// The publisher's task has ended. Nothing was stored.
    #[error("the publisher is closed")]
    Closed,
}

/// Publishes to the ledger stream; clones share one queue and one task, which ends with the last of them.
#[derive(Debug, Clone)]
pub struct Publisher {
    queue: mpsc::Sender<Waiting>,
    flights: Flights,
}

/// A batch that is sent but for its end; see [`Publisher::begin_batch`].
#[derive(Debug)]
#[must_use = "nothing is stored before it is committed"]
pub struct BegunBatch {
    flights: Flights,
    first: Vec<Parcel>,
    begun: Option<Begun>,
    others: Vec<Vec<Parcel>>,
    /// Why some of its messages cannot be sent, by place.
    unsendable: BTreeMap<usize, PublishError>,
    count: usize,
}

/// A message and who waits for it.
#[derive(Debug)]
struct Waiting {
    parcel: Parcel,
    done: oneshot::Sender<Result<Appended, PublishError>>,
}

/// Sends groups of messages and finds out what became of each.
#[derive(Debug, Clone)]
pub(crate) struct Flights {
    bus: Bus,
    stream: &'static str,
    log: Log,
    limits: PublishLimits,
    ids: BatchIds,
}

impl Default for PublishLimits {
    /// 4,096 messages, 5 s, 30 s.
    fn default() -> Self {
        Self {
            queue_messages_max: 4_096,
            ack_timeout: Duration::from_secs(5),
            deadline: Duration::from_secs(30),
        }
    }
}

impl Publisher {
    /// Starts the publisher's task on the current runtime.
    #[must_use]
    pub fn start(bus: &Bus, limits: PublishLimits) -> Self {
        let (queue, waiting) = mpsc::channel(limits.queue_messages_max.max(1));
        let flights = Flights::new(bus, STREAM_LEDGER, Log::ledger(bus), limits);
        tokio::spawn(commit_groups(flights.clone(), waiting));
        Self { queue, flights }
    }

    /// Stores one message, or finds it stored by an earlier attempt. While a group is under way it waits for the next.
    ///
    /// # Errors
    /// [`PublishError`] says of each whether the message is stored.
    pub async fn publish(&self, outgoing: Outgoing) -> Result<Appended, PublishError> {
        let (done, result) = oneshot::channel();
        let sent = self
            .queue
            .send(Waiting {
                parcel: outgoing.try_into()?,
                done,
            })
            .await;
        if sent.is_err() {
            return Err(PublishError::Closed);
        }
        result.await.unwrap_or(Err(PublishError::Closed))
    }

    /// Stores messages in their order, in atomic batches of at most 1,000; one result for each message. Meant for imports:
    /// it passes the queue by. After a message that is not stored the rest are tried all the same.
    ///
    /// A batch whose acknowledgement was lost is looked for in the stream before it is sent again.
    pub async fn publish_batch(&self, messages: Vec<Outgoing>) -> Vec<Result<Appended, PublishError>> {
        self.begin_batch(messages).await.commit().await
    }

    /// Sends the first messages of a batch ahead, while another one is being stored. Nothing is stored before
    /// [`BegunBatch::commit`], and nothing ever when that is not called; the server waits some ten seconds for it, after which
    /// it takes as long as [`Publisher::publish_batch`].
    pub async fn begin_batch(&self, messages: Vec<Outgoing>) -> BegunBatch {
        let mut parcels = Vec::with_capacity(messages.len());
        let mut unsendable = BTreeMap::new();
        let count = messages.len();
        for (place, outgoing) in messages.into_iter().enumerate() {
            match Parcel::try_from(outgoing) {
                Ok(parcel) => parcels.push(parcel),
                Err(error) => drop(unsendable.insert(place, error)),
            }
        }
        let mut groups = groups_of(parcels).into_iter();
        let first = groups.next().unwrap_or_default();
        let begun = if first.len() < GROUP_MESSAGES_MIN {
            None
        } else {
            // What cannot be begun is sent as a whole later, and judged then.
            self.flights.begin(&first).await.ok()
        };
        BegunBatch {
            flights: self.flights.clone(),
            first,
            begun,
            others: groups.collect(),
            unsendable,
            count,
        }
    }
}

impl BegunBatch {
    /// Stores the messages, as [`Publisher::publish_batch`] does.
    pub async fn commit(self) -> Vec<Result<Appended, PublishError>> {
        let Self {
            flights,
            first,
            begun,
            others,
            mut unsendable,
            count,
        } = self;
        let mut sent = flights.send_in_order(&first, begun).await;
        sent.extend(flights.send_groups(others).await);
        let mut sent = sent.into_iter();
        let result = |place| match unsendable.remove(&place) {
            Some(error) => Err(error),
            None => sent.next().unwrap_or(Err(PublishError::Closed)),
        };
        (0..count).map(result).collect()
    }
}

impl Flights {
    pub(crate) fn new(bus: &Bus, stream: &'static str, log: Log, limits: PublishLimits) -> Self {
        Self {
            bus: bus.clone(),
            stream,
            log,
            limits,
            ids: BatchIds::new(bus.client()),
        }
    }

    /// Sends messages in their order, group by group; subjects may repeat.
    async fn send_groups(&self, groups: Vec<Vec<Parcel>>) -> Results {
        let mut results = Vec::new();
        for group in groups {
            results.extend(self.send_in_order(&group, None).await);
        }
        results
    }
}

/// Messages in their order, in groups that may each travel as one batch.
fn groups_of(parcels: Vec<Parcel>) -> Vec<Vec<Parcel>> {
    let mut groups = Vec::new();
    let mut rest = parcels.into_iter().peekable();
    while rest.peek().is_some() {
        let mut group = Vec::new();
        let mut room = GROUP_BYTES_MAX;
        while let Some(next) = rest.next_if(|next| fits(&group, room, next)) {
            room = room.saturating_sub(next.body.len());
            group.push(next);
        }
        groups.push(group);
    }
    groups
}

/// Takes groups from the queue and sends one after the other, until every publisher is gone.
async fn commit_groups(flights: Flights, mut queue: mpsc::Receiver<Waiting>) {
    let mut held = VecDeque::new();
    loop {
        if held.is_empty() {
            match queue.recv().await {
                Some(waiting) => held.push_back(waiting),
                None => return,
            }
        }
        while held.len() < GROUP_MESSAGES_MAX
            && let Ok(waiting) = queue.try_recv()
        {
            held.push_back(waiting);
        }
        let (group, done): (Vec<_>, Vec<_>) = take_group(&mut held)
            .into_iter()
            .map(|waiting| (waiting.parcel, waiting.done))
            .unzip();
        let results = flights.send_together(group).await;
        for (done, result) in done.into_iter().zip(results) {
            if let Err(Ok(appended)) = done.send(result) {
                tracing::debug!(seq = appended.seq, "stored, but its publisher no longer waits");
            }
        }
    }
}

/// Takes the next group: at most one message for each subject, because the guard of a second one names the sequence that
/// the first one is yet to get. The others keep their order.
fn take_group(held: &mut VecDeque<Waiting>) -> Vec<Waiting> {
    let mut subjects = BTreeSet::new();
    let mut group: Vec<Waiting> = Vec::new();
    let mut room = GROUP_BYTES_MAX;
    for waiting in std::mem::take(held) {
        let is_first = subjects.insert(waiting.parcel.subject.clone());
        if is_first && fits(&group, room, &waiting.parcel) {
            room = room.saturating_sub(waiting.parcel.body.len());
            group.push(waiting);
        } else {
            held.push_back(waiting);
        }
    }
    group
}

/// Whether one more message goes into a group; the first always does.
fn fits<T>(group: &[T], room: usize, next: &Parcel) -> bool {
    group.is_empty() || (group.len() < GROUP_MESSAGES_MAX && next.body.len() <= room)
}

/// When to give up.
#[derive(Debug, Clone, Copy)]
struct Patience {
    started: Instant,
    limit: Duration,
}

impl Patience {
    fn new(limit: Duration) -> Self {
        Self {
            started: Instant::now(),
            limit,
        }
    }

    fn left(self) -> Duration {
        self.limit.saturating_sub(self.started.elapsed())
    }

    fn unacknowledged(self, subject: &str) -> PublishError {
        PublishError::Unacknowledged {
            subject: subject.to_owned(),
            waited_ms: self.started.elapsed().as_millis(),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn held(subjects: &[&str], body: &'static [u8]) -> VecDeque<Waiting> {
        let outgoing = |subject: &&str| Outgoing {
            subject: (*subject).to_owned(),
            msg_id: "id".to_owned(),
            signature: None,
            body: Bytes::from_static(body),
            expected_last_subject_seq: Some(0),
        };
        subjects
            .iter()
            .map(|subject| Waiting {
                parcel: outgoing(subject).try_into().unwrap(),
                done: oneshot::channel().0,
            })
            .collect()
    }

    fn subjects<'a>(waiting: impl IntoIterator<Item = &'a Waiting>) -> Vec<&'a str> {
        waiting
            .into_iter()
            .map(|waiting| waiting.parcel.subject.as_str())
            .collect()
    }

    #[test]
    fn a_group_holds_each_subject_once_and_the_rest_keep_their_order() {
        let mut held = held(&["a", "b", "a", "c", "b", "a"], b"{}");
        assert_eq!(subjects(&take_group(&mut held)), ["a", "b", "c"]);
        assert_eq!(subjects(&held), ["a", "b", "a"]);
        assert_eq!(subjects(&take_group(&mut held)), ["a", "b"]);
        assert_eq!(subjects(&take_group(&mut held)), ["a"]);
        assert!(take_group(&mut held).is_empty());
    }

    #[test]
    fn a_group_is_bounded_in_bytes_but_never_empty() {
        static LARGE: [u8; GROUP_BYTES_MAX / 2 + 1] = [0; GROUP_BYTES_MAX / 2 + 1];
        let mut held = held(&["a", "b", "c"], &LARGE);
        assert_eq!(subjects(&take_group(&mut held)), ["a"]);
        assert_eq!(subjects(&held), ["b", "c"]);
    }
}
