//! Rules about documents: one title, links that lead somewhere, every crate in its place, nothing about this machine.

use std::path::Path;

use super::layer::layers;
use super::tree::{Finding, TextFile, Tree};

/// Hosts of package registries, and folders of single machines. Each is written in two halves, so that this file keeps
/// the rule as well.
const REGISTRIES: &[&str] = &[
    concat!("crates", ".io"),
    concat!("docs", ".rs"),
    concat!("pypi", ".org"),
    concat!("python", "hosted.org"),
    concat!("npmjs", ".com"),
    concat!("npmjs", ".org"),
    concat!("proxy.golang", ".org"),
    concat!("maven", ".org"),
    concat!("rubygems", ".org"),
];
const MACHINES: &[&str] = &[
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
    concat!("C:", "\\"),
];

/// The page with one heading per crate.
const MAP: &str = "ARCHITECTURE.md";
/// The page everybody begins with.
const FIRST: &str = "README.md";

/// Checks all documents, and all text for words that belong into none.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<Finding> = tree.files.iter().flat_map(strange_words).collect();
    for file in tree.files.iter().filter(|file| file.ends_in("md")) {
        findings.extend(one_title(file));
        findings.extend(dead_links(file, &tree.root));
    }
    findings.extend(tree.files.iter().flat_map(|file| lost_pages(file, tree)));
    findings.extend(map_of_crates(tree));
    findings.extend(hidden_pages(tree));
    findings
}

fn strange_words(file: &TextFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, text) in file.lines() {
        for host in REGISTRIES.iter().filter(|host| text.contains(**host)) {
            findings.push(file.finding(
                line,
                format!("names the registry host {host}"),
                "the name of the package",
            ));
        }
        for folder in MACHINES.iter().filter(|folder| begins_a_path(text, folder)) {
            findings.push(file.finding(
                line,
                format!("a path of one machine, {folder}"),
                "a path below the root, or a setting",
            ));
        }
    }
    findings
}

/// Whether an absolute path begins with `folder`, and not one that only goes on with it.
fn begins_a_path(text: &str, folder: &str) -> bool {
    text.match_indices(folder).any(|(at, _)| {
        let before = text.split_at(at).0.chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}' | '~' | '/'))
    })
}

fn one_title(file: &TextFile) -> Option<Finding> {
    let titles: Vec<usize> = prose(file)
        .filter(|(_, text)| text.starts_with("# "))
        .map(|(line, _)| line)
        .collect();
    match titles.as_slice() {
        [_] => None,
        [] => Some(file.finding(1, "no title", "one line that begins with #")),
        [_, second, ..] => Some(file.finding(*second, "a second title", "## for what is below the first")),
    }
}

fn dead_links(file: &TextFile, root: &Path) -> Vec<Finding> {
    let folder = root
        .join(&file.path)
        .parent()
        .map(Path::to_owned)
        .unwrap_or_default();
    let mut findings = Vec::new();
    for (line, text) in prose(file) {
        for target in links(text) {
            let path = target.split('#').next().unwrap_or_default();
            let elsewhere = path.is_empty() || path.contains("://") || path.starts_with("mailto:");
            if !elsewhere && !folder.join(path).exists() {
                findings.push(file.finding(
                    line,
                    format!("a link to {target}, which is not there"),
                    "the path from this file",
                ));
            }
        }
    }
    findings
}

/// Targets of the links in a line of Markdown.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// Pages that a document or a comment names, and that nobody who has this tree can open.
fn lost_pages(file: &TextFile, tree: &Tree) -> Vec<Finding> {
    let text = if file.ends_in("rs") {
        layers(&file.text).comments
    } else {
        file.text.clone()
    };
    let mut findings = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let words = text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '.' | '_' | '-'));
        for word in words
            .map(|word| word.trim_end_matches('.'))
            .filter(|word| is_page(word))
        {
            if !tree.files.iter().any(|file| file.name() == word) {
                findings.push(file.finding(
                    line,
                    format!("names {word}, which is not there"),
                    "a page there is, or what it says",
                ));
            }
        }
    }
    findings
}

fn is_page(word: &str) -> bool {
    Path::new(word).extension().is_some_and(|ending| ending == "md")
}

