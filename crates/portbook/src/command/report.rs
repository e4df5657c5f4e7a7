//! `portbook report`: one printable page about a port or all of them.

use std::collections::BTreeMap;
use std::path::Path;

use portbook_answers::{Answer, Asked, By, Cell, Grounds, Question, Reported, Rule, Table, answer, findings};
use portbook_export::{About, Report, Scope, Section, Subject, Tally};
use portbook_store::StoreReader;
use serde::Serialize;

use super::answers::{Loaded, REPORTED};
use super::export::data::failed;
use super::published::{Published, scope_of};
use crate::args::{Known, ReportArgs, RestsOnArgs};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::session::Session;
use crate::speech::grouped;

/// What is asked for a page about all ports, in the order of the page.
const ASKED_OF_ALL: &[(Question, Option<By>)] = &[
    (Question::Licensed, Some(By::Month)),
    (Question::Cleared, Some(By::Month)),
    (Question::Licensed, Some(By::Group)),
    (Question::Latency, Some(By::Month)),
    (Question::Shift, Some(By::Group)),
    (Question::Outcomes, Some(By::Group)),
    (Question::Queries, Some(By::Group)),
    (Question::Expedited, None),
    (Question::Backlog, Some(By::Group)),
    (Question::Overdue, Some(By::Group)),
    (Question::Utilisation, Some(By::Month)),
    (Question::FirstShipment, Some(By::Group)),
    (Question::Challenges, None),
    (Question::Holds, Some(By::Month)),
    (Question::Ports, None),
    (Question::Concentration, None),
    (Question::Official, None),
    (Question::Conformity, None),
    (Question::Mismatch, None),
    (Question::Backdating, None),
    (Question::Integrity, None),
];

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    file: &'a Path,
    #[serde(flatten)]
    about: &'a About,
    #[serde(flatten)]
    tally: &'a Tally,
    as_of: &'a str,
    sections: &'a [Section],
}

/// Writes the page; its numbers are the answer for programs.
pub(crate) fn run(session: &Session, args: &ReportArgs) -> Outcome {
    let published = Published::open(session, args.at)?;
    let scope = scope_of(&args.what)?;
    let about = published.about(&args.out, &args.what, scope, "report");
    let bar = session.speech.bar("reading", published.book().size);
    let tally = Tally::of(&published.book(), scope, &mut |taken| bar.set_position(taken));
    bar.finish_and_clear();
    let tally = tally.map_err(|error| failed(&error))?;
    let report = report(session, published.book().reader, about, tally, scope)?;
    let mut out = Output::create(&args.out)?;
    report.write_page(&mut out).map_err(|error| failed(&error))?;
    let is_standard = out.is_standard();
    out.finish()?;
    if is_standard {
        return Ok(Exit::Done);
    }
    if session.speech.is_machine() {
        session.speech.json(&Document {
            schema: "portbook.report/v2",
            file: &args.out,
            about: &report.about,
            tally: &report.tally,
            as_of: &report.as_of,
            sections: &report.sections,
        })?;
    } else {
        let events = report.tally.events.values().sum();
        session.speech.answer(format_args!(
            "{}: {} events under checkpoint {}",
            args.out.display(),
            grouped(events),
            grouped(report.about.checkpoint_size)
        ))?;
    }
    Ok(Exit::Done)
}

/// Asks the facts of the checkpoint everything that a page says.
fn report(
    session: &Session,
    reader: &StoreReader,
    about: About,
    tally: Tally,
    scope: Scope,
) -> Result<Report, Failure> {
    let rests_on = RestsOnArgs {
        at: Some(Known::Size(about.checkpoint_size)),
        ..RestsOnArgs::default()
    };
    let loaded = Loaded::of(session, reader, &rests_on)?;
    let basis = loaded.basis(&rests_on);
    let grounds = basis.grounds();
    let reported = Reported::parse("reported_metrics.csv", REPORTED)
        .map_err(|error| Failure::of(Exit::Configuration, &error))?;
    let (sources, seals) = (basis.sources(), basis.seals());
    let asked = Asked {
        reported: &reported,
        counted: Some(basis.counted(&sources, &seals)),
        ..Asked::default()
    };
    let port = match scope {
        Scope::All => None,
        Scope::Chain(chain) => Some(chain.to_string()),
    };
    let subject = Subject {
        port: port.as_deref(),
        size: about.checkpoint_size,
    };
    let mut sections = Vec::new();
    for (question, by) in questions(subject) {
        let (answered, words) = ask(&grounds, question, Asked { by, ..asked })?;
        sections.extend(Section::of(answered, &words, subject));
    }
    sections.push(Section::of_findings(broken(&grounds, subject), subject));
    sections.push(Section::of_records(&tally, subject));
    Ok(Report {
        about,
        tally,
        as_of: grounds.as_of.to_string(),
        sections,
    })
}

/// Of one port everything is asked that can be broken down by port, or is anyway.
fn questions(subject: Subject<'_>) -> Vec<(Question, Option<By>)> {
    if subject.port.is_none() {
        return ASKED_OF_ALL.to_vec();
    }
    let all = Question::ALL.iter().copied();
    let by_port = all.filter(|question| question.dimensions().contains(&By::Port));
    let mut asked: Vec<(Question, Option<By>)> = by_port.map(|it| (it, Some(By::Port))).collect();
    asked.extend([(Question::Ports, None), (Question::Integrity, None)]);
    asked
}

/// The answer, and what to type behind `portbook stats` for it.
fn ask(grounds: &Grounds<'_>, question: Question, asked: Asked<'_>) -> Result<(Answer, String), Failure> {
    let by = asked
        .by
        .map_or(String::new(), |by| format!(" --by {}", by.word()));
    let answered = answer(grounds, question, &asked).map_err(|error| Failure::of(Exit::Usage, &error))?;
    Ok((answered, format!("{}{by}", question.word())))
}

/// Findings by rule.
fn broken(grounds: &Grounds<'_>, subject: Subject<'_>) -> Table {
    let rules = Rule::defects();
    let mut counts: BTreeMap<Rule, u64> = rules.iter().map(|rule| (*rule, 0)).collect();
    let found = findings(grounds, &rules);
    for finding in found
        .iter()
        .filter(|it| subject.port.is_none_or(|port| it.port == port))
    {
        *counts.entry(finding.rule).or_default() += 1;
    }
    let row = |(rule, count): (Rule, u64)| {
        vec![
            Cell::Text(rule.word().to_owned()),
            Cell::Text(rule.sentence().to_owned()),
            Cell::Count(count),
        ]
    };
    Table {
        name: "broken_rules",
        columns: vec!["rule", "broken_when", "findings"],
        rows: counts.into_iter().map(row).collect(),
    }
}
