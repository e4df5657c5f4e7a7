//! `scenario.toml`, key for key, and the rules between its keys.

use std::collections::BTreeMap;

use jiff::civil::Date;
use portbook_domain::PortCode;
use serde::Deserialize;

use super::class::{ClassSection, class};
use super::rule::{pct, rule, span, weights, whole_time};
use super::{
    ApplicationRules, CustomsRules, Goods, LicenseRules, Port, Scenario, ScenarioError, ScenarioTexts, Span,
};
use crate::office::{Office, date_of, day_of};
use crate::quantile::Quantiles;
use crate::target::{self, MagnetMonth, OxideFlow};

/// The class of destinations that no other class names.
pub(super) const OTHER: &str = "OTHER";
const RNG: &str = "splitmix64, stream key = fnv1a64(label) ^ seed; integers only";
/// Three years, the longest a licence can be valid.
const VALIDITY_DAYS_MAX: i64 = 1096;
/// Days around a scenario in which offices still work on it.
const AROUND_DAYS: i64 = 60;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScenarioFile {
    scenario: ScenarioSection,
    periods: BTreeMap<String, (Date, Date)>,
    ports: BTreeMap<PortCode, PortEntry>,
    goods: GoodsSection,
    application: ApplicationSection,
    class: BTreeMap<String, ClassSection>,
    licence: LicenceSection,
    customs: CustomsSection,
    defects: DefectsSection,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScenarioSection {
    id: String,
    label: String,
    seed: u64,
    start: Date,
    end: Date,
    tz: String,
    regime_start: Date,
    calendar: String,
    rng: String,
    controlled_share_pct: i64,
    office_hours_min: (i64, i64),
    recording_lag_min_q: Quantiles,
    alias_port_pct: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PortEntry {
    w: i64,
    office: String,
    alias: Vec<PortCode>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GoodsSection {
    magnets: Vec<GoodsShare>,
    oxides: Vec<Goods>,
    oxide_lot_kg_max: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GoodsShare {
    pct: i64,
    hs: portbook_domain::HsCode,
    control_code: portbook_domain::ControlCode,
    element: portbook_domain::Element,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApplicationSection {
    expedited_days_off_pct: i64,
    first_grant_spread_days: i64,
    returned_pct: i64,
    query_rounds_max: i64,
    further_query_pct: i64,
    query_reasons: BTreeMap<String, i64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LicenceSection {
    kg_q: Quantiles,
    validity_days: i64,
    single_use_pct: i64,
    declarations_max: i64,
    partial_pct: (i64, i64),
    general_licence: GeneralLicense,
    lag_to_clear_days_q: Quantiles,
}

/// Licences for many shipments: from a day on, one for each holder.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GeneralLicense {
    pub(crate) from: Date,
    pub(crate) holders: Vec<String>,
    pub(crate) validity_days: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CustomsSection {
    shipment_kg_q: Quantiles,
    challenge_pct: Vec<(Date, Date, i64)>,
    challenge_days_q: Quantiles,
    routine_hours_q: Quantiles,
    reply_due_working_days: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DefectsSection {
    unknown_port_code: PortCode,
    per_run: Defects,
}

/// How many defects of each kind are laid over a run.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Defects {
    pub(crate) cleared_before_granted: usize,
    pub(crate) controlled_without_license: usize,
    pub(crate) cleared_over_licensed: usize,
    pub(crate) cleared_after_expiry: usize,
    pub(crate) destination_mismatch: usize,
    pub(crate) item_mismatch: usize,
    pub(crate) digest_reuse: usize,
    pub(crate) declaration_reuse: usize,
    pub(crate) backdated_over_30d: usize,
    pub(crate) recorded_before_occurred: usize,
    pub(crate) license_number_gap: usize,
    pub(crate) unknown_port: usize,
    pub(crate) grant_on_non_working_day: usize,
    pub(crate) expedited_not_eligible: usize,
    pub(crate) grant_burst: usize,
    pub(crate) redelivery_ok: usize,
    pub(crate) id_conflict: usize,
}

/// Reads the file and the tables beside it, and checks what one key says of another.
pub(super) fn read(texts: &ScenarioTexts<'_>) -> Result<Scenario, ScenarioError> {
    let file: ScenarioFile =
        toml::from_str(texts.scenario).map_err(|source| ScenarioError::Malformed { source })?;
    let ScenarioSection { start, end, .. } = file.scenario;
    known(&file.scenario)?;
    let periods: Vec<Span> = file.periods.values().map(|it| span(*it)).collect();
    whole_time("periods", &periods, day_of(start), day_of(end))?;
    let (magnet_months, oxide_flows) = targets(texts, &file)?;
    let mut classes = Vec::new();
    for (name, section) in file.class {
        classes.push(class(name, section, &file.periods)?);
    }
    rule(
        classes.iter().any(|class| class.name == OTHER),
        "class",
        "one of them OTHER",
        "none",
    )?;
    Ok(Scenario {
        seed: file.scenario.seed,
        end: day_of(end),
        regime_start: day_of(file.scenario.regime_start),
        office: Office::new(texts.calendar, file.scenario.office_hours_min),
        controlled_share_pct: pct(
            "scenario.controlled_share_pct",
            file.scenario.controlled_share_pct,
        )?,
        recording_lag_min: file.scenario.recording_lag_min_q,
        alias_pct: pct("scenario.alias_port_pct", file.scenario.alias_port_pct)?,
        periods,
        ports: ports(file.ports)?,
        magnets: shares(file.goods.magnets)?,
        oxides: file.goods.oxides,
        oxide_lot_kg_max: file.goods.oxide_lot_kg_max,
        application: application(file.application)?,
        classes,
        license: license(file.licence)?,
        customs: customs(file.customs)?,
        defects: defects(file.defects.per_run)?,
        unknown_port: file.defects.unknown_port_code,
        magnet_months,
        oxide_flows,
    })
}

/// The tables of targets, and what they and the calendar must have for this scenario.
fn targets(
    texts: &ScenarioTexts<'_>,
    file: &ScenarioFile,
) -> Result<(Vec<MagnetMonth>, Vec<OxideFlow>), ScenarioError> {
    for days in [
        file.licence.validity_days,
        file.licence.general_licence.validity_days,
    ] {
        rule(
            (1..=VALIDITY_DAYS_MAX).contains(&days),
            "licence.validity_days",
            "1 to 1096",
            days,
        )?;
    }
    for day in [
        day_of(file.scenario.start) - AROUND_DAYS,
        day_of(file.scenario.end) + AROUND_DAYS,
    ] {
        texts.calendar.is_working_day(date_of(day))?;
    }
    let magnet_months = target::magnets("targets_magnets_t.csv", texts.magnets)?;
    let oxide_flows = target::oxides("targets_dytb_kg.csv", texts.oxides)?;
    for flow in &oxide_flows {
        let is_known = file
            .goods
            .oxides
            .iter()
            .any(|goods| goods.element == flow.element);
        rule(
            is_known,
            "goods.oxides",
            "every element of targets_dytb_kg.csv",
            &flow.element,
        )?;
    }
    rule(
        file.goods.oxide_lot_kg_max > 0,
        "goods.oxide_lot_kg_max",
        "more than 0",
        file.goods.oxide_lot_kg_max,
    )?;
    Ok((magnet_months, oxide_flows))
}

/// Keys that say which scenario this is; another one needs another simulator.
fn known(section: &ScenarioSection) -> Result<(), ScenarioError> {
    rule(!section.id.is_empty(), "scenario.id", "a name", &section.id)?;
    rule(
        section.label == "SIMULATED",
        "scenario.label",
        "SIMULATED: nothing here was observed",
        &section.label,
    )?;
    rule(section.tz == "+08:00", "scenario.tz", "+08:00", &section.tz)?;
    rule(
        section.rng == RNG,
        "scenario.rng",
        "the generator of this build",
        &section.rng,
    )?;
    rule(
        section.calendar == "calendar_cn.csv",
        "scenario.calendar",
        "calendar_cn.csv",
        &section.calendar,
    )?;
    rule(
        section.start < section.end,
        "scenario.end",
        "after its start",
        section.end,
    )?;
    let (open, close) = section.office_hours_min;
    let in_order = 0 <= open && open < close && close <= 1440;
    rule(
        in_order,
        "scenario.office_hours_min",
        "two minutes of a day, in order",
        format!("{open}, {close}"),
    )
}

fn ports(ports: BTreeMap<PortCode, PortEntry>) -> Result<Vec<(i64, Port)>, ScenarioError> {
    let mut weighted = BTreeMap::new();
    for (code, PortEntry { w, office, alias }) in ports {
        let is_office = office.len() == 4 && office.bytes().all(|b| b.is_ascii_digit());
        rule(is_office, &format!("ports.{code}.office"), "four digits", &office)?;
        weighted.insert(code.clone(), (w, Port { code, office, alias }));
    }
    let weighted: Vec<(i64, Port)> = weighted.into_values().collect();
    let sum = weighted.iter().map(|(weight, _)| *weight).sum::<i64>();
    let fits = weighted.iter().all(|(weight, _)| *weight >= 0) && (1..=1_000_000).contains(&sum);
    rule(fits, "ports", "weights of 1 to 1000000 in all", sum)?;
    Ok(weighted)
}

fn shares(shares: Vec<GoodsShare>) -> Result<Vec<(i64, Goods)>, ScenarioError> {
    let sum: i64 = shares.iter().map(|share| share.pct).sum();
    let fits = sum == 100 && shares.iter().all(|share| share.pct >= 0);
    rule(fits, "goods.magnets", "shares of 100 per cent in all", sum)?;
    let hs = shares.first().map(|share| &share.hs);
    let one_code = shares.iter().all(|share| Some(&share.hs) == hs);
    rule(one_code, "goods.magnets", "of one commodity code", "several")?;
    let goods = |share: GoodsShare| {
        let GoodsShare {
            pct,
            hs,
            control_code,
            element,
        } = share;
        (
            pct,
            Goods {
                hs,
                control_code,
                element,
            },
        )
    };
    Ok(shares.into_iter().map(goods).collect())
}

fn application(section: ApplicationSection) -> Result<ApplicationRules, ScenarioError> {
    let rounds = section.query_rounds_max;
    rule(
        (0..=99).contains(&rounds),
        "application.query_rounds_max",
        "0 to 99",
        rounds,
    )?;
    let spread = section.first_grant_spread_days;
    rule(
        (0..=99).contains(&spread),
        "application.first_grant_spread_days",
        "0 to 99",
        spread,
    )?;
    Ok(ApplicationRules {
        expedited_days_off_pct: pct(
            "application.expedited_days_off_pct",
            section.expedited_days_off_pct,
        )?,
        first_grant_spread_days: spread,
        returned_pct: pct("application.returned_pct", section.returned_pct)?,
        query_rounds_max: rounds,
        further_query_pct: pct("application.further_query_pct", section.further_query_pct)?,
        query_reasons: weights("application.query_reasons", section.query_reasons)?,
    })
}

fn license(section: LicenceSection) -> Result<LicenseRules, ScenarioError> {
    let (least, most) = section.partial_pct;
    let fits = 0 < least && least <= most && most <= 100;
    rule(
        fits,
        "licence.partial_pct",
        "two shares in order",
        format!("{least}, {most}"),
    )?;
    let parts = section.declarations_max;
    rule(
        (2..=99).contains(&parts),
        "licence.declarations_max",
        "2 to 99",
        parts,
    )?;
    Ok(LicenseRules {
        kg: section.kg_q,
        validity_days: section.validity_days,
        single_use_pct: pct("licence.single_use_pct", section.single_use_pct)?,
        declarations_max: parts,
        partial_pct: section.partial_pct,
        general: section.general_licence,
        lag_to_clear_days: section.lag_to_clear_days_q,
    })
}

fn customs(section: CustomsSection) -> Result<CustomsRules, ScenarioError> {
    let mut challenge_pct = Vec::new();
    for (from, to, share) in section.challenge_pct {
        challenge_pct.push((span((from, to)), pct("customs.challenge_pct", share)?));
    }
    let due = section.reply_due_working_days;
    rule(
        (0..=99).contains(&due),
        "customs.reply_due_working_days",
        "0 to 99",
        due,
    )?;
    Ok(CustomsRules {
        shipment_kg: section.shipment_kg_q,
        challenge_pct,
        challenge_days: section.challenge_days_q,
        routine_hours: section.routine_hours_q,
        reply_due_working_days: due,
    })
}

fn defects(defects: Defects) -> Result<Defects, ScenarioError> {
    let pairs = [
        ("defects.per_run.digest_reuse", defects.digest_reuse),
        ("defects.per_run.declaration_reuse", defects.declaration_reuse),
    ];
    for (key, count) in pairs {
        rule(
            count.is_multiple_of(2),
            key,
            "even: two clearances share what is reused",
            count,
        )?;
    }
    Ok(defects)
}
