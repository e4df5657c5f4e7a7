//! The sections of a report: a table, its definition, the command behind it, and a chart where one helps.

use std::collections::BTreeMap;

use jiff::civil::Date;
use portbook_domain::Calendar;
use serde::Serialize;

use super::chart::{Chart, Series};
use super::figures::{Fate, Figures, Volume};
use crate::entry::Scope;
use crate::manifest::{About, Tally};

/// Destinations that have a row of their own.
const DESTINATIONS_SHOWN: usize = 20;

/// One part of a report.
#[derive(Debug, Clone, Serialize)]
pub struct Section {
    /// Its name in addresses.
    pub id: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What is counted, and how.
    pub definition: String,
    /// What to type to get the numbers.
    pub command: String,
    /// Names of the columns; the first names the rows.
    pub columns: Vec<&'static str>,
    /// Its rows, each as wide as the columns.
    pub rows: Vec<Vec<String>>,
    #[serde(skip)]
    pub(super) chart: Option<Chart>,
}

/// All sections that have something to say.
pub(super) fn all(
    figures: &Figures,
    tally: &Tally,
    scope: Scope,
    about: &About,
    calendar: &Calendar,
) -> Vec<Section> {
    let mut sections = vec![
        volumes(figures, about),
        times(figures, about, calendar),
        backlog(figures, about),
        destinations(figures, about),
    ];
    if scope == Scope::All {
        sections.push(ports(figures, about));
    }
    sections.push(queries(figures, about));
    sections.push(records(tally, about));
    sections.retain(|section| !section.rows.is_empty());
    sections
}

fn volumes(figures: &Figures, about: &About) -> Section {
    let months: Vec<(&Date, &Volume)> = figures.by_month.iter().collect();
    let tonnes = |name, of: fn(&Volume) -> u64| Series {
        name,
        values: months.iter().map(|(_, it)| of(it) / 1_000_000).collect(),
    };
    let mut rows: Vec<Vec<String>> = months
        .iter()
        .map(|(month, volume)| volume_row(month_of(**month), volume))
        .collect();
    if rows.len() > 1 {
        rows.push(volume_row("all".to_owned(), &sum(figures.by_month.values())));
    }
    Section {
        id: "volumes",
        title: "What was applied for, licensed and cleared",
        definition: "Applications, licences and clearances by the month in which they happened, as their sources claim, in the time of \
                     China. Licensed mass is what licences allow, not what was used of them. A clearance counts as controlled when its \
                     source says so. Masses are whole grams in the ledger and shown in kilograms; the chart is in tonnes, cut to whole ones."
            .to_owned(),
        command: sql(
            about,
            "SELECT strftime(occurred_at AT TIME ZONE 'Asia/Shanghai', '%Y-%m') AS month, event, control_status, count(*), sum(mass_kg) \
             FROM 'records.parquet' WHERE class = 'event' GROUP BY ALL ORDER BY ALL",
        ),
        columns: vec![
            "month",
            "applications",
            "licences",
            "licensed kg",
            "clearances",
            "controlled kg",
            "other kg",
        ],
        chart: Some(Chart::Bars {
            labels: months.iter().map(|(month, _)| month_of(**month)).collect(),
            series: vec![
                tonnes("licensed", |it| it.granted_g),
                tonnes("cleared, controlled", |it| it.controlled_g),
                tonnes("cleared, other", |it| it.other_g),
            ],
            unit: "t",
        }),
        rows,
    }
}

fn volume_row(name: String, volume: &Volume) -> Vec<String> {
    vec![
        name,
        grouped(volume.filed),
        grouped(volume.granted),
        kilograms(volume.granted_g),
        grouped(volume.cleared),
        kilograms(volume.controlled_g),
        kilograms(volume.other_g),
    ]
}

