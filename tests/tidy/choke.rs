//! Rules about reading events: there is one way from bytes to an event, and every version goes through it.

use super::layer::layers;
use super::tree::{Finding, TextFile, Tree};

/// The file in which bytes become events: parse, lift to the current version, read the type.
const CHOKE_POINT: &str = "crates/wire/src/decode.rs";
/// The steps of that way, and where each may be named.
const STEPS: &[(&str, &[&str])] = &[
    (".lift(", &[CHOKE_POINT]),
    ("decode_with(", &[CHOKE_POINT, "crates/wire/src/upcast/tests.rs"]),
];
/// Lines around a reader in which a payload's name says what is read.
const NEAR: usize = 3;
/// What reads JSON into a type.
const READERS: &[&str] = &[
    "serde_json::from_",
    "from_slice(",
    "from_reader(",
    "from_node(",
    ".deserialize(",
];
/// Payloads of events; the names of their kinds.
const PAYLOADS: &[&str] = &[
    "EventData",
    "ApplicationSubmitted",
    "ApplicationClosed",
    "PaperworkQueried",
    "PaperworkAnswered",
    "LicenseGranted",
    "LicenseChanged",
    "ShipmentDeclared",
    "ShipmentCleared",
    "ShipmentClosed",
    "RecordCorrected",
    "RecordAnnulled",
];

/// Checks that nothing but the choke point makes events of bytes.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let product = |file: &&TextFile| file.ends_in("rs") && file.path.contains("/src/");
    tree.files.iter().filter(product).flat_map(check_file).collect()
}

fn check_file(file: &TextFile) -> Vec<Finding> {
    let code = layers(&file.text).code;
    // Unit tests stand at the end of a file.
    let product: Vec<&str> = code
        .lines()
        .take_while(|line| line.trim() != "#[cfg(test)]")
        .collect();
    let mut findings = Vec::new();
    for (line, text) in (1..).zip(&product) {
        for (step, allowed) in STEPS {
            if text.contains(step) && !allowed.contains(&file.path.as_str()) {
                findings.push(way_around(file, line, step));
            }
        }
    }
    if file.path != CHOKE_POINT {
        for (at, text) in product.iter().enumerate() {
            let around = product.iter().skip(at.saturating_sub(NEAR)).take(2 * NEAR + 1);
            let names_payload = around
                .into_iter()
                .any(|text| PAYLOADS.iter().any(|name| text.contains(name)));
            let reader = READERS.iter().find(|reader| text.contains(**reader));
            // JSON without a type is no event yet.
            let is_typed = !text.contains("Value");
            findings.extend(
                reader
                    .filter(|_| names_payload && is_typed)
                    .map(|reader| way_around(file, at + 1, reader)),
            );
        }
    }
    findings
}

fn way_around(file: &TextFile, line: usize, found: &str) -> Finding {
    file.finding(
        line,
        format!("{found:?} may make an event of bytes past {CHOKE_POINT}, so past the upcasters"),
        "portbook_wire::decode_event",
    )
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
    fn a_way_around_the_upcasters_is_found() {
        let typed = "fn f(body: &[u8]) -> LicenseGranted {\n    serde_json::from_slice(body).unwrap()\n}\n";
        assert!(
            said("crates/views/src/a.rs", typed)[0]
                .starts_with("crates/views/src/a.rs:2: \"serde_json::from_\"")
        );
        let node = "fn f(node: &Node) -> EventData {\n    EventData::LicenseGranted(from_node(node)?)\n}\n";
        assert!(said("crates/wire/src/a.rs", node)[0].starts_with("crates/wire/src/a.rs:2: \"from_node(\""));
        assert!(
            said(
                "crates/wire/src/a.rs",
                "let data = upcasts.lift(kind, 1, data);\n"
            )[0]
            .contains(".lift(")
        );
        assert!(
            said("crates/wire/src/a.rs", "let event = decode_with(&NONE, body);\n")[0]
                .contains("decode_with(")
        );
    }

    #[test]
    fn reading_something_else_and_naming_an_event_elsewhere_are_none() {
        for (path, text) in [
            (
                "crates/bus/src/a.rs",
                "let info: Info = serde_json::from_slice(answer)?;\n",
            ),
            (
                "crates/views/src/a.rs",
                "match data { EventData::LicenseGranted(granted) => granted }\n",
            ),
            (
                CHOKE_POINT,
                "EventKind::LicenseGranted => EventData::LicenseGranted(from_node(data)?),\n",
            ),
            (
                "crates/wire/tests/a.rs",
                "let it: LicenseGranted = serde_json::from_slice(body).unwrap();\n",
            ),
        ] {
            assert_eq!(said(path, text), Vec::<String>::new(), "{path}");
        }
    }
}
