//! Records, chains, the Merkle tree, seals, checkpoints, proofs and their verification, byte for byte.
//!
//! Pure: no clock, no randomness, no environment, no input or output. Nothing here panics, whatever the input.
//! The layouts are specified in `docs/format.md`, whose vectors this crate's tests run.

mod audit;
mod chain;
mod checkpoint;
mod commitment;
mod decoder;
mod digest_run;
pub mod fraud;
mod hash;
mod head;
mod key;
mod leaf;
mod note;
mod policy;
mod position;
mod proof_text;
mod record;
mod rotation;
mod seal;
mod signature;
mod signed_log;
mod tlog_proof;
pub mod tree;

pub use audit::{Auditor, ChainAuditor, ChainVerdict, Check, Fault, LogVerdict, Voucher};
pub use chain::{Chain, InvalidName, Origin, genesis};
pub use checkpoint::{Checkpoint, CheckpointError, OpenedCheckpoint};
pub use commitment::{InvalidField, SALT_BYTES, commitment};
pub use digest_run::DigestRun;
pub use hash::{Hash, Hasher, InvalidHash, sha256};
pub use head::{
    Head, HeadError, HeadPath, HeadProof, HeadProofError, HeadProofText, UnsortedHeads, heads_root,
    prove_head,
};
pub use key::{InvalidNoteKey, KeyName, NoteAlgorithm, NoteKeyId, SignerKey, VerifierKey};
pub use leaf::{Leaf, LeafError};
pub use note::{Note, NoteError, NoteSignature, VerifiedSignature};
pub use policy::{Party, Policy, PolicyError};
pub use position::{ChainSeq, Index, Seq, Size};
pub use proof_text::InvalidProofText;
pub use record::{BODY_BYTES_MAX, LEAF_BYTES_MAX, Record, RecordError, RecordKind};
pub use rotation::{RotatedKey, Rotation};
pub use seal::{SEAL_BYTES, Seal, SealError};
pub use signature::{
    InvalidKey, InvalidSignatureText, KeyId, ProducerSignature, PublicKey, SecretKey, SignatureError,
    SignedMessage, event_signature_message, verify_events,
};
pub use signed_log::{Admission, Contradiction, SignedLog, SignedLogError, SignedRoot};
pub use tlog_proof::{GrowthProof, TlogProof};
pub use tree::{Frontier, NodeId, leaf_hash, node_hash};
