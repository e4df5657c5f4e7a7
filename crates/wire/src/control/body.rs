//! The bodies of control messages. Field order is byte order.

use std::collections::BTreeMap;

use jiff::Timestamp;
use portbook_domain::{Digest, EventId, Text};
use serde::{Deserialize, Serialize};

use super::field::{KeyId, KeyRole, ModeName, PortAliases, PublicKey, Signature};
use crate::{moment::utc, source::Source, type_name::TypeName};

/// `ledger.opened`: the first message of a ledger, leaf 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerOpened {
    /// Name of the log, as in its checkpoints.
    pub origin: Text,
    /// The key that signs checkpoints.
    pub log_public_key: PublicKey,
    /// Name of the ledger stream.
    pub stream: Text,
    /// When the stream was created: a stream made again is another one.
    #[serde(with = "utc")]
    pub stream_created: Timestamp,
    /// SHA-256 over the stream's configuration.
    pub stream_config_sha256: Digest,
    /// The alias table in force. It is in the body, so that a replay needs nothing but the stream.
    pub port_aliases: PortAliases,
    /// SHA-256 of each file of reference data, by name.
    pub references: BTreeMap<Text, Digest>,
    /// SHA-256 of each policy, by id.
    pub policies: BTreeMap<Text, Digest>,
    /// When it was opened, by the operator's clock.
    #[serde(with = "utc")]
    pub opened_at: Timestamp,
}

/// `seal`: asks that the head of every port be committed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealRequested {
    /// Name of the log.
    pub origin: Text,
    /// SHA-256 of the last published checkpoint file with its cosignatures; zeros for the first seal.
    pub prev_checkpoint: Digest,
    /// Size of the tree that checkpoint signs; zero for the first seal.
    pub prev_size: u64,
}

/// `key.registered`: a producer's key is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRegistered {
    /// The key's short name, as in signatures.
    pub key_id: KeyId,
    /// The key.
    pub public_key: PublicKey,
    /// The only source it may sign for.
    pub source: Source,
    /// Which of the two kinds the source is.
    pub mode: ModeName,
    /// The only event types it may sign.
    pub event_types: Vec<TypeName>,
    /// First moment of validity.
    #[serde(with = "utc")]
    pub valid_from: Timestamp,
    /// Last moment of validity.
    #[serde(with = "utc")]
    pub valid_until: Timestamp,
}

/// `key.rotated`: one key takes over from another, both agreeing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRotated {
    /// What the key signs.
    pub role: KeyRole,
    /// Short name of the old key.
    pub old_key_id: KeyId,
    /// Short name of the new key.
    pub new_key_id: KeyId,
    /// The new key.
    pub new_public_key: PublicKey,
    /// Until when both are good.
    #[serde(with = "utc")]
    pub overlap_until: Timestamp,
    /// The rotation, signed by the old key.
    pub old_signature: Signature,
    /// The rotation, signed by the new key.
    pub new_signature: Signature,
}

/// `key.revoked`: a key is no longer to be believed. What it signed stays, marked as contested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRevoked {
    /// Short name of the key.
    pub key_id: KeyId,
    /// From when on its signatures are contested.
    #[serde(with = "utc")]
    pub contested_from: Timestamp,
    /// Why.
    pub reason: Text,
}

/// `reference.published`: a file of reference data is replaced from here on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferencePublished {
    /// Name of the file, for example `ports`, `calendar` or `policy/2025-05-27`.
    pub name: Text,
    /// SHA-256 of the file.
    pub sha256: Digest,
    /// The new alias table, when the file is the alias table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_aliases: Option<PortAliases>,
    /// When it was published.
    #[serde(with = "utc")]
    pub published_at: Timestamp,
}

/// `source.stated`: what a source has published since its last statement, so that a loss before the ledger shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceStated {
    /// Who states it.
    pub source: Source,
    /// Stream sequence of its last statement; zero when there was none.
    pub after_seq: u64,
    /// Stream sequence of the last event it counts.
    pub last_seq: u64,
    /// How many of its events were acknowledged between the two.
    pub count: u64,
    /// SHA-256 over the digests of these events, as bytes, in the order of the stream.
    pub events_sha256: Digest,
    /// When it was stated.
    #[serde(with = "utc")]
    pub stated_at: Timestamp,
}

/// `epoch.declared`: the ledger goes on after a restore, openly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochDeclared {
    /// Number of the epoch, from 2.
    pub epoch: u64,
    /// Size of the tree that was restored.
    pub restored_size: u64,
    /// Its root.
    pub restored_root: Digest,
    /// Why.
    pub reason: Text,
    /// Who answers for it.
    pub declared_by: Text,
    /// When it was declared.
    #[serde(with = "utc")]
    pub declared_at: Timestamp,
    /// When the stream was created that the ledger goes on from: a server dates a stream that it puts back anew.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "utc::optional")]
    pub stream_created: Option<Timestamp>,
}

/// `erasure.noticed`: the values and salts of committed personal fields are gone from the vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErasureNoticed {
    /// The event whose fields were erased.
    pub target_event_id: EventId,
    /// Leaf hash of its record.
    pub target_leaf: Digest,
    /// Names of the fields.
    pub fields: Vec<Text>,
    /// Why.
    pub reason: Text,
    /// When they were erased.
    #[serde(with = "utc")]
    pub erased_at: Timestamp,
}
