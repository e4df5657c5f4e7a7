//! Who may decide: the keys of the services, as the ledger's control messages settle them.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use portbook_bus::{Log, Stored};
use portbook_domain::ServiceName;
use portbook_ledger::{KeyId, ProducerSignature, PublicKey};
use portbook_source::{KeyRing, KeyRingError};
use portbook_wire::Source;

/// How old the keys may be when a case is read.
const AGE_MAX: Duration = Duration::from_secs(5);
/// How soon they are read again when a signature names a key that is not known: anybody can make up such a signature.
const UNKNOWN_KEY_PAUSE: Duration = Duration::from_millis(200);

/// The public keys of all services, so that each recognises what the others decided.
///
/// Everybody who may publish facts can write to every case, so what an event says of itself proves nothing: a decision
/// is one only if it carries the signature of the service it names, by a key that was in force there.
#[derive(Debug)]
pub struct Authorities(Kept);

#[derive(Debug)]
enum Kept {
    /// Keys somebody vouches for, in force for ever.
    Given(BTreeMap<KeyId, (ServiceName, PublicKey)>),
    /// Keys as a ledger recorded them.
    Recorded(Box<KeyRing>),
    /// Keys that control messages registered, read again now and then.
    Registered(Box<Registered>),
}

#[derive(Debug)]
struct Registered {
    log_key: PublicKey,
    /// The keys, and when they were read.
    current: RwLock<(KeyRing, Instant)>,
}

impl Authorities {
    /// Keys that somebody vouches for. A service may have several; a key belongs to one service.
    #[must_use]
    pub fn given(keys: impl IntoIterator<Item = (ServiceName, PublicKey)>) -> Self {
        Self(Kept::Given(
            keys.into_iter()
                .map(|(service, key)| (key.id(), (service, key)))
                .collect(),
        ))
    }

    /// The keys as a ledger recorded them, whatever a stream says by now.
    #[must_use]
    pub fn recorded(ring: KeyRing) -> Self {
        Self(Kept::Recorded(Box::new(ring)))
    }

    /// The keys that the control messages of `log` register. `log_key` is the log's, from where the reader trusts it.
    ///
    /// # Errors
    /// [`KeyRingError`] when they cannot be read, or belong to another log.
    pub async fn registered(log: &Log, log_key: PublicKey) -> Result<Self, KeyRingError> {
        let ring = KeyRing::load(log, &log_key).await?;
        Ok(Self(Kept::Registered(Box::new(Registered {
            log_key,
            current: RwLock::new((ring, Instant::now())),
        }))))
    }

    /// Reads the keys again if they are old, or if one of `messages` is signed by a key that is not known.
    pub(crate) async fn renew(&self, log: &Log, messages: &[Stored]) -> Result<(), KeyRingError> {
        let Kept::Registered(registered) = &self.0 else {
            return Ok(());
        };
        let Registered { log_key, current } = registered.as_ref();
        let is_due = {
            let current = current.read().unwrap_or_else(PoisonError::into_inner);
            let (ring, read_at) = &*current;
            let known = |message: &Stored| {
                key_named_by(message).is_none_or(|id| ring.book().keys.contains_key(id.as_bytes()))
            };
            read_at.elapsed() >= AGE_MAX
                || (read_at.elapsed() >= UNKNOWN_KEY_PAUSE && !messages.iter().all(known))
        };
        if is_due {
            let ring = KeyRing::load(log, log_key).await?;
            *current.write().unwrap_or_else(PoisonError::into_inner) = (ring, Instant::now());
        }
        Ok(())
    }

    /// Whether `key` is one of `service`'s.
    pub(crate) fn has(&self, service: ServiceName, key: &PublicKey) -> bool {
        match &self.0 {
            Kept::Given(keys) => keys.get(&key.id()) == Some(&(service, *key)),
            Kept::Recorded(ring) => holds(ring, service, key),
            Kept::Registered(registered) => {
                let current = registered.current.read().unwrap_or_else(PoisonError::into_inner);
                holds(&current.0, service, key)
            }
        }
    }

    /// The service that signed a message; none when its signature is missing, foreign, does not hold, or was made with a
    /// key that was not in force.
    pub(crate) fn signer_of(&self, message: &Stored) -> Option<ServiceName> {
        match &self.0 {
            Kept::Given(keys) => {
                let signature: ProducerSignature = message.signature.as_deref()?.parse().ok()?;
                let (service, key) = keys.get(&signature.key_id)?;
                let verdict = key.verify_event(&message.subject, &message.body, &signature);
                if let Err(error) = &verdict {
                    tracing::warn!(%error, seq = message.seq, subject = %message.subject, "an event is not by the service it names");
                }
                verdict.ok().map(|()| *service)
            }
            Kept::Recorded(ring) => service_of(&ring.signer_of(message)?.source),
            Kept::Registered(registered) => {
                let current = registered.current.read().unwrap_or_else(PoisonError::into_inner);
                service_of(&current.0.signer_of(message)?.source)
            }
        }
    }
}

fn holds(ring: &KeyRing, service: ServiceName, key: &PublicKey) -> bool {
    let found = ring.book().keys.get(key.id().as_bytes());
    found.is_some_and(|found| service_of(&found.source) == Some(service) && found.revoked.is_none())
}

fn service_of(source: &str) -> Option<ServiceName> {
    let is = |service: &&ServiceName| Source::service(service.name()).is_ok_and(|own| own.as_str() == source);
    ServiceName::ALL.iter().find(is).copied()
}

fn key_named_by(message: &Stored) -> Option<KeyId> {
    let signature: ProducerSignature = message.signature.as_deref()?.parse().ok()?;
    Some(signature.key_id)
}
