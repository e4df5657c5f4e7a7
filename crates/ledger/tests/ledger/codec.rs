//! Records, seals and heads as bytes: one spelling each, everything else refused, no panic on any input.

use portbook_ledger::{
    BODY_BYTES_MAX, Chain, ChainSeq, Hash, Head, HeadError, Index, KeyId, LEAF_BYTES_MAX, Leaf, LeafError,
    ProducerSignature, Record, RecordError, RecordKind, SEAL_BYTES, Seal, Seq, Size,
};
use proptest::prelude::*;

use crate::book::{index, port};

fn record<'a>() -> Record<'a> {
    Record {
        kind: RecordKind::Conflict,
        chain: port("CNNBG"),
        chain_seq: ChainSeq::new(2).unwrap(),
        prev_index: Some(index(4)),
        prev_hash: Hash::from_bytes([1; 32]),
        stream_seq: Seq::new(10).unwrap(),
        recorded_at_ns: 1_750_000_000_000_000_000,
        refers_to: Some(index(4)),
        subject: "portbook.events.a",
        body: b"{}",
        signature: Some(ProducerSignature {
            key_id: KeyId::from_bytes([2; 8]),
            bytes: [3; 64],
        }),
    }
}

fn seal() -> Seal {
    Seal {
        covered_size: Size::new(9),
        chain_count: 2,
        heads_root: Hash::from_bytes([1; 32]),
        prev_checkpoint: Hash::ZERO,
        prev_seal: None,
        stream_seq: Seq::new(10).unwrap(),
        sealed_at_ns: 7,
        origin_hash: Hash::from_bytes([2; 32]),
    }
}

fn head() -> Head {
    Head {
        chain: Chain::CONTROL,
        count: Size::new(1),
        head_index: index(0),
        head_hash: Hash::from_bytes([1; 32]),
        chain_root: Hash::from_bytes([1; 32]),
    }
}

fn encoded(record: &Record<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    record.encode_into(&mut bytes).unwrap();
    bytes
}

/// What the decoders make of bytes, encoded again.
fn leaf_again(bytes: &[u8]) -> Option<Vec<u8>> {
    match Leaf::decode(bytes).ok()? {
        Leaf::Record(record) => Some(encoded(&record)),
        Leaf::Seal(seal) => Some(seal.encode()),
    }
}

fn head_again(bytes: &[u8]) -> Option<Vec<u8>> {
    Head::decode(bytes).ok().map(|head| head.encode())
}

/// Every changed byte, every truncation and every addition is refused or means something else that has those very bytes.
fn assert_one_spelling(bytes: &[u8], again: impl Fn(&[u8]) -> Option<Vec<u8>>) {
    assert_eq!(again(bytes).as_deref(), Some(bytes));
    for at in 0..bytes.len() {
        for value in 0..=255 {
            let mut altered = bytes.to_vec();
            altered[at] = value;
            if let Some(spelling) = again(&altered) {
                assert_eq!(spelling, altered, "byte {at} as {value}");
            }
        }
        assert_eq!(again(&bytes[..at]), None, "cut to {at}");
    }
    assert_eq!(again(&[bytes, &[0]].concat()), None);
    assert_eq!(again(&[bytes, bytes].concat()), None);
}

#[test]
fn records_seals_and_heads_have_one_spelling() {
    assert_one_spelling(&encoded(&record()), leaf_again);
    assert_one_spelling(
        &encoded(&Record {
            signature: None,
            ..record()
        }),
        leaf_again,
    );
    assert_one_spelling(&seal().encode(), leaf_again);
    assert_one_spelling(&head().encode(), head_again);
    assert_eq!(seal().encode().len(), SEAL_BYTES);
}

#[test]
fn none_of_the_layouts_is_taken_for_another() {
    let (record, seal, head) = (encoded(&record()), seal().encode(), head().encode());
    assert!(Record::decode(&seal).is_err() && Record::decode(&head).is_err());
    assert!(Seal::decode(&record).is_err() && Seal::decode(&head).is_err());
    assert!(Head::decode(&record).is_err() && Head::decode(&seal).is_err());
    assert!(matches!(Leaf::decode(&head), Err(LeafError::Magic { .. })));
    assert!(matches!(Leaf::decode(b""), Err(LeafError::Magic { .. })));
}

fn refusal(record: &Record<'_>) -> RecordError {
    let mut out = vec![9];
    let error = record.encode_into(&mut out).unwrap_err();
    assert_eq!(out, [9], "a refused record leaves nothing behind");
    error
}

