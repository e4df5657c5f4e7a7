//! Shipments of one run: those on licences, within their share, and light magnets that fill each month's total.

use portbook_domain::CountryCode;

use crate::application::mass;
use crate::case::Case;
use crate::fact::Recorder;
use crate::office::local_day;
use crate::scenario::{Goods, Port, Scenario};
use crate::stream::Stream;
use crate::target::MagnetMonth;

/// Destinations that the targets do not list, together.
const REST_OF_WORLD: &str = "ROW";
/// A remainder below this goes with the last shipment.
const LEAST_KG: i64 = 50;

/// A shipment.
#[derive(Debug)]
pub(crate) struct Shipment<'a> {
    /// The case it belongs to.
    pub(crate) case: Case<'a>,
    /// Which one of its case, from 1.
    pub(crate) part: i64,
    /// Where it leaves.
    pub(crate) port: &'a Port,
    /// When it was declared.
    pub(crate) declared_s: i64,
    /// Customs asked whether it is controlled, when it was declared.
    pub(crate) challenged: bool,
    /// When it was cleared.
    pub(crate) cleared_s: i64,
    /// Its licence, by rank; light magnets have none.
    pub(crate) license: Option<i64>,
    /// Last day on which it may be cleared.
    pub(crate) use_by: i64,
    /// The goods; of light magnets only the commodity code.
    pub(crate) goods: &'a Goods,
    /// Country of destination.
    pub(crate) destination: &'a CountryCode,
    /// How much.
    pub(crate) kg: i64,
    /// Place among the declarations of its office; given once all are known.
    pub(crate) serial: i64,
}

impl Shipment<'_> {
    /// Whether it can be cleared within the scenario and its licence.
    pub(crate) fn is_possible(&self, end: i64) -> bool {
        let day = local_day(self.cleared_s);
        self.kg > 0 && day <= end && day <= self.use_by && self.declared_s < self.cleared_s
    }
}

/// Keeps licensed magnets within their share of each month's total: what is too much waits for the next month.
pub(crate) fn hold_to_share<'a>(from: &Recorder<'a>, licensed: &mut Vec<Shipment<'a>>) {
    let Some((_, magnets)) = from.scenario.magnets.first() else {
        return;
    };
    let share_pct = from.scenario.controlled_share_pct;
    for MagnetMonth { month, total_kg, .. } in &from.scenario.magnet_months {
        licensed.sort_by_key(|shipment| (shipment.cleared_s, shipment.license, shipment.part));
        let mut left = total_kg * share_pct / 100;
        for shipment in licensed.iter_mut().filter(|it| it.goods.hs == magnets.hs) {
            if !month.contains(local_day(shipment.cleared_s)) {
                continue;
            }
            if shipment.kg <= left {
                left -= shipment.kg;
                continue;
            }
            let label = format_args!("{}/wait/{}/{}", from.run, shipment.case, month.number);
            let mut stream = Stream::open(from.seed, label);
            let day = from
                .scenario
                .office
                .at_or_after(month.last + stream.between(1, 20));
            let held_s = shipment.cleared_s - shipment.declared_s;
            shipment.cleared_s = from.scenario.office.moment(day, &mut stream);
            shipment.declared_s = shipment.cleared_s - held_s;
        }
        licensed.retain(|shipment| shipment.is_possible(from.scenario.end));
    }
}

/// Light magnets: as many as are missing from each month's total, to each destination.
pub(crate) fn light<'a>(from: &Recorder<'a>, licensed: &[Shipment<'a>]) -> Vec<Shipment<'a>> {
    let mut shipments = Vec::new();
    for month in &from.scenario.magnet_months {
        for bucket in missing(from.scenario, month, licensed) {
            let (mut left, mut at) = (bucket.kg, 0);
            while left > 0 {
                let case = Case::Light(month.month.number, bucket.name, at);
                let mut stream = Stream::open(from.seed, format_args!("{}/light/{case}", from.run));
                let mut kg = mass(&from.scenario.customs.shipment_kg, &mut stream).min(left);
                if left - kg < LEAST_KG {
                    kg = left;
                }
                left -= kg;
                at += 1;
                shipments.extend(light_shipment(
                    from.scenario,
                    month,
                    &bucket,
                    case,
                    kg,
                    &mut stream,
                ));
            }
        }
    }
    shipments
}

/// What is missing to one destination.
struct Bucket<'a> {
    name: &'a str,
    countries: Vec<(i64, &'a CountryCode)>,
    kg: i64,
}

fn missing<'a>(scenario: &'a Scenario, month: &'a MagnetMonth, licensed: &[Shipment<'a>]) -> Vec<Bucket<'a>> {
    let magnets = scenario.magnets.first().map(|(_, goods)| &goods.hs);
    let cleared = |to: &dyn Fn(&CountryCode) -> bool| -> i64 {
        let of_month = licensed.iter().filter(|shipment| {
            Some(&shipment.goods.hs) == magnets
                && month.month.contains(local_day(shipment.cleared_s))
                && to(shipment.destination)
        });
        of_month.map(|shipment| shipment.kg).sum()
    };
    let mut left = (month.total_kg - cleared(&|_| true)).max(0);
    let mut buckets = Vec::new();
    for (country, kg) in &month.listed_kg {
        // What licences cleared beyond a destination's figure is taken from the others, in the order of the table.
        let kg = (kg - cleared(&|to| to == country)).clamp(0, left);
        left -= kg;
        buckets.push(Bucket {
            name: country.as_str(),
            countries: vec![(1, country)],
            kg,
        });
    }
    let members = scenario.classes.iter().flat_map(|class| &class.members);
    let unlisted = members.filter(|(_, country)| month.listed_kg.iter().all(|(listed, _)| listed != country));
    buckets.push(Bucket {
        name: REST_OF_WORLD,
        countries: unlisted.map(|(weight, country)| (*weight, country)).collect(),
        kg: left,
    });
    buckets
}

fn light_shipment<'a>(
    scenario: &'a Scenario,
    month: &MagnetMonth,
    bucket: &Bucket<'a>,
    case: Case<'a>,
    kg: i64,
    stream: &mut Stream,
) -> Option<Shipment<'a>> {
    let office = &scenario.office;
    let days: Vec<i64> = office.days(month.month.first, month.month.last).collect();
    let cleared = *stream.one_of(&days)?;
    let cleared_s = office.moment(cleared, stream);
    let routine_s = 3600 * scenario.customs.routine_hours.draw(stream).max(1);
    // Nobody was asked before there was a regime.
    let opening = office.at_or_after(scenario.regime_start);
    let held = scenario.customs.challenge_days.draw(stream);
    let declared = office.at_or_before(cleared - held).max(opening);
    let share = scenario
        .customs
        .challenge_pct
        .iter()
        .find(|(span, _)| span.contains(declared));
    let challenged = share.is_some_and(|(_, pct)| stream.is_of(*pct)) && declared < cleared;
    Some(Shipment {
        case,
        part: 1,
        port: stream.pick(&scenario.ports)?,
        declared_s: if challenged {
            office.moment(declared, stream)
        } else {
            cleared_s - routine_s
        },
        challenged,
        cleared_s,
        license: None,
        use_by: scenario.end,
        goods: scenario.magnets.first().map(|(_, goods)| goods)?,
        destination: stream.pick(&bucket.countries)?,
        kg,
        serial: 0,
    })
}
