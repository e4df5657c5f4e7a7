//! The shipped reference data and policies: that they are read whole, and that broken ones are refused by name.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read the shipped files fails right here"
)]

use std::io::Read as _;

use jiff::civil::{Date, date};
use portbook_domain::{
    Calendar, Countries, CountryCode, HsCode, LicenseKind, PolicySet, PortAliases, PortCode, QueryStage,
    Reference, ReferenceTexts, local_date,
};

const CALENDAR: &str = include_str!("../../../config/reference/calendar_cn.csv");
const COUNTRIES: &str = include_str!("../../../config/reference/countries.csv");
const PORTS_CN: &str = include_str!("../../../config/reference/ports_cn.csv");
const POLICIES: &[(&str, &str)] = &[
    (
        "2024-12-01-regulation.toml",
        include_str!("../../../config/policy/2024-12-01-regulation.toml"),
    ),
    (
        "2025-04-04-announcement-18.toml",
        include_str!("../../../config/policy/2025-04-04-announcement-18.toml"),
    ),
    (
        "2025-05-27-round-table.toml",
        include_str!("../../../config/policy/2025-05-27-round-table.toml"),
    ),
    (
        "2025-06-16-customs-queries.toml",
        include_str!("../../../config/policy/2025-06-16-customs-queries.toml"),
    ),
    (
        "2025-11-08-announcement-57.toml",
        include_str!("../../../config/policy/2025-11-08-announcement-57.toml"),
    ),
];

