//! The fold against what it promises: one leaf a message, the same bytes for every split, evidence instead of errors.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "builders of test data"
)]

use std::collections::BTreeMap;

use bytes::Bytes;
use portbook_fold::{Book, Delivery, FoldError, Known, LookupKey, Original, Reading, fold, read_all, row_of};
use portbook_ledger::{Chain, Index, Leaf, Record, RecordKind, SecretKey, Seq};
use portbook_views::{RecordClass, TimelineRow};
use portbook_wire::Source;
use portbook_wire::control::{
    Control, KeyId, KeyRegistered, KeyRevoked, LedgerOpened, ModeName, PublicKey, ReferencePublished,
    SealRequested, encode_control,
};
use proptest::prelude::*;

const ORIGIN: &str = "test.example/fold";

fn log_key() -> SecretKey {
    SecretKey::from_seed(&[7; 32])
}

fn control(control: impl Into<Control>, key: &SecretKey) -> Message {
    let control = control.into();
    let (subject, body) = (
        control.kind().subject().to_owned(),
        encode_control(&control).unwrap(),
    );
    let signature = Some(key.sign_event(&subject, &body).to_string());
    Message {
        subject,
        body,
        signature,
    }
}

fn opened() -> Message {
    let text = |text: &str| text.parse().unwrap();
    let opened = LedgerOpened {
        origin: text(ORIGIN),
        log_public_key: PublicKey(*log_key().public().as_bytes()),
        stream: text("PORTBOOK"),
        stream_created: "2025-04-01T00:00:00Z".parse().unwrap(),
        stream_config_sha256: "0".repeat(64).parse().unwrap(),
        port_aliases: BTreeMap::from([("CNNGB".parse().unwrap(), "CNNBG".parse().unwrap())]),
        references: BTreeMap::new(),
        policies: BTreeMap::new(),
        opened_at: "2025-04-01T00:00:00Z".parse().unwrap(),
    };
    control(opened, &log_key())
}

fn seal() -> Message {
    let request = SealRequested {
        origin: ORIGIN.parse().unwrap(),
        prev_checkpoint: "0".repeat(64).parse().unwrap(),
        prev_size: 0,
    };
    control(request, &log_key())
}

/// A refusal of an application: the smallest event there is.
fn closed(id: u64, case: &str, port: &str, outcome: &str) -> Message {
    let body = format!(
        r#"{{"specversion":"1.0","id":"00000000-0000-5000-8000-{id:012x}","source":"urn:portbook:src:test","type":"portbook.application.closed.v1","subject":"{case}","time":"2025-05-01T00:00:00Z","datacontenttype":"application/json","dataschema":"urn:portbook:schema:application.closed:1:sha256:{digest}","correlationid":"{case}","partitionkey":"{port}","pbmode":"observed","data":{{"outcome":"{outcome}"}}}}"#,
        digest = "0".repeat(64),
    );
    Message {
        subject: format!("portbook.events.{case}"),
        body: body.into_bytes(),
        signature: None,
    }
}

#[derive(Debug, Clone)]
struct Message {
    subject: String,
    body: Vec<u8>,
    signature: Option<String>,
}

/// A ledger in memory: what the store would hold.
#[derive(Default)]
struct Ledger {
    book: Book,
    leaves: Vec<Vec<u8>>,
    rows: BTreeMap<Chain, Vec<TimelineRow>>,
    events: BTreeMap<LookupKey, u64>,
}

impl Ledger {
    fn take(&mut self, messages: &[Message]) -> Result<(), FoldError> {
        let first = self.book.size() + 1;
        self.take_from(first, messages)
    }