fn sum<'a>(volumes: impl Iterator<Item = &'a Volume>) -> Volume {
    volumes.fold(Volume::default(), |sum, it| Volume {
        filed: sum.filed + it.filed,
        granted: sum.granted + it.granted,
        granted_g: sum.granted_g.saturating_add(it.granted_g),
        cleared: sum.cleared + it.cleared,
        controlled_g: sum.controlled_g.saturating_add(it.controlled_g),
        other_g: sum.other_g.saturating_add(it.other_g),
        challenges: sum.challenges + it.challenges,
    })
}

/// Cases filed in one month: how many, and after how many working days those that were granted were granted.
#[derive(Debug, Default)]
struct Cohort {
    filed: u64,
    ended: u64,
    days: Vec<u32>,
    unknown: u64,
}

fn times(figures: &Figures, about: &About, calendar: &Calendar) -> Section {
    let mut cohorts: BTreeMap<Date, Cohort> = BTreeMap::new();
    for fate in figures.cases.values() {
        let Some(submitted) = fate.submitted else {
            continue;
        };
        let cohort = cohorts.entry(submitted.first_of_month()).or_default();
        cohort.filed += 1;
        match (fate.granted, fate.closed) {
            (Some(granted), _) => match calendar.working_days_between(submitted, granted) {
                Ok(days) => cohort.days.push(days),
                Err(_) => cohort.unknown += 1,
            },
            (None, Some(_)) => cohort.ended += 1,
            (None, None) => {}
        }
    }
    let mut rows = Vec::new();
    let (mut labels, mut ranges) = (Vec::new(), Vec::new());
    for (month, cohort) in &mut cohorts {
        cohort.days.sort_unstable();
        let granted = count(cohort.days.len()) + cohort.unknown;
        let open = cohort.filed - granted - cohort.ended;
        let at = |pct| percentile(&cohort.days, pct);
        rows.push(vec![
            month_of(*month),
            grouped(cohort.filed),
            grouped(granted),
            at(10).map_or_else(dash, |days| days.to_string()),
            at(50).map_or_else(dash, |days| days.to_string()),
            at(90).map_or_else(dash, |days| days.to_string()),
            per_cent(open, cohort.filed),
        ]);
        if let (Some(low), Some(middle), Some(high)) = (at(10), at(50), at(90)) {
            labels.push(month_of(*month));
            ranges.push((u64::from(low), u64::from(middle), u64::from(high)));
        }
    }
    let (first, last) = calendar.range();
    Section {
        id: "times",
        title: "Working days from application to licence",
        definition: format!(
            "Working days after the first application of a case up to its first licence, by the month of filing; percentiles by nearest \
             rank. Weekdays less public holidays plus worked weekends, by the published calendar from {first} to {last}. Only cases \
             that were granted have such a time: late months look faster than they are as long as many of their cases are open, so \
             the share still open stands beside each median and neither is to be read alone."
        ),
        command: sql(
            about,
            "SELECT case_id, min(occurred_at) FILTER (event = 'application.submitted'), min(occurred_at) FILTER (event = 'license.granted') \
             FROM 'records.parquet' WHERE class = 'event' GROUP BY case_id HAVING count(*) FILTER (event = 'application.submitted') > 0",
        ),
        columns: vec![
            "filed in",
            "filed",
            "granted",
            "p10",
            "median",
            "p90",
            "still open",
        ],
        rows,
        chart: (!labels.is_empty()).then_some(Chart::Ranges {
            labels,
            ranges,
            unit: "working days, p10 to p90 and median",
        }),
    }
}

