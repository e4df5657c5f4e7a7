//! What makes up a case, and what breaks it.

use bytes::Bytes;
use jiff::Timestamp;
use portbook_bus::Outgoing;
use portbook_domain::{EventData, Fact, Order, PortCode, ServiceName};
use portbook_ledger::SecretKey;
use portbook_source::EventSigner;
use portbook_wire::command::parse_order;
use portbook_wire::{Envelope, encode};
use uuid::Uuid;

use super::*;
use crate::draft::{Draft, Writer};
use crate::surroundings::IdSource;

const INTAKE: ServiceName = ServiceName::Intake;
const LICENSING: ServiceName = ServiceName::Licensing;

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

fn authorities() -> Authorities {
    Authorities::given([(INTAKE, key(1).public()), (LICENSING, key(2).public())])
}

fn writer(service: ServiceName, seed: u8) -> Writer {
    Writer {
        source: Source::service(service.name()).unwrap(),
        signer: EventSigner::new(&key(seed)).unwrap(),
        simulated: false,
    }
}

fn case() -> CaseId {
    CaseId::new("C1").unwrap()
}

fn now() -> Timestamp {
    "2025-06-01T08:00:00Z".parse().unwrap()
}

fn data(text: &str) -> EventData {
    let json = format!(
        r#"{{"specversion":"1.0","id":"{}","source":"urn:portbook:src:t","type":"portbook.{text},"subject":"C1",
        "time":"2025-06-01T08:00:00Z","partitionkey":"CNNBG","pbmode":"observed"}}"#,
        Uuid::from_u128(0)
    );
    decode_event(json.as_bytes()).unwrap().1.data
}

fn submitted() -> EventData {
    data(
        r#"application.submitted.v1","data":{"applicant":"a","destination":"DE","exit_port":"CNNBG","kind":"single",
        "lane":"standard","lines":[{"line":1,"hs":"284690","control_code":"1C905","element":"Dy","net_mass_g":5}]}"#,
    )
}

