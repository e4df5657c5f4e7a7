//! The producers' keys as the control messages of the stream settle them, by the rules of the ledger itself.

use portbook_bus::{Log, ReadError, Stored};
use portbook_fold::{Book, Delivery, Occasion, ProducerKey, replay_control};
use portbook_ledger::{Index, ProducerSignature, PublicKey, Seq};
use portbook_wire::control::ControlKind;
use portbook_wire::read_head;

/// Control messages that say something about keys. Few, so that reading them all is cheap.
const KINDS: &[ControlKind] = &[
    ControlKind::LedgerOpened,
    ControlKind::KeyRegistered,
    ControlKind::KeyRotated,
    ControlKind::KeyRevoked,
];

/// The keys of all producers, as of one moment.
#[derive(Debug, Clone)]
pub struct KeyRing {
    book: Book,
}

/// Why the keys are not known.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// The stream could not be read.
    #[error("could not read the control messages")]
    Read(#[from] ReadError),
    /// The stream opens no ledger.
    #[error("the stream opens no ledger")]
    NotOpened,
    /// The ledger belongs to another log key than the one that is trusted here.
    #[error("the stream belongs to the ledger {origin}, whose log key is not the one trusted here")]
    Foreign {
        /// Name of that ledger.
        origin: String,
    },
}

impl KeyRing {
    /// Reads the control messages about keys. `log_key` is the log's, from where the reader trusts it.
    ///
    /// # Errors
    /// [`KeyRingError`].
    pub async fn load(log: &Log, log_key: &PublicKey) -> Result<Self, KeyRingError> {
        let mut messages = Vec::new();
        for kind in KINDS {
            messages.extend(log.load_subject(kind.subject()).await?);
        }
        messages.sort_unstable_by_key(|message| message.seq);
        let mut book = Book::default();
        for message in messages {
            let Some((delivery, index)) = delivery_of(message) else {
                continue;
            };
            // A message that is not believed is in quarantine, and says nothing about keys.
            if let Err(reason) = replay_control(&mut book, &delivery, index) {
                tracing::debug!(seq = delivery.seq.get(), %reason, "a control message is not believed");
            }
        }
        let opened = book.opened.as_ref().ok_or(KeyRingError::NotOpened)?;
        if &opened.log_key != log_key.as_bytes() {
            return Err(KeyRingError::Foreign {
                origin: opened.origin.to_string(),
            });
        }
        Ok(Self { book })
    }

    /// The keys as a ledger recorded them.
    #[must_use]
    pub const fn of(book: Book) -> Self {
        Self { book }
    }

    /// The book that the control messages about keys make.
    #[must_use]
    pub const fn book(&self) -> &Book {
        &self.book
    }

    /// Whether `message`, a statement, is signed by a key of `source` that was in force there.
    #[must_use]
    pub fn has_signed(&self, message: &Stored, source: &str) -> bool {
        let holds = || {
            let signature: ProducerSignature = message.signature.as_deref()?.parse().ok()?;
            let key = self.book.keys.get(signature.key_id.as_bytes())?;
            key.in_force(source, occasion_of(message)?).ok()?;
            let public = PublicKey::from_bytes(&key.public_key).ok()?;
            public
                .verify_event(&message.subject, &message.body, &signature)
                .ok()
        };
        holds().is_some()
    }

    /// The key behind an event's signature, when the signature holds and the key was in force for source and type.
    #[must_use]
    pub fn signer_of(&self, message: &Stored) -> Option<&ProducerKey> {
        let signature: ProducerSignature = message.signature.as_deref()?.parse().ok()?;
        let key = self.book.keys.get(signature.key_id.as_bytes())?;
        let head = read_head(&message.subject, &message.body).ok()?;
        let at = occasion_of(message)?;
        key.entitled(head.source, head.type_name, at).ok()?;
        let public = PublicKey::from_bytes(&key.public_key).ok()?;
        public
            .verify_event(&message.subject, &message.body, &signature)
            .ok()?;
        Some(key)
    }
}

/// Where the record of a message is, or will be.
fn occasion_of(message: &Stored) -> Option<Occasion> {
    Some(Occasion {
        index: message.seq.checked_sub(1)?,
        recorded_at_ns: message.time_ns,
    })
}

fn delivery_of(message: Stored) -> Option<(Delivery, Index)> {
    let seq = Seq::new(message.seq)?;
    let index = Index::new(message.seq.checked_sub(1)?)?;
    let delivery = Delivery {
        seq,
        recorded_at_ns: message.time_ns,
        subject: message.subject,
        signature: message.signature,
        body: message.body,
    };
    Some((delivery, index))
}
