//! The verified feed: what the ledger holds, published again with its place.

use bytes::Bytes;
use portbook_wire::subject::STREAM_FEED;

use crate::connection::Bus;
use crate::log::Log;
use crate::message::Outgoing;
use crate::publish::{Flights, Parcel, PublishError, PublishLimits};

/// A verified event for subscribers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedMessage {
    /// `portbook.feed.<port>.<entity>.<verb>.<case>`.
    pub subject: String,
    /// Stable over repeats, so that subscribers recognise them.
    pub msg_id: String,
    /// The producer's signature, passed on.
    pub signature: Option<String>,
    /// Headers with the record's place and findings.
    pub headers: Vec<(&'static str, String)>,
    /// The event, byte for byte as in the ledger.
    pub body: Bytes,
}

/// Publishes to the feed stream.
#[derive(Debug, Clone)]
pub struct Feed {
    flights: Flights,
}

impl Feed {
    /// The feed as `bus` may publish it.
    #[must_use]
    pub fn new(bus: &Bus, limits: PublishLimits) -> Self {
        Self {
            flights: Flights::new(bus, STREAM_FEED, Log::feed(bus), limits),
        }
    }

    /// Publishes messages in their order, in atomic batches of at most 1,000, and returns when all are stored. Repeating
    /// the call after an error may store some of them twice, under the same ids.
    ///
    /// # Errors
    /// The first [`PublishError`] met.
    pub async fn publish(&self, messages: Vec<FeedMessage>) -> Result<(), PublishError> {
        let parcels = messages.into_iter().map(
            |FeedMessage {
                 subject,
                 msg_id,
                 signature,
                 headers,
                 body,
             }| {
                let outgoing = Outgoing {
                    subject,
                    msg_id,
                    signature,
                    body,
                    expected_last_subject_seq: None,
                };
                Parcel::annotated(outgoing, &headers)
            },
        );
        let parcels = parcels.collect::<Result<Vec<_>, _>>()?;
        self.flights
            .send_groups(parcels)
            .await
            .into_iter()
            .try_for_each(|result| result.map(|_| ()))
    }
}
