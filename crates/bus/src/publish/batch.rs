//! Atomic batches: all members are stored next to each other, or none is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_nats::Client;
use async_nats::client::PublishErrorKind;
use async_nats::header::{NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL};
use futures_util::future::join_all;
use tokio::time::{sleep, timeout};

use super::parcel::Parcel;
use super::settle::RETRY_PAUSE;
use super::{Flights, GROUP_MESSAGES_MIN, Patience, PublishError, ack};
use crate::api::ApiError;
use crate::message::{Appended, Stored};

/// Characters of the random part of a batch id.
const ID_RANDOM_CHARS: usize = 10;

/// Ids for batches, each stored with every member: short, and different from those of every other publisher.
#[derive(Debug, Clone)]
pub(crate) struct BatchIds {
    prefix: Arc<str>,
    next: Arc<AtomicU64>,
}

impl BatchIds {
    pub(crate) fn new(client: &Client) -> Self {
        // An inbox name ends with random characters, which is all that is wanted of it here.
        let inbox = client.new_inbox();
        let skipped = inbox.len().saturating_sub(ID_RANDOM_CHARS);
        Self {
            prefix: inbox.get(skipped..).unwrap_or_default().into(),
            next: Arc::default(),
        }
    }

    pub(crate) fn next(&self) -> String {
        format!("{}{}", self.prefix, self.next.fetch_add(1, Ordering::Relaxed))
    }
}

/// A batch of which all members but the last are sent.
#[derive(Debug)]
pub(super) struct Begun {
    id: String,
}

/// One result for each member of a group.
pub(super) type Results = Vec<Result<Appended, PublishError>>;

impl Flights {
    /// Sends messages with different subjects, in no particular order.
    pub(super) async fn send_together(&self, group: Vec<Parcel>) -> Results {
        let patience = Patience::new(self.limits.deadline);
        if group.len() < GROUP_MESSAGES_MIN {
            return self.settle_all(&group, patience).await;
        }
        match self.commit(&group, None, patience).await {
            Some(results) => results,
            None => self.part(&group, patience).await,
        }
    }

    /// Sends messages in their order; subjects may repeat. Of a batch that is `begun` only the end is sent.
    pub(super) async fn send_in_order(&self, group: &[Parcel], begun: Option<Begun>) -> Results {
        let patience = Patience::new(self.limits.deadline);
        if group.len() >= GROUP_MESSAGES_MIN
            && let Some(results) = self.commit(group, begun, patience).await
        {
            return results;
        }
        let mut results = Vec::with_capacity(group.len());
        for parcel in group {
            // Each is given its own time: many of them, one after the other, may take longer than one deadline.
            results.push(self.settle(parcel, Patience::new(self.limits.deadline)).await);
        }
        results
    }

    /// Sends a refused batch again in two parts: those whose guard seems broken singly, so that only they conflict, and the
    /// others together. One guilty member of a thousand must not cost a thousand syncs.
    async fn part(&self, group: &[Parcel], patience: Patience) -> Results {
        let subjects: Vec<String> = group.iter().map(|parcel| parcel.subject.clone()).collect();
        let Ok(Ok(last)) = timeout(patience.left(), self.log.last_by_subjects(&subjects)).await else {
            tracing::warn!("the last messages could not be read; the group is sent singly");
            return self.settle_all(group, patience).await;
        };
        let (suspects, others): (Vec<_>, Vec<_>) = group
            .iter()
            .cloned()
            .enumerate()
            .partition(|(_, parcel)| is_suspect(parcel, &last));
        let (suspect_places, suspects): (Vec<usize>, Vec<Parcel>) = suspects.into_iter().unzip();
        let (other_places, others): (Vec<usize>, Vec<Parcel>) = others.into_iter().unzip();
        let (of_suspects, of_others) = tokio::join!(self.settle_all(&suspects, patience), async {
            let committed = if suspects.is_empty() || others.len() < GROUP_MESSAGES_MIN {
                None
            } else {
                self.commit(&others, None, patience).await
            };
            match committed {
                Some(results) => results,
                None => self.settle_all(&others, patience).await,
            }
        });
        let places = suspect_places.into_iter().chain(other_places);
        let by_place: BTreeMap<usize, _> = places.zip(of_suspects.into_iter().chain(of_others)).collect();
        by_place.into_values().collect()
    }

    async fn settle_all(&self, group: &[Parcel], patience: Patience) -> Results {
        join_all(group.iter().map(|parcel| self.settle(parcel, patience))).await
    }

    /// Sends a group as one atomic batch until it is stored; `None` when the server refuses it, so that nothing is.
    async fn commit(&self, group: &[Parcel], begun: Option<Begun>, patience: Patience) -> Option<Results> {
        let committed = timeout(patience.left(), self.commit_unhurried(group, begun)).await;
        committed.unwrap_or_else(|_elapsed| Some(unacknowledged(group, patience)))
    }