#[test]
fn fields_that_contradict_each_other_are_not_written() {
    let first = ChainSeq::FIRST;
    assert!(matches!(
        refusal(&Record {
            chain_seq: first,
            ..record()
        }),
        RecordError::PrevIndex { .. }
    ));
    assert!(matches!(
        refusal(&Record {
            prev_index: None,
            ..record()
        }),
        RecordError::PrevIndex { .. }
    ));
    assert!(matches!(
        refusal(&Record {
            refers_to: None,
            ..record()
        }),
        RecordError::RefersTo { .. }
    ));
    let event = Record {
        kind: RecordKind::Event,
        ..record()
    };
    assert!(matches!(refusal(&event), RecordError::RefersTo { .. }));
    assert!(matches!(
        refusal(&Record {
            subject: "",
            ..record()
        }),
        RecordError::Subject
    ));
    for kind in RecordKind::ALL {
        for chain in [port("CNNBG"), Chain::CONTROL, Chain::QUARANTINE] {
            let refers_to = record().refers_to.filter(|_| matches!(kind.number(), 2 | 3));
            let written = Record {
                kind,
                chain,
                refers_to,
                ..record()
            }
            .encode_into(&mut Vec::new());
            let expected = match kind {
                RecordKind::Event | RecordKind::Redelivery | RecordKind::Conflict => chain.is_port(),
                RecordKind::Quarantine => chain == Chain::QUARANTINE,
                RecordKind::Control => chain == Chain::CONTROL,
            };
            assert_eq!(written.is_ok(), expected, "{kind} in {chain}");
        }
    }
}

#[test]
fn what_is_not_written_is_not_read() {
    let bytes = encoded(&record());
    let with = |at: usize, patch: &[u8]| {
        let mut altered = bytes.clone();
        altered[at..at + patch.len()].copy_from_slice(patch);
        Record::decode(&altered).unwrap_err()
    };
    assert_eq!(with(4, &[0]), RecordError::Kind { found: 0 });
    assert_eq!(with(4, &[6]), RecordError::Kind { found: 6 });
    assert_eq!(with(5, &[3]), RecordError::Flags { found: 3 });
    assert_eq!(with(5, &[0]), RecordError::TrailingBytes { count: 72 });
    assert_eq!(
        with(7, b"cnnbg"),
        RecordError::ChainName {
            found: b"cnnbg".to_vec()
        }
    );
    assert_eq!(with(12, &[0; 8]), RecordError::ChainSeqZero);
    assert!(matches!(with(20, &[255; 8]), RecordError::PrevIndex { .. }));
    assert_eq!(with(60, &[0; 8]), RecordError::StreamSeqZero);
    assert!(matches!(with(76, &[255; 8]), RecordError::RefersTo { .. }));
    assert_eq!(with(86, &[0xff]), RecordError::Subject);
    assert_eq!(
        with(103, &[255; 4]),
        RecordError::BodyTooLarge { found: 0xffff_ffff }
    );
    // A border moved from the subject into the body is another record, or none.
    assert!(matches!(with(84, &[0, 16]), RecordError::BodyTooLarge { .. }));
}

#[test]
fn a_head_has_records() {
    let bytes = head().encode();
    let with = |at: usize, value: u8| {
        let mut altered = bytes.clone();
        altered[at..at + 8].fill(value);
        Head::decode(&altered).unwrap_err()
    };
    assert_eq!(with(13, 0), HeadError::CountZero);
    assert_eq!(with(21, 255), HeadError::NoIndex);
}

#[test]
fn sizes_are_limited_on_both_sides() {
    let body = vec![b'x'; BODY_BYTES_MAX + 1];
    let largest = Record {
        body: &body[1..],
        ..record()
    };
    let mut bytes = encoded(&largest);
    assert_eq!(Record::decode(&bytes), Ok(largest));
    assert!(matches!(
        refusal(&Record {
            body: &body,
            ..record()
        }),
        RecordError::BodyTooLarge { found: 32_769 }
    ));
    // Whatever the stream took must fit into quarantine.
    let oversize = Record {
        kind: RecordKind::Quarantine,
        chain: Chain::QUARANTINE,
        refers_to: None,
        body: &body,
        ..record()
    };
    assert_eq!(Record::decode(&encoded(&oversize)), Ok(oversize));
    let subject = "s".repeat(LEAF_BYTES_MAX);
    assert!(matches!(
        refusal(&Record {
            subject: &subject,
            ..record()
        }),
        RecordError::TooLarge { .. }
    ));
    let room = LEAF_BYTES_MAX
        - encoded(&Record {
            subject: "s",
            ..largest
        })
        .len();
    let full = Record {
        subject: &subject[..=room],
        ..largest
    };
    assert_eq!(encoded(&full).len(), LEAF_BYTES_MAX);
    assert_eq!(Record::decode(&encoded(&full)), Ok(full));
    bytes.resize(LEAF_BYTES_MAX + 1, 0);
    assert!(matches!(
        Record::decode(&bytes),
        Err(RecordError::TooLarge { .. })
    ));
}

