//! Rules about arrows: which of our crates may use which.

use std::collections::BTreeSet;

use super::manifest::{Dependency, Manifest};
use super::tree::{Finding, TextFile};

/// What each crate may use of ours, in the order in which one rests on the other.
const ARROWS: &[(&str, &str)] = &[
    ("domain", ""),
    ("ledger", ""),
    ("http", ""),
    ("witness", "ledger http"),
    ("wire", "domain"),
    ("simulator", "domain wire"),
    ("views", "domain"),
    ("answers", "domain views"),
    ("fold", "domain wire ledger views"),
    ("bus", "domain wire"),
    ("store", "ledger views fold"),
    ("source", "domain wire ledger fold bus"),
    ("import", "domain wire ledger bus source"),
    ("service", "domain wire ledger bus source"),
    ("vault", "ledger"),
    ("subscribe", "domain wire ledger bus"),
    ("projector", "domain wire ledger fold bus store"),
    ("audit", "domain wire ledger views fold store"),
    ("export", "domain wire ledger answers fold store audit"),
    ("projection", "domain wire ledger views fold store"),
    ("verify", "ledger"),
    ("evidence", "ledger store verify"),
    (
        "portbook",
        "domain wire ledger views answers fold bus store source import service vault projector audit projection evidence http simulator witness export verify subscribe",
    ),
    (
        "bench",
        "domain wire ledger views fold bus store source import service vault projector audit projection evidence verify",
    ),
    (
        "testkit",
        "domain wire ledger views fold bus store source import service vault projector audit projection evidence verify",
    ),
];

/// The crate that tests of every other may use.
const TEST_CRATE: &str = "testkit";

/// Checks who uses whom.
pub(crate) fn check(manifests: &[Manifest<'_>]) -> Vec<Finding> {
    let table = TextFile::new("tests/tidy/arrow.rs", "");
    let gone = ARROWS
        .iter()
        .filter(|(krate, _)| !manifests.iter().any(|it| it.krate == *krate));
    let gone = gone
        .map(|(krate, _)| table.finding(1, format!("there is no crate {krate}"), "remove it from ARROWS"));
    manifests.iter().flat_map(wrong_arrows).chain(gone).collect()
}

fn wrong_arrows(manifest: &Manifest<'_>) -> Vec<Finding> {
    let Manifest {
        krate,
        file,
        dependencies,
    } = manifest;
    let Some(allowed) = uses(krate) else {
        let rule = format!("crate {krate} has no place in the table of arrows");
        return vec![file.finding(
            1,
            rule,
            "add it to ARROWS in tests/tidy/arrow.rs, below what it uses",
        )];
    };
    let wrong = dependencies.iter().filter_map(|dependency| {
        let used = ours(dependency)?;
        let fits = allowed.contains(used) || (dependency.for_tests && used == TEST_CRATE);
        (!fits).then_some((dependency.line, used))
    });
    let list = if allowed.is_empty() {
        "nothing of ours"
    } else {
        &allowed.iter().copied().collect::<Vec<_>>().join(", ")
    };
    let finding = |(line, used)| {
        let instead = format!("move the code to where the arrow points: {krate} uses {list}");
        file.finding(line, format!("{krate} may not use {used}"), instead)
    };
    wrong.map(finding).collect()
}

fn uses(krate: &str) -> Option<BTreeSet<&'static str>> {
    ARROWS
        .iter()
        .find(|(name, _)| *name == krate)
        .map(|(_, uses)| uses.split_whitespace().collect())
}

fn ours(dependency: &Dependency) -> Option<&str> {
    dependency.package.strip_prefix("portbook-")
}

#[cfg(test)]
mod tests {
    use super::super::manifest;
    use super::super::tree::Tree;
    use super::*;

    /// What is said about one manifest, apart from crates that a small tree does not have.
    fn said(krate: &str, text: &str) -> Vec<String> {
        let path = format!("crates/{krate}/Cargo.toml");
        let tree = Tree::of(&[(&path, text)]);
        let findings = check(&manifest::read(&tree).0);
        findings
            .iter()
            .map(ToString::to_string)
            .filter(|text| text.starts_with(&path))
            .collect()
    }

    #[test]
    fn an_arrow_that_points_back_is_found() {
        let found = said(
            "ledger",
            "[dependencies]\nthiserror.workspace = true\nportbook-domain.workspace = true\n",
        );
        assert_eq!(
            found,
            [
                "crates/ledger/Cargo.toml:3: ledger may not use domain; instead: move the code to where the arrow points: ledger uses nothing of ours"
            ]
        );
        let renamed = "[dependencies]\nshop = { package = \"portbook-store\", path = \"../store\" }\n";
        assert_eq!(said("audit", renamed), Vec::<String>::new());
        assert!(said("bus", renamed)[0].contains(":2: bus may not use store; instead: move the code to where the arrow points: bus uses domain, wire"));
    }

    #[test]
    fn only_tests_use_the_test_crate() {
        assert_eq!(
            said("store", "[dev-dependencies]\nportbook-testkit.workspace = true\n"),
            Vec::<String>::new()
        );
        assert!(
            said("store", "[dependencies]\nportbook-testkit.workspace = true\n")[0]
                .contains("may not use testkit")
        );
        assert!(
            said("wire", "[dev-dependencies]\nportbook-bus.workspace = true\n")[0]
                .contains("wire may not use bus")
        );
    }

    #[test]
    fn the_table_names_every_crate_and_no_other() {
        assert!(said("weather", "")[0].contains("crate weather has no place in the table of arrows"));
        let findings = check(&[]);
        assert!(
            findings
                .iter()
                .any(|it| it.to_string().contains("there is no crate ledger")),
            "{findings:?}"
        );
    }

    #[test]
    fn the_table_has_no_circle() {
        let mut below = BTreeSet::new();
        for (krate, _) in ARROWS {
            for used in uses(krate).unwrap() {
                assert!(below.contains(used), "{krate} stands above {used}, which it uses");
            }
            below.insert(*krate);
        }
    }
}
