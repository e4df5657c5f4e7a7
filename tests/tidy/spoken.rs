//! Rules about the commands that documents show: the program knows each verb and each flag.

use std::collections::BTreeSet;
use std::io;
use std::process::Command;

use super::tree::{Finding, TextFile, Tree};

/// One command as a document shows it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Shown<'a> {
    line: usize,
    /// The words before the first flag, without the program.
    words: Vec<&'a str>,
    /// Names of its flags, with their dashes.
    flags: BTreeSet<&'a str>,
}

/// Asks the program for help with every command that a document shows.
pub(crate) fn check(
    tree: &Tree,
    help: fn(&[&str]) -> io::Result<Option<String>>,
) -> io::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.ends_in("md")) {
        for shown in shown(file) {
            let command = shown.words.join(" ");
            let Some(help) = help(&shown.words)? else {
                findings.push(file.finding(
                    shown.line,
                    format!("there is no command {command:?}"),
                    "a command there is",
                ));
                continue;
            };
            let known: BTreeSet<&str> = help.split([' ', ',', '\n', '=', '[', ']', '<', '>']).collect();
            let unknown = shown.flags.iter().filter(|flag| !known.contains(**flag));
            findings.extend(unknown.map(|flag| {
                file.finding(
                    shown.line,
                    format!("{command:?} has no flag {flag}"),
                    "a flag that its --help shows",
                )
            }));
        }
    }
    Ok(findings)
}

/// What the program says about these words; nothing when it does not know them.
pub(crate) fn help(words: &[&str]) -> io::Result<Option<String>> {
    let asked = Command::new(env!("CARGO_BIN_EXE_portbook"))
        .args(words)
        .arg("--help")
        .output()?;
    Ok(asked
        .status
        .success()
        .then(|| String::from_utf8_lossy(&asked.stdout).into_owned()))
}

/// Commands in code blocks, one a line, and between backquotes.
fn shown(file: &TextFile) -> Vec<Shown<'_>> {
    let mut fenced = false;
    let mut found = Vec::new();
    for (line, text) in file.lines() {
        if text.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            found.extend(command(line, text.trim_start().trim_start_matches("$ ")));
        } else {
            found.extend(
                text.split('`')
                    .skip(1)
                    .step_by(2)
                    .filter_map(|span| command(line, span)),
            );
        }
    }
    found
}

/// The command a text begins with, up to a comment, a pipe or an ellipsis; none for the bare program.
fn command(line: usize, text: &str) -> Option<Shown<'_>> {
    let said = text.strip_prefix("portbook ")?.split_whitespace();
    let said: Vec<&str> = said
        .take_while(|word| !matches!(*word, "#" | "|" | ">" | "\\" | "…"))
        .collect();
    let words: Vec<&str> = said
        .iter()
        .copied()
        .take_while(|word| !word.starts_with('-'))
        .collect();
    let flags = said
        .iter()
        .filter(|word| word.starts_with("--"))
        .filter_map(|word| word.split('=').next())
        .collect();
    // A placeholder such as <service> stands for something else each time.
    let typed = words.iter().all(|word| !word.contains(['<', '[', '{']));
    (typed && !words.is_empty()).then_some(Shown { line, words, flags })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags_of(file: &TextFile) -> Vec<(usize, String)> {
        shown(file)
            .iter()
            .map(|it| (it.line, format!("{} {:?}", it.words.join(" "), it.flags)))
            .collect()
    }

    #[test]
    fn commands_are_found_where_people_look() {
        let text = "portbook is a ledger.\n`portbook verify CNNBG`, `portbook run <service>`, `verify`\n```\n$ portbook up --home a   # --b\nportbook\n```\n";
        let found = flags_of(&TextFile::new("a.md", text));
        assert_eq!(
            found,
            [
                (2, "verify CNNBG {}".to_owned()),
                (4, "up {\"--home\"}".to_owned())
            ]
        );
    }

    #[test]
    fn a_command_or_flag_that_is_not_there_is_found() {
        let tree = Tree::of(&[(
            "a.md",
            "# A\n`portbook grow`\n`portbook up --fast`\n`portbook up --home=a`\n",
        )]);
        let help = |words: &[&str]| Ok((words == ["up"]).then(|| "      --home <DIR>\n".to_owned()));
        let said: Vec<String> = check(&tree, help)
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(
            said[0].starts_with("a.md:2: there is no command \"grow\""),
            "{said:?}"
        );
        assert!(
            said[1].starts_with("a.md:3: \"up\" has no flag --fast"),
            "{said:?}"
        );
    }

    #[test]
    fn the_program_is_asked() {
        assert!(help(&["verify"]).unwrap().unwrap().contains("--against-stream"));
        assert_eq!(help(&["grow"]).unwrap(), None);
    }
}