/// Lines outside of code blocks.
fn prose(file: &TextFile) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    file.lines().filter(move |(_, text)| {
        let fence = text.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

fn map_of_crates(tree: &Tree) -> Vec<Finding> {
    let missing_map = TextFile::new(MAP, "");
    let map = tree.file(MAP).unwrap_or(&missing_map);
    let headings: Vec<(usize, &str)> = prose(map)
        .filter_map(|(line, text)| Some((line, text.strip_prefix("### `")?.strip_suffix('`')?)))
        .collect();
    let absent = tree
        .manifests()
        .filter(|(name, _)| !headings.iter().any(|(_, heading)| heading == name));
    let absent = absent.map(|(name, _)| {
        map.finding(
            1,
            format!("crate {name} is not on the map"),
            format!("a heading ### `{name}`"),
        )
    });
    let gone = headings
        .iter()
        .filter(|(_, heading)| !tree.manifests().any(|(name, _)| name == *heading));
    let gone = gone.map(|(line, heading)| {
        map.finding(
            *line,
            format!("there is no crate {heading}"),
            "the crates there are",
        )
    });
    absent.chain(gone).collect()
}

/// A page that the first page does not lead to is not read.
fn hidden_pages(tree: &Tree) -> Vec<Finding> {
    let first = tree.file(FIRST).map_or("", |file| file.text.as_str());
    let pages = tree
        .files
        .iter()
        .filter(|file| file.path.starts_with("docs/") && file.ends_in("md"));
    let hidden = pages.filter(|page| !links(first).any(|target| target == page.path));
    hidden
        .map(|page| {
            page.finding(
                1,
                format!("{FIRST} does not lead here"),
                "a link to it, or no such page",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(files)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_page_has_one_title() {
        assert_eq!(
            said(&[("a.md", "# A\n\n```\n# a comment\n```\n## B\n")]),
            Vec::<String>::new()
        );
        assert_eq!(
            said(&[("a.md", "A\n")]),
            ["a.md:1: no title; instead: one line that begins with #"]
        );
        assert!(said(&[("a.md", "# A\n\n# B\n")])[0].starts_with("a.md:3: a second title"));
    }

    #[test]
    fn a_link_leads_somewhere() {
        let found = said(&[(
            "a.md",
            "# A\n[b](nowhere.md#c), [d](https://example.org/e), [f](#g)\n",
        )]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("a.md:2: a link to nowhere.md#c, which is not there"));
        assert!(found[1].starts_with("a.md:2: names nowhere.md, which is not there"));
    }

    #[test]
    fn a_page_that_is_named_is_there() {
        let page = ("a.md", "# A\nSee a.md.\n");
        assert_eq!(
            said(&[page, ("b.rs", "// See a.md.\nlet a = \"b.md\";\n")]),
            Vec::<String>::new()
        );
        assert!(
            said(&[page, ("b.rs", "fn f() {}\n/// See docs/b.md, 2.\n")])[0]
                .starts_with("b.rs:2: names b.md")
        );
        assert!(said(&[page, ("b.toml", "# as b.md has it\n")])[0].starts_with("b.toml:1: names b.md"));
    }

    #[test]
    fn the_map_has_every_crate_and_no_other() {
        let manifest = ("crates/wire/Cargo.toml", "");
        assert_eq!(
            said(&[manifest, (MAP, "# A\n### `wire`\n")]),
            Vec::<String>::new()
        );
        let found = said(&[manifest, (MAP, "# A\nwire\n### `weather`\n")]);
        assert!(
            found[0].contains("crate wire is not on the map; instead: a heading ### `wire`"),
            "{found:?}"
        );
        assert!(found[1].contains(":3: there is no crate weather"), "{found:?}");
        assert!(said(&[manifest])[0].contains("crate wire is not on the map"));
    }

    #[test]
    fn the_first_page_leads_to_every_other() {
        let page = ("docs/a.md", "# A\n");
        assert!(said(&[page, (FIRST, "# F\ndocs/a.md\n")])[0].contains("README.md does not lead here"));
        let found = said(&[page, (FIRST, "# F\n[a](docs/a.md)\n")]);
        assert!(
            !found.iter().any(|it| it.contains("does not lead here")),
            "{found:?}"
        );
    }

    #[test]
    fn no_text_names_a_registry_or_a_machine() {
        for host in REGISTRIES {
            let text = format!("# see https://{host}/a\n");
            assert!(
                said(&[("a.toml", &text)])[0]
                    .starts_with(&format!("a.toml:1: names the registry host {host}"))
            );
        }
        for folder in MACHINES {
            for text in [format!("let a = \"{folder}x\";\n"), format!("in {folder}x\n")] {
                assert!(
                    said(&[("a.rs", &text)])[0].contains("a path of one machine"),
                    "{text}"
                );
            }
        }
        let within = format!("https://example.org{}a and tests{}b\n", MACHINES[3], MACHINES[0]);
        assert_eq!(said(&[("a.rs", &within)]), Vec::<String>::new());
    }
}
