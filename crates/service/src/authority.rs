//! Who may decide: the keys of the services.

use std::collections::BTreeMap;

use portbook_bus::Stored;
use portbook_domain::ServiceName;
use portbook_ledger::{KeyId, ProducerSignature, PublicKey};

/// The public keys of all services, so that each recognises what the others decided.
///
/// Everybody who may publish facts can write to every case, so what an event says of itself proves nothing: a decision
/// is one only if it carries the signature of the service it names.
#[derive(Debug, Clone, Default)]
pub struct Authorities(BTreeMap<KeyId, (ServiceName, PublicKey)>);

impl Authorities {
    /// The keys of the services. A service may have several, old ones included; a key belongs to one service.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = (ServiceName, PublicKey)>) -> Self {
        Self(
            keys.into_iter()
                .map(|(service, key)| (key.id(), (service, key)))
                .collect(),
        )
    }

    /// Whether `key` is one of `service`'s.
    pub(crate) fn has(&self, service: ServiceName, key: &PublicKey) -> bool {
        self.0.get(&key.id()) == Some(&(service, *key))
    }

    /// The service that signed a message; none when its signature is missing, foreign or does not hold.
    pub(crate) fn signer_of(&self, message: &Stored) -> Option<ServiceName> {
        let signature: ProducerSignature = message.signature.as_deref()?.parse().ok()?;
        let (service, key) = self.0.get(&signature.key_id)?;
        let verdict = key.verify_event(&message.subject, &message.body, &signature);
        if let Err(error) = &verdict {
            tracing::warn!(%error, seq = message.seq, subject = %message.subject, "an event is not by the service it names");
        }
        verdict.ok().map(|()| *service)
    }
}
