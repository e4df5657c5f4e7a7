//! Made-up facts: lines of an observation file, the same ones in every run.
//!
//! A thousand cases at a time go through application, query, licence and clearance. They begin one after the other, so that
//! every thousand lines hold all four, and the events of one case are a thousand lines apart.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::Path;

use jiff::Timestamp;

/// Cases that are under way at the same time.
const CASES_OPEN: u64 = 1_000;
/// One fact in so many is written down under the trade alias of its port, where it has one.
const ALIAS_PERIOD: u64 = 16;
/// 2025-04-07T01:00:00Z.
const FIRST_SECOND: u64 = 1_743_987_600;
const SECONDS_APART: u64 = 20;

/// The ports with their share of cases in per cent and their trade alias.
const PORTS: [(&str, u64, Option<&str>); 12] = [
    ("CNNBG", 26, Some("CNNGB")),
    ("CNSHG", 15, Some("CNSHA")),
    ("CNTXG", 12, Some("CNTSN")),
    ("CNPVG", 10, None),
    ("CNQDG", 8, Some("CNTAO")),
    ("CNYTN", 8, None),
    ("CNXMG", 6, Some("CNXMN")),
    ("CNSZP", 5, Some("CNSZX")),
    ("CNGZG", 4, Some("CNCAN")),
    ("CNLYG", 3, None),
    ("CNDAG", 2, Some("CNDLC")),
    ("CNNCH", 1, Some("CNKHN")),
];

/// The trade aliases in use, each with the port it stands for.
pub(crate) fn aliases() -> impl Iterator<Item = (&'static str, &'static str)> {
    PORTS
        .into_iter()
        .filter_map(|(port, _, alias)| Some((alias?, port)))
}

/// Writes the facts of `range` to a new file.
pub(crate) fn write(path: &Path, range: Range<u64>) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    for place in range {
        writeln!(file, "{}", line(place))?;
    }
    file.into_inner()?.sync_all()
}

/// The fact at `place`, counted from 0, as a line of NDJSON.
fn line(place: u64) -> String {
    let (round, slot) = (place / CASES_OPEN, place % CASES_OPEN);
    let step = round + slot % 4;
    let case = step / 4 * CASES_OPEN + slot;
    let head = format!(
        r#""event_id":"{}","simulated":true,"case_id":"2025BM{case:08}","port":"{}","occurred_at":"{}","recorded_at":"{}""#,
        event_id(place),
        port(case, place),
        moment(place * SECONDS_APART),
        moment(place * SECONDS_APART + 540),
    );
    let goods = format!(
        r#""destination":"DE","hs":"8505111000","control_code":"1C905.a","element":"Dy","qty_kg":{}"#,
        100 + mixed(case) % 9_900
    );
    let rest = match step % 4 {
        0 => format!(
            r#""type":"application_submitted",{goods},"expedited":false,"doc_digest":"{}""#,
            digest(place)
        ),
        1 => r#""type":"paperwork_query","stage":"licensing","round":1,"authority":"MOFCOM","reason":"end_user_unclear","reply_due":"2026-06-30""#
            .to_owned(),
        2 => format!(
            r#""type":"license_granted",{goods},"license_no":"25BM{case:08}","valid_until":"2026-12-31","expedited":false,"doc_digest":"{}""#,
            digest(place)
        ),
        _ => format!(
            r#""type":"shipment_cleared",{goods},"license_no":"25BM{case:08}","declaration_no":"31042025{case:010}","control_status":"controlled","doc_digest":"{}""#,
            digest(place)
        ),
    };
    format!("{{{head},{rest}}}")
}

fn port(case: u64, place: u64) -> &'static str {
    let mut share = mixed(case) / 9_900 % 100;
    let (port, alias) = PORTS
        .into_iter()
        .find_map(|(port, cases, alias)| {
            if share < cases {
                return Some((port, alias));
            }
            share -= cases;
            None
        })
        .unwrap_or(("CNNBG", None));
    alias
        .filter(|_| mixed(!place).is_multiple_of(ALIAS_PERIOD))
        .unwrap_or(port)
}

/// A UUID of version 5, as far as anyone can see.
fn event_id(place: u64) -> String {
    let (high, low) = (mixed(2 * place), mixed(2 * place + 1));
    format!(
        "{:08x}-{:04x}-5{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0x3fff | 0x8000,
        low & 0xffff_ffff_ffff,
    )
}

fn digest(place: u64) -> String {
    let [a, b, c, d] = [1, 2, 3, 4].map(|part| mixed(place ^ part << 60));
    format!("{a:016x}{b:016x}{c:016x}{d:016x}")
}

fn moment(seconds: u64) -> String {
    let second = i64::try_from(FIRST_SECOND + seconds).unwrap_or(i64::MAX);
    Timestamp::from_second(second)
        .unwrap_or(Timestamp::MAX)
        .to_string()
}

/// `SplitMix64`: every number gives another one, and neighbours have nothing in common.
const fn mixed(number: u64) -> u64 {
    let mut state = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use portbook_domain::EventKind;
    use portbook_wire::observation::{Identity, Observation, read_observations};

    use super::*;

    const FACTS: u64 = 20_000;

    fn observations() -> Vec<Observation> {
        let lines: String = (0..FACTS).map(|place| line(place) + "\n").collect();
        let read = read_observations(lines.as_bytes(), "facts.ndjson").unwrap();
        read.map(|observation| observation.unwrap()).collect()
    }

    #[test]
    fn every_line_is_a_made_up_fact_of_its_own() {
        let observations = observations();
        let identities: BTreeSet<String> = observations
            .iter()
            .map(|fact| match &fact.identity {
                Identity::Id(id) => id.to_string(),
                other @ (Identity::External(_) | Identity::Content(_)) => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(u64::try_from(identities.len()).unwrap(), FACTS);
        assert!(observations.iter().all(|fact| fact.simulated));
    }

    #[test]
    fn cases_go_through_four_events_in_their_order() {
        let mut cases: BTreeMap<String, Vec<EventKind>> = BTreeMap::new();
        for fact in observations() {
            cases
                .entry(fact.case.to_string())
                .or_default()
                .push(fact.data.kind());
        }
        let whole = [
            EventKind::ApplicationSubmitted,
            EventKind::PaperworkQueried,
            EventKind::LicenseGranted,
            EventKind::ShipmentCleared,
        ];
        assert!(
            cases
                .values()
                .all(|kinds| whole.windows(kinds.len()).any(|run| run == kinds.as_slice()))
        );
        let complete = cases.values().filter(|kinds| kinds.len() == 4).count();
        assert!(complete * 10 > cases.len() * 6, "{complete} of {}", cases.len());
    }

    #[test]
    fn twelve_ports_and_about_one_alias_in_twenty() {
        let stands_for: BTreeMap<&str, &str> = aliases().collect();
        let observations = observations();
        let written: Vec<&str> = observations.iter().map(|fact| fact.port.as_str()).collect();
        let aliased = written
            .iter()
            .filter(|port| stands_for.contains_key(*port))
            .count();
        assert!(
            (800..1_200).contains(&aliased),
            "{aliased} aliases in {FACTS} facts"
        );
        let ports: BTreeSet<&str> = written
            .iter()
            .map(|port| *stands_for.get(port).unwrap_or(port))
            .collect();
        assert_eq!(ports.len(), 12);
    }
}
