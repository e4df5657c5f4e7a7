//! `portbook findings`: broken rules, the records they rest on, and how to prove them.

use std::collections::BTreeMap;

use portbook_answers::{Finding, Rule, findings, uuid};
use serde::Serialize;

use super::asking;
use super::rests_on::{Basis, Loaded, RestsOn};
use crate::args::FindingsArgs;
use crate::command::timeline::{chain_of, csv_field};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use crate::speech::{Form, Speech, grouped, harmless};

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    findings: Vec<Entry<'a>>,
    counts: &'a BTreeMap<&'static str, u64>,
    rests_on: &'a RestsOn,
}

#[derive(Serialize)]
struct Entry<'a> {
    rule: &'static str,
    rule_version: u32,
    sentence: &'static str,
    subject: &'a str,
    port: &'a str,
    case: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    evidence: &'a str,
    records: &'a [u64],
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'a str>,
    prove: Vec<String>,
}

impl<'a> Entry<'a> {
    fn of(finding: &'a Finding) -> Self {
        Self {
            rule: finding.rule.word(),
            rule_version: Rule::VERSION,
            sentence: finding.rule.sentence(),
            subject: &finding.subject,
            port: &finding.port,
            case: &finding.case,
            event_id: finding.event.map(uuid),
            evidence: &finding.evidence,
            records: &finding.records,
            policy: finding.policy.as_deref(),
            prove: finding
                .records
                .iter()
                .map(|leaf| format!("portbook prove {leaf}"))
                .collect(),
        }
    }
}

/// Lists findings.
pub(crate) fn run(session: &Session, args: &FindingsArgs) -> Outcome {
    if let Some(told) = asking::ask(session, &args.rests_on) {
        return Speech::pass_on(&told).map(|()| Exit::Done);
    }
    let loaded = Loaded::load(session, &args.rests_on)?;
    tell(&session.speech, &loaded.basis(&args.rests_on), args)?;
    Ok(Exit::Done)
}

/// Lists the findings on `basis`.
pub(crate) fn tell(speech: &Speech, basis: &Basis<'_>, args: &FindingsArgs) -> Result<(), Failure> {
    let port = args.port.as_deref().map(chain_of).transpose()?;
    let port = port.map(|chain| chain.to_string());
    let rules = args.rule.map_or_else(Rule::defects, |rule| vec![rule]);
    let grounds = basis.grounds();
    let mut found = findings(&grounds, &rules);
    found.retain(|finding| {
        port.as_ref().is_none_or(|port| finding.port == *port)
            && args.case.as_ref().is_none_or(|case| finding.case == *case)
    });
    let mut counts: BTreeMap<&'static str, u64> = rules.iter().map(|rule| (rule.word(), 0)).collect();
    for finding in &found {
        *counts.entry(finding.rule.word()).or_default() += 1;
    }
    let rests_on = basis.rests_on(&grounds);
    match speech.form {
        Form::Json => speech.json(&Document {
            schema: "portbook.findings/v1",
            findings: found.iter().map(Entry::of).collect(),
            counts: &counts,
            rests_on: &rests_on,
        })?,
        Form::Ndjson => speech.lines(found.iter().map(Entry::of))?,
        Form::Csv => print_csv(speech, &found)?,
        Form::Table => {
            if args.explain {
                found.iter().try_for_each(|finding| explain(speech, finding))?;
            } else {
                found.iter().try_for_each(|finding| print(speech, finding))?;
            }
            summary(speech, &counts)?;
            rests_on.print(speech)?;
        }
    }
    Ok(())
}

fn print(speech: &Speech, finding: &Finding) -> Result<(), Failure> {
    let leaf = finding.records.first().copied().unwrap_or_default();
    speech.answer(format_args!(
        "{:<26} {:<5} {:<20} leaf {:<9} {}",
        finding.rule.word(),
        finding.port,
        finding.case,
        grouped(leaf),
        harmless(&told(finding))
    ))
}

/// What was compared, led by its subject where that is neither the event nor the case.
fn told(finding: &Finding) -> String {
    let is_event = finding.event.map(uuid).as_deref() == Some(&finding.subject);
    if is_event || finding.subject == finding.case {
        finding.evidence.clone()
    } else {
        format!("{}: {}", finding.subject, finding.evidence)
    }
}

fn explain(speech: &Speech, finding: &Finding) -> Result<(), Failure> {
    speech.answer(format_args!(
        "{} version {}: {}",
        finding.rule.word(),
        Rule::VERSION,
        finding.rule.sentence()
    ))?;
    speech.answer(format_args!("  subject   {}", harmless(&finding.subject)))?;
    speech.answer(format_args!("  where     {} case {}", finding.port, finding.case))?;
    speech.answer(format_args!("  evidence  {}", harmless(&finding.evidence)))?;
    if let Some(policy) = &finding.policy {
        speech.answer(format_args!("  policy    {policy}"))?;
    }
    for leaf in &finding.records {
        speech.answer(format_args!(
            "  record    portbook record show {leaf}  ·  portbook prove {leaf}"
        ))?;
    }
    speech.answer("")
}

fn print_csv(speech: &Speech, found: &[Finding]) -> Result<(), Failure> {
    speech.answer("rule,rule_version,subject,port,case,event_id,policy,evidence,records")?;
    for finding in found {
        let records: Vec<String> = finding.records.iter().map(ToString::to_string).collect();
        speech.answer(format_args!(
            "{},{},{},{},{},{},{},{},{}",
            finding.rule.word(),
            Rule::VERSION,
            csv_field(&finding.subject),
            finding.port,
            finding.case,
            finding.event.map(uuid).unwrap_or_default(),
            finding.policy.as_deref().unwrap_or_default(),
            csv_field(&finding.evidence),
            records.join(" ")
        ))?;
    }
    Ok(())
}

fn summary(speech: &Speech, counts: &BTreeMap<&'static str, u64>) -> Result<(), Failure> {
    let total: u64 = counts.values().sum();
    let broken = counts.iter().filter(|(_, count)| **count > 0);
    let broken: Vec<String> = broken
        .map(|(rule, count)| format!("{rule} {}", grouped(*count)))
        .collect();
    let detail = if broken.is_empty() {
        String::new()
    } else {
        format!(": {}", broken.join(", "))
    };
    speech.answer(format_args!(
        "{} findings of {} rules{detail}",
        grouped(total),
        counts.len()
    ))
}
