//! Oxides: the reported monthly flows, replayed lot by lot.

use crate::application::{Application, Ending};
use crate::case::Case;
use crate::fact::Lot;
use crate::scenario::{Goods, Scenario};
use crate::stream::Stream;
use crate::target::OxideFlow;

/// A lot: its application, and when it is cleared.
#[derive(Debug)]
pub(crate) struct OxideLot<'a> {
    /// The case.
    pub(crate) case: Case<'a>,
    /// Always granted.
    pub(crate) application: Application<'a>,
    /// When it was cleared, all of it.
    pub(crate) cleared_s: i64,
}

/// Draws the lots of all flows.
pub(crate) fn lots(scenario: &Scenario, seed: u64, run: i64) -> Vec<OxideLot<'_>> {
    let mut lots = Vec::new();
    for (flow, nth) in scenario.oxide_flows.iter().zip(0..) {
        let Some(goods) = scenario.oxides.iter().find(|goods| goods.element == flow.element) else {
            continue;
        };
        let (mut left, mut lot) = (flow.kg, 0);
        while left > 0 {
            let label = format_args!("{run}/oxide/{nth}/{lot}");
            let mut stream = Stream::open(seed, label);
            let most = scenario.oxide_lot_kg_max;
            let drawn = most * stream.between(40, 100) / 100;
            // A rest that is no lot of its own goes with this one.
            let kg = if left <= drawn.max(1) + most / 4 {
                left
            } else {
                drawn.max(1)
            };
            let case = Case::Oxide(nth, lot);
            lots.extend(oxide_lot(scenario, flow, goods, case, kg, &mut stream));
            left -= kg;
            lot += 1;
        }
    }
    lots
}

/// Works back from the clearance: the grant before it, the application before that.
fn oxide_lot<'a>(
    scenario: &'a Scenario,
    flow: &'a OxideFlow,
    goods: &'a Goods,
    case: Case<'a>,
    kg: i64,
    stream: &mut Stream,
) -> Option<OxideLot<'a>> {
    let office = &scenario.office;
    let class = scenario.class_of(&flow.destination)?;
    let opening = office.at_or_after(scenario.regime_start);
    let earliest = office.at_or_after(class.first_grant.max(opening + 1));
    let possible: Vec<i64> = office
        .days(flow.month.first.max(earliest + 1), flow.month.last)
        .collect();
    let cleared = stream.one_of(&possible)?;
    let lag = scenario.license.lag_to_clear_days.draw(stream).max(1);
    let granted = office.at_or_before(cleared - lag).max(earliest);
    let latency = scenario.fate(class, opening)?.latency_days.draw(stream).max(1);
    let submitted = office.at_or_before(granted - latency).max(opening);
    Some(OxideLot {
        case,
        application: Application {
            submitted_s: office.moment(submitted, stream),
            port: stream.pick(&scenario.ports)?,
            lot: Lot {
                destination: &flow.destination,
                goods,
                kg,
            },
            expedited: false,
            queries: Vec::new(),
            ending: Ending::Granted(office.moment(granted, stream)),
        },
        cleared_s: office.moment(*cleared, stream),
    })
}