    fn take_from(&mut self, first: u64, messages: &[Message]) -> Result<(), FoldError> {
        let deliveries: Vec<Delivery> = (first..)
            .zip(messages)
            .map(|(seq, message)| Delivery {
                seq: Seq::new(seq).unwrap(),
                recorded_at_ns: 1_750_000_000_000_000_000 + seq,
                subject: message.subject.clone(),
                signature: message.signature.clone(),
                body: Bytes::from(message.body.clone()),
            })
            .collect();
        let readings = read_all(&deliveries);
        let known = self.known(&readings);
        let commit = fold(&self.book, &deliveries, readings, &known)?;
        for (key, index) in &commit.lookups.events {
            self.events.entry(*key).or_insert(index.get());
        }
        self.leaves.extend(commit.leaves.iter().map(<[u8]>::to_vec));
        for (chain, entries) in commit.entries {
            let rows = entries
                .iter()
                .map(|entry| row_of(entry.index, &self.record(entry.index.get()), &entry.remark));
            let rows: Vec<_> = rows.collect();
            self.rows.entry(chain).or_default().extend(rows);
        }
        assert_eq!(commit.book.size(), u64::try_from(self.leaves.len()).unwrap());
        self.book = commit.book;
        Ok(())
    }

    fn known(&self, readings: &[Reading]) -> Known {
        let mut known = Known::new();
        for reading in readings {
            if let Reading::Event(event) = reading
                && let Some(index) = self.events.get(&event.key)
            {
                let body = self.record(*index).body.to_vec();
                known.insert(
                    event.key,
                    Original {
                        index: Index::new(*index).unwrap(),
                        body,
                    },
                );
            }
        }
        known
    }

    fn record(&self, index: u64) -> Record<'_> {
        match Leaf::decode(&self.leaves[usize::try_from(index).unwrap()]).unwrap() {
            Leaf::Record(record) => record,
            Leaf::Seal(seal) => unreachable!("{seal:?}"),
        }
    }

    /// Kind, chain and reference of every record.
    fn kinds(&self) -> Vec<(RecordKind, String, Option<u64>)> {
        let leaves = self
            .leaves
            .iter()
            .filter_map(|leaf| match Leaf::decode(leaf).unwrap() {
                Leaf::Record(record) => Some((
                    record.kind,
                    record.chain.to_string(),
                    record.refers_to.map(Index::get),
                )),
                Leaf::Seal(_) => None,
            });
        leaves.collect()
    }
}

fn ledger(messages: &[Message]) -> Ledger {
    let mut ledger = Ledger::default();
    ledger.take(&[opened()]).unwrap();
    ledger.take(messages).unwrap();
    ledger
}

/// The one record behind the opening.
fn kind_of(message: Message) -> (RecordKind, String) {
    let ledger = ledger(&[message]);
    let (kind, chain, _) = ledger.kinds()[1].clone();
    (kind, chain)
}

fn quarantine() -> (RecordKind, String) {
    (RecordKind::Quarantine, "~QUARANTINE".to_owned())
}

#[test]
fn an_event_is_recorded_on_the_chain_of_its_normalised_port() {
    assert_eq!(
        kind_of(closed(1, "A", "CNNBG", "refused")),
        (RecordKind::Event, "CNNBG".into())
    );
    assert_eq!(
        kind_of(closed(1, "A", "CNNGB", "refused")),
        (RecordKind::Event, "CNNBG".into())
    );
    let alias = ledger(&[closed(1, "A", "CNNGB", "refused")]);
    let row = &alias.rows[&Chain::port("CNNBG").unwrap()][0];
    assert_eq!(row.port_as_written.as_ref().unwrap().as_str(), "CNNGB");
}

#[test]
fn the_same_bytes_again_are_a_redelivery_and_other_bytes_a_conflict_of_the_first() {
    let (first, other) = (
        closed(1, "A", "CNNBG", "refused"),
        closed(1, "A", "CNNBG", "lapsed"),
    );
    let messages = [first.clone(), first.clone(), other.clone(), first, other];
    let port = |kind, refers_to| (kind, "CNNBG".to_owned(), refers_to);
    let expected = [
        port(RecordKind::Event, None),
        port(RecordKind::Redelivery, Some(1)),
        port(RecordKind::Conflict, Some(1)),
        port(RecordKind::Redelivery, Some(1)),
        port(RecordKind::Conflict, Some(1)),
    ];
    let whole = ledger(&messages);
    assert_eq!(whole.kinds()[1..], expected);
    let classes: Vec<RecordClass> = whole.rows[&Chain::port("CNNBG").unwrap()]
        .iter()
        .map(|row| row.class)
        .collect();
    assert_eq!(
        classes
            .iter()
            .filter(|class| **class == RecordClass::Event)
            .count(),
        1,
        "views see it once"
    );
    // One by one, the store's memory in place of the batch's.
    let mut single = Ledger::default();
    single.take(&[opened()]).unwrap();
    for message in &messages {
        single.take(std::slice::from_ref(message)).unwrap();
    }
    assert_eq!(single.leaves, whole.leaves);
}

