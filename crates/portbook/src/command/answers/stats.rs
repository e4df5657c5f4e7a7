//! `portbook stats`: one question, with its definition and what the answer rests on.

use portbook_answers::{Answer, Asked, Cell, Counted, Question, Reported, Table, answer};
use serde::Serialize;

use super::rests_on::{Loaded, RestsOn};
use crate::args::StatsArgs;
use crate::command::timeline::csv_field;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use crate::speech::{Form, grouped, harmless};

const REPORTED: &str = include_str!("../../../../../config/reference/reported_metrics.csv");

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    title: &'a str,
    #[serde(flatten)]
    answer: &'a Answer,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'a str>,
    rests_on: &'a RestsOn,
}

#[derive(Serialize)]
struct Listed {
    number: u8,
    question: &'static str,
    title: &'static str,
    by: Vec<&'static str>,
}

#[derive(Serialize)]
struct List {
    schema: &'static str,
    questions: Vec<Listed>,
}

/// Answers a question, or lists them.
pub(crate) fn run(session: &Session, args: &StatsArgs) -> Outcome {
    let Some(question) = args.question else {
        list(session)?;
        return Ok(Exit::Done);
    };
    let loaded = Loaded::load(session, &args.rests_on)?;
    let reported = Reported::parse("reported_metrics.csv", REPORTED)
        .map_err(|error| Failure::of(Exit::Configuration, &error))?;
    let counts = loaded.at.counted;
    let asked = Asked {
        by: args.by,
        months: args.month,
        split: args.split,
        window_days: args.window,
        reported: &reported,
        counted: Some(Counted {
            events: counts.events,
            redeliveries: counts.redeliveries,
            conflicts: counts.conflicts,
            unreadable: counts.unreadable,
        }),
    };
    let grounds = loaded.grounds();
    let answered = answer(&grounds, question, &asked).map_err(|error| Failure::of(Exit::Usage, &error))?;
    let rests_on = loaded.rests_on(&grounds);
    match session.speech.form {
        Form::Json | Form::Ndjson => session.speech.json(&Document {
            schema: "portbook.stats/v1",
            title: question.title(),
            answer: &answered,
            method: args.explain.then(|| question.method()),
            rests_on: &rests_on,
        })?,
        Form::Csv => answered
            .tables
            .iter()
            .try_for_each(|table| print_csv(session, table))?,
        Form::Table => {
            print_table(session, &answered)?;
            if args.explain {
                session.speech.answer("")?;
                session.speech.answer(question.method())?;
            }
            session.speech.answer("")?;
            rests_on.print(session)?;
        }
    }
    Ok(Exit::Done)
}

fn list(session: &Session) -> Result<(), Failure> {
    let listed = Question::ALL.iter().map(|question| Listed {
        number: question.number(),
        question: question.word(),
        title: question.title(),
        by: question.dimensions().iter().map(|by| by.word()).collect(),
    });
    let listed: Vec<Listed> = listed.collect();
    match session.speech.form {
        Form::Json => session.speech.json(&List {
            schema: "portbook.questions/v1",
            questions: listed,
        }),
        Form::Ndjson => listed.iter().try_for_each(|it| session.speech.json(it)),
        Form::Csv => {
            session.speech.answer("number,question,title,by")?;
            listed.iter().try_for_each(|it| {
                let title = csv_field(it.title);
                let line = format!("{},{},{title},{}", it.number, it.question, it.by.join(" "));
                session.speech.answer(line)
            })
        }
        Form::Table => listed.iter().try_for_each(|it| {
            session
                .speech
                .answer(format_args!("{:>2}  {:<15} {}", it.number, it.question, it.title))
        }),
    }
}

fn print_csv(session: &Session, table: &Table) -> Result<(), Failure> {
    // Masses are grams in every machine's form.
    let title = |at: usize, title: &str| {
        let mass = table
            .rows
            .iter()
            .any(|row| matches!(row.get(at), Some(Cell::Grams(_))));
        if mass {
            format!("{title}_g")
        } else {
            title.to_owned()
        }
    };
    let titles = table.columns.iter().enumerate().map(|(at, name)| title(at, name));
    let titles: Vec<String> = titles.collect();
    session
        .speech
        .answer(format_args!("table,{}", titles.join(",")))?;
    for row in &table.rows {
        let cells = row.iter().map(|cell| match cell {
            Cell::Grams(grams) => grams.to_string(),
            Cell::Missing => String::new(),
            Cell::Number(number) => number.to_string(),
            Cell::Text(_) | Cell::Count(_) | Cell::Decimal(_) => csv_field(&cell.to_text()),
        });
        let cells: Vec<String> = cells.collect();
        session
            .speech
            .answer(format_args!("{},{}", table.name, cells.join(",")))?;
    }
    Ok(())
}

fn print_table(session: &Session, answered: &Answer) -> Result<(), Failure> {
    let question = answered.question;
    session.speech.answer(format_args!(
        "{} {}: {}",
        question.number(),
        question.word(),
        question.title()
    ))?;
    for table in &answered.tables {
        session.speech.answer("")?;
        print_rows(session, table)?;
    }
    session.speech.answer("")?;
    let open = answered
        .open
        .map(|it| format!(", open {} of {}", grouped(it.open), grouped(it.of)));
    session.speech.answer(format_args!(
        "n          {}{}",
        grouped(answered.n),
        open.unwrap_or_default()
    ))?;
    if answered.beyond_calendar > 0 {
        session.speech.answer(format_args!(
            "left out   {} that reach beyond the published calendar",
            grouped(answered.beyond_calendar)
        ))?;
    }
    let mut title = "note";
    for note in &answered.notes {
        session.speech.answer(format_args!("{title:<10} {note}"))?;
        title = "";
    }
    Ok(())
}

/// Prints a table with columns as wide as their widest value; numbers to the right.
fn print_rows(session: &Session, table: &Table) -> Result<(), Failure> {
    let is_mass = |at: usize| {
        table
            .rows
            .iter()
            .any(|row| matches!(row.get(at), Some(Cell::Grams(_))))
    };
    let is_text = |at: usize| {
        table
            .rows
            .iter()
            .all(|row| matches!(row.get(at), Some(Cell::Text(_))))
    };
    let titles = table.columns.iter().enumerate();
    let titles: Vec<String> = titles
        .map(|(at, title)| {
            if is_mass(at) {
                format!("{title}_kg")
            } else {
                (*title).to_owned()
            }
        })
        .collect();
    let rows = table
        .rows
        .iter()
        .map(|row| row.iter().map(|cell| harmless(&cell.to_text())).collect());
    let lines: Vec<Vec<String>> = std::iter::once(titles).chain(rows).collect();
    let width = |at: usize| {
        lines
            .iter()
            .filter_map(|line| line.get(at))
            .map(|text| text.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..table.columns.len())
        .map(|at| width(at).unwrap_or(0))
        .collect();
    session.speech.answer(table.name.replace('_', " "))?;
    for line in &lines {
        let cells = line.iter().zip(&widths).enumerate().map(|(at, (text, width))| {
            if is_text(at) {
                format!("{text:<width$}")
            } else {
                format!("{text:>width$}")
            }
        });
        let cells: Vec<String> = cells.collect();
        session
            .speech
            .answer(format_args!("  {}", cells.join("  ").trim_end()))?;
    }
    Ok(())
}
