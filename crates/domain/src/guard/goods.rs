//! Rules about lists of goods: what is listed, and that it stays what was applied for.

use std::collections::BTreeSet;

use super::{Proposal, Verdict};
use crate::event::{ApplicationLine, ClearedLine, EventData, GrantedLine};
use crate::identifier::{ControlCode, CountryCode, Element, Grams, HsCode};
use crate::rejection::Rejection;

/// One line of any list of goods.
#[derive(Debug, Clone, Copy)]
struct Goods<'a> {
    line: Option<u16>,
    hs: &'a HsCode,
    control_code: Option<&'a ControlCode>,
    element: Option<&'a Element>,
    mass_g: Grams,
}

impl<'a> From<&'a ApplicationLine> for Goods<'a> {
    fn from(it: &'a ApplicationLine) -> Self {
        Self {
            line: Some(it.line),
            hs: &it.hs,
            control_code: Some(&it.control_code),
            element: Some(&it.element),
            mass_g: it.net_mass_g,
        }
    }
}

impl<'a> From<&'a GrantedLine> for Goods<'a> {
    fn from(it: &'a GrantedLine) -> Self {
        Self {
            line: Some(it.line),
            hs: &it.hs,
            control_code: Some(&it.control_code),
            element: Some(&it.element),
            mass_g: it.granted_g,
        }
    }
}

impl<'a> From<&'a ClearedLine> for Goods<'a> {
    fn from(it: &'a ClearedLine) -> Self {
        Self {
            line: it.line,
            hs: &it.hs,
            control_code: it.control_code.as_ref(),
            element: it.element.as_ref(),
            mass_g: it.cleared_g,
        }
    }
}

pub(super) fn lines_missing(proposal: Proposal<'_>) -> Verdict {
    match goods_of(proposal.data) {
        Some(goods) if goods.is_empty() => Err(Rejection::LinesMissing {
            attempted: proposal.data.kind().name(),
        }),
        _ => Ok(()),
    }
}

pub(super) fn line_repeated(proposal: Proposal<'_>) -> Verdict {
    let goods = goods_of(proposal.data).unwrap_or_default();
    let mut seen = BTreeSet::new();
    match goods
        .iter()
        .filter_map(|goods| goods.line)
        .find(|line| !seen.insert(*line))
    {
        Some(line) => Err(Rejection::LineRepeated { line }),
        None => Ok(()),
    }
}

pub(super) fn mass_zero(proposal: Proposal<'_>) -> Verdict {
    let goods = goods_of(proposal.data).unwrap_or_default();
    match goods
        .iter()
        .zip(1..)
        .find(|(goods, _)| goods.mass_g == Grams::ZERO)
    {
        Some((_, position)) => Err(Rejection::MassZero { position }),
        None => Ok(()),
    }
}

pub(super) fn line_unknown(proposal: Proposal<'_>) -> Verdict {
    let Some(expected) = expected_of(proposal) else {
        return Ok(());
    };
    let goods = goods_of(proposal.data).unwrap_or_default();
    match goods
        .iter()
        .find(|goods| goods.line.is_none() || line_of(&expected, goods.line).is_none())
    {
        Some(goods) => Err(Rejection::LineUnknown {
            attempted: proposal.data.kind().name(),
            line: goods.line,
        }),
        None => Ok(()),
    }
}

pub(super) fn goods_mismatch(proposal: Proposal<'_>) -> Verdict {
    let Some(expected) = expected_of(proposal) else {
        return Ok(());
    };
    for found in goods_of(proposal.data).unwrap_or_default() {
        let (Some(line), Some(expected)) = (found.line, line_of(&expected, found.line)) else {
            continue;
        };
        let fields = [
            ("hs", Some(found.hs.as_str()), Some(expected.hs.as_str())),
            (
                "control_code",
                found.control_code.map(ControlCode::as_str),
                expected.control_code.map(ControlCode::as_str),
            ),
            (
                "element",
                found.element.map(Element::as_str),
                expected.element.map(Element::as_str),
            ),
        ];
        if let Some((field, found, expected)) =
            fields.into_iter().find(|(_, found, expected)| found != expected)
        {
            return Err(Rejection::GoodsMismatch {
                line,
                field,
                found: found.unwrap_or("not stated").to_owned(),
                expected: expected.unwrap_or("not stated").to_owned(),
            });
        }
    }
    Ok(())
}

