//! Writing events: what is refused before it could be published.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

use portbook_domain::{
    CaseId, CommandId, Digest, EventData, EventId, Evidence, PaperworkAnswered, PortCode, QueryId, Text,
};
use portbook_wire::{Decided, EncodeError, Envelope, Mode, SequenceError, Source, encode, encode_into};

fn observed() -> Envelope {
    Envelope::observed(
        EventId::new("371cd45b-31ce-56ec-8194-64fb67c689b1").unwrap(),
        Source::outside("x").unwrap(),
        CaseId::new("c1").unwrap(),
        PortCode::new("CNNBG").unwrap(),
        "2025-04-01T01:04:30Z".parse().unwrap(),
    )
}

fn decided(sequence: u64, has_prev: bool) -> Envelope {
    let prev = has_prev.then(|| Digest::new(&"a".repeat(64)).unwrap());
    let command = CommandId::new("cmd").unwrap();
    Envelope {
        mode: Mode::Authoritative(Decided {
            sequence,
            prev,
            command,
        }),
        ..observed()
    }
}

fn answered(documents: usize) -> EventData {
    let document = Evidence {
        kind: Text::new("contract").unwrap(),
        sha256: Digest::new(&"0".repeat(64)).unwrap(),
        size: None,
        media_type: None,
    };
    EventData::PaperworkAnswered(PaperworkAnswered {
        query_id: QueryId::new("licensing-1").unwrap(),
        answered_by: None,
        evidence: vec![document; documents],
        complete: true,
    })
}

fn sequence_error(sequence: u64, has_prev: bool) -> Option<SequenceError> {
    match encode(&decided(sequence, has_prev), &answered(0)) {
        Ok(_) => None,
        Err(EncodeError::Sequence(error)) => Some(error),
        Err(error @ (EncodeError::TooLarge { .. } | EncodeError::Json(_))) => panic!("{error}"),
    }
}

#[test]
fn only_the_first_event_of_a_case_has_no_previous_one() {
    assert_eq!(sequence_error(1, false), None);
    assert_eq!(sequence_error(2, true), None);
    assert_eq!(sequence_error(9_999_999_999, true), None);
    assert_eq!(sequence_error(1, true), Some(SequenceError::FirstNamesPrevious));
    assert_eq!(
        sequence_error(2, false),
        Some(SequenceError::NoPrevious { sequence: 2 })
    );
    assert_eq!(
        sequence_error(0, true),
        Some(SequenceError::Range { sequence: 0 })
    );
    assert_eq!(
        sequence_error(10_000_000_000, true),
        Some(SequenceError::Range {
            sequence: 10_000_000_000
        })
    );
}

#[test]
fn an_event_that_is_too_long_is_not_written() {
    let length = |documents| encode(&observed(), &answered(documents)).map(|body| body.len());
    let fits = (0..1_000)
        .take_while(|documents| length(*documents).is_ok())
        .last()
        .unwrap();
    assert!(length(fits).unwrap() <= 32_768);
    assert!(length(fits).unwrap() > 32_000);
    let error = length(fits + 1).unwrap_err();
    assert!(
        matches!(
            error,
            EncodeError::TooLarge {
                bytes: 32_769..,
                bytes_max: 32_768
            }
        ),
        "{error}"
    );
}

#[test]
fn a_buffer_is_emptied_before_it_is_filled() {
    let mut body = b"left over".to_vec();
    encode_into(&observed(), &answered(1), &mut body).unwrap();
    assert_eq!(body, encode(&observed(), &answered(1)).unwrap());
}

#[test]
fn a_made_up_event_says_so_and_a_real_one_says_nothing() {
    let text = |simulated| {
        let envelope = Envelope {
            simulated,
            ..observed()
        };
        String::from_utf8(encode(&envelope, &answered(0)).unwrap()).unwrap()
    };
    assert!(text(true).contains(r#""pbmode":"observed","pbsimulated":true,"data":"#));
    assert!(!text(false).contains("simulated"));
}
