//! Applications of one run: when they are filed, what is asked, how they end.

use crate::fact::Lot;
use crate::office::local_day;
use crate::quantile::Quantiles;
use crate::scenario::{Class, Fate, Port, Scenario};
use crate::stream::Stream;

/// Masses are rounded to this, as people write them.
const ROUND_KG: i64 = 10;
/// Days over which the queries of a case that stays open are spread.
const OPEN_QUERY_DAYS: i64 = 60;

/// An application from its filing to its end.
#[derive(Debug)]
pub(crate) struct Application<'a> {
    /// When it was filed.
    pub(crate) submitted_s: i64,
    /// Where.
    pub(crate) port: &'a Port,
    /// For what.
    pub(crate) lot: Lot<'a>,
    /// In the expedited lane.
    pub(crate) expedited: bool,
    /// When papers were asked for, and why, in order.
    pub(crate) queries: Vec<(i64, &'a str)>,
    /// How it ended.
    pub(crate) ending: Ending,
}

/// How an application ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It does not, within the scenario.
    Open,
    /// With a licence, at this moment.
    Granted(i64),
    /// Without one, at this moment, with this outcome.
    Closed(i64, &'static str),
}

/// Draws all applications of a run, in order of submission.
pub(crate) fn applications(scenario: &Scenario, seed: u64, run: i64) -> Vec<Application<'_>> {
    let mut all = Vec::new();
    for class in &scenario.classes {
        let (mut due_x100, mut nth) = (0, 0);
        for (span, per_day_x100) in &class.arrivals {
            for day in scenario.office.days(span.from, span.to.min(scenario.end)) {
                due_x100 += per_day_x100;
                while due_x100 >= 100 {
                    due_x100 -= 100;
                    nth += 1;
                    let label = format_args!("{run}/application/{}/{nth}", class.name);
                    all.extend(application(scenario, class, day, &mut Stream::open(seed, label)));
                }
            }
        }
    }
    // The sort is stable: what is filed in the same second stays in the order of classes.
    all.sort_by_key(|application| application.submitted_s);
    all
}

/// A mass drawn from a table, rounded and never nothing.
pub(crate) fn mass(table: &Quantiles, stream: &mut Stream) -> i64 {
    (table.draw(stream) / ROUND_KG * ROUND_KG).max(ROUND_KG)
}

fn application<'a>(
    scenario: &'a Scenario,
    class: &'a Class,
    day: i64,
    stream: &mut Stream,
) -> Option<Application<'a>> {
    let fate = scenario.fate(class, day)?;
    let submitted_s = scenario.office.moment(day, stream);
    let lot = Lot {
        destination: stream.pick(&class.members)?,
        goods: stream.pick(&scenario.magnets)?,
        kg: mass(&scenario.license.kg, stream),
    };
    let port = stream.pick(&scenario.ports)?;
    let expedited = class
        .expedited
        .is_some_and(|(from, pct)| stream.is_of(pct) && day >= from);
    let ending = ending(scenario, class, fate, day, expedited, stream);
    Some(Application {
        submitted_s,
        port,
        lot,
        expedited,
        queries: queries(scenario, fate, day, ending, stream),
        ending,
    })
}

fn ending(
    scenario: &Scenario,
    class: &Class,
    fate: &Fate,
    submitted: i64,
    expedited: bool,
    stream: &mut Stream,
) -> Ending {
    let drawn = stream.below(100);
    let granted = drawn < fate.grant_pct;
    let refused = drawn < fate.grant_pct + fate.refuse_pct;
    let decided = refused || drawn < fate.grant_pct + fate.refuse_pct + fate.withdraw_pct;
    let mut latency = fate.latency_days.draw(stream);
    if expedited {
        latency -= latency * scenario.application.expedited_days_off_pct / 100;
    }
    let mut day = scenario.office.at_or_after(submitted + latency.max(1));
    let spread = stream.between(0, scenario.application.first_grant_spread_days);
    if let Some((window, pct)) = class.backlog_release
        && submitted < window.from
        && day > window.from
    {
        let released = stream.between(window.from, window.to);
        if stream.is_of(pct) {
            day = scenario.office.at_or_before(released.max(submitted + 1));
        }
    }
    if granted && day < class.first_grant {
        day = scenario.office.at_or_after(class.first_grant + spread);
    }
    let moment = scenario.office.moment(day, stream);
    let returned = stream.is_of(scenario.application.returned_pct);
    if !decided || day > scenario.end || day <= submitted {
        Ending::Open
    } else if granted {
        Ending::Granted(moment)
    } else if refused {
        Ending::Closed(moment, "refused")
    } else {
        Ending::Closed(moment, if returned { "returned" } else { "withdrawn" })
    }
}

/// Queries lie on days of their own between filing and end, evenly spread.
fn queries<'a>(
    scenario: &'a Scenario,
    fate: &Fate,
    submitted: i64,
    ending: Ending,
    stream: &mut Stream,
) -> Vec<(i64, &'a str)> {
    let rules = &scenario.application;
    let mut rounds = i64::from(stream.is_of(fate.query_pct));
    while rounds > 0 && rounds < rules.query_rounds_max && stream.is_of(rules.further_query_pct) {
        rounds += 1;
    }
    let last = match ending {
        Ending::Open => scenario.end.min(submitted + OPEN_QUERY_DAYS) + 1,
        Ending::Granted(moment) | Ending::Closed(moment, _) => local_day(moment),
    };
    let mut queries = Vec::new();
    let mut before = submitted;
    for round in 1..=rounds {
        let day = submitted + (last - submitted) * round / (rounds + 1);
        let day = scenario.office.at_or_after(day.max(before + 1));
        let (moment, reason) = (
            scenario.office.moment(day, stream),
            stream.pick(&rules.query_reasons),
        );
        if day < last {
            queries.extend(reason.map(|reason| (moment, reason.as_str())));
            before = day;
        }
    }
    queries
}
