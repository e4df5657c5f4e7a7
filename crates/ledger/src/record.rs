//! The record: one stream message as one link of one chain, byte for byte.

mod error;

pub use error::RecordError;

use std::fmt;

use crate::{
    chain::Chain,
    decoder::Decoder,
    hash::{Hash, sha256},
    position::{ChainSeq, Index, Seq},
    signature::{KeyId, ProducerSignature},
};

/// First bytes of a record.
pub(crate) const MAGIC: [u8; 4] = *b"PBR1";
/// Largest message payload in bytes outside quarantine; larger documents are recorded by their digest.
pub const BODY_BYTES_MAX: usize = 32 * 1024;
/// Largest leaf in bytes: C2SP entry bundles give its length 16 bits.
pub const LEAF_BYTES_MAX: usize = 65_535;
/// Flag bit 0: a producer signature follows the body.
const SIGNED: u8 = 1;

/// What a stream message turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    /// An event, seen for the first time.
    Event,
    /// The same bytes again, under the id of an event recorded before.
    Redelivery,
    /// Other bytes under the id of an event recorded before.
    Conflict,
    /// A message that could not be understood.
    Quarantine,
    /// A message about the ledger itself.
    Control,
}

/// One link of a chain. Borrows subject and body from the bytes it was decoded from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// What the message turned out to be.
    pub kind: RecordKind,
    /// The chain this record belongs to.
    pub chain: Chain,
    /// Its place in the chain; `port_seq` in the format document.
    pub chain_seq: ChainSeq,
    /// Leaf of the chain's previous record; none for the first.
    pub prev_index: Option<Index>,
    /// Leaf hash of the chain's previous record; [`crate::genesis`] for the first.
    pub prev_hash: Hash,
    /// Sequence of the message in the stream.
    pub stream_seq: Seq,
    /// The stream's timestamp of the message, in nanoseconds since 1970-01-01T00:00:00Z.
    pub recorded_at_ns: u64,
    /// For a redelivery or a conflict: the leaf that recorded the event's id first.
    pub refers_to: Option<Index>,
    /// NATS subject the message was published on.
    pub subject: &'a str,
    /// Payload of the message, untouched.
    pub body: &'a [u8],
    /// The producer's signature over subject and body, as it came with the message; not verified by decoding.
    pub signature: Option<ProducerSignature>,
}

