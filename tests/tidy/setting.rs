//! Rules about settings: every key is explained where it stands, and no crate's lint settings forget the root's.

use super::tree::{Finding, TextFile, Tree};

const DEFAULTS: &str = "config/default.toml";
const LINTS: &str = "clippy.toml";
/// Each crate may know words of its own; the other keys of the root are kept as they are.
const OWN_KEYS: &[&str] = &["doc-valid-idents"];
/// Crates that are functions of their arguments, and so forbid clocks, hash order and input.
const PURE: &[&str] = &["answers", "domain", "fold", "ledger", "views", "wire"];

/// Checks the settings of the product and those of its lints.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<Finding> = tree.file(DEFAULTS).map(unexplained).unwrap_or_default();
    let Some(root) = tree.file(LINTS) else {
        return findings;
    };
    findings.extend(
        tree.files
            .iter()
            .filter(|file| file.name() == LINTS)
            .flat_map(|file| forgotten(file, root)),
    );
    findings.extend(PURE.iter().filter_map(|name| unguarded(name, tree)));
    findings
}

/// A key is explained by the comment above it; keys that follow it directly share the comment.
fn unexplained(file: &TextFile) -> Vec<Finding> {
    let mut explained = false;
    let mut findings = Vec::new();
    for (line, text) in file.lines() {
        let text = text.trim();
        if text.starts_with('#') {
            explained = true;
        } else if text.is_empty() || text.starts_with('[') {
            explained = false;
        } else if let Some((key, _)) = text.split_once('=').filter(|_| !explained) {
            findings.push(file.finding(
                line,
                format!("nothing explains {}", key.trim()),
                "a comment above it: what it does, in which unit",
            ));
        }
    }
    findings
}

/// The nearest file replaces the root's, so a key that is left out is a lint that is looser there.
fn forgotten(file: &TextFile, root: &TextFile) -> Vec<Finding> {
    let (Ok(own), Ok(common)) = (file.text.parse::<toml::Table>(), root.text.parse::<toml::Table>()) else {
        return vec![file.finding(1, "not TOML", "TOML")];
    };
    let lost = common.iter().filter(|(key, value)| match own.get(*key) {
        Some(found) => found != *value && !OWN_KEYS.contains(&key.as_str()),
        None => true,
    });
    lost.map(|(key, value)| file.finding(1, format!("{key} is not the root's"), format!("{key} = {value}")))
        .collect()
}

fn unguarded(name: &str, tree: &Tree) -> Option<Finding> {
    let path = format!("crates/{name}/{LINTS}");
    let absent = TextFile::new(&path, "");
    let file = tree.file(&path).unwrap_or(&absent);
    let table: toml::Table = file.text.parse().unwrap_or_default();
    let bans = |key: &str, part: &str| table.get(key).is_some_and(|it| it.to_string().contains(part));
    let guarded = bans("disallowed-types", "HashMap") && bans("disallowed-methods", "::now");
    (!guarded).then(|| {
        file.finding(
            1,
            format!("{name} is pure and nothing holds it"),
            "disallowed-types HashMap, disallowed-methods now",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(files)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_setting_is_explained() {
        let text = "# All.\n\n[a]\n# How long, milliseconds.\nb_ms = 1\nc_ms = 2\n\n[d]\ne = \"f\"\n";
        assert_eq!(
            said(&[(DEFAULTS, text)]),
            [
                "config/default.toml:9: nothing explains e; instead: a comment above it: what it does, in which unit"
            ]
        );
        assert!(said(&[(DEFAULTS, "[a]\n# B.\nb = 1\n\nc = 2\n")])[0].contains(":5: nothing explains c"));
    }

    #[test]
    fn a_crate_keeps_the_lints_of_the_root() {
        let root = (LINTS, "a = 70\ndoc-valid-idents = [\"B\"]\n");
        let of_store = |text: &str| said(&[root, ("crates/store/clippy.toml", text)]);
        let about_store = |text: &str| of_store(text).iter().filter(|it| it.contains("store")).count();
        assert_eq!(about_store("a = 70\ndoc-valid-idents = [\"C\"]\n"), 0);
        assert_eq!(about_store("a = 71\ndoc-valid-idents = [\"C\"]\n"), 1);
        assert_eq!(about_store("doc-valid-idents = [\"C\"]\n"), 1);
        assert_eq!(about_store("a = 70\n"), 1);
        assert_eq!(about_store("a = \n"), 1);
    }

    #[test]
    fn a_pure_crate_is_held_to_it() {
        let root = (LINTS, "");
        let held = "disallowed-types = [\"std::collections::HashMap\"]\ndisallowed-methods = [\"std::time::Instant::now\"]\n";
        let about_wire = |files: &[(&str, &str)]| {
            said(files)
                .iter()
                .any(|it| it.contains("wire is pure and nothing holds it"))
        };
        assert!(about_wire(&[root]));
        assert!(about_wire(&[
            root,
            (
                "crates/wire/clippy.toml",
                "disallowed-types = [\"std::collections::HashMap\"]\n"
            )
        ]));
        assert!(!about_wire(&[root, ("crates/wire/clippy.toml", held)]));
    }
}
