//! How corrections and annulments are told.

use portbook_audit::{Repair, Repairs};
use serde_json::{Value, json};

use crate::speech::harmless;

/// What stands beside a record that was repaired, or that is a repair without effect.
pub(crate) fn mark_of(repairs: &Repairs, leaf: u64) -> String {
    let mut marks = Vec::new();
    if let Some(standing) = repairs.standing.get(&leaf) {
        marks.extend(standing.annulled_by.map(|by| format!("[annulled by leaf {by}]")));
        marks.extend(
            standing
                .corrected_by
                .iter()
                .map(|by| format!("[corrected by leaf {by}]")),
        );
    }
    let own = repairs.repairs.iter().find(|repair| repair.place.index == leaf);
    if let Some(idle) = own.and_then(|repair| repair.idle.as_ref()) {
        marks.push(format!("[without effect: {}]", harmless(&idle.to_string())));
    }
    marks.join(" ")
}

/// A repair as a document.
pub(crate) fn repair_document(repair: &Repair) -> Value {
    json!({
        "leaf": repair.place.index,
        "repairs_leaf": repair.target,
        "kind": if repair.patches.is_some() { "correction" } else { "annulment" },
        "patches": repair.patches,
        "reason": repair.reason,
        "requested_by": repair.requested_by,
        "approved_by": repair.approved_by,
        "in_effect": repair.idle.is_none(),
        "why_not": repair.idle.as_ref().map(ToString::to_string),
    })
}
