//! Rules about what Rust code says: what only one crate may say, and what nobody may.

use super::layer::layers;
use super::tree::{Finding, TextFile, Tree};

/// Crates whose programs speak to people; `bench` is nothing but a report.
const SPEAKING: &[&str] = &["portbook", "verify", "bench"];
/// Crates that may look around, beside tests; `bench` learns from its surroundings where the server is.
const LOOKING_AROUND: &[&str] = &["portbook", "verify", "bench"];
/// Items of `std::env` that work on their arguments alone.
const PURE_ENV: &[&str] = &["split_paths", "join_paths", "consts"];
/// Comments that put something off.
const PROMISES: &[&str] = &["TODO", "FIXME", "XXX", "HACK"];

/// Something that may not be said in code.
#[derive(Debug)]
struct Word {
    texts: &'static [&'static str],
    rule: &'static str,
    instead: &'static str,
    applies: fn(&TextFile, Place) -> bool,
}

/// What the code around a line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Product,
    Test,
}

const WORDS: &[Word] = &[
    Word {
        texts: &["todo!", "unimplemented!"],
        rule: "unfinished code",
        instead: "the code, or an error that says what is not there",
        applies: |_, _| true,
    },
    Word {
        texts: &["#[ignore"],
        rule: "a test that is skipped",
        instead: "a feature that a word of the Makefile turns on",
        applies: |_, _| true,
    },
    Word {
        texts: &[
            "println!",
            "print!",
            "eprintln!",
            "eprint!",
            "stdout()",
            "stderr()",
        ],
        rule: "only portbook prints",
        instead: "a value to print, a writer as argument, or tracing",
        applies: |file, place| place == Place::Product && !belongs_to(file, SPEAKING),
    },
    Word {
        texts: &["sleep("],
        rule: "a test that sleeps",
        instead: "a wait for the condition, with a deadline",
        applies: |_, place| place == Place::Test,
    },
];

/// Checks the words of all Rust files.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files
        .iter()
        .filter(|file| file.ends_in("rs"))
        .flat_map(check_file)
        .collect()
}

fn check_file(file: &TextFile) -> Vec<Finding> {
    let layers = layers(&file.text);
    let mut findings = words(file, &layers.code);
    findings.extend(environment(file, &layers.code));
    findings.extend(promises(file, &layers.comments));
    findings
}

fn words(file: &TextFile, code: &str) -> Vec<Finding> {
    let mut place = if is_test_file(file) {
        Place::Test
    } else {
        Place::Product
    };
    let mut findings = Vec::new();
    for (line, text) in (1..).zip(code.lines()) {
        // Unit tests stand at the end of a file.
        if text.trim() == "#[cfg(test)]" {
            place = Place::Test;
        }
        let said = WORDS
            .iter()
            .filter(|word| word.texts.iter().any(|it| says(text, it)));
        let wrong = said.filter(|word| (word.applies)(file, place));
        findings.extend(wrong.map(|word| file.finding(line, word.rule, word.instead)));
    }
    findings
}

/// `std::env` reads what surrounds the process, except for items that work on their arguments alone.
fn environment(file: &TextFile, code: &str) -> Vec<Finding> {
    if file.krate().is_none() || belongs_to(file, LOOKING_AROUND) || is_test_file(file) {
        return Vec::new();
    }
    let looks = |text: &str| {
        let imported = text.contains("use std::env;") || text.contains("use std::{env");
        let mut uses = text.split("env::").skip(1);
        imported || uses.any(|rest| !PURE_ENV.iter().any(|pure| rest.starts_with(pure)))
    };
    let lines = (1..).zip(code.lines()).filter(|(_, text)| looks(text));
    lines
        .map(|(line, _)| {
            file.finding(
                line,
                "only portbook reads the environment",
                "the value as an argument",
            )
        })
        .collect()
}

fn promises(file: &TextFile, comments: &str) -> Vec<Finding> {
    let lines = (1..)
        .zip(comments.lines())
        .filter(|(_, text)| PROMISES.iter().any(|mark| says(text, mark)));
    lines
        .map(|(line, _)| {
            file.finding(
                line,
                "a promise in a comment",
                "the deed, or the reason why it is right as it is",
            )
        })
        .collect()
}

/// Whether `text` says `word`, and not as the end of a longer one.
fn says(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text.split_at(at).0.chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

fn belongs_to(file: &TextFile, crates: &[&str]) -> bool {
    file.krate().is_some_and(|krate| crates.contains(&krate))
}

fn is_test_file(file: &TextFile) -> bool {
    let of_tests = |part: &str| matches!(part, "tests" | "benches" | "tests.rs");
    file.krate() == Some("testkit") || file.path.split('/').any(of_tests)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(path, text)]))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn words_in_texts_and_comments_are_no_code() {
        let text = "/// Says todo!() and println!() in words.\nfn f() {\n    \"todo! println! env::var // TODO\"\n}\n";
        assert_eq!(said("crates/wire/src/a.rs", text), Vec::<String>::new());
    }

    #[test]
    fn what_is_put_off_is_found() {
        for (text, rule) in [
            ("fn f() { todo!() }\n", "unfinished code"),
            ("fn f() { unimplemented!() }\n", "unfinished code"),
            ("#[ignore = \"slow\"]\n", "a test that is skipped"),
            ("// TODO: more\n", "a promise in a comment"),
            ("/// FIXME\n", "a promise in a comment"),
        ] {
            let found = said("crates/portbook/src/a.rs", &format!("//! A.\n{text}"));
            assert!(
                found[0].starts_with(&format!("crates/portbook/src/a.rs:2: {rule}; instead: ")),
                "{found:?}"
            );
        }
    }

    #[test]
    fn only_the_command_speaks_and_looks_around() {
        for (text, rule) in [
            ("fn f() { println!(\"a\"); }\n", "only portbook prints"),
            ("fn f() { std::io::stderr().lock(); }\n", "only portbook prints"),
            (
                "fn f() { std::env::var(\"A\"); }\n",
                "only portbook reads the environment",
            ),
            ("use std::env;\n", "only portbook reads the environment"),
        ] {
            assert!(said("crates/bus/src/a.rs", text)[0].contains(rule), "{text}");
            for path in [
                "crates/portbook/src/a.rs",
                "crates/bus/tests/a.rs",
                "tests/e2e/a.rs",
            ] {
                assert_eq!(said(path, text), Vec::<String>::new());
            }
        }
        for pure in [
            "fn f() { std::env::split_paths(p); }\n",
            "const A: &str = env!(\"B\");\n",
            "fn f() { writeln!(a) }\n",
        ] {
            assert_eq!(said("crates/bus/src/a.rs", pure), Vec::<String>::new());
        }
    }

    #[test]
    fn tests_do_not_sleep() {
        let sleeps = "async fn f() { tokio::time::sleep(A).await }\n";
        for path in [
            "crates/bus/tests/a.rs",
            "crates/bus/src/a/tests.rs",
            "crates/testkit/src/a.rs",
            "tests/e2e/a.rs",
        ] {
            assert!(
                said(path, sleeps)[0].contains(":1: a test that sleeps; instead: a wait for the condition"),
                "{path}"
            );
        }
        let inside = format!("#[cfg(test)]\nmod tests {{\n    {sleeps}}}\n");
        assert!(said("crates/bus/src/a.rs", &inside)[0].contains(":3: a test that sleeps"));
        assert_eq!(said("crates/bus/src/a.rs", sleeps), Vec::<String>::new());
    }
}
