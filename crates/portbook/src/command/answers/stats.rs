//! `portbook stats`: one question, with its definition and what the answer rests on.

use portbook_answers::{Answer, Asked, Cell, Question, Reported, Table, answer};
use serde::Serialize;

use super::asking;
use super::rests_on::{Basis, Loaded, RestsOn};
use crate::args::StatsArgs;
use crate::command::timeline::csv_field;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use crate::speech::{Form, Speech, grouped, harmless};

/// Figures that others reported.
pub(crate) const REPORTED: &str = include_str!("../../../../../config/reference/reported_metrics.csv");

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
    asked_of(args, &[])
        .check(question)
        .map_err(|error| Failure::of(Exit::Usage, &error))?;
    if let Some(told) = asking::ask(session, &args.rests_on) {
        return Speech::pass_on(&told).map(|()| Exit::Done);
    }
    let loaded = Loaded::load(session, &args.rests_on)?;
    tell(&session.speech, &loaded.basis(&args.rests_on), question, args)?;
    Ok(Exit::Done)
}

fn asked_of<'a>(args: &StatsArgs, reported: &'a [Reported]) -> Asked<'a> {
    Asked {
        by: args.by,
        months: args.month,
        split: args.split,
        window_days: args.window,
        reported,
        counted: None,
    }
}

/// Answers `question` on `basis`.
pub(crate) fn tell(
    speech: &Speech,
    basis: &Basis<'_>,
    question: Question,
    args: &StatsArgs,
) -> Result<(), Failure> {
    let reported = Reported::parse("reported_metrics.csv", REPORTED)
        .map_err(|error| Failure::of(Exit::Configuration, &error))?;
    let (sources, seals) = (basis.sources(), basis.seals());
    let asked = Asked {
        counted: Some(basis.counted(&sources, &seals)),
        ..asked_of(args, &reported)
    };
    let grounds = basis.grounds();
    let answered = answer(&grounds, question, &asked).map_err(|error| Failure::of(Exit::Usage, &error))?;
    let rests_on = basis.rests_on(&grounds);
    match speech.form {
        Form::Json | Form::Ndjson => speech.json(&Document {
            schema: "portbook.stats/v1",
            title: question.title(),
            answer: &answered,
            method: args.explain.then(|| question.method()),
            rests_on: &rests_on,
        })?,
        Form::Csv => answered
            .tables
            .iter()
            .try_for_each(|table| print_csv(speech, table))?,
        Form::Table => {
            print_table(speech, &answered)?;
            if args.explain {
                speech.answer("")?;
                speech.answer(question.method())?;
            }
            speech.answer("")?;
            rests_on.print(speech)?;
        }
    }
    Ok(())
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
        Form::Ndjson => session.speech.lines(&listed),
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

fn print_csv(speech: &Speech, table: &Table) -> Result<(), Failure> {
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
    speech.answer(format_args!("table,{}", titles.join(",")))?;
    for row in &table.rows {
        let cells = row.iter().map(|cell| match cell {
            Cell::Grams(grams) => grams.to_string(),
            Cell::Missing => String::new(),
            Cell::Number(number) => number.to_string(),
            Cell::Text(_) | Cell::Count(_) | Cell::Decimal(_) => csv_field(&cell.to_text()),
        });
        let cells: Vec<String> = cells.collect();
        speech.answer(format_args!("{},{}", table.name, cells.join(",")))?;
    }
    Ok(())
}

fn print_table(speech: &Speech, answered: &Answer) -> Result<(), Failure> {
    let question = answered.question;
    speech.answer(format_args!(
        "{} {}: {}",
        question.number(),
        question.word(),
        question.title()
    ))?;
    for table in &answered.tables {
        speech.answer("")?;
        print_rows(speech, table)?;
    }
    speech.answer("")?;
    let open = answered
        .open
        .map(|it| format!(", open {} of {}", grouped(it.open), grouped(it.of)));
    speech.answer(format_args!(
        "n          {}{}",
        grouped(answered.n),
        open.unwrap_or_default()
    ))?;
    if answered.beyond_calendar > 0 {
        speech.answer(format_args!(
            "left out   {} that reach beyond the published calendar",
            grouped(answered.beyond_calendar)
        ))?;
    }
    let mut title = "note";
    for note in &answered.notes {
        speech.answer(format_args!("{title:<10} {note}"))?;
        title = "";
    }
    Ok(())
}

/// Prints a table with columns as wide as their widest value; numbers to the right.
fn print_rows(speech: &Speech, table: &Table) -> Result<(), Failure> {
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
    speech.answer(table.name.replace('_', " "))?;
    for line in &lines {
        let cells = line.iter().zip(&widths).enumerate().map(|(at, (text, width))| {
            if is_text(at) {
                format!("{text:<width$}")
            } else {
                format!("{text:>width$}")
            }
        });
        let cells: Vec<String> = cells.collect();
        speech.answer(format_args!("  {}", cells.join("  ").trim_end()))?;
    }
    Ok(())
}
