//! Licences of one run: who is granted one, and what is cleared on it.

use crate::application::{Application, Ending};
use crate::case::Case;
use crate::fact::{Lot, Recorder};
use crate::office::{day_of, local_day};
use crate::oxide::OxideLot;
use crate::scenario::Port;
use crate::shipment::Shipment;
use crate::stream::Stream;

/// Masses of parts are rounded to this.
const ROUND_KG: i64 = 10;

/// A licence.
#[derive(Debug)]
pub(crate) struct Grant<'a> {
    /// The case it was granted in.
    pub(crate) case: Case<'a>,
    /// When.
    pub(crate) granted_s: i64,
    /// Last day of validity.
    pub(crate) valid_until: i64,
    /// For what.
    pub(crate) lot: Lot<'a>,
    /// Where.
    pub(crate) port: &'a Port,
    /// In the expedited lane.
    pub(crate) expedited: bool,
    /// For many shipments.
    general: bool,
    /// When all of it is cleared, where that is given.
    cleared_s: Option<i64>,
}

/// The licences of a run in the order in which they were granted, which is that of their numbers.
pub(crate) fn grants<'a>(
    from: &Recorder<'a>,
    applications: &[Application<'a>],
    oxides: &[OxideLot<'a>],
) -> Vec<Grant<'a>> {
    let dual = applications
        .iter()
        .zip(0..)
        .filter_map(|(application, at)| grant(Case::Dual(at), application, None));
    let oxides = oxides
        .iter()
        .filter_map(|lot| grant(lot.case, &lot.application, Some(lot.cleared_s)));
    let mut grants: Vec<Grant<'a>> = dual.chain(oxides).collect();
    grants.sort_by_key(|grant| (grant.granted_s, grant.case));
    let rules = &from.scenario.license;
    let general_from = day_of(rules.general.from);
    let mut holders = rules.general.holders.iter();
    for grant in &mut grants {
        let day = local_day(grant.granted_s);
        grant.general = day >= general_from && grant.cleared_s.is_none() && holders.next().is_some();
        grant.valid_until = day
            + if grant.general {
                rules.general.validity_days
            } else {
                rules.validity_days
            };
    }
    grants
}

fn grant<'a>(case: Case<'a>, application: &Application<'a>, cleared_s: Option<i64>) -> Option<Grant<'a>> {
    let Ending::Granted(granted_s) = application.ending else {
        return None;
    };
    Some(Grant {
        case,
        granted_s,
        valid_until: 0,
        lot: application.lot,
        port: application.port,
        expedited: application.expedited,
        general: false,
        cleared_s,
    })
}

/// What is cleared on the licences: at once, or in parts, as far as the scenario and the validity reach.
pub(crate) fn shipments<'a>(from: &Recorder<'a>, grants: &[Grant<'a>]) -> Vec<Shipment<'a>> {
    let mut shipments = Vec::new();
    for (grant, license) in grants.iter().zip(0..) {
        let mut stream = Stream::open(from.seed, format_args!("{}/license/{}", from.run, grant.case));
        let parts = parts(from, grant, &mut stream);
        let mut day = local_day(grant.granted_s);
        for (kg, part) in parts.into_iter().zip(1..) {
            let lag = from.scenario.license.lag_to_clear_days.draw(&mut stream).max(1);
            day = from.scenario.office.at_or_after(day + lag);
            let cleared_s = match grant.cleared_s {
                Some(given) => given,
                None => from.scenario.office.moment(day, &mut stream),
            };
            let hours = from.scenario.customs.routine_hours.draw(&mut stream);
            shipments.push(Shipment {
                case: grant.case,
                part,
                port: grant.port,
                declared_s: (cleared_s - 3600 * hours).max(grant.granted_s + 3600),
                challenged: false,
                cleared_s,
                license: Some(license),
                use_by: grant.valid_until,
                goods: grant.lot.goods,
                destination: grant.lot.destination,
                kg,
                serial: 0,
            });
        }
    }
    shipments.retain(|shipment| shipment.is_possible(from.scenario.end));
    shipments
}

/// How a licence is split over declarations.
fn parts(from: &Recorder<'_>, grant: &Grant<'_>, stream: &mut Stream) -> Vec<i64> {
    let rules = &from.scenario.license;
    let single = stream.is_of(rules.single_use_pct) && !grant.general;
    let count = stream.between(2, rules.declarations_max);
    if single || grant.cleared_s.is_some() {
        return vec![grant.lot.kg];
    }
    let (least, most) = rules.partial_pct;
    let (mut left, mut parts) = (grant.lot.kg, Vec::new());
    for _ in 1..count {
        let part = left * stream.between(least, most) / 100 / ROUND_KG * ROUND_KG;
        if part > 0 {
            parts.push(part);
            left -= part;
        }
    }
    parts.push(left);
    parts
}
