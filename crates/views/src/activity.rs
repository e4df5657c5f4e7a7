//! What went on at each port, month by month: events and grams by kind, destination and element.

use std::borrow::Cow;

use portbook_domain::{CountryCode, Element, EventData, PortCode, local_date};
use serde::{Deserialize, Serialize};

use crate::timeline::RecordClass;
use crate::view::{Recorded, View};

/// Events and grams per port, month, kind of event, destination and element.
///
/// An event counts once in each cell that one of its lines falls into; grams add up line by line. Months are those of China
/// (+08:00). It says what was recorded: later corrections and annulments are counted as the events they are.
#[derive(Debug, Clone, Copy)]
pub struct PortActivity;

/// Where something was counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ActivityKey {
    /// The port.
    pub port: PortCode,
    /// Year of the month.
    pub year: i16,
    /// The month, 1 to 12.
    pub month: i8,
    /// `<entity>.<verb>`.
    pub event: Cow<'static, str>,
    /// Country of destination, where the event names one.
    pub destination: Option<CountryCode>,
    /// Element of the line, where it names one.
    pub element: Option<Element>,
}

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Activity {
    /// Number of events.
    pub events: u64,
    /// Grams of their lines.
    pub grams: u64,
}

/// Element and grams of one line.
type Line<'a> = (Option<&'a Element>, u64);

/// Counts one event in each cell that one of its lines falls into.
fn count(
    recorded: &Recorded<'_>,
    destination: Option<&CountryCode>,
    lines: &[Line<'_>],
    add: &mut impl FnMut(ActivityKey, Activity),
) {
    let day = local_date(recorded.event.occurred_at);
    for (at, (element, grams)) in lines.iter().enumerate() {
        let key = ActivityKey {
            port: recorded.port.clone(),
            year: day.year(),
            month: day.month(),
            event: Cow::Borrowed(recorded.event.data.kind().name()),
            destination: destination.cloned(),
            element: element.cloned(),
        };
        let counted = lines.iter().take(at).any(|(earlier, _)| earlier == element);
        let cell = Activity {
            events: u64::from(!counted),
            grams: *grams,
        };
        add(key, cell);
    }
}

impl View for PortActivity {
    const NAME: &'static str = "port-activity";
    const VERSION: u32 = 1;
    const IS_LOG: bool = false;
    type Key = ActivityKey;
    type Row = Activity;
    type Part = Activity;

    fn parts(recorded: &Recorded<'_>, add: &mut impl FnMut(ActivityKey, Activity)) {
        match recorded.class {
            RecordClass::Event => {}
            RecordClass::Redelivery
            | RecordClass::Conflict
            | RecordClass::Quarantine
            | RecordClass::Control => return,
        }
        match &recorded.event.data {
            EventData::ApplicationSubmitted(it) => {
                let lines = it
                    .lines
                    .iter()
                    .map(|line| (Some(&line.element), line.net_mass_g.get()));
                count(recorded, Some(&it.destination), &lines.collect::<Vec<_>>(), add);
            }
            EventData::LicenseGranted(it) => {
                let lines = it
                    .lines
                    .iter()
                    .map(|line| (Some(&line.element), line.granted_g.get()));
                count(recorded, Some(&it.destination), &lines.collect::<Vec<_>>(), add);
            }
            EventData::ShipmentDeclared(it) => {
                let lines = it
                    .lines
                    .iter()
                    .map(|line| (line.element.as_ref(), line.cleared_g.get()));
                count(recorded, it.destination.as_ref(), &lines.collect::<Vec<_>>(), add);
            }
            EventData::ShipmentCleared(it) => {
                let lines = it
                    .lines
                    .iter()
                    .map(|line| (line.element.as_ref(), line.cleared_g.get()));
                count(recorded, Some(&it.destination), &lines.collect::<Vec<_>>(), add);
            }
            EventData::ShipmentClosed(it) => {
                let grams = it.returned_g.map_or(0, portbook_domain::Grams::get);
                count(recorded, None, &[(None, grams)], add);
            }
            EventData::ApplicationClosed(_)
            | EventData::PaperworkQueried(_)
            | EventData::PaperworkAnswered(_)
            | EventData::LicenseChanged(_)
            | EventData::RecordCorrected(_)
            | EventData::RecordAnnulled(_) => count(recorded, None, &[(None, 0)], add),
        }
    }

    fn join(part: &mut Activity, later: Activity) {
        part.events = part.events.saturating_add(later.events);
        part.grams = part.grams.saturating_add(later.grams);
    }

    fn row(before: Option<Activity>, part: Activity) -> Activity {
        let mut row = before.unwrap_or_default();
        Self::join(&mut row, part);
        row
    }
}