fn any_chain() -> impl Strategy<Value = Chain> {
    prop_oneof![
        proptest::string::string_regex("[A-Z]{2}[A-Z2-9]{3}")
            .unwrap()
            .prop_map(|code| port(&code)),
        Just(Chain::CONTROL),
        Just(Chain::QUARANTINE),
    ]
}

fn any_index() -> impl Strategy<Value = Option<Index>> {
    prop_oneof![Just(None), any::<u64>().prop_map(Index::new)]
}

fn any_signature() -> impl Strategy<Value = Option<ProducerSignature>> {
    proptest::option::of(
        (any::<[u8; 8]>(), any::<[u8; 32]>(), any::<[u8; 32]>()).prop_map(|(id, r, s)| {
            let bytes = [r, s].concat().try_into().unwrap();
            ProducerSignature {
                key_id: KeyId::from_bytes(id),
                bytes,
            }
        }),
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        kind in proptest::sample::select(RecordKind::ALL.to_vec()), chain in any_chain(), seq in 1..=u64::MAX,
        prev_index in any_index(), prev_hash: [u8; 32], stream_seq in 1..=u64::MAX, recorded_at_ns: u64,
        refers_to in any_index(), subject in "\\PC{0,40}", body in proptest::collection::vec(any::<u8>(), 0..200),
        signature in any_signature(),
    ) {
        let record = Record {
            kind, chain, chain_seq: ChainSeq::new(seq).unwrap(), prev_index, prev_hash: Hash::from_bytes(prev_hash),
            stream_seq: Seq::new(stream_seq).unwrap(), recorded_at_ns, refers_to, subject: &subject, body: &body, signature,
        };
        let mut bytes = Vec::new();
        if record.encode_into(&mut bytes).is_ok() {
            prop_assert_eq!(Record::decode(&bytes), Ok(record));
            prop_assert_eq!(Leaf::decode(&bytes), Ok(Leaf::Record(record)));
        }
    }

    #[test]
    fn seals_come_back(
        covered: u64, chain_count: u64, heads: [u8; 32], checkpoint: [u8; 32], prev_seal in any_index(),
        stream_seq in 1..=u64::MAX, sealed_at_ns: u64, origin: [u8; 32],
    ) {
        let seal = Seal {
            covered_size: Size::new(covered), chain_count, heads_root: Hash::from_bytes(heads),
            prev_checkpoint: Hash::from_bytes(checkpoint), prev_seal, stream_seq: Seq::new(stream_seq).unwrap(), sealed_at_ns,
            origin_hash: Hash::from_bytes(origin),
        };
        prop_assert_eq!(Seal::decode(&seal.encode()), Ok(seal));
    }

    #[test]
    fn heads_come_back(chain in any_chain(), count in 1..=u64::MAX, at in 0..u64::MAX, hash: [u8; 32], root: [u8; 32]) {
        let head = Head {
            chain, count: Size::new(count), head_index: index(at), head_hash: Hash::from_bytes(hash),
            chain_root: Hash::from_bytes(root),
        };
        prop_assert_eq!(Head::decode(&head.encode()), Ok(head));
    }

    #[test]
    fn noise_never_panics(
        magic in proptest::sample::select(vec![&b"PBR1"[..], b"PBS1", b"PBH1", b""]),
        noise in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let bytes = [magic, &noise].concat();
        if let Some(again) = leaf_again(&bytes) {
            prop_assert_eq!(again, bytes.clone());
        }
        if let Some(again) = head_again(&bytes) {
            prop_assert_eq!(again, bytes);
        }
    }

    #[test]
    fn damaged_records_never_panic(
        patches in proptest::collection::vec((0..250_usize, any::<u8>()), 1..6), cut in 0..300_usize,
    ) {
        let mut bytes = encoded(&record());
        for (at, value) in patches {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        bytes.truncate(cut);
        if let Some(again) = leaf_again(&bytes) {
            prop_assert_eq!(again, bytes);
        }
    }
}
