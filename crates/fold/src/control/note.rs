//! What a reader sees of a control message at a glance.

use portbook_wire::control::{Control, SourceStated};

/// A few words about what the message says.
pub(super) fn of(control: &Control) -> String {
    match control {
        Control::LedgerOpened(it) => it.origin.to_string(),
        Control::Seal(_) => String::new(),
        Control::KeyRegistered(it) => {
            format!("{} for {} until {}", it.key_id, it.source, it.valid_until)
        }
        Control::KeyRotated(it) => {
            format!(
                "{} takes over from {}, both good until {}",
                it.new_key_id, it.old_key_id, it.overlap_until
            )
        }
        Control::KeyRevoked(it) => format!(
            "{} contested from {}: {}",
            it.key_id, it.contested_from, it.reason
        ),
        Control::ReferencePublished(it) => it.name.to_string(),
        Control::SourceStated(it) => stated(it),
        Control::EpochDeclared(it) => format!("epoch {}: {}", it.epoch, it.reason),
        Control::ErasureNoticed(it) => {
            let fields: Vec<&str> = it.fields.iter().map(portbook_domain::Text::as_str).collect();
            format!("{} of {}: {}", fields.join(", "), it.target_event_id, it.reason)
        }
    }
}

fn stated(it: &SourceStated) -> String {
    format!(
        "{} published {} events after message {}",
        it.source, it.count, it.after_seq
    )
}
