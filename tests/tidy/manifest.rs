//! Manifests of crates: what each names, in which line, and for what.

use super::tree::{Finding, TextFile, Tree};

/// The manifest of one crate.
#[derive(Debug)]
pub(crate) struct Manifest<'a> {
    /// Name of the crate's folder.
    pub(crate) krate: &'a str,
    /// The file.
    pub(crate) file: &'a TextFile,
    /// Everything it names, in any of its tables of dependencies.
    pub(crate) dependencies: Vec<Dependency>,
}

/// One line of a manifest that names a crate.
#[derive(Debug)]
pub(crate) struct Dependency {
    /// The crate's own name, whatever it is called here.
    pub(crate) package: String,
    /// Where it is named.
    pub(crate) line: usize,
    /// Whether only tests use it.
    pub(crate) for_tests: bool,
}

/// Reads all manifests, and says what is wrong with them by themselves.
pub(crate) fn read(tree: &Tree) -> (Vec<Manifest<'_>>, Vec<Finding>) {
    let (mut manifests, mut findings) = (Vec::new(), Vec::new());
    for (krate, file) in tree.manifests() {
        match file.text.parse::<toml::Table>() {
            Ok(table) => {
                findings.extend(lints(file, &table));
                manifests.push(Manifest {
                    krate,
                    file,
                    dependencies: dependencies(file, &table),
                });
            }
            Err(error) => {
                findings.push(file.finding(1, format!("not a manifest: {}", error.message()), "TOML"));
            }
        }
    }
    (manifests, findings)
}

fn lints(file: &TextFile, table: &toml::Table) -> Option<Finding> {
    let workspace = table
        .get("lints")
        .and_then(|it| it.get("workspace"))
        .and_then(toml::Value::as_bool);
    let rule = "the workspace's lints are not in force";
    (workspace != Some(true)).then(|| file.finding(1, rule, "[lints] workspace = true"))
}

fn dependencies(file: &TextFile, table: &toml::Table) -> Vec<Dependency> {
    let sections = [
        ("dependencies", false),
        ("build-dependencies", false),
        ("dev-dependencies", true),
    ];
    let targets = table
        .get("target")
        .and_then(toml::Value::as_table)
        .into_iter()
        .flatten();
    let tables = targets.filter_map(|(_, target)| target.as_table()).chain([table]);
    let mut found = Vec::new();
    for (table, (section, for_tests)) in tables.flat_map(|table| sections.map(|section| (table, section))) {
        for (key, value) in table
            .get(section)
            .and_then(toml::Value::as_table)
            .into_iter()
            .flatten()
        {
            let package = value
                .get("package")
                .and_then(toml::Value::as_str)
                .unwrap_or(key)
                .to_owned();
            found.push(Dependency {
                package,
                line: line_of(file, section, key),
                for_tests,
            });
        }
    }
    found
}

/// Where `key` is written in `section`, for the reader's sake; 1 when it is written in an unusual way.
fn line_of(file: &TextFile, section: &str, key: &str) -> usize {
    let mut within = false;
    for (line, text) in file.lines() {
        if text.starts_with('[') {
            within = text.trim_matches(['[', ']']).split('.').next_back() == Some(section);
        }
        let is_key = text
            .strip_prefix(key)
            .is_some_and(|rest| rest.starts_with([' ', '.', '=']));
        if within && is_key {
            return line;
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_is_found_wherever_it_is_named() {
        let text = "[lints]\nworkspace = true\n[dependencies]\na.workspace = true\nb = { package = \"c\" }\n\
                    [dev-dependencies]\na = \"1\"\n[target.'cfg(unix)'.build-dependencies]\nd = \"1\"\n";
        let tree = Tree::of(&[("crates/wire/Cargo.toml", text)]);
        let (manifests, findings) = read(&tree);
        let mut found: Vec<_> = manifests[0]
            .dependencies
            .iter()
            .map(|it| (it.line, it.package.as_str(), it.for_tests))
            .collect();
        found.sort_unstable();
        assert_eq!(
            found,
            [(4, "a", false), (5, "c", false), (7, "a", true), (9, "d", false)]
        );
        assert_eq!(findings, []);
    }

    #[test]
    fn a_manifest_without_the_lints_is_found() {
        let said = |text: &str| {
            read(&Tree::of(&[("crates/wire/Cargo.toml", text)]))
                .1
                .iter()
                .map(ToString::to_string)
                .collect::<String>()
        };
        assert!(
            said("[package]\n")
                .contains("the workspace's lints are not in force; instead: [lints] workspace = true")
        );
        assert!(said("[lints]\nworkspace = false\n").contains("lints are not in force"));
        assert!(said("[package").contains("crates/wire/Cargo.toml:1: not a manifest"));
    }
}