fn withdrawn() -> EventData {
    data(r#"application.closed.v1","data":{"outcome":"withdrawn"}"#)
}

fn refused() -> EventData {
    data(r#"application.closed.v1","data":{"outcome":"refused"}"#)
}

/// Writes `data` as the next event of `history`.
fn draft(history: &CaseHistory, writer: &Writer, number: u128, data: EventData) -> Draft {
    let order = format!(
        r#"{{"command_id":"cmd-{number}","case":"C1","command":{{"withdraw-application":{{"reason_code":"x"}}}}}}"#
    );
    let order: Order = parse_order(order.as_bytes()).unwrap();
    let fact = Fact {
        port: PortCode::new("CNNBG").unwrap(),
        occurred_at: now(),
        data,
    };
    let id = IdSource::new(move || Uuid::from_u128(number)).next();
    writer.write(history, &order, fact, id, now()).unwrap()
}

fn stored(seq: u64, outgoing: &Outgoing) -> Stored {
    Stored {
        seq,
        time_ns: 0,
        subject: outgoing.subject.clone(),
        msg_id: Some(outgoing.msg_id.clone()),
        signature: outgoing.signature.clone(),
        body: outgoing.body.clone(),
    }
}

/// Two events of a case as they lie in the stream, at 5 and 9.
fn two_events() -> [Stored; 2] {
    let intake = writer(INTAKE, 1);
    let first = draft(&CaseHistory::default(), &intake, 1, submitted());
    let history = read(&[stored(5, &first.outgoing)]).unwrap();
    let second = draft(&history, &intake, 2, withdrawn());
    assert_eq!(second.outgoing.expected_last_subject_seq, Some(5));
    [stored(5, &first.outgoing), stored(9, &second.outgoing)]
}

fn read(messages: &[Stored]) -> Result<CaseHistory, HistoryFault> {
    CaseHistory::read(&case(), messages, &authorities())
}

/// Version and last sequence.
fn place(messages: &[Stored]) -> (u64, u64) {
    let history = read(messages).unwrap();
    (history.state().version(), history.last_seq())
}

#[test]
fn a_case_is_read_with_its_places() {
    let messages = two_events();
    let history = read(&messages).unwrap();
    assert_eq!((history.state().version(), history.last_seq()), (2, 9));
    assert_eq!(history.last_digest(), Some(&event_digest(&messages[1].body)));
    let ids: Vec<_> = history
        .state()
        .history()
        .iter()
        .map(|past| past.event.id.clone())
        .collect();
    let seqs: Vec<u64> = ids.iter().map(|id| history.appended(id).unwrap().seq).collect();
    assert_eq!(seqs, [5, 9]);
    assert_eq!(
        history.appended(&ids[1]).unwrap().type_name.as_str(),
        "application.closed"
    );
    let unknown = EventId::new(&Uuid::from_u128(99).to_string()).unwrap();
    assert_eq!(history.appended(&unknown), None);
}

#[test]
fn a_missing_event_breaks_the_case() {
    let [_, second] = two_events();
    assert_eq!(
        read(&[second]).unwrap_err(),
        HistoryFault::Version {
            seq: 9,
            found: 2,
            expected: 1
        }
    );
}

#[test]
fn an_event_that_follows_another_one_breaks_the_case() {
    let [first, second] = two_events();
    let other_first = draft(&CaseHistory::default(), &writer(INTAKE, 1), 3, submitted());
    let fault = read(&[stored(5, &other_first.outgoing), second]).unwrap_err();
    let expected = HistoryFault::Link {
        seq: 9,
        found: Some(event_digest(&first.body)),
        expected: Some(event_digest(&other_first.outgoing.body)),
    };
    assert_eq!(fault, expected);
}

#[test]
fn two_events_with_one_identity_break_the_case() {
    let [first, _] = two_events();
    let history = read(std::slice::from_ref(&first)).unwrap();
    let second = draft(&history, &writer(INTAKE, 1), 1, withdrawn());
    let fault = read(&[first, stored(9, &second.outgoing)]).unwrap_err();
    assert!(
        matches!(fault, HistoryFault::IdRepeated { seq: 9, .. }),
        "{fault}"
    );
}

#[test]
fn what_a_service_signed_and_nobody_can_read_breaks_the_case() {
    let [mut first, _] = two_events();
    let text = String::from_utf8(first.body.to_vec()).unwrap();
    first.body = Bytes::from(text.replace("submitted.v1", "submitted.v9"));
    first.signature = Some(key(1).sign_event(&first.subject, &first.body).to_string());
    let fault = read(&[first]).unwrap_err();
    assert!(
        matches!(fault, HistoryFault::Unreadable { seq: 5, .. }),
        "{fault}"
    );
}

#[test]
fn a_repeated_message_changes_nothing_but_the_guard() {
    let [first, second] = two_events();
    let again = Stored {
        seq: 12,
        ..first.clone()
    };
    assert_eq!(place(&[first, second, again]), (2, 12));
}

#[test]
fn observed_facts_move_the_guard_and_nothing_else() {
    let [first, second] = two_events();
    let source = Source::outside("feed").unwrap();
    let id = EventId::new(&Uuid::from_u128(7).to_string()).unwrap();
    let envelope = Envelope::observed(id, source, case(), PortCode::new("CNNBG").unwrap(), now());
    let body = Bytes::from(encode(&envelope, &withdrawn()).unwrap());
    let unsigned = Stored {
        seq: 7,
        signature: None,
        body: body.clone(),
        ..first.clone()
    };
    let signature = Some(key(1).sign_event(&first.subject, &body).to_string());
    let signed = Stored {
        seq: 10,
        signature,
        body,
        ..first.clone()
    };
    assert_eq!(place(&[first, unsigned, second, signed]), (2, 10));
}

#[test]
fn only_the_service_itself_decides() {
    let [first, _] = two_events();
    let history = read(std::slice::from_ref(&first)).unwrap();
    let forged = |writer: &Writer, data: EventData| stored(9, &draft(&history, writer, 2, data).outgoing);

    let by_stranger = forged(&writer(INTAKE, 3), withdrawn());
    assert_eq!(place(&[first.clone(), by_stranger]), (1, 9));
    let in_anothers_name = forged(&writer(INTAKE, 2), refused());
    assert_eq!(place(&[first.clone(), in_anothers_name]), (1, 9));
    let beyond_its_remit = forged(&writer(LICENSING, 2), withdrawn());
    assert_eq!(place(&[first.clone(), beyond_its_remit]), (1, 9));

    let mut altered = forged(&writer(INTAKE, 1), withdrawn());
    let text = String::from_utf8(altered.body.to_vec()).unwrap();
    altered.body = Bytes::from(text.replace("withdrawn", "lapsed"));
    assert_eq!(place(&[first.clone(), altered]), (1, 9));
    let garbage = Stored {
        seq: 9,
        signature: None,
        body: Bytes::from_static(b"{"),
        ..first.clone()
    };
    assert_eq!(place(&[first, garbage]), (1, 9));
}

#[test]
fn an_event_of_another_case_is_none_of_this_one() {
    let first = draft(&CaseHistory::default(), &writer(INTAKE, 1), 1, submitted());
    let mut astray = stored(5, &first.outgoing);
    let text = String::from_utf8(astray.body.to_vec()).unwrap();
    astray.body = Bytes::from(text.replace(r#""subject":"C1""#, r#""subject":"C2""#));
    astray.signature = Some(key(1).sign_event(&astray.subject, &astray.body).to_string());
    assert_eq!(place(&[astray]), (0, 5));
}

#[test]
fn an_event_says_what_its_writer_knew() {
    let [first, second] = two_events();
    let (envelope, event) = decode_event(&second.body).unwrap();
    let (opening, opened) = decode_event(&first.body).unwrap();
    assert_eq!(envelope.causation, Some(opened.id));
    assert_eq!(envelope.recorded_at, Some(now()));
    assert_eq!(event.id.as_str(), Uuid::from_u128(2).to_string());
    let decided = envelope.decided().unwrap();
    assert_eq!((decided.sequence, decided.command.as_str()), (2, "cmd-2"));
    assert_eq!(decided.prev, Some(event_digest(&first.body)));
    assert_eq!(
        (
            opening.causation.as_ref(),
            opening.decided().unwrap().prev.as_ref()
        ),
        (None, None)
    );
}