#[test]
fn the_same_id_of_another_source_is_another_event() {
    let mut other = closed(1, "A", "CNNBG", "refused");
    other.body = String::from_utf8(other.body)
        .unwrap()
        .replace("src:test", "src:else")
        .into_bytes();
    let both = ledger(&[closed(1, "A", "CNNBG", "refused"), other]);
    assert!(
        both.kinds()[1..]
            .iter()
            .all(|(kind, ..)| *kind == RecordKind::Event)
    );
}

#[test]
fn what_cannot_be_placed_is_a_record_in_quarantine() {
    let broken = |change: fn(&mut Message)| {
        let mut message = closed(1, "A", "CNNBG", "refused");
        change(&mut message);
        kind_of(message)
    };
    assert_eq!(
        broken(|message| message.body = b"not json".to_vec()),
        quarantine()
    );
    assert_eq!(
        broken(|message| message.subject = "portbook.events.B".into()),
        quarantine()
    );
    assert_eq!(
        broken(|message| message.subject = "portbook.other.A".into()),
        quarantine()
    );
    assert_eq!(
        broken(|message| message.signature = Some("no signature".into())),
        quarantine()
    );
    assert_eq!(broken(|message| message.body.resize(40_000, b' ')), quarantine());
    assert_eq!(
        broken(|message| message.subject = "portbook.control.seal".into()),
        quarantine()
    );
}

#[test]
fn an_event_no_view_can_read_is_recorded_in_its_place() {
    let mut poison = closed(1, "A", "CNNBG", "refused");
    poison.body = String::from_utf8(poison.body)
        .unwrap()
        .replace("\"refused\"", "\"exploded\"")
        .into_bytes();
    let ledger = ledger(&[poison, closed(2, "A", "CNNBG", "refused")]);
    let rows = &ledger.rows[&Chain::port("CNNBG").unwrap()];
    assert!(
        rows[0].unreadable.as_ref().unwrap().contains("/data/outcome"),
        "{:?}",
        rows[0].unreadable
    );
    assert!(rows[1].unreadable.is_none());
}

#[test]
fn only_the_log_key_governs() {
    let stranger = SecretKey::from_seed(&[8; 32]);
    let registered = |key: &SecretKey| KeyRegistered {
        key_id: KeyId(*stranger.public().id().as_bytes()),
        public_key: PublicKey(*key.public().as_bytes()),
        source: Source::outside("test").unwrap(),
        mode: ModeName::Observed,
        event_types: Vec::new(),
        valid_from: "2025-01-01T00:00:00Z".parse().unwrap(),
        valid_until: "2030-01-01T00:00:00Z".parse().unwrap(),
    };
    assert_eq!(kind_of(control(registered(&stranger), &stranger)), quarantine());
    assert_eq!(
        kind_of(control(registered(&log_key()), &log_key())),
        quarantine(),
        "the id is another key's"
    );
    let good = control(registered(&stranger), &log_key());
    assert_eq!(kind_of(good.clone()), (RecordKind::Control, "~CONTROL".into()));
    assert_eq!(
        ledger(&[good.clone(), good]).kinds()[2].0,
        RecordKind::Quarantine,
        "registered twice"
    );
    let mut forged = seal();
    forged.signature = Some(stranger.sign_event(&forged.subject, &forged.body).to_string());
    assert_eq!(kind_of(forged), quarantine());
    assert_eq!(kind_of(opened()), quarantine(), "a ledger is opened once");
    let revoked = KeyRevoked {
        key_id: KeyId([1; 8]),
        contested_from: "2025-06-01T00:00:00Z".parse().unwrap(),
        reason: "lost".parse().unwrap(),
    };
    assert_eq!(
        kind_of(control(revoked, &log_key())),
        quarantine(),
        "nobody registered it"
    );
}