/// The shipped files, but for the packed list of all codes, in whose place the codes of the other files stand.
fn with_texts<T>(read: impl FnOnce(&ReferenceTexts<'_>) -> T) -> T {
    let world = include_str!("../../../config/reference/ports_world.csv");
    let gateways = include_str!("../../../config/reference/port_gateways.csv");
    let codes = [PORTS_CN, world, gateways]
        .into_iter()
        .flat_map(|text| text.lines().skip(1));
    let mut unlocode = String::from("locode,function,status\n");
    for code in codes.filter_map(|line| line.get(..5)) {
        unlocode.push_str(code);
        unlocode.push_str(",1-------,AI\n");
    }
    read(&ReferenceTexts {
        calendar: CALENDAR,
        control_items: include_str!("../../../config/reference/control_items.csv"),
        control_items_later: include_str!("../../../config/reference/control_items_later.csv"),
        countries: COUNTRIES,
        hs6: include_str!("../../../config/reference/hs6.csv"),
        port_aliases: include_str!("../../../config/reference/port_aliases.csv"),
        port_gateways: gateways,
        ports_cn: PORTS_CN,
        ports_world: world,
        unlocode: &unlocode,
        policies: POLICIES,
    })
}

fn shipped() -> Reference {
    with_texts(Reference::parse).unwrap()
}

fn port(code: &str) -> PortCode {
    PortCode::new(code).unwrap()
}

fn country(code: &str) -> CountryCode {
    CountryCode::new(code).unwrap()
}

fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[test]
fn the_calendar_agrees_with_every_published_check_value() {
    let calendar = shipped().calendar;
    for (from, days, expected) in [
        (date(2025, 4, 4), 45, date(2025, 6, 11)),
        (date(2025, 5, 27), 45, date(2025, 7, 30)),
        (date(2025, 6, 16), 7, date(2025, 6, 25)),
        (date(2025, 9, 15), 45, date(2025, 11, 21)),
        (date(2025, 12, 2), 45, date(2026, 2, 4)),
    ] {
        assert_eq!(
            calendar.working_days_after(from, days),
            Ok(expected),
            "{from} + {days}"
        );
        assert_eq!(
            calendar.working_days_between(from, expected),
            Ok(days),
            "{from} to {expected}"
        );
    }
    assert_eq!(
        calendar.is_working_day(date(2025, 4, 4)),
        Ok(false),
        "the regime began on a holiday"
    );
    for worked in [date(2025, 4, 27), date(2025, 9, 28), date(2025, 10, 11)] {
        assert_eq!(
            calendar.is_working_day(worked),
            Ok(true),
            "{worked} is a weekend day that is worked"
        );
    }
}

#[test]
fn every_year_has_its_published_number_of_working_days() {
    let calendar = shipped().calendar;
    for (year, expected) in [(2024, 251), (2025, 248), (2026, 248)] {
        let first = date(year, 1, 1);
        let all = first
            .series(jiff::ToSpan::days(1))
            .take_while(|day| day.year() == year);
        let worked = all.filter(|day| calendar.is_working_day(*day).unwrap()).count();
        assert_eq!(worked, expected, "{year}");
    }
}

#[test]
fn the_calendar_refuses_what_is_not_published() {
    let calendar = shipped().calendar;
    assert_eq!(calendar.range(), (date(2024, 1, 1), date(2026, 12, 31)));
    for unknown in [date(2023, 12, 31), date(2027, 1, 1), Date::MIN, Date::MAX] {
        assert_eq!(calendar.is_working_day(unknown).unwrap_err().date, unknown);
        calendar
            .working_days_between(date(2025, 1, 1), unknown)
            .unwrap_err();
        calendar
            .working_days_between(unknown, date(2025, 1, 1))
            .unwrap_err();
        calendar.working_days_after(unknown, 1).unwrap_err();
    }
    let error = calendar.working_days_after(date(2026, 12, 1), 45).unwrap_err();
    assert_eq!(
        error.to_string(),
        "2027-01-01 is outside the published calendar, 2024-01-01 to 2026-12-31"
    );
    calendar
        .working_days_after(date(2025, 1, 1), u32::MAX)
        .unwrap_err();
}

#[test]
fn working_days_count_from_the_day_after_and_never_backwards() {
    let calendar = shipped().calendar;
    let friday = date(2025, 6, 13);
    assert_eq!(calendar.working_days_after(friday, 0), Ok(friday));
    assert_eq!(calendar.working_days_after(friday, 1), Ok(date(2025, 6, 16)));
    assert_eq!(calendar.working_days_between(friday, friday), Ok(0));
    assert_eq!(calendar.working_days_between(friday, date(2025, 6, 15)), Ok(0));
    assert_eq!(calendar.working_days_between(date(2025, 6, 16), friday), Ok(0));
}

#[test]
fn dates_are_those_of_china() {
    let at = |text: &str| local_date(text.parse().unwrap());
    assert_eq!(at("2025-04-03T15:59:59Z"), date(2025, 4, 3));
    assert_eq!(at("2025-04-03T16:00:00Z"), date(2025, 4, 4));
}

#[test]
fn a_broken_calendar_is_refused_by_line_and_field() {
    let header = "date,override,name_zh,name_en,notice_url\n";
    let refusal = |rows: &str| chain_of(&Calendar::parse("c.csv", &format!("{header}{rows}")).unwrap_err());
    assert_eq!(
        refusal("2025-01-01,off,,,\n2025-02-30,off,,,\n"),
        "c.csv, line 3, field date: must be a date as YYYY-MM-DD, found \"2025-02-30\""
    );
    assert_eq!(
        refusal("2025-01-01,maybe,,,\n"),
        "c.csv, line 2, field override: must be one of the words of this column, found \"maybe\""
    );
    assert_eq!(
        refusal("2025-01-01,off,,,\n2025-01-01,work,,,\n"),
        "c.csv, line 3, field date: must be listed once, found \"2025-01-01\""
    );
    assert_eq!(
        refusal("2024-01-01,off,,,\n2026-01-01,off,,,\n"),
        "c.csv: no entry for 2025, between other years"
    );
    assert_eq!(refusal(""), "c.csv: the table is empty");
    assert!(refusal("2025-01-01,off\n").starts_with("c.csv, line 2: not a row of the table"));
    let columns = Calendar::parse("c.csv", "date,off\n").unwrap_err().to_string();
    assert!(
        columns.starts_with("c.csv, line 1: columns must be date,override,"),
        "{columns}"
    );
}

#[test]
fn old_codes_stand_for_the_port_they_serve() {
    let Reference { aliases, ports, .. } = shipped();
    for (written, expected) in [
        ("CNSHA", "CNSHG"),
        ("CNNGB", "CNNBG"),
        ("CNTSN", "CNTXG"),
        ("CNSHG", "CNSHG"),
    ] {
        assert_eq!(aliases.normalize(&port(written)), &port(expected));
    }
    assert_eq!(aliases.to_map().len(), 22);
    for canonical in aliases.to_map().values() {
        assert_eq!(
            aliases.normalize(canonical),
            canonical,
            "normalizing twice changes nothing"
        );
        assert!(ports.get(canonical).unwrap().gateway.is_some(), "{canonical}");
    }
}

#[test]
fn chains_cycles_and_doubles_of_aliases_are_refused() {
    let refusal = |rows: &str| {
        let text = format!("alias,locode,note,alias_official_name,alias_function\n{rows}");
        PortAliases::parse("a.csv", &text).unwrap_err().to_string()
    };
    let chain = "a.csv, line 2, field locode: must be a port that is not itself an alias, found \"CNSGH\"";
    assert_eq!(refusal("CNSHA,CNSGH,,,\nCNSGH,CNSHG,,,\n"), chain);
    assert_eq!(refusal("CNSHA,CNSGH,,,\nCNSGH,CNSHA,,,\n"), chain);
    assert!(refusal("CNSHA,CNSHA,,,\n").contains("not itself an alias"));
    assert_eq!(
        refusal("CNSHA,CNSHG,,,\nCNSHA,CNNBG,,,\n"),
        "a.csv, line 3, field alias: must be listed once, found \"CNSHA\""
    );
    assert!(refusal("cnsha,CNSHG,,,\n").starts_with("a.csv, line 2, field alias: must be a UN/LOCODE"));
}

#[test]
fn an_alias_for_a_port_that_does_not_exist_is_refused() {
    let error = with_texts(|texts| {
        let port_aliases = "alias,locode,note,alias_official_name,alias_function\nCNSHA,XXXXX,,,\n";
        Reference::parse(&ReferenceTexts {
            port_aliases,
            ..*texts
        })
        .unwrap_err()
    });
    assert_eq!(
        error.to_string(),
        "port_aliases.csv: CNSHA stands for XXXXX, which is not in unlocode.csv"
    );
}

#[test]
fn ports_are_known_by_code_and_gateways_by_district() {
    let ports = shipped().ports;
    assert!(ports.contains(&port("CNNBG")) && !ports.contains(&port("CNQQQ")));
    let ningbo = ports.get(&port("CNNBG")).unwrap();
    assert_eq!(ningbo.name, "Ningbo");
    assert_eq!(ningbo.gateway.as_ref().unwrap().customs_district, "3100");
    assert_eq!(ports.iter().filter(|(_, it)| it.gateway.is_some()).count(), 19);
    assert_eq!(
        ports
            .iter()
            .filter(|(code, _)| code.as_str().starts_with("CN"))
            .count(),
        1675
    );
}

#[test]
fn the_list_of_all_codes_is_read_as_shipped() {
    let packed: &[u8] = include_bytes!("../../../config/reference/unlocode.csv.gz");
    let mut unlocode = String::new();
    flate2::read::GzDecoder::new(packed)
        .read_to_string(&mut unlocode)
        .unwrap();
    assert_eq!(unlocode.lines().count(), 115_884);
    let reference = with_texts(|texts| {
        Reference::parse(&ReferenceTexts {
            unlocode: &unlocode,
            ..*texts
        })
    })
    .unwrap();
    assert!(reference.ports.contains(&port("DEHAM")) && reference.ports.contains(&port("ZWUTA")));
    assert!(!reference.ports.contains(&port("CNQQQ")));
}

#[test]
fn namibia_is_a_country_and_the_union_has_27_members() {
    let countries = shipped().countries;
    assert_eq!(countries.get(&country("NA")).unwrap().name, "Namibia");
    assert_eq!(countries.iter().count(), 249);
    assert_eq!(countries.members_of(Countries::EU27).unwrap().len(), 27);
    assert_eq!(
        countries
            .members_of("CN")
            .unwrap()
            .into_iter()
            .collect::<Vec<_>>(),
        [country("CN")]
    );
    assert_eq!(countries.members_of("XX"), None);
}

#[test]
fn the_control_list_and_commodity_codes_are_whole() {
    let Reference {
        items, commodities, ..
    } = shipped();
    assert_eq!((items.items().len(), items.later().len()), (96, 5));
    assert!(items.is_listed(&"1C905.a".parse().unwrap(), &"Dy".parse().unwrap()));
    assert!(!items.is_listed(&"1C905.a".parse().unwrap(), &"Tb".parse().unwrap()));
    let described = commodities
        .description_of(&HsCode::new("8505111000").unwrap())
        .unwrap();
    assert!(described.contains("agnet"), "{described}");
    assert_eq!(commodities.description_of(&HsCode::new("990000").unwrap()), None);
}

#[test]
fn the_policy_in_force_changes_on_its_day() {
    let policies = shipped().policies;
    for (day, expected) in [
        (date(2024, 12, 1), "cn-2024-12-01"),
        (date(2025, 4, 3), "cn-2024-12-01"),
        (date(2025, 4, 4), "cn-2025-04-04"),
        (date(2025, 5, 26), "cn-2025-04-04"),
        (date(2025, 5, 27), "cn-2025-05-27"),
        (date(2025, 6, 16), "cn-2025-06-16"),
        (date(2025, 11, 8), "cn-2025-06-16"),
        (date(2030, 1, 1), "cn-2025-06-16"),
    ] {
        assert_eq!(policies.in_force(day).unwrap().id.as_str(), expected, "{day}");
    }
    let early = policies.in_force(date(2024, 11, 30)).unwrap_err();
    assert_eq!(early.to_string(), "no policy is in force on 2024-11-30");
    assert_eq!(policies.iter().count(), POLICIES.len());
}

#[test]
fn what_was_known_earlier_is_kept_apart_from_what_was_so() {
    let policies = shipped().policies;
    let known = |on| {
        policies
            .in_force_as_known(date(2025, 11, 8), on)
            .unwrap()
            .id
            .as_str()
            .to_owned()
    };
    assert_eq!(known(date(2025, 10, 8)), "cn-2025-06-16", "not announced yet");
    assert_eq!(known(date(2025, 10, 9)), "cn-2025-11-08", "announced");
    assert_eq!(known(date(2025, 11, 6)), "cn-2025-11-08", "not withdrawn yet");
    assert_eq!(known(date(2025, 11, 7)), "cn-2025-06-16", "withdrawn");
}

#[test]
fn a_policy_withdrawn_while_in_force_ends_with_the_day_before() {
    let countries = Countries::parse("countries.csv", COUNTRIES).unwrap();
    let (_, later) = POLICIES[2];
    let withdrawn = later.replace("announced_at", "withdrawn_at = \"2025-06-02\"\nannounced_at");
    let policies = PolicySet::parse(&[POLICIES[1], ("p.toml", &withdrawn)], &countries).unwrap();
    let id = |day| policies.in_force(day).unwrap().id.as_str();
    assert_eq!(
        (id(date(2025, 6, 1)), id(date(2025, 6, 2))),
        ("cn-2025-05-27", "cn-2025-04-04")
    );
}

#[test]
fn the_shipped_policies_say_what_the_regime_says() {
    let policies = shipped().policies;
    let policy = policies.in_force(date(2025, 7, 1)).unwrap();
    assert_eq!(
        (policy.decision_working_days, policy.backdating_days_max),
        (45, 30)
    );
    assert_eq!(
        (policy.overdraw_tolerance_permille, policy.clock_skew_s_max),
        (0, 120)
    );
    assert_eq!(policy.reply_working_days(QueryStage::Customs), Some(7));
    assert_eq!(policy.reply_working_days(QueryStage::Licensing), None);
    assert!(policy.is_expedited_eligible(&country("DE")) && policy.is_expedited_eligible(&country("CN")));
    assert!(!policy.is_expedited_eligible(&country("US")));
    let from = date(2024, 2, 29);
    assert_eq!(
        policy.valid_until_max(LicenseKind::Single, from),
        Some(date(2025, 2, 28))
    );
    assert_eq!(
        policy.valid_until_max(LicenseKind::General, from),
        Some(date(2027, 2, 28))
    );
    assert_eq!(policy.valid_until_max(LicenseKind::Certificate, from), None);
    let before = policies.in_force(date(2025, 5, 26)).unwrap();
    assert!(!before.is_expedited_eligible(&country("DE")));
}

#[test]
fn a_broken_policy_is_refused_by_file_and_key() {
    let countries = Countries::parse("countries.csv", COUNTRIES).unwrap();
    let (_, text) = POLICIES[2];
    let refusal = |from: &str, to: &str| {
        assert!(text.contains(from), "the test must change something");
        let broken = text.replace(from, to);
        chain_of(&PolicySet::parse(&[("p.toml", &broken)], &countries).unwrap_err())
    };
    assert_eq!(
        refusal("\"EU27\", \"CN\"", "\"EU28\""),
        "p.toml, key licensing.expedited: must be EU27 or an ISO 3166-1 alpha-2 code, found EU28"
    );
    let unknown = refusal("[customs]", "[customs]\ntolerance = 5");
    assert!(
        unknown.starts_with("p.toml: not a policy") && unknown.contains("unknown field `tolerance`"),
        "{unknown}"
    );
    let missing = refusal("decision_working_days = 45", "");
    assert!(
        missing.contains("missing field `decision_working_days`"),
        "{missing}"
    );
    let reversed = refusal("announced_at", "valid_to = \"2025-05-26\"\nannounced_at");
    assert_eq!(
        reversed,
        "p.toml, key valid_to: must be no day before valid_from, found 2025-05-26"
    );
    let withdrawn = refusal("announced_at", "withdrawn_at = \"2025-05-26\"\nannounced_at");
    assert_eq!(
        withdrawn,
        "p.toml, key withdrawn_at: must be no day before announced_at, found 2025-05-26"
    );
}

#[test]
fn two_policies_with_one_id_or_one_first_day_are_refused() {
    let countries = Countries::parse("countries.csv", COUNTRIES).unwrap();
    let (_, text) = POLICIES[2];
    let same_id = PolicySet::parse(&[("a.toml", text), ("b.toml", text)], &countries).unwrap_err();
    assert_eq!(
        same_id.to_string(),
        "b.toml and a.toml have the same id: cn-2025-05-27"
    );
    let renamed = text.replace("id = \"cn-2025-05-27\"", "id = \"other\"");
    let same_day = PolicySet::parse(&[("a.toml", text), ("b.toml", &renamed)], &countries).unwrap_err();
    assert_eq!(
        same_day.to_string(),
        "b.toml and a.toml have the same valid_from: 2025-05-27"
    );
}

#[test]
fn the_texts_are_named_in_a_fixed_order() {
    let names = with_texts(|texts| {
        texts
            .named()
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect::<Vec<_>>()
    });
    let (tables, policies) = names.split_at(10);
    assert!(
        tables.is_sorted() && tables.contains(&"calendar_cn.csv".to_owned()),
        "{tables:?}"
    );
    assert_eq!(
        policies,
        POLICIES
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect::<Vec<_>>()
    );
}
