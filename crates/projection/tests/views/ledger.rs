//! A ledger on disk, made of made-up messages by the very fold and store that make real ones.

use std::path::PathBuf;

use bytes::Bytes;
use portbook_domain::EventKind;
use portbook_fold::{Delivery, Known, Original, Reading, fold, read_all};
use portbook_ledger::{Leaf, SecretKey, Seq};
use portbook_projection::{Filter, Kind, ProjectionError, Projections, past};
use portbook_store::{Generation, LedgerDirectory, Store, StoreReader, ViewStore};
use portbook_views::View;
use portbook_wire::control::{Control, LedgerOpened, PublicKey, SealRequested, encode_control};
use tempfile::TempDir;

/// When the first message was recorded; the others follow a second apart.
pub(crate) const FIRST_NS: u64 = 1_746_000_000_000_000_000;
const SECOND_NS: u64 = 1_000_000_000;

pub(crate) struct Ledger {
    directory: TempDir,
    pub(crate) store: Store,
    events: u64,
}

/// One message of the stream.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    subject: String,
    body: Vec<u8>,
    signature: Option<String>,
}

impl Message {
    /// The message for another case, with one text of its body exchanged.
    pub(crate) fn with(&self, case: &str, old: &str, new: &str) -> Self {
        let text = String::from_utf8(self.body.clone()).unwrap();
        assert!(text.contains(old));
        Self {
            subject: format!("portbook.events.{case}"),
            body: text.replace(old, new).into_bytes(),
            ..self.clone()
        }
    }
}

/// Messages that belong to no port: no event, no header of a signature, a control message that nobody signed.
pub(crate) fn odd_messages() -> [Message; 3] {
    let good = event(
        77_777,
        EventKind::ApplicationClosed,
        "odd",
        r#"{"outcome":"refused"}"#,
    );
    [
        Message {
            body: b"no event".to_vec(),
            ..good.clone()
        },
        Message {
            signature: Some("no signature".to_owned()),
            ..good
        },
        Message {
            signature: None,
            ..seal()
        },
    ]
}

impl Ledger {
    /// A ledger that was just opened.
    pub(crate) fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let store = Store::create(&LedgerDirectory::at(directory.path().to_owned()).store()).unwrap();
        let mut ledger = Self {
            directory,
            store,
            events: 0,
        };
        ledger.append(&[opened()]);
        ledger
    }

    pub(crate) fn reader(&self) -> StoreReader {
        self.store.reader()
    }

    pub(crate) fn size(&self) -> u64 {
        self.store.book().size()
    }

    pub(crate) fn views_path(&self) -> PathBuf {
        LedgerDirectory::at(self.directory.path().to_owned()).views()
    }

    pub(crate) fn open(&self, kinds: &[Kind]) -> Projections {
        Projections::open(self.reader(), &self.views_path(), kinds).unwrap()
    }

    /// Opens `kinds`, folds them to the end and writes them down.
    pub(crate) fn fold(&self, kinds: &[Kind]) -> Projections {
        let projections = self.open(kinds);
        projections.catch_up(&mut |_, _| true).unwrap();
        projections.snapshot().unwrap();
        projections
    }

    /// The live generation of `view`.
    pub(crate) fn live(&self, view: &str) -> Generation {
        let store = ViewStore::open(&self.views_path()).unwrap();
        let pointer = store.pointer(view).unwrap().unwrap();
        store.generation(view, pointer.live).unwrap().unwrap()
    }

    /// The rows of a view at the end of the ledger, as a reader finds them.
    pub(crate) fn rows<V: View + 'static>(&self) -> Vec<(V::Key, V::Row)> {
        self.rows_at::<V>(self.size(), Filter::default())
    }

    /// The rows of a view as of `size` leaves, of what `filter` lets through.
    pub(crate) fn rows_at<V: View + 'static>(&self, size: u64, filter: Filter) -> Vec<(V::Key, V::Row)> {
        let (reader, path) = (self.reader(), self.views_path());
        let found = past(&reader, &path, Kind::of::<V>(), size, filter, &mut |_, _| true);
        let found = found.unwrap().unwrap();
        assert_eq!(found.size(), size);
        let mut rows = Vec::new();
        found
            .each_row::<V, ProjectionError>(|key, row| {
                rows.push((key, row));
                Ok(())
            })
            .unwrap();
        rows
    }

    /// Appends `messages` as one batch.
    pub(crate) fn append(&mut self, messages: &[Message]) {
        let first = self.size() + 1;
        let deliveries: Vec<Delivery> = (first..)
            .zip(messages)
            .map(|(seq, message)| Delivery {
                seq: Seq::new(seq).unwrap(),
                recorded_at_ns: FIRST_NS + seq * SECOND_NS,
                subject: message.subject.clone(),
                signature: message.signature.clone(),
                body: Bytes::from(message.body.clone()),
            })
            .collect();
        let readings = read_all(&deliveries);
        let known = self.known(&readings);
        let commit = fold(self.store.book(), &deliveries, readings, &known).unwrap();
        self.store.apply(commit).unwrap();
    }

    fn known(&self, readings: &[Reading]) -> Known {
        let reader = self.reader();
        let mut known = Known::new();
        for reading in readings {
            let Reading::Event(event) = reading else { continue };
            let Some(index) = self.store.event(&event.key).unwrap() else {
                continue;
            };
            let leaf = reader.leaf(index).unwrap().unwrap();
            let Ok(Leaf::Record(record)) = Leaf::decode(&leaf) else {
                continue;
            };
            let body = record.body.to_vec();
            known.insert(event.key, Original { index, body });
        }
        known
    }

    /// A message with an event of its own.
    pub(crate) fn event(&mut self, kind: EventKind, case: &str, data: &str) -> Message {
        self.events += 1;
        event(self.events, kind, case, data)
    }

    /// Four events of each of `cases` cases, the first ones of all cases first.
    pub(crate) fn append_cases(&mut self, cases: std::ops::Range<u64>) {
        let kinds = [
            EventKind::ApplicationSubmitted,
            EventKind::PaperworkQueried,
            EventKind::LicenseGranted,
            EventKind::ShipmentCleared,
        ];
        for kind in kinds {
            let messages: Vec<Message> = cases
                .clone()
                .map(|case| self.event(kind, &case_name(case), &data_of(kind, case)))
                .collect();
            self.append(&messages);
        }
    }
}

