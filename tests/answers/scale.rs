//! A million facts: how long a question takes in a process that holds them. Run by `make bench-answers`.

#![expect(clippy::print_stdout, reason = "its figures are read by a person")]

use std::time::{Duration, Instant};

use portbook_answers::{Asked, Grounds, Question, Rule, answer, findings};
use portbook_domain::{CaseId, DeclarationNo, Digest, EventData, EventId, LicenseNo};
use portbook_views::Facts;

use crate::scenario::{Message, messages, record, reference};

/// Copies of the scenario: 41 of 24,774 lines are a million.
const COPIES: usize = 41;
/// What a question may take.
const LIMIT: Duration = Duration::from_millis(100);

/// Another case, event, licence, declaration and document in the place of each.
fn shifted(message: &Message, copy: usize) -> Message {
    let mut message = message.clone();
    let event = &mut message.event;
    event.case = CaseId::new(&format!("{}-{copy}", event.case)).unwrap();
    event.id = EventId::new(&format!("{copy:08x}{}", &event.id.as_str()[8..])).unwrap();
    // A minute apart: copies at the same second would be bursts that nobody made.
    let later = jiff::SignedDuration::from_secs(61 * i64::try_from(copy).unwrap());
    event.occurred_at += later;
    message.envelope.recorded_at = message.envelope.recorded_at.map(|at| at + later);
    message.envelope.case = event.case.clone();
    message.envelope.id = event.id.clone();
    let license = |number: &LicenseNo| LicenseNo::new(&format!("{copy}X{number}")).unwrap();
    let declaration = |number: &DeclarationNo| {
        let number = number.as_str();
        DeclarationNo::new(&format!("{}{copy:03}{}", &number[..9], &number[12..])).unwrap()
    };
    let document = |digest: &Digest| Digest::new(&format!("{copy:04x}{}", &digest.as_str()[4..])).unwrap();
    match &mut event.data {
        EventData::LicenseGranted(it) => it.license_no = license(&it.license_no),
        EventData::ShipmentCleared(it) => {
            it.declaration_no = declaration(&it.declaration_no);
            it.license_no = it.license_no.as_ref().map(license);
            for shown in &mut it.evidence {
                shown.sha256 = document(&shown.sha256);
            }
        }
        EventData::PaperworkQueried(it) => it.declaration_no = it.declaration_no.as_ref().map(declaration),
        EventData::ApplicationSubmitted(_)
        | EventData::ApplicationClosed(_)
        | EventData::PaperworkAnswered(_)
        | EventData::LicenseChanged(_)
        | EventData::ShipmentDeclared(_)
        | EventData::ShipmentClosed(_)
        | EventData::RecordCorrected(_)
        | EventData::RecordAnnulled(_) => {}
    }
    message
}

#[test]
fn a_question_over_a_million_facts_takes_less_than_a_tenth_of_a_second() {
    let reference = reference();
    let scenario = messages("events_anom.jsonl.gz");
    let mut facts = Facts::default();
    let mut folding = Duration::ZERO;
    let mut taken = 0_u32;
    for copy in 0..COPIES {
        let messages: Vec<Message> = scenario.iter().map(|message| shifted(message, copy)).collect();
        let before = Instant::now();
        record(&messages, &reference, |recorded| {
            facts.take(recorded);
            taken += 1;
        });
        folding += before.elapsed();
    }
    assert!(taken > 1_000_000, "{taken}");
    println!(
        "{taken} facts folded, {} ns each",
        folding.as_nanos() / u128::from(taken)
    );
    let measure = |name: &str, work: &dyn Fn()| {
        let fastest = (0..3).map(|_| {
            let before = Instant::now();
            work();
            before.elapsed()
        });
        let fastest = fastest.min().unwrap();
        println!("{name:<16} {:>6.1} ms", fastest.as_secs_f64() * 1000.0);
        fastest
    };
    let grounds = Grounds::new(&facts, &reference, None);
    measure("grounds", &|| drop(Grounds::new(&facts, &reference, None)));
    let mut slow = Vec::new();
    for question in Question::ALL {
        let took = measure(question.word(), &|| {
            drop(answer(&grounds, *question, &Asked::default()).unwrap());
        });
        if took > LIMIT {
            slow.push((question.word(), took));
        }
    }
    // All rules at once are several questions.
    let defects = findings(&grounds, &Rule::defects()).len();
    println!("{defects} findings");
    measure("findings", &|| drop(findings(&grounds, &Rule::defects())));
    assert!(slow.is_empty(), "{slow:?}");
}
