//! Old versions of event types, lifted to the current one: pure functions from JSON to JSON.
//!
//! A published version is read for ever. When a type gets a new version, its old shape is frozen here as one step.

use portbook_domain::EventKind;

use crate::json::{JsonError, Object};

/// Lifts the `data` of one type from one version to the next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) kind: EventKind,
    /// The version it reads; it gives the next.
    pub(crate) from: u16,
    pub(crate) lift: for<'a> fn(Object<'a>) -> Result<Object<'a>, JsonError>,
}

/// The steps there are, ascending by version within a kind and without a gap.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Upcasts(pub(crate) &'static [Step]);

/// Every type is at its first version, so there is nothing to lift.
pub(crate) const PUBLISHED: Upcasts = Upcasts(&[]);

impl Upcasts {
    /// The version events of this kind are written in.
    pub(crate) fn current(&self, kind: EventKind) -> u16 {
        self.steps(kind).last().map_or(1, |step| step.from + 1)
    }

    /// Whether `version` of `kind` was ever published.
    pub(crate) fn can_read(&self, kind: EventKind, version: u16) -> bool {
        version == self.current(kind) || self.steps(kind).any(|step| step.from == version)
    }

    /// Lifts `data` from `version` to the current one.
    pub(crate) fn lift<'a>(
        &self,
        kind: EventKind,
        version: u16,
        data: Object<'a>,
    ) -> Result<Object<'a>, JsonError> {
        self.steps(kind)
            .filter(|step| step.from >= version)
            .try_fold(data, |data, step| (step.lift)(data))
    }

    fn steps(&self, kind: EventKind) -> impl Iterator<Item = &'static Step> {
        self.0.iter().filter(move |step| step.kind == kind)
    }
}

#[cfg(test)]
mod tests;