pub(super) fn granted_over_applied(proposal: Proposal<'_>) -> Verdict {
    let (EventData::LicenseGranted(it), Some(expected)) = (proposal.data, expected_of(proposal)) else {
        return Ok(());
    };
    for granted in &it.lines {
        match line_of(&expected, Some(granted.line)) {
            Some(applied) if granted.granted_g > applied.mass_g => {
                return Err(Rejection::GrantedOverApplied {
                    line: granted.line,
                    granted_g: granted.granted_g,
                    applied_g: applied.mass_g,
                });
            }
            _ => {}
        }
    }
    Ok(())
}

pub(super) fn destination_mismatch(proposal: Proposal<'_>) -> Verdict {
    match destinations_of(proposal) {
        Some((found, expected)) if found != expected => Err(Rejection::DestinationMismatch {
            found: found.clone(),
            expected: expected.clone(),
        }),
        _ => Ok(()),
    }
}

/// The goods an event lists; `None` where its kind lists none.
fn goods_of(data: &EventData) -> Option<Vec<Goods<'_>>> {
    match data {
        EventData::ApplicationSubmitted(it) => Some(it.lines.iter().map(Goods::from).collect()),
        EventData::LicenseGranted(it) => Some(it.lines.iter().map(Goods::from).collect()),
        EventData::ShipmentDeclared(it) => Some(it.lines.iter().map(Goods::from).collect()),
        EventData::ShipmentCleared(it) => Some(it.lines.iter().map(Goods::from).collect()),
        EventData::ApplicationClosed(_)
        | EventData::PaperworkQueried(_)
        | EventData::PaperworkAnswered(_)
        | EventData::LicenseChanged(_)
        | EventData::ShipmentClosed(_)
        | EventData::RecordCorrected(_)
        | EventData::RecordAnnulled(_) => None,
    }
}

/// The goods that the lines of an event refer to by number: a grant to the application, a declaration to its licence.
///
/// A clearance is held to its declaration as a whole, by `cleared-over-declared`.
fn expected_of(proposal: Proposal<'_>) -> Option<Vec<Goods<'_>>> {
    match proposal.data {
        EventData::LicenseGranted(_) => {
            let application = proposal.standing.application.as_ref()?;
            Some(application.submitted.lines.iter().map(Goods::from).collect())
        }
        EventData::ShipmentDeclared(it) => {
            let license = proposal.standing.license.as_ref()?;
            (it.license_no.as_ref() == Some(&license.granted.license_no))
                .then(|| license.granted.lines.iter().map(Goods::from).collect())
        }
        EventData::ApplicationSubmitted(_)
        | EventData::ApplicationClosed(_)
        | EventData::PaperworkQueried(_)
        | EventData::PaperworkAnswered(_)
        | EventData::LicenseChanged(_)
        | EventData::ShipmentCleared(_)
        | EventData::ShipmentClosed(_)
        | EventData::RecordCorrected(_)
        | EventData::RecordAnnulled(_) => None,
    }
}

fn line_of<'g, 'a>(goods: &'g [Goods<'a>], number: Option<u16>) -> Option<&'g Goods<'a>> {
    goods.iter().find(|goods| goods.line == number)
}

/// The destination an event states and the one it follows from.
fn destinations_of(proposal: Proposal<'_>) -> Option<(&CountryCode, &CountryCode)> {
    let standing = proposal.standing;
    match proposal.data {
        EventData::LicenseGranted(it) => Some((
            &it.destination,
            &standing.application.as_ref()?.submitted.destination,
        )),
        EventData::ShipmentDeclared(it) => {
            it.license_no.as_ref()?;
            Some((
                it.destination.as_ref()?,
                &standing.license.as_ref()?.granted.destination,
            ))
        }
        EventData::ShipmentCleared(it) => {
            let declaration = standing.declarations.get(&it.declaration_no)?;
            Some((&it.destination, declaration.declared.destination.as_ref()?))
        }
        EventData::ApplicationSubmitted(_)
        | EventData::ApplicationClosed(_)
        | EventData::PaperworkQueried(_)
        | EventData::PaperworkAnswered(_)
        | EventData::LicenseChanged(_)
        | EventData::ShipmentClosed(_)
        | EventData::RecordCorrected(_)
        | EventData::RecordAnnulled(_) => None,
    }
}
