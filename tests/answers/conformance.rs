//! Every value of the expected metrics, recomputed through the answers that the command prints.

use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use portbook_answers::{Answer, Asked, By, Cell, Grounds, Question, Reported, Rule, Table, answer, findings};
use portbook_domain::Reference;
use portbook_views::Facts;
use serde_json::{Value, json};

use crate::scenario::{facts, messages, reference, repository};

/// The metrics were computed as of this day; they leave nothing out that happened later, so it is asked for only where
/// the age of what is open matters.
const AS_OF: Date = date(2025, 12, 31);

struct Bench {
    facts: Facts,
    reference: Reference,
    reported: Vec<Reported>,
}

impl Bench {
    fn new(name: &str) -> Self {
        let reference = reference();
        let text =
            std::fs::read_to_string(repository().join("config/reference/reported_metrics.csv")).unwrap();
        Self {
            facts: facts(&messages(name), &reference),
            reference,
            reported: Reported::parse("reported_metrics.csv", &text).unwrap(),
        }
    }

    fn ask(&self, question: Question, by: Option<By>, as_of: Option<Date>) -> Answer {
        let grounds = Grounds::new(&self.facts, &self.reference, as_of);
        let asked = Asked {
            by,
            reported: &self.reported,
            ..Asked::default()
        };
        answer(&grounds, question, &asked).unwrap()
    }
}

fn number(cell: &Cell) -> Value {
    match cell {
        Cell::Count(count) => json!(count),
        Cell::Number(number) => json!(number),
        Cell::Grams(grams) => {
            assert_eq!(grams % 1000, 0, "{grams}");
            json!(grams / 1000)
        }
        Cell::Decimal(digits) => json!(digits.parse::<f64>().unwrap()),
        Cell::Text(text) => json!(text),
        Cell::Missing => Value::Null,
    }
}

fn value(table: &Table, begins: &[&str], column: &str) -> Value {
    let cell = table.cell(begins, column);
    number(cell.unwrap_or_else(|| panic!("{}: no {begins:?} {column}", table.name)))
}

fn object(table: &Table, begins: &[&str], columns: &[(&str, &str)]) -> Value {
    let pairs = columns
        .iter()
        .map(|(name, column)| ((*name).to_owned(), value(table, begins, column)));
    Value::Object(pairs.collect())
}

const DISTRIBUTION: [(&str, &str); 6] = [
    ("n", "n"),
    ("p10", "p10"),
    ("p50", "p50"),
    ("p90", "p90"),
    ("max", "max"),
    ("mean", "mean"),
];

/// The value of one column by the text of the first, where it is not empty.
fn by_first(table: &Table, of_row: impl Fn(&Table, &str) -> Value) -> Value {
    let keys = table.rows.iter().map(|row| row[0].to_text());
    Value::Object(keys.map(|key| (key.clone(), of_row(table, &key))).collect())
}

/// Everything the file of expected values holds, from the answers.
fn computed(bench: &Bench, expected: &Value) -> BTreeMap<&'static str, Value> {
    let mut all = BTreeMap::new();
    times(bench, &mut all);
    shifts(bench, expected, &mut all);
    applications(bench, &mut all);
    quantities(bench, &mut all);
    border(bench, &mut all);
    counts(bench, &mut all);
    all
}

fn times(bench: &Bench, all: &mut BTreeMap<&'static str, Value>) {
    let latency = bench.ask(Question::Latency, None, None);
    let working = |answer: &Answer| answer.table("working_days").unwrap().clone();
    all.insert(
        "Q1_latency_working_days",
        object(&working(&latency), &["all"], &DISTRIBUTION),
    );
    let calendar = latency.table("calendar_days").unwrap();
    all.insert(
        "Q1_latency_calendar_days",
        object(calendar, &["all"], &DISTRIBUTION),
    );
    for (name, by) in [("Q1_by_group", By::Group), ("Q1_by_port", By::Port)] {
        let mut table = working(&bench.ask(Question::Latency, Some(by), None));
        // Groups and ports without any grant are rows with n = 0; the expected values leave them out.
        table.rows.retain(|row| row[1] != Cell::Count(0));
        all.insert(
            name,
            by_first(&table, |table, key| object(table, &[key], &DISTRIBUTION)),
        );
    }
    let backlog = bench.ask(Question::Backlog, None, Some(AS_OF));
    let age = object(
        backlog.table("age_working_days").unwrap(),
        &["all"],
        &DISTRIBUTION,
    );
    all.insert("Q10_backlog", json!({"open": backlog.n, "age": age}));
    for row in &backlog.table("flow").unwrap().rows {
        assert_eq!(row.last().unwrap().to_text(), "yes", "{row:?}");
    }
    let overdue = bench.ask(Question::Overdue, None, Some(AS_OF));
    let gross = overdue.table("gross_clock").unwrap();
    all.insert(
        "Q11_overdue_open_over_45wd",
        value(gross, &["all"], "open_overdue"),
    );
    all.insert(
        "Q11_decided_late_over_45wd",
        value(gross, &["all"], "granted_late"),
    );
}