pub(crate) fn case_name(case: u64) -> String {
    format!("2025DU{case:06}")
}

/// What an event of `kind` says in case `number`.
pub(crate) fn data_of(kind: EventKind, number: u64) -> String {
    let grams = 1_000 + number;
    let goods = r#""hs":"8505111000","control_code":"1C905.a","element":"Dy""#;
    match kind {
        EventKind::ApplicationSubmitted => format!(
            r#"{{"destination":"DE","exit_port":"CNNBG","lines":[{{"line":1,{goods},"net_mass_g":{grams}}}],"lane":"standard"}}"#
        ),
        EventKind::ApplicationClosed => r#"{"outcome":"refused"}"#.to_owned(),
        EventKind::PaperworkQueried => {
            r#"{"query_id":"q1","stage":"licensing","round":1,"authority":"MOFCOM","reason":"end_use"}"#
                .to_owned()
        }
        EventKind::PaperworkAnswered => r#"{"query_id":"q1","complete":true}"#.to_owned(),
        EventKind::LicenseGranted => format!(
            r#"{{"license_no":"25DU{number:06}","valid_until":"2026-12-31","destination":"DE","lines":[{{"line":1,{goods},"granted_g":{grams}}}],"lane":"standard"}}"#
        ),
        EventKind::LicenseChanged => format!(
            r#"{{"license_no":"25DU{number:06}","change":"suspended","effective_at":"2025-06-01T00:00:00Z"}}"#
        ),
        EventKind::ShipmentDeclared => format!(
            r#"{{"declaration_no":"D{number:06}","port":"CNNBG","control_status":"controlled","lines":[{{{goods},"cleared_g":{grams}}}]}}"#
        ),
        EventKind::ShipmentCleared => format!(
            r#"{{"declaration_no":"D{number:06}","port":"CNNBG","license_no":"25DU{number:06}","control_status":"controlled","destination":"DE","lines":[{{{goods},"cleared_g":{grams}}}]}}"#
        ),
        EventKind::ShipmentClosed => format!(r#"{{"declaration_no":"D{number:06}","outcome":"cancelled"}}"#),
        EventKind::RecordCorrected => format!(
            r#"{{"target_event_id":"00000000-0000-5000-8000-000000000001","target_leaf":"{}","field_patches":[],"reason":"typo","approved_by":"b"}}"#,
            "0".repeat(64)
        ),
        EventKind::RecordAnnulled => format!(
            r#"{{"target_event_id":"00000000-0000-5000-8000-000000000001","target_leaf":"{}","reason":"double","approved_by":"b"}}"#,
            "0".repeat(64)
        ),
    }
}

/// An event as an importer states it, which happened an hour after the one with the id before it.
pub(crate) fn event(id: u64, kind: EventKind, case: &str, data: &str) -> Message {
    let name = kind.name();
    let (day, hour) = (1 + id / 24 % 28, id % 24);
    let body = format!(
        r#"{{"specversion":"1.0","id":"00000000-0000-5000-8000-{id:012x}","source":"urn:portbook:src:test","type":"portbook.{name}.v1","subject":"{case}","time":"2025-05-{day:02}T{hour:02}:00:00Z","datacontenttype":"application/json","correlationid":"{case}","partitionkey":"CNNBG","pbmode":"observed","data":{data}}}"#,
    );
    Message {
        subject: format!("portbook.events.{case}"),
        body: body.into_bytes(),
        signature: None,
    }
}

/// A seal that the log key asks for.
pub(crate) fn seal() -> Message {
    control(SealRequested {
        origin: "test.example/views".parse().unwrap(),
        prev_checkpoint: "0".repeat(64).parse().unwrap(),
        prev_size: 0,
    })
}

fn opened() -> Message {
    control(LedgerOpened {
        origin: "test.example/views".parse().unwrap(),
        log_public_key: PublicKey(*log_key().public().as_bytes()),
        stream: "PORTBOOK".parse().unwrap(),
        stream_created: "2025-04-01T00:00:00Z".parse().unwrap(),
        stream_config_sha256: "0".repeat(64).parse().unwrap(),
        port_aliases: std::collections::BTreeMap::new(),
        references: std::collections::BTreeMap::new(),
        policies: std::collections::BTreeMap::new(),
        opened_at: "2025-04-01T00:00:00Z".parse().unwrap(),
    })
}

fn control(control: impl Into<Control>) -> Message {
    let control = control.into();
    let (subject, body) = (
        control.kind().subject().to_owned(),
        encode_control(&control).unwrap(),
    );
    let signature = Some(log_key().sign_event(&subject, &body).to_string());
    Message {
        subject,
        body,
        signature,
    }
}

fn log_key() -> SecretKey {
    SecretKey::from_seed(&[7; 32])
}
