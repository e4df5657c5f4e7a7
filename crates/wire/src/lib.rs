//! Events as bytes: CloudEvents envelopes, frozen versions, control messages, commands, observation files.
//!
//! This crate owns every JSON layout and every name on the bus. It is pure: bytes in, values out, and back. The layouts
//! are published in docs/events.md and held by the frozen examples in tests/golden.

pub mod asyncapi;
pub mod command;
pub mod control;
mod decode;
mod digest;
mod envelope;
pub mod feed;
mod head;
mod json;
mod moment;
pub mod observation;
mod patch;
pub mod schema;
mod source;
pub mod subject;
mod type_name;
mod upcast;

pub use decode::{DecodeError, decode_event};
pub use digest::{event_digest, msg_id};
pub use envelope::{Decided, EncodeError, Envelope, Mode, SequenceError, encode, encode_into};
pub use head::{
    Attribute, EventHead, EventKey, EventNumbers, Quarantine, head_of, read_head, read_numbered_head,
};
pub use json::{JsonError, JsonRule, SyntaxError};
pub use patch::{PatchError, patched_event};
pub use source::Source;
pub use type_name::TypeName;

/// The longest body of any message, in bytes.
pub const BODY_BYTES_MAX: usize = 32 * 1024;