fn backlog(figures: &Figures, about: &About) -> Section {
    let mut rows = Vec::new();
    let (mut labels, mut open) = (Vec::new(), Vec::new());
    for month in figures.by_month.keys() {
        let end = month.last_of_month().min(figures.last().unwrap_or(*month));
        let still: Vec<&Fate> = figures
            .cases
            .values()
            .filter(|it| it.is_open_after(end))
            .collect();
        let ages = still.iter().filter_map(|fate| fate.submitted);
        let mut ages: Vec<u32> = ages
            .filter_map(|day| u32::try_from(end.duration_since(day).as_hours() / 24).ok())
            .collect();
        ages.sort_unstable();
        let count = count(still.len());
        labels.push(month_of(*month));
        open.push(count);
        rows.push(vec![
            end.to_string(),
            grouped(count),
            percentile(&ages, 50).map_or_else(dash, |days| days.to_string()),
            percentile(&ages, 90).map_or_else(dash, |days| days.to_string()),
        ]);
    }
    Section {
        id: "backlog",
        title: "Applications still open",
        definition: "Cases with an application filed on that day or before and neither a licence nor a closing by then; their age in \
                     calendar days since filing. A case whose end nobody reported stays open here."
            .to_owned(),
        command: sql(
            about,
            "SELECT case_id FROM 'records.parquet' WHERE class = 'event' GROUP BY case_id HAVING count(*) FILTER (event = \
             'application.submitted') > 0 AND count(*) FILTER (event IN ('license.granted', 'application.closed')) = 0",
        ),
        columns: vec!["at the end of", "open", "median age in days", "p90"],
        rows,
        chart: Some(Chart::Bars {
            labels,
            series: vec![Series {
                name: "open applications",
                values: open,
            }],
            unit: "cases",
        }),
    }
}

fn destinations(figures: &Figures, about: &About) -> Section {
    let mut by_mass: Vec<(&String, &Volume)> = figures.by_destination.iter().collect();
    by_mass.sort_by_key(|(code, it)| (u64::MAX - it.granted_g, *code));
    let (shown, others) = by_mass.split_at(by_mass.len().min(DESTINATIONS_SHOWN));
    let row = |code: String, it: &Volume| {
        vec![
            code,
            grouped(it.filed),
            grouped(it.granted),
            per_cent(it.granted, it.filed),
            kilograms(it.granted_g),
            kilograms(it.controlled_g),
            kilograms(it.other_g),
        ]
    };
    let mut rows: Vec<Vec<String>> = shown.iter().map(|(code, it)| row((*code).clone(), it)).collect();
    if !others.is_empty() {
        rows.push(row(
            format!("{} others", others.len()),
            &sum(others.iter().map(|(_, it)| *it)),
        ));
    }
    Section {
        id: "destinations",
        title: "Where to",
        definition: "By country of destination as the application, the licence or the clearance names it, in order of licensed mass. The \
                     share is licences per application filed in the whole time; what is still open counts as not granted."
            .to_owned(),
        command: sql(
            about,
            "SELECT destination, event, count(*), sum(mass_kg) FROM 'records.parquet' WHERE class = 'event' GROUP BY ALL ORDER BY ALL",
        ),
        columns: vec![
            "destination",
            "applications",
            "licences",
            "share granted",
            "licensed kg",
            "controlled kg",
            "other kg",
        ],
        chart: Some(Chart::Rows {
            labels: shown.iter().take(12).map(|(code, _)| (*code).clone()).collect(),
            values: shown.iter().take(12).map(|(_, it)| it.granted_g / 1_000_000).collect(),
            unit: "t licensed",
        }),
        rows,
    }
}

fn ports(figures: &Figures, about: &About) -> Section {
    let rows = figures
        .by_port
        .iter()
        .map(|(port, volume)| volume_row(port.clone(), volume));
    Section {
        id: "ports",
        title: "Ports",
        definition: "By the port whose chain holds the record: the port as its source wrote it, after the table of aliases in the ledger."
            .to_owned(),
        command: sql(
            about,
            "SELECT port, event, control_status, count(*), sum(mass_kg) FROM 'records.parquet' WHERE class = 'event' GROUP BY ALL ORDER BY ALL",
        ),
        columns: vec![
            "port",
            "applications",
            "licences",
            "licensed kg",
            "clearances",
            "controlled kg",
            "other kg",
        ],
        rows: rows.collect(),
        chart: None,
    }
}

