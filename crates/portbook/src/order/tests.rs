//! What is typed and the order it becomes, verb by verb.

mod answers;
mod files;
mod values;
mod verbs;

use clap::Parser;
use clap::error::ErrorKind;
use portbook_domain::{CaseId, Command, CommandId, Order, ServiceName};

use super::{OrderArgs, payload};

/// The verbs alone, without what the whole command line adds.
#[derive(Debug, Parser)]
#[command(name = "portbook")]
struct Typed {
    #[command(subcommand)]
    verb: OrderArgs,
}

/// One verb with every flag it has, and the same fields as a file would state them.
struct Verb {
    typed: &'static str,
    flags: &'static [&'static [&'static str]],
    command: &'static str,
    fields: &'static str,
}

impl Verb {
    fn line(&self) -> Vec<&'static str> {
        ["portbook", self.typed, "--case", "C-1"]
            .into_iter()
            .chain(self.flags.iter().copied().flatten().copied())
            .collect()
    }
}

fn parse(line: &[&str]) -> Result<OrderArgs, clap::Error> {
    Typed::try_parse_from(line).map(|typed| typed.verb)
}

/// The order, or everything the user is told.
fn order(line: &[&str]) -> Result<Order, String> {
    let verb = parse(line).map_err(|error| error.to_string())?;
    verb.order().map_err(|failure| failure.to_string())
}

fn head() -> payload::Head {
    payload::Head {
        command_id: CommandId::new("cmd-1").unwrap(),
        case: CaseId::new("C-1").unwrap(),
        occurred_at: None,
    }
}

#[test]
fn every_flag_becomes_its_field() {
    for verb in verbs::ALL {
        let stated = payload::parse(verb.fields.as_bytes(), verb.command, &head())
            .unwrap()
            .command;
        assert_eq!(order(&verb.line()).unwrap().command, stated, "{}", verb.typed);
        assert_eq!(stated.name(), verb.command);
    }
}

#[test]
fn every_command_has_a_verb() {
    let commands: Vec<&str> = verbs::ALL.iter().map(|verb| verb.command).collect();
    for name in Command::NAMES {
        assert!(commands.contains(name), "no verb asks for {name}");
    }
}

#[test]
fn a_file_stands_instead_of_every_flag_and_beside_none() {
    for verb in verbs::ALL {
        let with_file = ["portbook", verb.typed, "--case", "C-1", "--from", "fields.json"];
        parse(&with_file).unwrap_or_else(|error| panic!("{}: {error}", verb.typed));
        for flag in verb.flags {
            let both: Vec<&str> = with_file.iter().chain(*flag).copied().collect();
            let refused = parse(&both).unwrap_err();
            assert_eq!(
                refused.kind(),
                ErrorKind::ArgumentConflict,
                "{} {flag:?}: {refused}",
                verb.typed
            );
        }
    }
}

#[test]
fn a_verb_without_fields_names_what_is_missing() {
    for verb in verbs::ALL {
        let refused = parse(&["portbook", verb.typed, "--case", "C-1"]).unwrap_err();
        assert_eq!(
            refused.kind(),
            ErrorKind::MissingRequiredArgument,
            "{}: {refused}",
            verb.typed
        );
    }
}

#[test]
fn the_envelope_is_kept_as_typed() {
    let typed = [
        "portbook",
        "withdraw",
        "--case",
        "C-1",
        "--reason-code",
        "r",
        "--command-id",
        "mine",
    ];
    let order = order(&[&typed[..], &["--occurred-at", "2025-04-07T10:36:44+08:00"]].concat()).unwrap();
    assert_eq!(order.command_id.as_str(), "mine");
    assert_eq!(order.case.as_str(), "C-1");
    assert_eq!(order.occurred_at.unwrap().to_string(), "2025-04-07T02:36:44Z");
}

#[test]
fn an_id_that_is_not_given_is_new_every_time() {
    let typed = ["portbook", "withdraw", "--case", "C-1", "--reason-code", "r"];
    let [first, second] = [
        order(&typed).unwrap().command_id,
        order(&typed).unwrap().command_id,
    ];
    assert_ne!(first, second);
    assert_eq!(
        uuid::Uuid::parse_str(first.as_str()).unwrap().get_version_num(),
        7
    );
}

#[test]
fn a_repair_can_name_its_service() {
    let annul = verbs::ALL
        .iter()
        .find(|verb| verb.typed == "annul")
        .unwrap()
        .line();
    let service = |line: &[&str]| parse(line).unwrap().service();
    assert_eq!(service(&annul), Some(ServiceName::Intake));
    assert_eq!(
        service(&[&annul[..], &["--service", "clearance"]].concat()),
        Some(ServiceName::Clearance)
    );
    assert_eq!(
        service(&["portbook", "withdraw", "--case", "C-1", "--reason-code", "r"]),
        None
    );
}
