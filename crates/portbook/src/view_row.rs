//! Rows of views as JSON, whatever the view.

use std::fmt::Write;

use portbook_projection::{Change, Kind, Past, VIEWS, Visitor, visit};
use portbook_store::decode_row;
use portbook_views::View;
use serde::Serialize;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::speech::Form;

/// The view called `name`.
pub(crate) fn kind_of(name: &str) -> Result<Kind, Failure> {
    let found = VIEWS.iter().find(|kind| kind.name == name).copied();
    found.ok_or_else(|| {
        let names: Vec<&str> = VIEWS.iter().map(|kind| kind.name).collect();
        Failure::new(Exit::Usage, format!("there is no view called {name:?}"))
            .hint(format!("the views are {}", names.join(", ")))
    })
}

/// A row that differs, as JSON: `change` is added, removed or changed.
pub(crate) fn change_json(view: &str, change: &Change) -> Value {
    let word = match (&change.before, &change.after) {
        (None, _) => "added",
        (Some(_), None) => "removed",
        (Some(_), Some(_)) => "changed",
    };
    let (key, before, after) = visit(view, Decode(change)).unwrap_or_default();
    let mut row = json!({"view": view, "change": word, "key": key});
    if let Some(row) = row.as_object_mut() {
        row.extend(before.map(|before| ("before".to_owned(), before)));
        row.extend(after.map(|after| ("after".to_owned(), after)));
    }
    row
}

/// Prints every row of `past`, streamed, in the form asked for.
pub(crate) fn print_rows(session: &Session, view: &str, past: Past) -> Result<(), Failure> {
    let printed = visit(view, Print { session, past });
    printed.unwrap_or(Ok(()))
}

struct Decode<'a>(&'a Change);

impl Visitor for Decode<'_> {
    type Out = (Value, Option<Value>, Option<Value>);

    fn visit<V: View + 'static>(self) -> Self::Out {
        let Change {
            key,
            before,
            after,
            before_is_ours,
            after_is_ours,
        } = self.0;
        let key_is_ours = if after.is_some() {
            *after_is_ours
        } else {
            *before_is_ours
        };
        let row = |bytes: &Vec<u8>, ours: bool| value_of::<V::Row>(bytes, ours);
        (
            value_of::<V::Key>(key, key_is_ours),
            before.as_ref().map(|bytes| row(bytes, *before_is_ours)),
            after.as_ref().map(|bytes| row(bytes, *after_is_ours)),
        )
    }
}

/// Bytes that another version of the code wrote are shown as they are.
fn value_of<T: Serialize + serde::de::DeserializeOwned>(bytes: &[u8], ours: bool) -> Value {
    let decoded = ours.then(|| decode_row::<T>(bytes).ok()).flatten();
    let value = decoded.and_then(|row| serde_json::to_value(row).ok());
    value.unwrap_or_else(|| Value::String(format!("0x{}", hex(bytes))))
}

/// Two lower-case digits a byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text does not fail.
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
}

struct Print<'a> {
    session: &'a Session,
    past: Past,
}

impl Visitor for Print<'_> {
    type Out = Result<(), Failure>;

    fn visit<V: View + 'static>(self) -> Self::Out {
        let speech = &self.session.speech;
        let (size, parked) = (self.past.size(), self.past.parked());
        let document = |key: V::Key, row: V::Row| json!({"key": key, "row": row});
        match speech.form {
            Form::Json => {
                let mut rows = Vec::new();
                self.past.each_row::<V, Failure>(|key, row| {
                    rows.push(document(key, row));
                    Ok(())
                })?;
                speech.json(&json!({
                    "schema": "portbook.rows/v1",
                    "view": V::NAME,
                    "version": V::VERSION,
                    "size": size,
                    "parked": parked,
                    "rows": rows,
                }))
            }
            Form::Table | Form::Ndjson | Form::Csv => {
                let mut count = 0_u64;
                self.past.each_row::<V, Failure>(|key, row| {
                    count += 1;
                    speech.answer(document(key, row))
                })?;
                speech.answer(json!({
                    "end": true, "view": V::NAME, "version": V::VERSION, "size": size,
                    "parked": parked, "rows": count,
                }))
            }
        }
    }
}