fn queries(figures: &Figures, about: &About) -> Section {
    let filed: Vec<&Fate> = figures
        .cases
        .values()
        .filter(|it| it.submitted.is_some())
        .collect();
    let of = |rounds: std::ops::RangeInclusive<u32>| {
        count(filed.iter().filter(|it| rounds.contains(&it.queries)).count())
    };
    let all = count(filed.len());
    let row = |name: &str, cases: u64| vec![name.to_owned(), grouped(cases), per_cent(cases, all)];
    Section {
        id: "queries",
        title: "Queries of the licensing authority",
        definition: format!(
            "How often the licensing authority asked for more papers, per case with an application. Beside them customs challenged {} \
             declarations, which is another procedure with a clock of its own.",
            grouped(figures.by_month.values().map(|it| it.challenges).sum())
        ),
        command: sql(
            about,
            "SELECT n, count(*) FROM (SELECT case_id, count(*) FILTER (event = 'paperwork.queried' AND stage = 'licensing') AS n FROM \
             'records.parquet' WHERE class = 'event' GROUP BY case_id HAVING count(*) FILTER (event = 'application.submitted') > 0) GROUP BY n",
        ),
        columns: vec!["queries", "cases", "share"],
        rows: if filed.is_empty() {
            Vec::new()
        } else {
            vec![
                row("none", of(0..=0)),
                row("one", of(1..=1)),
                row("two", of(2..=2)),
                row("three or more", of(3..=u32::MAX)),
            ]
        },
        chart: None,
    }
}

fn records(tally: &Tally, about: &About) -> Section {
    let mut rows: Vec<Vec<String>> = tally
        .records
        .iter()
        .map(|(class, count)| vec![(*class).to_owned(), grouped(*count)])
        .collect();
    if tally.unreadable > 0 {
        rows.push(vec!["of them unreadable".to_owned(), grouped(tally.unreadable)]);
    }
    Section {
        id: "records",
        title: "Records this report rests on",
        definition: "Every record of the chains, by what the ledger made of the message. Only events count above. A redelivery repeats one, \
                     a conflict states another content under a known id, a quarantined message could not be placed on a chain, control \
                     messages are the ledger's own: all are kept as evidence and change no number."
            .to_owned(),
        command: format!("portbook verify {}", verify_scope(about)),
        columns: vec!["class", "records"],
        rows,
        chart: None,
    }
}

fn sql(about: &About, query: &str) -> String {
    format!(
        "portbook export {} --format parquet --out records.parquet\nduckdb -c \"{query}\"",
        about.scope
    )
}

fn verify_scope(about: &About) -> String {
    if about.scope == "all" {
        "--all".to_owned()
    } else {
        about.scope.clone()
    }
}

/// The value at a share of the sorted values, by nearest rank.
fn percentile(sorted: &[u32], pct: usize) -> Option<u32> {
    let rank = (sorted.len() * pct).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

fn per_cent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return dash();
    }
    let permille = (2000 * part + whole) / (2 * whole);
    format!("{}.{} %", permille / 10, permille % 10)
}

fn dash() -> String {
    "–".to_owned()
}

fn month_of(date: Date) -> String {
    format!("{:04}-{:02}", date.year(), date.month())
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Digits in groups of three, held together by spaces that do not break.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

fn kilograms(grams: u64) -> String {
    let (whole, rest) = (grams / 1000, grams % 1000);
    if rest == 0 {
        grouped(whole)
    } else {
        format!("{}.{rest:03}", grouped(whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let days: Vec<u32> = (1..=10).collect();
        assert_eq!(percentile(&days, 10), Some(1));
        assert_eq!(percentile(&days, 50), Some(5));
        assert_eq!(percentile(&days, 90), Some(9));
        assert_eq!(percentile(&[7], 50), Some(7));
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(grouped(1_234_567).replace('\u{202f}', " "), "1 234 567");
        assert_eq!(kilograms(1_000_001).replace('\u{202f}', " "), "1 000.001");
        assert_eq!(
            (per_cent(1, 3), per_cent(0, 0)),
            ("33.3 %".to_owned(), "–".to_owned())
        );
    }
}
