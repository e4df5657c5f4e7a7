//! What a case knows of itself: its history, and what stands after all corrections and annulments.

mod declaration;
mod license;
mod standing;

pub(crate) use declaration::mass_of;
pub use declaration::{Declaration, DeclarationStatus};
pub use license::{License, LicenseCondition};
pub use standing::{Application, ApplicationStatus, PaperworkQuery, Standing};

use crate::event::{Event, EventData};
use crate::identifier::{CommandId, EventId, PortCode};

/// One event as the history of its case carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastEvent {
    /// The event.
    pub event: Event,
    /// The command it answered; an observed event answered none.
    pub command: Option<CommandId>,
    /// Whether a later event states that it did not happen.
    pub annulled: bool,
}

/// A case: the events so far and what stands of them. The default is a case of which nothing is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CaseState {
    history: Vec<PastEvent>,
    standing: Standing,
    version: u64,
    /// Events that others observed, and their ports.
    observed: Vec<(PastEvent, PortCode)>,
}

impl CaseState {
    /// How many authoritative events the case has: the `sequence` of the last one.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Every event so far, in the order of the stream, annulled ones included.
    #[must_use]
    pub fn history(&self) -> &[PastEvent] {
        &self.history
    }

    /// What stands once annulled events are left out.
    #[must_use]
    pub const fn standing(&self) -> &Standing {
        &self.standing
    }

    /// The event that answered `command`, if there is one; an annulled answer is still the answer.
    #[must_use]
    pub fn answer_to(&self, command: &CommandId) -> Option<&PastEvent> {
        self.history
            .iter()
            .find(|past| past.command.as_ref() == Some(command))
    }

    /// The event with this id: one of the history, or else an observed one.
    #[must_use]
    pub fn event(&self, id: &EventId) -> Option<&PastEvent> {
        let past = self.history.iter().find(|past| past.event.id == *id);
        past.or_else(|| self.observation(id).map(|(past, _)| past))
    }

    /// The case with one more observed event, at `port` as written. It can be repaired; no rule looks at it otherwise.
    #[must_use]
    pub fn with_observed(mut self, event: Event, port: PortCode) -> Self {
        if self.event(&event.id).is_none() {
            let past = PastEvent {
                event,
                command: None,
                annulled: false,
            };
            self.observed.push((past, port));
        }
        self
    }

    fn observation(&self, id: &EventId) -> Option<&(PastEvent, PortCode)> {
        self.observed.iter().find(|(past, _)| past.event.id == *id)
    }

    /// The port, as written, in whose timeline an event with this data belongs; `None` while the case names none.
    ///
    /// A declaration and what follows from it belong to the port of the declaration, a repair to the port of what
    /// it repairs, everything else to the exit port of the application.
    #[must_use]
    pub fn port_of(&self, data: &EventData) -> Option<PortCode> {
        match self.repaired_by(data) {
            Some(repaired) => match self.observation(&repaired.id) {
                Some((_, port)) => Some(port.clone()),
                None => self.standing_with_annulled().port_of(&repaired.data),
            },
            None => self.standing.port_of(data),
        }
    }

    /// What a repair, or a repair of a repair, is about in the end.
    fn repaired_by(&self, data: &EventData) -> Option<&Event> {
        let mut repaired = &self.event(target_of(data)?)?.event;
        // Each step leads to an earlier event in a decided case; observed ones may point in circles.
        for _ in self
            .history
            .iter()
            .chain(self.observed.iter().map(|(past, _)| past))
        {
            match target_of(&repaired.data) {
                Some(target) => repaired = &self.event(target)?.event,
                None => return Some(repaired),
            }
        }
        None
    }

    /// What would stand if nothing had been annulled: an annulled declaration still says where it was made.
    fn standing_with_annulled(&self) -> Standing {
        self.history
            .iter()
            .fold(Standing::default(), |standing, past| standing.with(&past.event))
    }

    /// The events that stand, in order, leaving out `without`.
    pub(crate) fn standing_events<'a>(&'a self, without: &'a EventId) -> impl Iterator<Item = &'a Event> {
        self.history
            .iter()
            .filter(|past| !past.annulled)
            .map(|past| &past.event)
            .filter(|event| event.id != *without)
    }

    fn annul(&mut self, target: &EventId) {
        // An observed event can bear the id of one in the history; the one in the history is meant, as in `event`.
        let past = self.history.iter_mut().find(|past| past.event.id == *target);
        let observed = self.observed.iter_mut().map(|(past, _)| past);
        if let Some(past) = past.or_else(|| observed.into_iter().find(|past| past.event.id == *target)) {
            past.annulled = true;
        }
        self.standing = self
            .history
            .iter()
            .filter(|past| !past.annulled)
            .fold(Standing::default(), |standing, past| standing.with(&past.event));
    }
}

/// The event that `data` repairs.
pub(crate) const fn target_of(data: &EventData) -> Option<&EventId> {
    match data {
        EventData::RecordCorrected(it) => Some(&it.target_event_id),
        EventData::RecordAnnulled(it) => Some(&it.target_event_id),
        EventData::ApplicationSubmitted(_)
        | EventData::ApplicationClosed(_)
        | EventData::PaperworkQueried(_)
        | EventData::PaperworkAnswered(_)
        | EventData::LicenseGranted(_)
        | EventData::LicenseChanged(_)
        | EventData::ShipmentDeclared(_)
        | EventData::ShipmentCleared(_)
        | EventData::ShipmentClosed(_) => None,
    }
}

/// The case after one more event. Total: whatever an event says, the case goes on.
///
/// `command` is the command the event answered, absent for an observed event. An event id the case already has
/// changes nothing: a redelivery is absorbed.
#[must_use]
pub fn evolve(mut case: CaseState, event: &Event, command: Option<&CommandId>) -> CaseState {
    if case.history.iter().any(|past| past.event.id == event.id) {
        return case;
    }
    case.version = case.version.saturating_add(u64::from(command.is_some()));
    case.history.push(PastEvent {
        event: event.clone(),
        command: command.cloned(),
        annulled: false,
    });
    if let EventData::RecordAnnulled(annulled) = &event.data {
        case.annul(&annulled.target_event_id);
    } else {
        case.standing = std::mem::take(&mut case.standing).with(event);
    }
    case
}
