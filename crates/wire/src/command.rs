//! Commands and their answers as JSON, over the bus and over HTTP alike.

use portbook_domain::{CommandId, EventId, Order};
use serde::{Deserialize, Serialize};

use crate::{
    BODY_BYTES_MAX,
    json::{JsonError, Node, from_node},
    type_name::TypeName,
};

/// What a service answers to a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandReply {
    /// The command that is answered; absent when the request could not be read that far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command_id: Option<CommandId>,
    /// What became of it.
    pub outcome: Outcome,
    /// Version of the case after the command; zero when the case does not exist.
    pub case_version: u64,
    /// The events of the command, in order. Empty unless it was accepted, now or earlier.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Appended>,
    /// Why it was not accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejection: Option<Refusal>,
}

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Its events are in the stream, durably.
    Accepted,
    /// The same command was accepted before; these are the events it had then.
    Already,
    /// A rule refused it. The same command will be refused again while the case stays as it is.
    Rejected,
    /// The request itself could not be read; nothing was decided.
    Invalid,
    /// The case kept changing. Sending the same command again is right.
    Conflict,
    /// The stream could not be reached in time. Whether it was accepted is not known; sending it again is right.
    Unavailable,
}

/// An event that a command put into the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Appended {
    /// Identity of the event.
    pub id: EventId,
    /// Its type, `<entity>.<verb>`.
    #[serde(rename = "type")]
    pub type_name: TypeName,
    /// Its sequence in the ledger stream, from 1.
    pub seq: u64,
}

/// Why a command was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// Stable name of the rule.
    pub rule: String,
    /// The rule and both values, in words.
    pub message: String,
}

/// Reads a command as a client sends it: `{"command_id":…,"case":…,"command":{"grant-license":{…}}}`.
///
/// # Errors
/// [`JsonError`] names the JSON pointer and the rule. A field that is not known is refused: dropping it would lose what
/// the client meant.
pub fn parse_order(body: &[u8]) -> Result<Order, JsonError> {
    from_node(&Node::parse(body, BODY_BYTES_MAX)?)
}

/// Writes a command as a client sends it.
///
/// # Errors
/// The writer of JSON refused a value; a checked [`Order`] has none it refuses.
pub fn encode_order(order: &Order) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(order)
}

/// Reads a service's answer.
///
/// # Errors
/// [`JsonError`] names the JSON pointer and the rule.
pub fn parse_reply(body: &[u8]) -> Result<CommandReply, JsonError> {
    from_node(&Node::parse(body, BODY_BYTES_MAX)?)
}

/// Writes a service's answer.
///
/// # Errors
/// The writer of JSON refused a value; a reply has none it refuses.
pub fn encode_reply(reply: &CommandReply) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(reply)
}
