//! The flag `--from`: the fields of a command as a JSON document.

use std::fs::File;
use std::io::{Read, stdin};
use std::path::Path;

use jiff::Timestamp;
use portbook_domain::{CaseId, CommandId, Order};
use portbook_wire::BODY_BYTES_MAX;
use portbook_wire::command::parse_order;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::exit::Exit;
use crate::failure::Failure;

/// What stands beside the command in an order.
pub(super) struct Head {
    pub(super) command_id: CommandId,
    pub(super) case: CaseId,
    pub(super) occurred_at: Option<Timestamp>,
}

/// An order as a client sends it, around fields that nobody has looked at yet.
struct Envelope<'a> {
    head: &'a Head,
    verb: &'static str,
    fields: &'a RawValue,
}

/// Reads the fields of `verb` from `file`, or from standard input when it is `-`.
///
/// # Errors
/// [`Exit::Usage`] names the file, the field and the rule; a file that cannot be read is [`Exit::InputOutput`] or
/// [`Exit::Permission`].
pub(super) fn read(file: &Path, verb: &'static str, head: &Head) -> Result<Order, Failure> {
    let name = if is_stdin(file) {
        "standard input".to_owned()
    } else {
        file.display().to_string()
    };
    let bytes = load(file).map_err(|error| Failure::file("read", Path::new(&name), &error))?;
    parse(&bytes, verb, head).map_err(|broken| {
        Failure::new(Exit::Usage, format!("{name}: {broken}")).hint(format!(
            "docs/events.md lists the fields of {verb}; `--help` lists the same as flags"
        ))
    })
}

fn is_stdin(file: &Path) -> bool {
    file == Path::new("-")
}

/// One byte more than a message may have is enough to see that it is too long.
fn load(file: &Path) -> std::io::Result<Vec<u8>> {
    let source: Box<dyn Read> = if is_stdin(file) {
        Box::new(stdin().lock())
    } else {
        Box::new(File::open(file)?)
    };
    let mut bytes = Vec::new();
    source
        .take(
            u64::try_from(BODY_BYTES_MAX)
                .unwrap_or(u64::MAX)
                .saturating_add(1),
        )
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The service's own reader judges the fields, so that a file is refused here for exactly what would be refused there.
pub(super) fn parse(bytes: &[u8], verb: &'static str, head: &Head) -> Result<Order, String> {
    if bytes.len() > BODY_BYTES_MAX {
        return Err(format!("more than the {BODY_BYTES_MAX} bytes a message may have"));
    }
    let fields: &RawValue = serde_json::from_slice(bytes).map_err(|error| format!("not JSON: {error}"))?;
    // A list would be read as the fields in the order of their declaration, which nobody publishes.
    if !fields.get().starts_with('{') {
        return Err("expected an object with the command's fields".to_owned());
    }
    let body = serde_json::to_vec(&Envelope { head, verb, fields }).map_err(|error| error.to_string())?;
    parse_order(&body).map_err(|error| {
        let within = error
            .pointer
            .strip_prefix(&format!("/command/{verb}"))
            .unwrap_or(&error.pointer);
        if within.is_empty() {
            error.rule.to_string()
        } else {
            format!("{within}: {}", error.rule)
        }
    })
}

impl Serialize for Envelope<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut order = serializer.serialize_map(None)?;
        order.serialize_entry("command_id", &self.head.command_id)?;
        order.serialize_entry("case", &self.head.case)?;
        if let Some(occurred_at) = &self.head.occurred_at {
            order.serialize_entry("occurred_at", occurred_at)?;
        }
        order.serialize_entry(
            "command",
            &std::collections::BTreeMap::from([(self.verb, self.fields)]),
        )?;
        order.end()
    }
}
