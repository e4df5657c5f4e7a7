//! The shipped scenario as facts, and the reference tables it is judged by.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use portbook_domain::{Event, Reference, ReferenceTexts};
use portbook_views::{Facts, Placement, RecordClass, Recorded};
use portbook_wire::observation::read_observations;
use portbook_wire::{Envelope, Source, encode};

/// One line of an observation file, as the ledger would record it.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) envelope: Envelope,
    pub(crate) event: Event,
    body: Vec<u8>,
}

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned()
}

fn text(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap()
}

/// The tables the product ships.
pub(crate) fn reference() -> Reference {
    let mut unlocode = String::new();
    let packed = File::open(repository().join("config/reference/unlocode.csv.gz")).unwrap();
    GzDecoder::new(packed).read_to_string(&mut unlocode).unwrap();
    let table = |name: &str| text(&format!("config/reference/{name}"));
    let mut policies: Vec<(String, String)> = fs::read_dir(repository().join("config/policy"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    policies.sort();
    let policies: Vec<(&str, &str)> = policies
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    Reference::parse(&ReferenceTexts {
        calendar: &table("calendar_cn.csv"),
        control_items: &table("control_items.csv"),
        control_items_later: &table("control_items_later.csv"),
        countries: &table("countries.csv"),
        hs6: &table("hs6.csv"),
        port_aliases: &table("port_aliases.csv"),
        port_gateways: &table("port_gateways.csv"),
        ports_cn: &table("ports_cn.csv"),
        ports_world: &table("ports_world.csv"),
        unlocode: &unlocode,
        policies: &policies,
    })
    .unwrap()
}

/// Every line of a file of the scenario, in order.
pub(crate) fn messages(name: &str) -> Vec<Message> {
    messages_of(&repository().join("examples/scenario").join(name))
}

/// Every line of a file of observations, in order.
pub(crate) fn messages_of(path: &Path) -> Vec<Message> {
    let source: Source = "urn:portbook:src:import".parse().unwrap();
    let name = path.file_name().unwrap().to_string_lossy();
    let lines = read_observations(BufReader::new(File::open(path).unwrap()), &name).unwrap();
    lines
        .map(|line| {
            let (envelope, data) = line.unwrap().into_event(&source);
            let body = encode(&envelope, &data).unwrap();
            let event = Event {
                case: envelope.case.clone(),
                id: envelope.id.clone(),
                occurred_at: envelope.occurred_at,
                data,
            };
            Message {
                envelope,
                event,
                body,
            }
        })
        .collect()
}

/// What a ledger makes of messages in this order, handed to `take` one by one.
pub(crate) fn record<'a>(
    messages: impl IntoIterator<Item = &'a Message>,
    reference: &Reference,
    mut take: impl FnMut(&Recorded<'_>),
) {
    let mut first: BTreeMap<&str, (u64, &[u8])> = BTreeMap::new();
    for (index, message) in (0_u64..).zip(messages) {
        let id = message.event.id.as_str();
        let known = first.get(id).copied();
        let class = match known {
            None => RecordClass::Event,
            Some((_, body)) if body == message.body => RecordClass::Redelivery,
            Some(_) => RecordClass::Conflict,
        };
        if known.is_none() {
            first.insert(id, (index, &message.body));
        }
        take(&Recorded {
            place: Placement {
                index,
                chain_seq: index + 1,
                recorded_at_ns: index,
            },
            class,
            refers_to: known.map(|(original, _)| original),
            port: reference.aliases.normalize(&message.envelope.port),
            port_as_written: &message.envelope.port,
            source: message.envelope.source.as_str(),
            source_recorded_at: message.envelope.recorded_at,
            simulated: message.envelope.simulated,
            event: &message.event,
        });
    }
}

/// The facts of messages in this order.
pub(crate) fn facts<'a>(messages: impl IntoIterator<Item = &'a Message>, reference: &Reference) -> Facts {
    let mut facts = Facts::default();
    record(messages, reference, |recorded| facts.take(recorded));
    facts
}
