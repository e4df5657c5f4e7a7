//! A ledger, its checkpoint and its stream, before and after an attacker had them in his hands.

use std::collections::BTreeMap;

use jiff::Timestamp;
use portbook_bus::Stored;
use portbook_fold::{Book, Delivery, Known, fold, read_all};
use portbook_ledger::{
    Checkpoint, Frontier, Hash, KeyName, Leaf, NoteAlgorithm, SecretKey, Seq, SignedRoot, SignerKey,
    leaf_hash, sha256,
};
use portbook_wire::control::{
    self, Control, KeyRegistered, LedgerOpened, ModeName, SealRequested, SourceStated, encode_control,
};
use portbook_wire::{Source, event_digest};

use super::book::{Item, ORIGIN, commit_of, frontier_of, leaves_of, origin};
use super::operator::Operator;

pub(crate) const SOURCE: &str = "urn:portbook:src:quay";
/// 2025-06-01.
const BEGIN_S: i64 = 1_748_736_000;

/// Who tampers, each with what the one before has and one thing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Attacker {
    Edits,
    Rehashes,
    HoldsLogKey,
    RewritesStream,
}

/// What an auditor is shown, and what he remembers.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) leaves: Vec<Vec<u8>>,
    /// As the store holds them.
    pub(crate) leaf_hashes: Vec<Hash>,
    pub(crate) checkpoint: (SignedRoot, String),
    pub(crate) stream: Vec<Stored>,
    pub(crate) remembered: SignedRoot,
}

impl Attacker {
    pub(crate) const ALL: &[Self] = &[
        Self::Edits,
        Self::Rehashes,
        Self::HoldsLogKey,
        Self::RewritesStream,
    ];

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Edits => "edits the store",
            Self::Rehashes => "edits and re-hashes the store",
            Self::HoldsLogKey => "also holds the ledger key",
            Self::RewritesStream => "also rewrites the stream",
        }
    }
}

pub(crate) fn log_key() -> SecretKey {
    SecretKey::from_seed(&[1; 32])
}

pub(crate) fn producer() -> SecretKey {
    SecretKey::from_seed(&[2; 32])
}

pub(crate) fn signer() -> SignerKey {
    SignerKey::new(KeyName::new(ORIGIN).unwrap(), NoteAlgorithm::Ed25519, log_key())
}

fn moment(seq: usize) -> Timestamp {
    Timestamp::from_second(BEGIN_S + i64::try_from(seq).unwrap()).unwrap()
}

/// A message of the stream.
pub(crate) fn message(seq: usize, subject: &str, body: Vec<u8>, key: Option<&SecretKey>) -> Delivery {
    Delivery {
        seq: Seq::new(u64::try_from(seq).unwrap()).unwrap(),
        recorded_at_ns: u64::try_from(moment(seq).as_nanosecond()).unwrap(),
        signature: key.map(|key| key.sign_event(subject, &body).to_string()),
        subject: subject.to_owned(),
        body: body.into(),
    }
}

fn control(seq: usize, control: &Control, key: &SecretKey) -> Delivery {
    message(
        seq,
        control.kind().subject(),
        encode_control(control).unwrap(),
        Some(key),
    )
}

/// The registration of a key for the source of this ledger.
pub(crate) fn registration(key: &SecretKey) -> Control {
    Control::KeyRegistered(KeyRegistered {
        key_id: control::KeyId(*key.public().id().as_bytes()),
        public_key: control::PublicKey(*key.public().as_bytes()),
        source: Source::new(SOURCE).unwrap(),
        mode: ModeName::Observed,
        event_types: Vec::new(),
        valid_from: moment(0),
        valid_until: moment(1_000_000),
    })
}

/// The body of an event: some mass was cleared.
pub(crate) fn event(id: u8, case: &str, port: &str, mass_g: u32) -> Vec<u8> {
    format!(
        r#"{{"specversion":"1.0","id":"00000000-0000-0000-0000-0000000000{id:02x}","source":"{SOURCE}","type":"portbook.shipment.cleared.v1","subject":"{case}","time":"2025-06-01T00:00:00Z","partitionkey":"{port}","pbmode":"observed","data":{{"declaration_no":"D{id}","port":"{port}","control_status":"controlled","destination":"DE","lines":[{{"hs":"850511","cleared_g":{mass_g}}}]}}}}"#
    )
    .into_bytes()
}