#[test]
fn new_aliases_hold_from_the_next_message_on() {
    let published = ReferencePublished {
        name: "port_aliases.csv".parse().unwrap(),
        sha256: "0".repeat(64).parse().unwrap(),
        port_aliases: Some(BTreeMap::new()),
        published_at: "2025-06-01T00:00:00Z".parse().unwrap(),
    };
    let before = closed(1, "A", "CNNGB", "refused");
    let after = closed(2, "A", "CNNGB", "refused");
    let chains: Vec<String> = ledger(&[before, control(published, &log_key()), after])
        .kinds()
        .into_iter()
        .map(|(_, chain, _)| chain)
        .collect();
    assert_eq!(chains, ["~CONTROL", "CNNBG", "~CONTROL", "CNNGB"]);
}

#[test]
fn a_gap_or_a_stream_without_an_opening_stops_the_fold_and_changes_nothing() {
    let mut gap = ledger(&[]);
    let error = gap
        .take_from(3, &[closed(1, "A", "CNNBG", "refused")])
        .unwrap_err();
    assert!(
        matches!(
            error,
            FoldError::Gap {
                expected: 2,
                found: 3
            }
        ),
        "{error}"
    );
    assert_eq!(gap.book.size(), 1);
    for first in [closed(1, "A", "CNNBG", "refused"), seal()] {
        let error = Ledger::default().take(&[first]).unwrap_err();
        assert!(matches!(error, FoldError::NotOpened { .. }), "{error}");
    }
    let mut unsigned = opened();
    unsigned.signature = None;
    assert!(matches!(
        Ledger::default().take(&[unsigned]),
        Err(FoldError::NotOpened { .. })
    ));
}

#[test]
fn every_kind_of_leaf_passes_the_audit() {
    let first = closed(1, "A", "CNNBG", "refused");
    let mut bad = first.clone();
    bad.body.clear();
    let ledger = ledger(&[
        seal(),
        first.clone(),
        closed(2, "B", "CNSHG", "refused"),
        first,
        bad,
        seal(),
        seal(),
    ]);
    let origin = portbook_ledger::Origin::new(ORIGIN).unwrap();
    let mut auditor = portbook_ledger::Auditor::new(&origin, []);
    for leaf in &ledger.leaves {
        auditor.feed(leaf, portbook_ledger::leaf_hash(leaf)).unwrap();
    }
    let verdict = auditor.finish().unwrap();
    assert_eq!(verdict.root, ledger.book.frontier.root());
    assert_eq!(verdict.heads.len(), ledger.book.heads.len());
}

/// Messages of every kind, in any order.
fn messages() -> impl Strategy<Value = Vec<Message>> {
    let event = (
        0_u64..6,
        prop::sample::select(vec!["CNNBG", "CNNGB", "CNSHG"]),
        any::<bool>(),
    );
    let event = event.prop_map(|(id, port, refused)| {
        closed(
            id,
            ["A", "B"][usize::try_from(id % 2).unwrap()],
            port,
            if refused { "refused" } else { "lapsed" },
        )
    });
    let garbage = prop::collection::vec(any::<u8>(), 0..40).prop_map(|body| Message {
        subject: "portbook.events.A".into(),
        body,
        signature: None,
    });
    prop::collection::vec(prop_oneof![6 => event, 1 => Just(seal()), 1 => garbage], 1..60)
}

proptest! {
    #[test]
    fn every_split_into_batches_gives_the_same_bytes(messages in messages(), cuts in prop::collection::vec(0_usize..60, 0..8)) {
        let whole = ledger(&messages);
        let mut split = Ledger::default();
        split.take(&[opened()]).unwrap();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(messages.len())).chain([0, messages.len()]).collect();
        cuts.sort_unstable();
        for part in cuts.windows(2) {
            split.take(&messages[part[0]..part[1]]).unwrap();
        }
        prop_assert_eq!(&split.leaves, &whole.leaves);
        prop_assert_eq!(&split.rows, &whole.rows);
        prop_assert_eq!(split.book, whole.book);
    }
}
