//! Producers' keys as rows, and back.

use portbook_fold::{ProducerKey, Revoked, Superseded};
use serde::{Deserialize, Serialize};

/// [`ProducerKey`] as stored.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeyRow {
    public_key: [u8; 32],
    source: String,
    observes: bool,
    event_types: Vec<String>,
    valid_from_ns: i128,
    valid_until_ns: i128,
    registered: u64,
    /// Leaf, successor, end of the overlap.
    superseded: Option<(u64, [u8; 8], i128)>,
    /// Leaf, start of what is contested.
    revoked: Option<(u64, i128)>,
}

impl KeyRow {
    pub(super) fn of(key: &ProducerKey) -> Self {
        Self {
            public_key: key.public_key,
            source: key.source.clone(),
            observes: key.observes,
            event_types: key.event_types.clone(),
            valid_from_ns: key.valid_from_ns,
            valid_until_ns: key.valid_until_ns,
            registered: key.registered,
            superseded: key.superseded.as_ref().map(|it| (it.leaf, it.by, it.until_ns)),
            revoked: key.revoked.as_ref().map(|it| (it.leaf, it.contested_from_ns)),
        }
    }

    pub(super) fn into_key(self) -> ProducerKey {
        ProducerKey {
            public_key: self.public_key,
            source: self.source,
            observes: self.observes,
            event_types: self.event_types,
            valid_from_ns: self.valid_from_ns,
            valid_until_ns: self.valid_until_ns,
            registered: self.registered,
            superseded: self
                .superseded
                .map(|(leaf, by, until_ns)| Superseded { leaf, by, until_ns }),
            revoked: self.revoked.map(|(leaf, contested_from_ns)| Revoked {
                leaf,
                contested_from_ns,
            }),
        }
    }
}