fn shifts(bench: &Bench, expected: &Value, all: &mut BTreeMap<&'static str, Value>) {
    let shift = bench.ask(Question::Shift, None, Some(AS_OF));
    let survival = shift.table("kaplan_meier").unwrap();
    let columns = [
        "n_before",
        "n_after",
        "median_before",
        "median_after",
        "logrank_chi2",
        "p",
    ];
    let columns = columns.map(|column| (column, column));
    // The expected values pick some of the groups.
    let groups = |name: &str| {
        expected[name]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    let name = "Q2_km_before_after_27May";
    let picked = groups(name)
        .into_iter()
        .map(|group| (group.clone(), object(survival, &[&group], &columns)));
    all.insert(name, Value::Object(picked.collect()));
    let hazard = shift.table("grant_hazard").unwrap();
    let of = |group: &str, column: &str| value(hazard, &[group], column);
    let name = "Q2b_grant_hazard_before_after_27May";
    let picked = groups(name).into_iter().map(|group| {
        let interval = ["rate_ratio", "ci95_low", "ci95_high"].map(|column| of(&group, column));
        let interval = if interval[0].is_null() {
            Value::Null
        } else {
            json!(interval)
        };
        let row = json!({
            "before": [of(&group, "grants_before"), of(&group, "days_before")],
            "after": [of(&group, "grants_after"), of(&group, "days_after")],
            "rate_ratio_ci95": interval,
        });
        (group, row)
    });
    all.insert(name, Value::Object(picked.collect()));
}

fn applications(bench: &Bench, all: &mut BTreeMap<&'static str, Value>) {
    let queries = bench.ask(Question::Queries, None, None);
    let rounds = queries.table("rounds").unwrap();
    let columns = ["max_rounds", "mean_rounds", "share_with_query"].map(|column| (column, column));
    all.insert("Q3_query_rounds", object(rounds, &["all"], &columns));
    let expedited = bench.ask(Question::Expedited, None, None);
    let share = by_first(expedited.table("share").unwrap(), |table, month| {
        json!([
            value(table, &[month], "expedited"),
            value(table, &[month], "grants")
        ])
    });
    all.insert("Q4_expedited_share_of_grants", share);
    let outcomes = bench.ask(Question::Outcomes, None, None);
    let table = outcomes.table("outcomes").unwrap();
    let columns = ["granted", "refused", "returned", "withdrawn"].map(|column| (column, column));
    all.insert("Q5_decisions", object(table, &["all"], &columns));
    all.insert(
        "Q5_refusal_rate_of_decided",
        value(table, &["all"], "refused_of_ended"),
    );
}

fn quantities(bench: &Bench, all: &mut BTreeMap<&'static str, Value>) {
    for (name, question, table, column) in [
        ("Q6_licensed_kg", Question::Licensed, "licensed", "licensed"),
        ("Q7_cleared_kg", Question::Cleared, "cleared", "cleared"),
    ] {
        let answer = bench.ask(question, None, None);
        let table = answer.table(table).unwrap();
        let rows = table.rows.iter().map(|row| {
            let key: Vec<String> = row[..3].iter().map(Cell::to_text).collect();
            let begins: Vec<&str> = key.iter().map(String::as_str).collect();
            (key.join("/"), value(table, &begins, column))
        });
        all.insert(name, Value::Object(rows.collect()));
    }
    let utilisation = bench.ask(Question::Utilisation, None, None);
    let columns = [
        ("cleared_on_licence_kg", "cleared"),
        ("licensed_kg", "licensed"),
        ("fully_used", "fully_used"),
        ("unused_licences", "unused"),
    ];
    all.insert(
        "Q8_utilisation",
        object(utilisation.table("utilisation").unwrap(), &["all"], &columns),
    );
    let first = bench.ask(Question::FirstShipment, None, None);
    let table = first.table("grant_to_first_clearance_calendar_days").unwrap();
    all.insert(
        "Q9_grant_to_first_clear_calendar_days",
        object(table, &["all"], &DISTRIBUTION),
    );
    let concentration = bench.ask(Question::Concentration, None, None);
    let table = concentration.table("concentration").unwrap();
    all.insert(
        "Q15_destination_hhi_licensed",
        value(table, &["all", "destination group"], "hhi"),
    );
}

fn border(bench: &Bench, all: &mut BTreeMap<&'static str, Value>) {
    let challenges = bench.ask(Question::Challenges, None, None);
    let mut table = challenges.table("by_month").unwrap().clone();
    table.rows.retain(|row| row[1] != Cell::Count(0));
    all.insert(
        "Q12_customs_challenges",
        by_first(&table, |table, month| value(table, &[month], "notices")),
    );
    let holds = bench.ask(Question::Holds, None, None);
    let table = holds.table("notice_to_clearance_working_days").unwrap();
    all.insert(
        "Q13_challenge_to_clear_working_days",
        object(table, &["all"], &DISTRIBUTION),
    );
    let official = bench.ask(Question::Official, None, None);
    let mut table = official.table("ledger_by_month").unwrap().clone();
    table.rows.retain(|row| row[0].to_text() == "85051110");
    for row in &mut table.rows {
        row.remove(0);
    }
    table.columns.remove(0);
    let months = by_first(&table, |table, month| value(table, &[month], "cleared"));
    all.insert("Q14_hs85051110_cleared_kg_by_month", months);
}

/// What the expected values call anomalies: findings by rule, without those about terms.
fn counts(bench: &Bench, all: &mut BTreeMap<&'static str, Value>) {
    let grounds = Grounds::new(&bench.facts, &bench.reference, None);
    let mut by_rule: BTreeMap<&str, u64> = BTreeMap::new();
    for finding in findings(&grounds, &Rule::defects()) {
        *by_rule.entry(finding.rule.word()).or_default() += 1;
    }
    all.insert("Q16_25_anomalies", json!(by_rule));
    let repeats = bench.facts.repeats().iter().filter(|repeat| !repeat.is_conflict);
    all.insert("redeliveries", json!(repeats.count()));
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for fact in bench.facts.iter() {
        use portbook_views::Told;
        let kind = match fact.told {
            Told::Submitted(_) => "application_submitted",
            Told::Closed(_) => "application_closed",
            Told::Queried(_) => "paperwork_query",
            Told::Granted(_) => "license_granted",
            Told::Cleared(_) => "shipment_cleared",
            Told::Answered { .. } | Told::Changed { .. } | Told::Declared(_) | Told::ShipmentEnded { .. } => {
                "other"
            }
        };
        *kinds.entry(kind).or_default() += 1;
    }
    all.insert("counts", json!(kinds));
}

fn compare(events: &str, expected: &str) {
    let text = std::fs::read_to_string(repository().join("examples/scenario").join(expected)).unwrap();
    let mut expected: Value = serde_json::from_str(&text).unwrap();
    let computed = computed(&Bench::new(events), &expected);
    // A rule that found nothing is 0 in one file and absent in the other.
    let rules = expected["Q16_25_anomalies"].as_object_mut().unwrap();
    rules.retain(|_, count| *count != json!(0));
    let expected = expected.as_object().unwrap();
    let names: Vec<&str> = expected.keys().map(String::as_str).collect();
    assert_eq!(computed.keys().copied().collect::<Vec<_>>(), names);
    let wrong: Vec<String> = computed
        .iter()
        .filter(|(name, found)| expected[**name] != **found)
        .map(|(name, found)| format!("{name}\n  expected {}\n  found    {found}", expected[*name]))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} differ\n{}",
        wrong.len(),
        names.len(),
        wrong.join("\n")
    );
}

#[test]
fn the_clean_file_gives_every_expected_value() {
    compare("events.jsonl.gz", "expected_metrics.json");
}

#[test]
fn the_file_with_defects_gives_every_expected_value() {
    compare("events_anom.jsonl.gz", "expected_metrics_anom.json");
}
