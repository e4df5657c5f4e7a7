//! Rules about owners: what comes from outside belongs to one crate, and the others ask that crate.

use super::manifest::Manifest;
use super::tree::{Finding, TextFile};

/// What comes from outside, and whose it is.
const OWNERS: &[(&str, &str)] = &[
    ("async-nats", "bus"),
    ("aws-lc-rs", "source"),
    ("axum", "http"),
    ("bincode", "store"),
    ("chacha20poly1305", "vault"),
    ("clap", "portbook"),
    ("clap_complete", "portbook"),
    ("clap_mangen", "portbook"),
    ("ed25519-dalek", "ledger"),
    ("figment", "portbook"),
    ("getrandom", "portbook"),
    ("http-body-util", "http"),
    ("hyper", "http"),
    ("hyper-util", "http"),
    ("indicatif", "portbook"),
    ("nkeys", "bus"),
    ("parquet", "export"),
    ("prometheus-client", "http"),
    ("rustix", "import"),
    ("rustls-native-certs", "http"),
    ("serde_json", "wire"),
    ("sha2", "ledger"),
    ("sled", "store"),
    ("toml", "domain"),
    ("tokio-rustls", "http"),
    ("tower-service", "http"),
    ("tracing-subscriber", "portbook"),
];

/// Who uses what belongs to another all the same, and why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "bench",
        "async-nats",
        "the bare client is the limit it compares with",
    ),
    (
        "bench",
        "ed25519-dalek",
        "bare signatures are the limit it compares with",
    ),
    ("bench", "serde_json", "its report is JSON"),
    ("bench", "sha2", "bare hashing is the limit it compares with"),
    ("bus", "serde_json", "the server's own interface is JSON"),
    (
        "bus",
        "sha2",
        "a stream's configuration is pinned by digest, and bus does not rest on ledger",
    ),
    ("http", "serde_json", "problem documents and health are JSON"),
    ("export", "serde_json", "formats of others are JSON"),
    ("portbook", "serde_json", "it prints answers as JSON"),
    ("portbook", "toml", "it reads settings, as domain reads policies"),
    ("service", "serde_json", "it passes on the error of wire's writer"),
    (
        "simulator",
        "toml",
        "it reads scenarios, as domain reads policies",
    ),
    (
        "testkit",
        "async-nats",
        "stories do to a server what the bus never would",
    ),
    (
        "testkit",
        "serde_json",
        "the server says in JSON where it listens",
    ),
    (
        "wire",
        "sha2",
        "message ids and links between events are digests, and wire does not rest on ledger",
    ),
];

/// Checks who uses what from outside.
pub(crate) fn check(manifests: &[Manifest<'_>]) -> Vec<Finding> {
    let table = TextFile::new("tests/tidy/owner.rs", "");
    let used = |krate: &str, package: &str| {
        let found = manifests
            .iter()
            .filter(|it| it.krate == krate)
            .flat_map(|it| &it.dependencies);
        found.filter(|it| it.package == package).count() > 0
    };
    let stale = EXCEPTIONS
        .iter()
        .filter(|(krate, package, _)| !used(krate, package));
    let stale = stale.map(|(krate, package, why)| {
        table.finding(
            1,
            format!("{krate} does not use {package}, though {why}"),
            "remove it from EXCEPTIONS",
        )
    });
    manifests.iter().flat_map(strays).chain(stale).collect()
}

fn strays(manifest: &Manifest<'_>) -> Vec<Finding> {
    let Manifest {
        krate,
        file,
        dependencies,
    } = manifest;
    let strays = dependencies.iter().filter_map(|dependency| {
        let package = dependency.package.as_str();
        let (_, owner) = OWNERS.iter().find(|(outside, _)| *outside == package)?;
        let excepted = EXCEPTIONS
            .iter()
            .any(|(user, outside, _)| user == krate && *outside == package);
        let rule = format!("{krate} may not use {package}, which belongs to {owner}");
        (owner != krate && !excepted)
            .then(|| file.finding(dependency.line, rule, format!("ask {owner} for what you need")))
    });
    strays.collect()
}

#[cfg(test)]
mod tests {
    use super::super::manifest;
    use super::super::tree::Tree;
    use super::*;

    /// What is said about one manifest, apart from exceptions that a small tree has no use for.
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
    fn what_has_an_owner_is_not_used_by_others() {
        for (outside, owner) in OWNERS {
            let text = format!("[dependencies]\n{outside}.workspace = true\n");
            assert_eq!(said(owner, &text), Vec::<String>::new());
            let found = said("views", &text);
            let told = format!(
                ":2: views may not use {outside}, which belongs to {owner}; instead: ask {owner} for what"
            );
            assert!(found[0].contains(&told), "{found:?}");
        }
        assert!(said("fold", "[dev-dependencies]\nsled = \"1\"\n")[0].contains("fold may not use sled"));
    }

    #[test]
    fn an_exception_is_for_one_crate_and_as_long_as_it_is_used() {
        for (krate, outside, _) in EXCEPTIONS {
            assert_eq!(
                said(krate, &format!("[dependencies]\n{outside}.workspace = true\n")),
                Vec::<String>::new()
            );
        }
        let findings = check(&[]);
        assert_eq!(findings.len(), EXCEPTIONS.len());
        assert!(
            findings
                .iter()
                .any(|it| it.to_string().contains("wire does not use sha2")),
            "{findings:?}"
        );
    }
}
