//! One run: all facts of a scenario for one seed, in the order of time.

use std::collections::BTreeMap;

use crate::application::{Application, Ending, applications};
use crate::case::{Case, DeclarationRef};
use crate::defect;
use crate::fact::{Fact, Query, Recorder, Shipped, What};
use crate::label::Label;
use crate::license::{Grant, grants, shipments};
use crate::office::local_day;
use crate::oxide::lots;
use crate::shipment::{Shipment, hold_to_share, light};
use crate::simulation::{SimulateError, Wanted};

/// Why customs asks about magnets without a licence.
const CHALLENGE: &str = "possible_controlled_item";

/// All facts of one run.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    /// In the order in which they are written.
    pub(crate) facts: Vec<Fact<'a>>,
    /// What is wrong with them.
    pub(crate) labels: Vec<Label<'a>>,
    /// How many licences were granted.
    pub(crate) licenses: i64,
}

/// Draws a run.
///
/// # Errors
/// [`SimulateError::TooFew`] when the scenario has too few facts for the defects it asks for.
pub(crate) fn draw<'a>(from: &Recorder<'a>, wanted: &Wanted) -> Result<Run<'a>, SimulateError> {
    let applications = applications(from.scenario, from.seed, from.run);
    let oxides = lots(from.scenario, from.seed, from.run);
    let grants = grants(from, &applications, &oxides);
    let mut shipments = shipments(from, &grants);
    hold_to_share(from, &mut shipments);
    let light = light(from, &shipments);
    shipments.extend(light);
    number(&mut shipments);

    let mut facts = Vec::new();
    for (application, at) in applications.iter().zip(0..) {
        tell_application(from, Case::Dual(at), application, &mut facts);
    }
    for lot in &oxides {
        tell_application(from, lot.case, &lot.application, &mut facts);
    }
    for (grant, license) in grants.iter().zip(0..) {
        facts.push(granted(from, grant, license));
    }
    for shipment in &shipments {
        tell_shipment(from, shipment, wanted.declarations, &mut facts);
    }
    facts.sort_by_key(|fact| fact.written_s);
    let labels = if wanted.defects {
        defect::lay_over(from, &mut facts)?
    } else {
        Vec::new()
    };
    Ok(Run {
        facts,
        labels,
        licenses: i64::try_from(grants.len()).unwrap_or(i64::MAX),
    })
}

/// Numbers the declarations of each office in the order in which they were made.
fn number(shipments: &mut [Shipment<'_>]) {
    shipments.sort_by_key(|shipment| (shipment.declared_s, shipment.case, shipment.part));
    let mut next: BTreeMap<&str, i64> = BTreeMap::new();
    for shipment in shipments {
        let next = next.entry(&shipment.port.office).or_default();
        shipment.serial = *next;
        *next += 1;
    }
}

fn tell_application<'a>(
    from: &Recorder<'a>,
    case: Case<'a>,
    application: &Application<'a>,
    facts: &mut Vec<Fact<'a>>,
) {
    let Application {
        submitted_s,
        port,
        lot,
        expedited,
        queries,
        ending,
    } = application;
    let what = What::Submitted {
        lot: *lot,
        expedited: *expedited,
    };
    facts.push(from.record(case, 0, *submitted_s, port, what));
    for ((asked_s, reason), round) in queries.iter().zip(1..) {
        let what = What::Queried(Query {
            round,
            reason,
            challenge: None,
        });
        facts.push(from.record(case, round, *asked_s, port, what));
    }
    if let Ending::Closed(closed_s, outcome) = ending {
        facts.push(from.record(case, 0, *closed_s, port, What::Closed { outcome }));
    }
}

fn granted<'a>(from: &Recorder<'a>, grant: &Grant<'a>, license: i64) -> Fact<'a> {
    let what = What::Granted {
        license,
        valid_until: grant.valid_until,
        lot: grant.lot,
        expedited: grant.expedited,
    };
    from.record(grant.case, 0, grant.granted_s, grant.port, what)
}

fn tell_shipment<'a>(
    from: &Recorder<'a>,
    shipment: &Shipment<'a>,
    declarations: bool,
    facts: &mut Vec<Fact<'a>>,
) {
    let Shipment {
        case,
        part,
        port,
        declared_s,
        goods,
        ..
    } = shipment;
    let shipped = Shipped {
        declaration: DeclarationRef {
            office: &port.office,
            serial: shipment.serial,
        },
        license: shipment.license,
        hs: &goods.hs,
        control: shipment.license.map(|_| (&goods.control_code, &goods.element)),
        destination: shipment.destination,
        kg: shipment.kg,
    };
    if declarations {
        facts.push(from.record(*case, *part, *declared_s, port, What::Declared(shipped)));
    }
    if shipment.challenged {
        let declared = local_day(*declared_s);
        let due = from
            .scenario
            .office
            .after(declared, from.scenario.customs.reply_due_working_days);
        let what = What::Queried(Query {
            round: 1,
            reason: CHALLENGE,
            challenge: Some((shipped.declaration, due)),
        });
        facts.push(from.record(*case, *part, *declared_s, port, what));
    }
    facts.push(from.record(*case, *part, shipment.cleared_s, port, What::Cleared(shipped)));
}
