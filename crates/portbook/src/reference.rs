//! The reference tables and policies this build carries.

use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::GzDecoder;
use portbook_domain::{Digest, Reference, ReferenceTexts, Text};
use portbook_ledger::sha256;

use crate::exit::Exit;
use crate::failure::Failure;

const UNLOCODE_GZ: &[u8] = include_bytes!("../../../config/reference/unlocode.csv.gz");

const POLICIES: &[(&str, &str)] = &[
    (
        "2024-12-01-regulation.toml",
        include_str!("../../../config/policy/2024-12-01-regulation.toml"),
    ),
    (
        "2025-04-04-announcement-18.toml",
        include_str!("../../../config/policy/2025-04-04-announcement-18.toml"),
    ),
    (
        "2025-05-27-round-table.toml",
        include_str!("../../../config/policy/2025-05-27-round-table.toml"),
    ),
    (
        "2025-06-16-customs-queries.toml",
        include_str!("../../../config/policy/2025-06-16-customs-queries.toml"),
    ),
    (
        "2025-11-08-announcement-57.toml",
        include_str!("../../../config/policy/2025-11-08-announcement-57.toml"),
    ),
];

/// The tables, and the digests under which a ledger was opened with them.
#[derive(Debug)]
pub(crate) struct Tables {
    /// The tables.
    pub(crate) reference: Reference,
    /// Digest of each table's text, by file name.
    pub(crate) references: BTreeMap<Text, Digest>,
    /// Digest of each policy's text, by file name.
    pub(crate) policies: BTreeMap<Text, Digest>,
}

/// Reads what is compiled in. It was checked by tests, so a failure means a damaged binary.
pub(crate) fn load() -> Result<Tables, Failure> {
    let mut unlocode = String::new();
    GzDecoder::new(UNLOCODE_GZ)
        .read_to_string(&mut unlocode)
        .map_err(|error| {
            Failure::new(
                Exit::Configuration,
                format!("unlocode.csv.gz cannot be unpacked: {error}"),
            )
        })?;
    let texts = ReferenceTexts {
        calendar: include_str!("../../../config/reference/calendar_cn.csv"),
        control_items: include_str!("../../../config/reference/control_items.csv"),
        control_items_later: include_str!("../../../config/reference/control_items_later.csv"),
        countries: include_str!("../../../config/reference/countries.csv"),
        hs6: include_str!("../../../config/reference/hs6.csv"),
        port_aliases: include_str!("../../../config/reference/port_aliases.csv"),
        port_gateways: include_str!("../../../config/reference/port_gateways.csv"),
        ports_cn: include_str!("../../../config/reference/ports_cn.csv"),
        ports_world: include_str!("../../../config/reference/ports_world.csv"),
        unlocode: &unlocode,
        policies: POLICIES,
    };
    let reference = Reference::parse(&texts).map_err(|error| Failure::of(Exit::Configuration, &error))?;
    let mut references = digests(&texts.named())?;
    let mut policies = BTreeMap::new();
    for (name, _) in POLICIES {
        policies.extend(references.remove_entry(&text(name)?));
    }
    Ok(Tables {
        reference,
        references,
        policies,
    })
}

fn digests(texts: &[(&str, &str)]) -> Result<BTreeMap<Text, Digest>, Failure> {
    texts
        .iter()
        .map(|(name, content)| Ok((text(name)?, digest(content)?)))
        .collect()
}

fn text(name: &str) -> Result<Text, Failure> {
    Text::new(name).map_err(|error| Failure::of(Exit::Configuration, &error))
}

fn digest(content: &str) -> Result<Digest, Failure> {
    Digest::new(&sha256(&[content.as_bytes()]).to_hex())
        .map_err(|error| Failure::of(Exit::Configuration, &error))
}
