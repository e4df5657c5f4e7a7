//! Rules about the shape of Rust files: names, headers, lengths.

use super::layer::layers;
use super::tree::{Finding, TextFile, Tree};

/// A file that is longer is two files.
const FILE_LINES_MAX: usize = 500;
/// A function that is longer does two things.
const FUNCTION_LINES_MAX: usize = 70;
/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "common", "types", "misc"];

/// Checks the shape of all Rust files.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files
        .iter()
        .filter(|file| file.ends_in("rs"))
        .flat_map(check_file)
        .collect()
}

fn check_file(file: &TextFile) -> Vec<Finding> {
    let whole = name(file).into_iter().chain(header(file)).chain(length(file));
    whole.chain(long_functions(file)).collect()
}

fn name(file: &TextFile) -> Option<Finding> {
    if file.name() == "mod.rs" {
        return Some(file.finding(1, "a file named mod.rs", "foo.rs beside the folder foo"));
    }
    let empty = file
        .path
        .split(['/', '.'])
        .any(|part| EMPTY_NAMES.contains(&part));
    empty.then(|| file.finding(1, "a name that says nothing", "the noun this file is about"))
}

fn header(file: &TextFile) -> Option<Finding> {
    let sentence = file
        .text
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("//! "));
    let missing = sentence.is_none_or(|it| it.trim().is_empty());
    missing.then(|| file.finding(1, "no header", "//! and one sentence: what this file is for"))
}

fn length(file: &TextFile) -> Option<Finding> {
    let lines = file.text.lines().count();
    let rule = format!("{lines} lines, more than {FILE_LINES_MAX}");
    (lines > FILE_LINES_MAX).then(|| file.finding(FILE_LINES_MAX, rule, "two files, each about one noun"))
}

fn long_functions(file: &TextFile) -> Vec<Finding> {
    let code = layers(&file.text).code;
    let lines: Vec<&str> = code.lines().collect();
    let begins = lines.iter().enumerate().filter(|(_, line)| is_function(line));
    let lengths = begins.map(|(at, _)| (at + 1, function_lines(lines.get(at..).unwrap_or_default())));
    let long = lengths.filter(|(_, length)| *length > FUNCTION_LINES_MAX);
    let rule = |length| format!("a function of {length} lines, more than {FUNCTION_LINES_MAX}");
    long.map(|(line, length)| file.finding(line, rule(length), "functions that can be named"))
        .collect()
}

/// Whether a line of code begins a function; a type such as `fn(u8) -> u8` has no name.
fn is_function(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words
        .by_ref()
        .find(|word| !matches!(*word, "const" | "async" | "unsafe") && !word.starts_with("pub"))
        == Some("fn")
        && words.next().is_some()
}

/// Lines of the function that begins here, empty ones and comments aside. The code is formatted: a function ends where a
/// brace stands in the column of its first line.
fn function_lines(lines: &[&str]) -> usize {
    let Some(first) = lines.first() else { return 0 };
    if first.trim_end().ends_with([';', '}']) {
        return 1;
    }
    let indent = first.len() - first.trim_start().len();
    let closes =
        |line: &&str| line.len() - line.trim_start().len() == indent && line.trim_start().starts_with('}');
    let end = lines.iter().position(closes).unwrap_or_default();
    lines
        .iter()
        .take(end + 1)
        .filter(|line| !line.trim().is_empty())
        .count()
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

    /// What is said about a file whose header is its first line.
    fn about(path: &str, body: &str) -> Vec<String> {
        said(path, &format!("//! A file.\n{body}"))
    }

    #[test]
    fn names_say_something() {
        assert!(about("crates/wire/src/a/mod.rs", "")[0].contains("a file named mod.rs"));
        for name in ["util.rs", "helpers.rs", "common/a.rs", "types.rs"] {
            assert!(
                about(&format!("crates/wire/src/{name}"), "")[0].contains("a name that says nothing"),
                "{name}"
            );
        }
        assert_eq!(about("crates/wire/src/type_name.rs", ""), Vec::<String>::new());
    }

    #[test]
    fn every_file_says_what_it_is_for() {
        for text in ["", "use std::fs;\n", "//!\n", "//!  \n", "// A file.\n"] {
            assert!(
                said("crates/wire/src/a.rs", text)[0].contains(":1: no header"),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_file_has_an_end() {
        let body = |lines: usize| "const A: u8 = 0;\n".repeat(lines);
        assert_eq!(about("tests/a.rs", &body(499)), Vec::<String>::new());
        assert!(about("tests/a.rs", &body(500))[0].contains("tests/a.rs:500: 501 lines, more than 500"));
    }

    #[test]
    fn a_function_has_an_end() {
        let inner = |lines: usize| {
            format!(
                "    pub(crate) async fn f() {{\n{}    }}\n",
                "        g();\n".repeat(lines)
            )
        };
        let body = |lines: usize| format!("impl A {{\n    fn a() {{}}\n    fn b();\n{}}}\n", inner(lines));
        assert_eq!(about("tests/a.rs", &body(68)), Vec::<String>::new());
        assert!(about("tests/a.rs", &body(69))[0].contains(":5: a function of 71 lines, more than 70"));
        let spread = format!(
            "const fn f(\n    a: u8,\n) {{\n{}}}\n",
            "    g();\n\n    // why\n".repeat(67)
        );
        assert!(about("tests/a.rs", &spread)[0].contains(":2: a function of 71 lines"));
        let table = format!("const F: fn(u8) -> u8 = &[\n{}];\n", "    0,\n".repeat(80));
        assert_eq!(about("tests/a.rs", &table), Vec::<String>::new());
    }
}
