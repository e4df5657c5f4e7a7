//! A ledger on disk, made message by message, with checkpoints at chosen places.
#![expect(clippy::unwrap_used, reason = "builders of test data")]

use std::collections::BTreeMap;

use bytes::Bytes;
use portbook_fold::Delivery;
use portbook_ledger::{Index, Leaf, Record, RecordKind, SecretKey, Seq, Size};
use portbook_projector::{Batch, Position, Projector};
use portbook_store::{LedgerDirectory, Store, StoreReader, VERDICTS_TOGETHER, Verdict};
use portbook_wire::control::{
    Control, LedgerOpened, PublicKey, ReferencePublished, SealRequested, encode_control,
};
use tempfile::TempDir;

const ORIGIN: &str = "test.example/feed";

/// A message of the ledger stream.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) subject: String,
    pub(crate) body: Vec<u8>,
    pub(crate) signature: Option<String>,
}

/// A ledger and what a projector would know of it.
pub(crate) struct Ledger {
    dir: TempDir,
    projector: Projector,
    checkpoints: Vec<u64>,
}

impl Ledger {
    pub(crate) fn create() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(&dir.path().join("store")).unwrap();
        let mut ledger = Self {
            projector: Projector::new(store),
            dir,
            checkpoints: Vec::new(),
        };
        ledger.directory().create().unwrap();
        ledger.take(&[opened()]);
        ledger
    }

    pub(crate) fn take(&mut self, messages: &[Message]) {
        let first = self.size() + 1;
        let deliveries = (first..).zip(messages).map(|(seq, message)| Delivery {
            seq: Seq::new(seq).unwrap(),
            recorded_at_ns: 1_750_000_000_000_000_000 + seq,
            subject: message.subject.clone(),
            signature: message.signature.clone(),
            body: Bytes::from(message.body.clone()),
        });
        self.projector.take(Batch::read(deliveries.collect())).unwrap();
    }

    /// Seals the ledger and publishes a checkpoint of it.
    pub(crate) fn seal(&mut self) {
        self.seal_unsigned();
        let size = self.size();
        self.directory()
            .publish_checkpoint(Size::new(size), "a note\n")
            .unwrap();
        self.checkpoints.push(size);
    }

    /// Seals the ledger as one that was passed over while catching up.
    pub(crate) fn seal_unsigned(&mut self) {
        let request = SealRequested {
            origin: ORIGIN.parse().unwrap(),
            prev_checkpoint: "0".repeat(64).parse().unwrap(),
            prev_size: 0,
        };
        self.take(&[signed(&request.into())]);
    }

    /// Gives every leaf that was not looked at a verdict.
    pub(crate) fn attest(&self, verdict: Verdict) {
        let reader = self.reader();
        let mut first = reader.verdict_position().unwrap();
        while first < self.size() {
            let end = self
                .size()
                .min(first - first % VERDICTS_TOGETHER + VERDICTS_TOGETHER);
            let verdicts = vec![verdict; usize::try_from(end - first).unwrap()];
            reader
                .keep_verdicts(first, &verdicts, &portbook_fold::SourceBook::default())
                .unwrap();
            first = end;
        }
    }

    pub(crate) fn attested(&self) -> u64 {
        self.reader().verdict_position().unwrap()
    }

    pub(crate) fn size(&self) -> u64 {
        self.projector.book().size()
    }

    pub(crate) fn checkpoints(&self) -> &[u64] {
        &self.checkpoints
    }

    pub(crate) fn directory(&self) -> LedgerDirectory {
        LedgerDirectory::at(self.dir.path().to_owned())
    }

    pub(crate) fn reader(&self) -> StoreReader {
        self.projector.reader()
    }

    pub(crate) fn position(&self) -> Position {
        Position {
            size: self.size(),
            signed_size: self.checkpoints.last().copied().unwrap_or(0),
            ..Position::default()
        }
    }

    /// Leaf indexes of the records that hold an event first.
    pub(crate) fn events(&self) -> Vec<u64> {
        let is_event = |index: &u64| {
            let leaf = self.leaf(*index);
            matches!(Leaf::decode(&leaf).unwrap(), Leaf::Record(record) if record.kind == RecordKind::Event)
        };
        (0..self.size()).filter(is_event).collect()
    }

    pub(crate) fn with_record(&self, index: u64, look: impl FnOnce(&[u8], &Record<'_>)) {
        let leaf = self.leaf(index);
        if let Leaf::Record(record) = Leaf::decode(&leaf).unwrap() {
            look(&leaf, &record);
        }
    }

    pub(crate) fn recorded_at(&self, index: u64) -> Option<u64> {
        let mut at = None;
        self.with_record(index, |_, record| at = Some(record.recorded_at_ns));
        at
    }

    fn leaf(&self, index: u64) -> Vec<u8> {
        self.reader().leaf(Index::new(index).unwrap()).unwrap().unwrap()
    }
}

/// A refusal of an application: the smallest event there is.
pub(crate) fn closed(id: u64, case: &str, port: &str, outcome: &str) -> Message {
    let body = format!(
        r#"{{"specversion":"1.0","id":"00000000-0000-5000-8000-{id:012x}","source":"urn:portbook:src:test","type":"portbook.application.closed.v1","subject":"{case}","time":"2025-05-01T00:00:00Z","partitionkey":"{port}","pbmode":"observed","data":{{"outcome":"{outcome}"}}}}"#
    );
    let subject = format!("portbook.events.{case}");
    let signature = Some(log_key().sign_event(&subject, body.as_bytes()).to_string());
    Message {
        subject,
        body: body.into_bytes(),
        signature,
    }
}

/// The same bytes again.
pub(crate) fn redelivered(message: &Message) -> Message {
    Message {
        signature: None,
        ..message.clone()
    }
}

/// A control message that is no seal.
pub(crate) fn control() -> Message {
    let published = ReferencePublished {
        name: "calendar".parse().unwrap(),
        sha256: "0".repeat(64).parse().unwrap(),
        port_aliases: None,
        published_at: "2025-04-02T00:00:00Z".parse().unwrap(),
    };
    signed(&published.into())
}

fn opened() -> Message {
    let opened = LedgerOpened {
        origin: ORIGIN.parse().unwrap(),
        log_public_key: PublicKey(*log_key().public().as_bytes()),
        stream: "PORTBOOK".parse().unwrap(),
        stream_created: "2025-04-01T00:00:00Z".parse().unwrap(),
        stream_config_sha256: "0".repeat(64).parse().unwrap(),
        port_aliases: BTreeMap::from([("CNNGB".parse().unwrap(), "CNNBG".parse().unwrap())]),
        references: BTreeMap::new(),
        policies: BTreeMap::new(),
        opened_at: "2025-04-01T00:00:00Z".parse().unwrap(),
    };
    signed(&opened.into())
}

fn signed(control: &Control) -> Message {
    let (subject, body) = (
        control.kind().subject().to_owned(),
        encode_control(control).unwrap(),
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