    async fn commit_unhurried(&self, group: &[Parcel], mut begun: Option<Begun>) -> Option<Results> {
        loop {
            let waited = begun.is_some();
            match timeout(self.limits.ack_timeout, self.send_batch(group, begun.take())).await {
                Ok(Ok(last_seq)) => return Some(placed(group, last_seq, false)),
                // Members stored by a server that knows no batches must not be sent once more.
                Ok(Err(ApiError::Malformed { .. })) => return Some(self.foreign(group)),
                Ok(Err(error)) if !error.is_transient() => {
                    tracing::debug!(%error, members = group.len(), "batch refused");
                    if waited {
                        // The server gives up what waits for its end too long, or was begun before it came again.
                        continue;
                    }
                    return None;
                }
                Ok(Err(_)) | Err(_) => {
                    tracing::warn!(members = group.len(), "no acknowledgement of a batch");
                    if let Some(last_seq) = self.find_batch(group).await {
                        return Some(placed(group, last_seq, true));
                    }
                }
            }
            sleep(RETRY_PAUSE).await;
        }
    }

    /// Sends one batch, or the end of the one that is `begun`, and answers the sequence of its last member.
    async fn send_batch(&self, group: &[Parcel], begun: Option<Begun>) -> Result<u64, ApiError> {
        let begun = match begun {
            Some(begun) => begun,
            None => self.begin(group).await?,
        };
        self.end(group, &begun).await
    }

    /// Sends all members of a batch but the last: the server keeps them until the last one comes, and stores none before.
    pub(super) async fn begin(&self, group: &[Parcel]) -> Result<Begun, ApiError> {
        let id = self.ids.next();
        let (last, others) = ends_of(group)?;
        let unanswered = || ApiError::Unanswered {
            subject: last.subject.clone(),
            waited_ms: 0,
        };
        if !self.bus.signals().connected(self.limits.ack_timeout).await {
            return Err(unanswered());
        }
        for (place, parcel) in (1_u64..).zip(others) {
            let headers = parcel.batch_headers(&id, place);
            let (subject, body) = (parcel.subject.clone(), parcel.body.clone());
            let sent = self
                .bus
                .client()
                .publish_with_headers(subject, headers, body)
                .await;
            sent.map_err(|error| match error.kind() {
                PublishErrorKind::Send => unanswered(),
                PublishErrorKind::MaxPayloadExceeded | PublishErrorKind::InvalidSubject => {
                    parcel.unsendable()
                }
            })?;
        }
        Ok(Begun { id })
    }

    /// Sends the last member of a batch, which stores all of it.
    async fn end(&self, group: &[Parcel], begun: &Begun) -> Result<u64, ApiError> {
        let (last, _) = ends_of(group)?;
        let count = count_of(group);
        let mut headers = last.batch_headers(&begun.id, count);
        headers.insert(NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL);
        let answer = self
            .bus
            .ask(&last.subject, headers, last.body.clone(), self.limits.ack_timeout)
            .await?;
        let ack = ack::read(self.stream, &last.subject, &answer.payload)?;
        if ack.count != Some(count) {
            let rule = "an acknowledgement that counts the batch: the server does not know atomic batches";
            return Err(ApiError::Malformed {
                subject: last.subject.clone(),
                rule,
            });
        }
        Ok(ack.seq)
    }

    /// Looks for a batch whose acknowledgement was lost: answers the sequence of its last member if all are stored next to
    /// each other. A single member may have been stored long before, by another import of the same file.
    async fn find_batch(&self, group: &[Parcel]) -> Option<u64> {
        let last_seq = self.find_unhurried(group.last()?).await?;
        let before_first = last_seq.saturating_sub(count_of(group));
        for (place, parcel) in (1_u64..).zip(group) {
            if !self.is_at(parcel, before_first.saturating_add(place)).await {
                return None;
            }
        }
        Some(last_seq)
    }

    fn foreign(&self, group: &[Parcel]) -> Results {
        let foreign = |parcel: &Parcel| PublishError::Foreign {
            subject: parcel.subject.clone(),
            stream: self.stream,
        };
        group.iter().map(|parcel| Err(foreign(parcel))).collect()
    }
}

fn is_suspect(parcel: &Parcel, last: &BTreeMap<String, Stored>) -> bool {
    let last_seq = last.get(&parcel.subject).map_or(0, |stored| stored.seq);
    parcel.expected.is_some_and(|expected| expected != last_seq)
}

fn placed(group: &[Parcel], last_seq: u64, duplicate: bool) -> Results {
    let before_first = last_seq.saturating_sub(count_of(group));
    (1_u64..)
        .zip(group)
        .map(|(place, _)| {
            Ok(Appended {
                seq: before_first.saturating_add(place),
                duplicate,
            })
        })
        .collect()
}

fn unacknowledged(group: &[Parcel], patience: Patience) -> Results {
    group
        .iter()
        .map(|parcel| Err(patience.unacknowledged(&parcel.subject)))
        .collect()
}

fn count_of(group: &[Parcel]) -> u64 {
    u64::try_from(group.len()).unwrap_or(u64::MAX)
}

/// The last member of a group, and those before it.
fn ends_of(group: &[Parcel]) -> Result<(&Parcel, &[Parcel]), ApiError> {
    let nothing = || ApiError::Unsendable {
        subject: String::new(),
        bytes: 0,
    };
    group.split_last().ok_or_else(nothing)
}
