//! Corrections applied: an event as it reads once fields of its `data` are replaced.

use portbook_domain::{Event, FieldPatch};
use serde_json::{Map, Value};

use crate::decode::{DecodeError, decode_event};
use crate::envelope::Envelope;

/// A correction that cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The body is no JSON object.
    #[error("the event is no JSON object")]
    NotAnObject,
    /// The pointer leads nowhere in the event's data.
    #[error("{pointer} leads to nothing in the event")]
    NoSuchField {
        /// The pointer.
        pointer: String,
    },
    /// A value of the patch is no JSON.
    #[error("{pointer}: {value:?} is no JSON")]
    NotJson {
        /// The pointer.
        pointer: String,
        /// The text.
        value: String,
    },
    /// The event does not say what the correction says it says.
    #[error("{pointer} is {found}, not {expected}")]
    OldDiffers {
        /// The pointer.
        pointer: String,
        /// What the correction expects.
        expected: String,
        /// What the event says.
        found: String,
    },
    /// The corrected event is none.
    #[error("the corrected event cannot be read")]
    Unreadable(#[from] DecodeError),
}

/// The event of `body` with `patches` applied in order, and its bytes. `null` stands for a field that is not there.
///
/// # Errors
/// [`PatchError`]; nothing of the correction takes effect then.
pub fn patched_event<'a>(
    body: &[u8],
    patches: impl IntoIterator<Item = &'a FieldPatch>,
) -> Result<(Vec<u8>, Envelope, Event), PatchError> {
    let Ok(Value::Object(mut document)) = serde_json::from_slice(body) else {
        return Err(PatchError::NotAnObject);
    };
    let mut data = document
        .remove("data")
        .unwrap_or_else(|| Value::Object(Map::new()));
    for patch in patches {
        apply(&mut data, patch)?;
    }
    document.insert("data".to_owned(), data);
    let bytes = Value::Object(document).to_string().into_bytes();
    let (envelope, event) = decode_event(&bytes)?;
    Ok((bytes, envelope, event))
}

fn apply(data: &mut Value, patch: &FieldPatch) -> Result<(), PatchError> {
    let pointer = patch.pointer.as_str();
    let (old, new) = (
        json_of(pointer, patch.old.as_str())?,
        json_of(pointer, patch.new.as_str())?,
    );
    let found = data.pointer(pointer).cloned().unwrap_or(Value::Null);
    if found != old {
        return Err(PatchError::OldDiffers {
            pointer: pointer.to_owned(),
            expected: old.to_string(),
            found: found.to_string(),
        });
    }
    if !new.is_null()
        && let Some(place) = data.pointer_mut(pointer)
    {
        *place = new;
        return Ok(());
    }
    let nowhere = || PatchError::NoSuchField {
        pointer: pointer.to_owned(),
    };
    let (parent, name) = pointer.rsplit_once('/').ok_or_else(nowhere)?;
    let name = name.replace("~1", "/").replace("~0", "~");
    match (data.pointer_mut(parent), new) {
        (Some(Value::Object(fields)), Value::Null) => fields.remove(&name).map(drop).ok_or_else(nowhere),
        (Some(Value::Object(fields)), new) => {
            fields.insert(name, new);
            Ok(())
        }
        (Some(_) | None, _) => Err(nowhere()),
    }
}

fn json_of(pointer: &str, text: &str) -> Result<Value, PatchError> {
    serde_json::from_str(text)
        .ok()
        .ok_or_else(|| PatchError::NotJson {
            pointer: pointer.to_owned(),
            value: text.to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use portbook_domain::EventData;

    use super::*;

    const BODY: &[u8] = br#"{"specversion":"1.0","id":"00000000-0000-0000-0000-000000000001",
        "source":"urn:portbook:src:t","type":"portbook.shipment.closed.v1","subject":"C1",
        "time":"2025-06-01T08:00:00Z","partitionkey":"CNNBG","pbmode":"observed",
        "data":{"declaration_no":"D1","outcome":"reversed","reason_code":"typo"}}"#;

    fn patch(pointer: &str, old: &str, new: &str) -> FieldPatch {
        let text = |text: &str| text.parse().unwrap();
        FieldPatch {
            pointer: text(pointer),
            old: text(old),
            new: text(new),
        }
    }

    fn reason_after(patches: &[FieldPatch]) -> Result<Option<String>, PatchError> {
        let (_, _, event) = patched_event(BODY, patches)?;
        let EventData::ShipmentClosed(closed) = event.data else {
            panic!("another type");
        };
        Ok(closed.reason_code.map(|reason| reason.to_string()))
    }

    #[test]
    fn a_field_is_replaced_removed_and_added() {
        let replaced = reason_after(&[patch("/reason_code", r#""typo""#, r#""damage""#)]);
        assert_eq!(replaced.unwrap().as_deref(), Some("damage"));
        let removed = patch("/reason_code", r#""typo""#, "null");
        assert_eq!(reason_after(std::slice::from_ref(&removed)).unwrap(), None);
        let added = [removed, patch("/reason_code", "null", r#""again""#)];
        assert_eq!(reason_after(&added).unwrap().as_deref(), Some("again"));
    }

    #[test]
    fn a_correction_that_does_not_fit_changes_nothing() {
        for (wrong, what) in [
            (
                patch("/reason_code", r#""other""#, r#""x""#),
                "is \"typo\", not \"other\"",
            ),
            (patch("/nothing/there", "null", r#""x""#), "leads to nothing"),
            (patch("/reason_code", "typo", r#""x""#), "is no JSON"),
            (
                patch("/outcome", r#""reversed""#, r#""melted""#),
                "cannot be read",
            ),
        ] {
            let error = reason_after(&[wrong]).unwrap_err();
            assert!(error.to_string().contains(what), "{error}");
        }
    }
}