impl RecordKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 5] = [
        Self::Event,
        Self::Redelivery,
        Self::Conflict,
        Self::Quarantine,
        Self::Control,
    ];

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Event => 1,
            Self::Redelivery => 2,
            Self::Conflict => 3,
            Self::Quarantine => 4,
            Self::Control => 5,
        }
    }

    /// The kind with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// One lower-case word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Redelivery => "redelivery",
            Self::Conflict => "conflict",
            Self::Quarantine => "quarantine",
            Self::Control => "control",
        }
    }

    /// Whatever the stream lets through must fit into quarantine, so only the leaf's own limit holds there.
    const fn body_bytes_max(self) -> usize {
        match self {
            Self::Quarantine => LEAF_BYTES_MAX,
            Self::Event | Self::Redelivery | Self::Conflict | Self::Control => BODY_BYTES_MAX,
        }
    }

    const fn refers_to_an_original(self) -> bool {
        match self {
            Self::Redelivery | Self::Conflict => true,
            Self::Event | Self::Quarantine | Self::Control => false,
        }
    }

    fn belongs_in(self, chain: Chain) -> bool {
        match self {
            Self::Event | Self::Redelivery | Self::Conflict => chain.is_port(),
            Self::Quarantine => chain == Chain::QUARANTINE,
            Self::Control => chain == Chain::CONTROL,
        }
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl<'a> Record<'a> {
    /// Appends the bytes of this record to `out`; leaves `out` as it was on error.
    ///
    /// # Errors
    /// [`RecordError`] when the fields contradict each other or are too large: [`Record::decode`] refuses the same.
    pub fn encode_into(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        self.check()?;
        let len = self.encoded_len();
        if len > LEAF_BYTES_MAX {
            return Err(RecordError::TooLarge { found: len });
        }
        // Both fit: the whole record has at most 65,535 bytes.
        let subject_len = u16::try_from(self.subject.len()).unwrap_or(u16::MAX);
        let body_len = u32::try_from(self.body.len()).unwrap_or(u32::MAX);
        out.reserve(len);
        out.extend_from_slice(&MAGIC);
        out.push(self.kind.number());
        out.push(if self.signature.is_some() { SIGNED } else { 0 });
        self.chain.encode_into(out);
        out.extend_from_slice(&self.chain_seq.get().to_be_bytes());
        out.extend_from_slice(&Index::encode(self.prev_index));
        out.extend_from_slice(self.prev_hash.as_bytes());
        out.extend_from_slice(&self.stream_seq.get().to_be_bytes());
        out.extend_from_slice(&self.recorded_at_ns.to_be_bytes());
        out.extend_from_slice(&Index::encode(self.refers_to));
        out.extend_from_slice(&subject_len.to_be_bytes());
        out.extend_from_slice(self.subject.as_bytes());
        out.extend_from_slice(&body_len.to_be_bytes());
        out.extend_from_slice(self.body);
        if let Some(signature) = &self.signature {
            out.extend_from_slice(signature.key_id.as_bytes());
            out.extend_from_slice(&signature.bytes);
        }
        Ok(())
    }

    /// Reads a record and nothing else. What decodes encodes to the same bytes again.
    ///
    /// # Errors
    /// [`RecordError`] names the first field that is not as the format says.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, RecordError> {
        if bytes.len() > LEAF_BYTES_MAX {
            return Err(RecordError::TooLarge { found: bytes.len() });
        }
        let mut input = Decoder::new(bytes);
        if input.array("magic") != Ok(MAGIC) {
            return Err(RecordError::Magic {
                found: bytes.iter().copied().take(MAGIC.len()).collect(),
            });
        }
        let kind = input.u8("kind")?;
        let kind = RecordKind::from_number(kind).ok_or(RecordError::Kind { found: kind })?;
        let flags = input.u8("flags")?;
        if flags & !SIGNED != 0 {
            return Err(RecordError::Flags { found: flags });
        }
        let record = Self {
            kind,
            chain: decode_chain(&mut input)?,
            chain_seq: ChainSeq::new(input.u64("port_seq")?).ok_or(RecordError::ChainSeqZero)?,
            prev_index: input.index("prev_index")?,
            prev_hash: input.hash("prev_hash")?,
            stream_seq: Seq::new(input.u64("stream_seq")?).ok_or(RecordError::StreamSeqZero)?,
            recorded_at_ns: input.u64("recorded_at")?,
            refers_to: input.index("refers_to")?,
            subject: decode_subject(&mut input)?,
            body: decode_body(&mut input, kind)?,
            signature: if flags == SIGNED {
                Some(decode_signature(&mut input)?)
            } else {
                None
            },
        };
        if !input.rest().is_empty() {
            return Err(RecordError::TrailingBytes {
                count: input.rest().len(),
            });
        }
        record.check()?;
        Ok(record)
    }

    /// What the fields must be to each other; the same rules for writing and reading.
    fn check(&self) -> Result<(), RecordError> {
        let Self {
            kind,
            chain,
            chain_seq,
            prev_index,
            refers_to,
            ..
        } = *self;
        if !kind.belongs_in(chain) {
            return Err(RecordError::ChainOfKind { kind, chain });
        }
        if prev_index.is_none() != (chain_seq == ChainSeq::FIRST) {
            return Err(RecordError::PrevIndex {
                chain_seq,
                prev_index,
            });
        }
        if refers_to.is_some() != kind.refers_to_an_original() {
            return Err(RecordError::RefersTo { kind, refers_to });
        }
        if self.subject.is_empty() {
            return Err(RecordError::Subject);
        }
        if self.body.len() > kind.body_bytes_max() {
            return Err(RecordError::BodyTooLarge {
                found: self.body.len(),
            });
        }
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        let fixed = 4 + 1 + 1 + 1 + 8 + 8 + 32 + 8 + 8 + 8 + 2 + 4;
        let signature = if self.signature.is_some() { 8 + 64 } else { 0 };
        fixed + signature + self.chain.as_bytes().len() + self.subject.len() + self.body.len()
    }
}

/// Leaf hash of an encoded record as it would be with `prev_hash` in place of its own.
///
/// Serves to tell an altered link from an altered predecessor. None when `record` is too short to hold the field.
pub(crate) fn leaf_hash_relinked(record: &[u8], chain: Chain, prev_hash: &Hash) -> Option<Hash> {
    let before = 4 + 1 + 1 + 1 + chain.as_bytes().len() + 8 + 8;
    let (head, rest) = record.split_at_checked(before)?;
    let (_, tail) = rest.split_at_checked(32)?;
    Some(sha256(&[&[0], head, prev_hash.as_bytes(), tail]))
}

fn decode_chain(input: &mut Decoder<'_>) -> Result<Chain, RecordError> {
    let len = input.u8("port")?;
    let name = input.bytes(usize::from(len), "port")?;
    Chain::from_bytes(name).ok_or_else(|| RecordError::ChainName { found: name.to_vec() })
}

fn decode_subject<'a>(input: &mut Decoder<'a>) -> Result<&'a str, RecordError> {
    let len = input.u16("subject")?;
    let bytes = input.bytes(usize::from(len), "subject")?;
    std::str::from_utf8(bytes).ok().ok_or(RecordError::Subject)
}

fn decode_body<'a>(input: &mut Decoder<'a>, kind: RecordKind) -> Result<&'a [u8], RecordError> {
    let len = usize::try_from(input.u32("body")?).unwrap_or(usize::MAX);
    if len > kind.body_bytes_max() {
        return Err(RecordError::BodyTooLarge { found: len });
    }
    Ok(input.bytes(len, "body")?)
}

fn decode_signature(input: &mut Decoder<'_>) -> Result<ProducerSignature, RecordError> {
    let key_id = KeyId::from_bytes(input.array("key_id")?);
    Ok(ProducerSignature {
        key_id,
        bytes: input.array("signature")?,
    })
}