fn opened() -> Control {
    Control::LedgerOpened(LedgerOpened {
        origin: ORIGIN.parse().unwrap(),
        log_public_key: control::PublicKey(*log_key().public().as_bytes()),
        stream: "PORTBOOK".parse().unwrap(),
        stream_created: moment(0),
        stream_config_sha256: "0".repeat(64).parse().unwrap(),
        port_aliases: BTreeMap::new(),
        references: BTreeMap::new(),
        policies: BTreeMap::new(),
        opened_at: moment(0),
    })
}

fn seal(prev: &str, size: u64) -> Control {
    Control::Seal(SealRequested {
        origin: ORIGIN.parse().unwrap(),
        prev_checkpoint: prev.repeat(64).parse().unwrap(),
        prev_size: size,
    })
}

fn stated(after_seq: u64, last_seq: u64, bodies: &[&Delivery]) -> Control {
    let digests: Vec<u8> = bodies
        .iter()
        .flat_map(|delivery| *sha256(&[&delivery.body]).as_bytes())
        .collect();
    Control::SourceStated(SourceStated {
        source: Source::new(SOURCE).unwrap(),
        after_seq,
        last_seq,
        count: u64::try_from(bodies.len()).unwrap(),
        events_sha256: event_digest(&digests),
        stated_at: moment(0),
    })
}

/// The stream: every kind of record, two ports, two seals, and a statement of the source.
fn stream() -> Vec<Delivery> {
    let (log, producer) = (log_key(), producer());
    let fact = |seq: usize, id: u8, case: &str, port: &str, mass_g: u32| {
        let subject = format!("portbook.events.{case}");
        message(seq, &subject, event(id, case, port, mass_g), Some(&producer))
    };
    let mut stream = vec![
        control(1, &opened(), &log),
        control(2, &registration(&producer), &log),
        fact(3, 1, "A", "CNNBG", 1_000),
        fact(4, 2, "B", "CNSHG", 2_000),
        fact(5, 3, "C", "CNNBG", 3_000),
        fact(6, 1, "A", "CNNBG", 1_000),
        fact(7, 2, "B", "CNSHG", 2_001),
        message(8, "portbook.events.D", b"no event".to_vec(), None),
        control(9, &seal("0", 0), &log),
        fact(10, 4, "D", "CNNBG", 4_000),
        fact(11, 5, "E", "CNSHG", 5_000),
    ];
    let events: Vec<&Delivery> = [2, 3, 4, 9, 10].map(|at| &stream[at]).to_vec();
    let statement = control(12, &stated(0, 11, &events), &producer);
    stream.push(statement);
    stream.push(fact(13, 6, "A", "CNNBG", 6_000));
    stream.push(control(14, &seal("1", 9), &log));
    stream
}

/// The ledger that the fold itself makes of the stream, item by item.
pub(crate) fn untouched() -> Vec<Item> {
    let deliveries = stream();
    let commit = fold(
        &Book::default(),
        &deliveries,
        read_all(&deliveries),
        &Known::new(),
    )
    .unwrap();
    let items: Vec<Item> = commit
        .leaves
        .iter()
        .zip(&deliveries)
        .map(|(leaf, delivery)| item_of(&Leaf::decode(leaf).unwrap(), delivery))
        .collect();
    let leaves: Vec<Vec<u8>> = commit.leaves.iter().map(<[u8]>::to_vec).collect();
    assert_eq!(leaves.len(), leaves_of(&items).len());
    items
}

