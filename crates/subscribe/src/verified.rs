//! One event of the feed, held against the leaf it claims to be.

use bytes::Bytes;
use portbook_bus::Fed;
use portbook_domain::Event;
use portbook_ledger::{Chain, ChainSeq, Hash, Index, ProducerSignature, Record, RecordKind, leaf_hash};
use portbook_wire::feed::{FeedPlace, FeedTopic};
use portbook_wire::{DecodeError, Envelope, decode_event};

/// An event of the feed whose leaf hash was computed again from the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The port, after the alias table.
    pub port: String,
    /// `<entity>.<verb>`, perhaps of a type this build does not know.
    pub type_name: String,
    /// The case.
    pub case: String,
    /// Where it stands in the ledger.
    pub place: FeedPlace,
    /// The producer's signature, `<key id>:<base64>`.
    pub signature: Option<String>,
    /// The event, byte for byte as its producer published it.
    pub body: Bytes,
}

/// Why a message is not the leaf it claims to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The subject is none of the feed's.
    #[error("{subject:?} is no subject of the feed")]
    Subject {
        /// The subject.
        subject: String,
    },
    /// What the headers say makes no record.
    #[error("{field} makes no record")]
    Field {
        /// The field.
        field: &'static str,
    },
    /// The leaf hash is another one: body, port, place or signature was changed on the way.
    #[error("the message hashes to {found}, the feed says {claimed}")]
    LeafHash {
        /// Hash in the header.
        claimed: String,
        /// Hash of the record that the message makes.
        found: String,
    },
}

impl Verified {
    /// Computes the leaf hash again and compares.
    ///
    /// # Errors
    /// [`Mismatch`] when the message is not the leaf it claims to be.
    pub fn check(fed: Fed) -> Result<Self, Mismatch> {
        let topic = FeedTopic::of(&fed.subject).ok_or_else(|| Mismatch::Subject {
            subject: fed.subject.clone(),
        })?;
        let verified = Self {
            port: topic.port.to_owned(),
            type_name: topic.type_name.to_owned(),
            case: topic.case.to_owned(),
            place: fed.place,
            signature: fed.signature,
            body: fed.body,
        };
        let found = verified.leaf_hash()?.to_hex();
        let claimed = verified.place.leaf_hash.as_str();
        if found == claimed {
            return Ok(verified);
        }
        Err(Mismatch::LeafHash {
            claimed: claimed.to_owned(),
            found,
        })
    }

    /// The event in its current version, typed.
    ///
    /// # Errors
    /// [`DecodeError`] when this build does not know its type or version, or when its data breaks a rule. The event is in the
    /// ledger all the same: set its case aside, and read it again with a newer build.
    pub fn event(&self) -> Result<(Envelope, Event), DecodeError> {
        decode_event(&self.body)
    }

    /// The hash of the record that this message makes.
    fn leaf_hash(&self) -> Result<Hash, Mismatch> {
        let wrong = |field| Mismatch::Field { field };
        let place = &self.place;
        let index = Index::new(place.leaf_index).ok_or(wrong("the leaf index"))?;
        let prev_index = match place.prev_index {
            Some(raw) => Some(Index::new(raw).ok_or(wrong("the previous leaf"))?),
            None => None,
        };
        let signature = self
            .signature
            .as_deref()
            .map(str::parse::<ProducerSignature>)
            .transpose();
        let subject = portbook_wire::subject::events_subject_of(&self.case);
        let record = Record {
            kind: RecordKind::Event,
            chain: Chain::port(&self.port).ok().ok_or(wrong("the port"))?,
            chain_seq: ChainSeq::new(place.port_seq).ok_or(wrong("the port sequence"))?,
            prev_index,
            prev_hash: Hash::from_hex(place.prev_hash.as_str())
                .ok()
                .ok_or(wrong("the previous hash"))?,
            stream_seq: index.seq(),
            recorded_at_ns: place.recorded_at_ns,
            refers_to: None,
            subject: &subject,
            body: &self.body,
            signature: signature.ok().ok_or(wrong("the signature"))?,
        };
        let mut leaf = Vec::with_capacity(self.body.len() + 256);
        record.encode_into(&mut leaf).ok().ok_or(wrong("the message"))?;
        Ok(leaf_hash(&leaf))
    }
}
