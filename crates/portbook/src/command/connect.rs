//! `portbook connect`: a subscriber to begin with, in the language of the reader.

use std::fmt::Write as _;

use portbook_bus::Identity;
use portbook_domain::PortCode;
use portbook_wire::TypeName;

use crate::args::{ConnectArgs, Language};
use crate::command::watch;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::node::Server;
use crate::session::Session;

/// The settings as the examples have them, which run by themselves against a server on the default port.
const SERVER: &str = "nats://127.0.0.1:4222";
const SEED_FILE: &str = "subscriber.nk";

/// How a language writes a setting that is a list of texts: what stands in the example, and around the texts.
struct Lists {
    text: &'static str,
    ports: &'static str,
    types: &'static str,
    open: &'static str,
    close: &'static str,
}

/// Prints the subscriber with the settings of this portbook.
pub(crate) fn run(session: &Session, args: &ConnectArgs) -> Outcome {
    let filter = watch::filter_of_words(&args.ports, &args.types)?;
    let lists = lists(args.language);
    let url = Server::running(session)
        .map_or_else(|_| SERVER.to_owned(), |server| server.address().url().to_owned());
    let seed_file = Identity::Subscriber.seed_file(&session.home.nats_seeds());
    let seed_file =
        std::path::absolute(&seed_file).map_err(|error| Failure::file("find", &seed_file, &error))?;
    let ports = list(&lists, filter.ports.iter().map(PortCode::as_str))?;
    let types = list(&lists, filter.types.iter().map(TypeName::as_str))?;
    let seed_file = quoted(&seed_file.display().to_string())?;
    let text = lists
        .text
        .replacen(&quoted(SERVER)?, &quoted(&url)?, 1)
        .replacen(&quoted(SEED_FILE)?, &seed_file, 1)
        .replacen(lists.ports, &lists.ports.replace(&empty(&lists), &ports), 1)
        .replacen(lists.types, &lists.types.replace(&empty(&lists), &types), 1);
    session.speech.answer(text.trim_end())?;
    session.speech.tell(needs(args.language));
    Ok(Exit::Done)
}

const fn lists(language: Language) -> Lists {
    match language {
        Language::Python => Lists {
            text: include_str!("../../examples/subscriber.py"),
            ports: "PORTS = []",
            types: "TYPES = []",
            open: "[",
            close: "]",
        },
        Language::Node => Lists {
            text: include_str!("../../examples/subscriber.mjs"),
            ports: "PORTS = []",
            types: "TYPES = []",
            open: "[",
            close: "]",
        },
        Language::Go => Lists {
            text: include_str!("../../examples/subscriber.go"),
            ports: "ports = []string{}",
            types: "types = []string{}",
            open: "{",
            close: "}",
        },
        Language::Rust => Lists {
            text: include_str!("../../examples/subscriber.rs"),
            ports: "PORTS: &[&str] = &[]",
            types: "TYPES: &[&str] = &[]",
            open: "&[",
            close: "]",
        },
    }
}

const fn needs(language: Language) -> &'static str {
    match language {
        Language::Python => "\nneeds: pip install nats-py nkeys",
        Language::Node => "\nneeds: npm install @nats-io/transport-node @nats-io/jetstream",
        Language::Go => "\nneeds: go get github.com/nats-io/nats.go",
        Language::Rust => {
            "\nneeds: the crates portbook-subscribe, serde_json, and tokio with macros, rt-multi-thread and signal"
        }
    }
}

fn empty(lists: &Lists) -> String {
    format!("{}{}", lists.open, lists.close)
}

fn list<'a>(lists: &Lists, texts: impl Iterator<Item = &'a str>) -> Result<String, Failure> {
    let mut list = lists.open.to_owned();
    for (at, text) in texts.enumerate() {
        let between = if at == 0 { "" } else { ", " };
        write!(list, "{between}{}", quoted(text)?).map_err(|error| Failure::of(Exit::InputOutput, &error))?;
    }
    Ok(list + lists.close)
}

/// A text as all four languages write it: as JSON does.
fn quoted(text: &str) -> Result<String, Failure> {
    serde_json::to_string(text).map_err(|error| Failure::of(Exit::InputOutput, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_has_each_setting_once_and_takes_it() {
        for language in [Language::Python, Language::Node, Language::Go, Language::Rust] {
            let lists = lists(language);
            let settings = [quoted(SERVER).unwrap(), quoted(SEED_FILE).unwrap()];
            let settings = settings
                .iter()
                .map(String::as_str)
                .chain([lists.ports, lists.types]);
            for setting in settings {
                assert_eq!(lists.text.matches(setting).count(), 1, "{language:?}: {setting}");
            }
            assert!(lists.ports.ends_with(&empty(&lists)), "{language:?}");
            let two = list(&lists, ["CNNBG", "CNSHG"].into_iter()).unwrap();
            assert_eq!(two, format!("{}\"CNNBG\", \"CNSHG\"{}", lists.open, lists.close));
        }
    }
}
