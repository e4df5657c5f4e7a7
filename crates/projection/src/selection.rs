//! Which records enter: all but declared skips, or those that somebody asked for.

use std::collections::BTreeSet;

use jiff::Timestamp;
use portbook_domain::{
    CaseId, ClearedLine, CountryCode, Element, Event, EventData, EventKind, HsCode, PortCode,
};

use crate::reading::Reading;

/// What somebody wants to see; the default is everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only records in the chain of this port.
    pub port: Option<PortCode>,
    /// Only this case.
    pub case: Option<CaseId>,
    /// Only events of this kind.
    pub kind: Option<EventKind>,
    /// Only events that name this country of destination.
    pub destination: Option<CountryCode>,
    /// Only events with a line of this element.
    pub element: Option<Element>,
    /// Only events with a line whose commodity code begins like this.
    pub hs: Option<String>,
    /// Only what happened then or later.
    pub since: Option<Timestamp>,
    /// Only what happened before then.
    pub until: Option<Timestamp>,
}

/// Which records enter a fold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    /// Leaves that are skipped by declaration.
    pub(crate) skipped: BTreeSet<u64>,
    pub(crate) filter: Filter,
}

impl Selection {
    /// Whether the record at `index` is skipped by declaration.
    pub(crate) fn skips(&self, index: u64) -> bool {
        self.skipped.contains(&index)
    }
}

impl Filter {
    /// Whether the record is wanted. One that cannot be read is wanted by its case alone.
    pub(crate) fn takes(&self, reading: &Reading) -> bool {
        match reading {
            Reading::Event(read) => self.takes_event(read.recorded().port, read.recorded().event),
            Reading::Unreadable { case, .. } => {
                let case_only = Self {
                    case: self.case.clone(),
                    ..Self::default()
                };
                *self == case_only && self.case.as_ref().is_none_or(|wanted| wanted == case)
            }
            Reading::Nothing | Reading::Damaged(_) => false,
        }
    }

    fn takes_event(&self, port: &PortCode, event: &Event) -> bool {
        let goods = goods_of(&event.data);
        let same = |wanted: &Option<CountryCode>| wanted.is_none() || wanted.as_ref() == goods.destination;
        self.port.as_ref().is_none_or(|wanted| wanted == port)
            && self.case.as_ref().is_none_or(|wanted| *wanted == event.case)
            && self.kind.is_none_or(|wanted| wanted == event.data.kind())
            && same(&self.destination)
            && self.since.is_none_or(|since| event.occurred_at >= since)
            && self.until.is_none_or(|until| event.occurred_at < until)
            && self
                .element
                .as_ref()
                .is_none_or(|wanted| goods.lines.iter().any(|(_, element)| *element == Some(wanted)))
            && self.hs.as_ref().is_none_or(|wanted| {
                let mut codes = goods.lines.iter().map(|(hs, _)| hs.as_str());
                codes.any(|hs| hs.starts_with(wanted.as_str()))
            })
    }
}

/// Destination and lines of an event.
struct Goods<'a> {
    destination: Option<&'a CountryCode>,
    lines: Vec<(&'a HsCode, Option<&'a Element>)>,
}

fn goods_of(data: &EventData) -> Goods<'_> {
    match data {
        EventData::ApplicationSubmitted(it) => Goods {
            destination: Some(&it.destination),
            lines: it
                .lines
                .iter()
                .map(|line| (&line.hs, Some(&line.element)))
                .collect(),
        },
        EventData::LicenseGranted(it) => Goods {
            destination: Some(&it.destination),
            lines: it
                .lines
                .iter()
                .map(|line| (&line.hs, Some(&line.element)))
                .collect(),
        },
        EventData::ShipmentDeclared(it) => Goods {
            destination: it.destination.as_ref(),
            lines: lines_of(&it.lines),
        },
        EventData::ShipmentCleared(it) => Goods {
            destination: Some(&it.destination),
            lines: lines_of(&it.lines),
        },
        EventData::ApplicationClosed(_)
        | EventData::PaperworkQueried(_)
        | EventData::PaperworkAnswered(_)
        | EventData::LicenseChanged(_)
        | EventData::ShipmentClosed(_)
        | EventData::RecordCorrected(_)
        | EventData::RecordAnnulled(_) => Goods {
            destination: None,
            lines: Vec::new(),
        },
    }
}

fn lines_of(lines: &[ClearedLine]) -> Vec<(&HsCode, Option<&Element>)> {
    lines
        .iter()
        .map(|line| (&line.hs, line.element.as_ref()))
        .collect()
}
