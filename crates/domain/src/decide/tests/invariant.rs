//! What must hold of any history, said of the events alone and without a look at the state or the guards.

mod application;
mod license;
mod repair;
mod shipment;

use jiff::Timestamp;

use crate::identifier::CommandId;
use crate::{Event, EventData, EventId};

/// An event as it was told, with the command it answers and the time of the decision.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) event: Event,
    pub(super) command: CommandId,
    pub(super) now: Timestamp,
}

/// A claim about a history of events that stand.
type Claim = (&'static str, fn(&[&Event]) -> bool);

/// The first claim that does not hold.
pub(super) fn violated(told: &[Told]) -> Option<&'static str> {
    let standing: Vec<&Event> = told
        .iter()
        .map(|it| &it.event)
        .filter(|it| !is_annulled(told, &it.id))
        .collect();
    let of_standing = [application::CLAIMS, license::CLAIMS, shipment::CLAIMS];
    of_standing
        .into_iter()
        .flatten()
        .find(|(_, holds)| !holds(&standing))
        .map(|(name, _)| *name)
        .or_else(|| {
            repair::CLAIMS
                .iter()
                .find(|(_, holds)| !holds(told))
                .map(|(name, _)| *name)
        })
}

fn is_annulled(told: &[Told], id: &EventId) -> bool {
    told.iter()
        .any(|it| matches!(&it.event.data, EventData::RecordAnnulled(of) if of.target_event_id == *id))
}

/// Every event of one kind with the events before it.
fn each<'a, T: 'a>(
    events: &'a [&'a Event],
    pick: impl Fn(&'a EventData) -> Option<&'a T> + 'a,
) -> impl Iterator<Item = (&'a [&'a Event], &'a Event, &'a T)> {
    events.iter().enumerate().filter_map(move |(at, event)| {
        pick(&event.data).map(|data| (events.get(..at).unwrap_or_default(), *event, data))
    })
}

/// Picks one kind of event.
macro_rules! picks {
    ($($pick:ident: $kind:ident,)*) => { $(
        fn $pick(data: &EventData) -> Option<&crate::$kind> {
            if let EventData::$kind(it) = data { Some(it) } else { None }
        }
    )* };
}

picks! {
    submission: ApplicationSubmitted,
    closing: ApplicationClosed,
    query: PaperworkQueried,
    answer: PaperworkAnswered,
    grant: LicenseGranted,
    change: LicenseChanged,
    declaration: ShipmentDeclared,
    clearance: ShipmentCleared,
    ending: ShipmentClosed,
}