fn item_of(leaf: &Leaf<'_>, delivery: &Delivery) -> Item {
    let (kind, chain, refers_to) = match leaf {
        Leaf::Record(record) => (Some(record.kind), record.chain, record.refers_to),
        Leaf::Seal(_) => (None, portbook_ledger::Chain::CONTROL, None),
    };
    Item {
        kind,
        chain,
        refers_to: refers_to.map(portbook_ledger::Index::get),
        recorded_at_ns: delivery.recorded_at_ns,
        subject: delivery.subject.clone(),
        body: delivery.body.to_vec(),
        signature: delivery.signature.as_deref().map(|text| text.parse().unwrap()),
    }
}

impl World {
    /// What the auditor is shown when nothing was tampered with, as this attacker would leave it.
    pub(crate) fn untouched_by(attacker: Attacker) -> Self {
        let items = untouched();
        Self::of(attacker, &items, leaves_of(&items))
    }

    /// What he is shown after an operator at one position; none where it does not apply.
    pub(crate) fn attacked(attacker: Attacker, operator: Operator, position: usize) -> Option<Self> {
        let original = untouched();
        let tampered = operator.apply(&original, position, attacker >= Attacker::HoldsLogKey)?;
        let leaves = if attacker == Attacker::Edits {
            edited(&original, &tampered)
        } else {
            leaves_of(&tampered)
        };
        // What only adds behind the checkpoint tampers with nothing that is covered; the signature of a seal's message is in
        // no leaf.
        let covered = leaves.starts_with(&leaves_of(&original));
        (!covered).then(|| Self::of(attacker, &tampered, leaves))
    }

    fn of(attacker: Attacker, items: &[Item], leaves: Vec<Vec<u8>>) -> Self {
        let original = untouched();
        let original_leaves = leaves_of(&original);
        let remembered = root_of(&original_leaves);
        let published = if attacker >= Attacker::HoldsLogKey {
            root_of(&leaves)
        } else {
            remembered
        };
        let leaf_hashes = if attacker == Attacker::Edits {
            original_leaves.iter().map(|leaf| leaf_hash(leaf)).collect()
        } else {
            leaves.iter().map(|leaf| leaf_hash(leaf)).collect()
        };
        let stream = if attacker == Attacker::RewritesStream {
            items
        } else {
            &original
        };
        Self {
            leaf_hashes,
            checkpoint: (published, signed(published)),
            stream: (1..).zip(stream).map(|(seq, item)| stored(seq, item)).collect(),
            remembered,
            leaves,
        }
    }

    /// What the store holds.
    pub(crate) fn commit(&self) -> portbook_fold::Commit {
        commit_of(&self.leaves, self.leaf_hashes.clone())
    }
}

/// Leaves of an editor who repairs nothing: what he did not touch keeps its bytes, wherever it went.
fn edited(original: &[Item], tampered: &[Item]) -> Vec<Vec<u8>> {
    let before = leaves_of(original);
    let mut used = vec![false; before.len()];
    (0..)
        .zip(tampered)
        .map(|(at, item)| {
            let same = |of: &usize| original[*of] == *item && !used[*of];
            let place = Some(at).filter(|at| *at < original.len() && same(at));
            let place = place.or_else(|| (0..original.len()).find(same));
            if let Some(place) = place {
                used[place] = true;
                return before[place].clone();
            }
            // A new or changed item takes the links of what stood there.
            let mut items = original.get(..at.min(original.len())).unwrap().to_vec();
            items.push(item.clone());
            leaves_of(&items).pop().unwrap()
        })
        .collect()
}

fn root_of(leaves: &[Vec<u8>]) -> SignedRoot {
    let frontier: Frontier = frontier_of(leaves);
    SignedRoot {
        size: frontier.size(),
        root: frontier.root(),
    }
}

fn signed(root: SignedRoot) -> String {
    let checkpoint = Checkpoint {
        origin: origin(),
        size: root.size,
        root: root.root,
    };
    checkpoint.sign(&signer()).unwrap().to_string()
}

fn stored(seq: u64, item: &Item) -> Stored {
    Stored {
        seq,
        time_ns: item.recorded_at_ns,
        subject: item.subject.clone(),
        msg_id: None,
        signature: item.signature.map(|signature| signature.to_string()),
        body: item.body.clone().into(),
    }
}
