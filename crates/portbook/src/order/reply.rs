//! What a service answered, said to the user.

use portbook_domain::Order;
use portbook_service::ClientError;
use portbook_wire::command::{Appended, CommandReply, Outcome as Verdict, Refusal};
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::speech::{Form, Speech, harmless};

/// The answer as a document.
#[derive(Debug, Serialize)]
pub(super) struct Document<'a> {
    schema: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    command_id: Option<&'a str>,
    outcome: Verdict,
    case_version: u64,
    events: &'a [Appended],
    #[serde(skip_serializing_if = "Option::is_none")]
    rejection: Option<&'a Refusal>,
}

/// Prints an answer: events on stdout, a refusal as an error.
///
/// # Errors
/// In forms for people, a refusal is a failure with the rule and what to do next. In JSON the document says it all and
/// only the exit code is returned.
pub(crate) fn print_reply(speech: &Speech, reply: &CommandReply) -> Outcome {
    match speech.form {
        Form::Json | Form::Ndjson => {
            speech.json(&document(reply))?;
            return Ok(exit_of(reply.outcome));
        }
        Form::Csv => {
            speech.answer("outcome,type,seq,case_version,id,command_id")?;
            for event in &reply.events {
                speech.answer(csv_row(reply, event))?;
            }
        }
        Form::Table => {
            for event in &reply.events {
                speech.answer(table_row(reply, event))?;
            }
        }
    }
    refusal(reply).map_or(Ok(exit_of(reply.outcome)), Err)
}

/// No answer came: the command may have been accepted all the same, and only its id makes asking again harmless.
pub(crate) fn unanswered(order: &Order, error: &ClientError) -> Failure {
    Failure::of(Exit::Unavailable, error).hint(again(order.command_id.as_str()))
}

pub(super) const fn exit_of(outcome: Verdict) -> Exit {
    match outcome {
        Verdict::Accepted | Verdict::Already => Exit::Done,
        Verdict::Rejected => Exit::Rejected,
        Verdict::Invalid => Exit::Usage,
        Verdict::Conflict => Exit::Conflict,
        Verdict::Unavailable => Exit::Unavailable,
    }
}

pub(super) fn table_row(reply: &CommandReply, event: &Appended) -> String {
    let outcome = word(reply.outcome);
    let Appended { id, type_name, seq } = event;
    let version = reply.case_version;
    let command = command_id(reply);
    format!("{outcome}  {type_name}  seq {seq}  case version {version}  id {id}  command {command}")
}

pub(super) fn csv_row(reply: &CommandReply, event: &Appended) -> String {
    // None of these texts can hold a comma or a quote: their grammars leave them out.
    let Appended { id, type_name, seq } = event;
    format!(
        "{},{type_name},{seq},{},{id},{}",
        word(reply.outcome),
        reply.case_version,
        command_id(reply)
    )
}

/// The failure that tells why a command was not accepted; none when it was.
pub(super) fn refusal(reply: &CommandReply) -> Option<Failure> {
    let (doing, hint) = match reply.outcome {
        Verdict::Accepted | Verdict::Already => return None,
        Verdict::Rejected => (
            "refused by rule",
            "portbook case <CASE> shows where the case stands".to_owned(),
        ),
        Verdict::Invalid => (
            "the service could not read the command: rule",
            "portbook and its services must be of one version".to_owned(),
        ),
        Verdict::Conflict => ("the case kept changing: rule", again(command_id(reply))),
        Verdict::Unavailable => (
            "the service could not reach the stream: rule",
            again(command_id(reply)),
        ),
    };
    let message = match &reply.rejection {
        Some(Refusal { rule, message }) => format!("{doing} {}: {}", harmless(rule), harmless(message)),
        None => format!("the service answered {} and gave no rule", word(reply.outcome)),
    };
    Some(Failure::new(exit_of(reply.outcome), message).hint(hint))
}

pub(super) fn document(reply: &CommandReply) -> Document<'_> {
    Document {
        schema: "portbook.command/v1",
        command_id: reply.command_id.as_ref().map(portbook_domain::CommandId::as_str),
        outcome: reply.outcome,
        case_version: reply.case_version,
        events: &reply.events,
        rejection: reply.rejection.as_ref(),
    }
}

const fn word(outcome: Verdict) -> &'static str {
    match outcome {
        Verdict::Accepted => "accepted",
        Verdict::Already => "already",
        Verdict::Rejected => "rejected",
        Verdict::Invalid => "invalid",
        Verdict::Conflict => "conflict",
        Verdict::Unavailable => "unavailable",
    }
}

fn command_id(reply: &CommandReply) -> &str {
    reply
        .command_id
        .as_ref()
        .map_or("-", portbook_domain::CommandId::as_str)
}

fn again(command_id: &str) -> String {
    format!(
        "send the same command again with --command-id {command_id}: it is accepted once, however often it is sent"
    )
}
