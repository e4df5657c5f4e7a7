//! What can be done to a ledger, at one position.

use portbook_ledger::{Chain, RecordKind, SecretKey};

use super::book::Item;
use super::world::{SOURCE, event, log_key, registration};
use portbook_wire::control::encode_control;

/// One way to tamper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operator {
    FlipBit,
    ChangeMass,
    Redate,
    MoveToAnotherCase,
    MoveToAnotherChain,
    ChangeKind,
    StripSignature,
    SignWithUnknownKey,
    Remove,
    Double,
    SwapWithNext,
    Insert,
    RegisterOwnKeyAndInsert,
    Truncate,
}

impl Operator {
    pub(crate) const ALL: &[Self] = &[
        Self::FlipBit,
        Self::ChangeMass,
        Self::Redate,
        Self::MoveToAnotherCase,
        Self::MoveToAnotherChain,
        Self::ChangeKind,
        Self::StripSignature,
        Self::SignWithUnknownKey,
        Self::Remove,
        Self::Double,
        Self::SwapWithNext,
        Self::Insert,
        Self::RegisterOwnKeyAndInsert,
        Self::Truncate,
    ];

    /// The items after the operator was used at `at`; none where it does not apply or changes nothing. Who holds the log
    /// key signs again what only that key signs.
    pub(crate) fn apply(self, items: &[Item], at: usize, holds_log_key: bool) -> Option<Vec<Item>> {
        let mut tampered = items.to_vec();
        match self {
            Self::FlipBit => flip(tampered.get_mut(at)?),
            Self::ChangeMass => change_mass(tampered.get_mut(at)?)?,
            Self::Redate => tampered.get_mut(at)?.recorded_at_ns += 86_400_000_000_000,
            Self::MoveToAnotherCase => change_case(tampered.get_mut(at)?)?,
            Self::MoveToAnotherChain => change_chain(tampered.get_mut(at)?)?,
            Self::ChangeKind => change_kind(tampered.get_mut(at)?)?,
            Self::StripSignature => drop(tampered.get_mut(at)?.signature.take()?),
            Self::SignWithUnknownKey => sign(tampered.get_mut(at)?, &insider())?,
            Self::Remove => drop(tampered.remove(at)),
            Self::Double => tampered.insert(at, items.get(at)?.clone()),
            Self::SwapWithNext => (at + 1 < tampered.len()).then(|| tampered.swap(at, at + 1))?,
            Self::Insert => tampered.insert(at, forged(items.get(at)?, None)),
            Self::RegisterOwnKeyAndInsert => {
                tampered.insert(at, forged(items.get(at)?, Some(&insider())));
                tampered.insert(at, own_key(items.get(at)?));
            }
            Self::Truncate => tampered.truncate(at),
        }
        // A log without leaves, or one whose first message opens nothing, is none that anybody could be shown.
        let opens = tampered
            .first()
            .is_some_and(|first| first.subject == "portbook.control.ledger-opened");
        if !opens || tampered == items {
            return None;
        }
        if holds_log_key {
            tampered.iter_mut().for_each(resign);
        }
        // A checkpoint ends with a seal: who can sign one puts it there.
        if holds_log_key && tampered.last()?.kind.is_some() {
            tampered.push(items.last()?.clone());
        }
        (tampered != items).then_some(tampered)
    }
}

/// A key nobody registered.
fn insider() -> SecretKey {
    SecretKey::from_seed(&[9; 32])
}

fn flip(item: &mut Item) {
    let middle = item.body.len() / 2;
    item.body[middle] ^= 1;
}

fn change_mass(item: &mut Item) -> Option<()> {
    let text = std::str::from_utf8(&item.body).ok()?;
    let (front, back) = text.split_once("cleared_g\":")?;
    item.body = format!("{front}cleared_g\":9{back}").into_bytes();
    Some(())
}

/// The event is another case's: subject and body say so alike.
fn change_case(item: &mut Item) -> Option<()> {
    let case = item.subject.strip_prefix("portbook.events.")?.to_owned();
    let text = std::str::from_utf8(&item.body).ok()?;
    let renamed = text.replace(&format!("\"subject\":\"{case}\""), "\"subject\":\"Z\"");
    item.body = renamed.into_bytes();
    "portbook.events.Z".clone_into(&mut item.subject);
    Some(())
}

fn change_chain(item: &mut Item) -> Option<()> {
    let to = match item.kind? {
        RecordKind::Event | RecordKind::Redelivery | RecordKind::Conflict => "CNTXG",
        RecordKind::Quarantine | RecordKind::Control => return None,
    };
    item.chain = Chain::port(to).ok()?;
    Some(())
}

fn change_kind(item: &mut Item) -> Option<()> {
    let (kind, chain, refers_to) = match item.kind? {
        RecordKind::Event | RecordKind::Control => (RecordKind::Quarantine, Chain::QUARANTINE, None),
        RecordKind::Redelivery => (RecordKind::Conflict, item.chain, item.refers_to),
        RecordKind::Conflict => (RecordKind::Redelivery, item.chain, item.refers_to),
        RecordKind::Quarantine => return None,
    };
    (item.kind, item.chain, item.refers_to) = (Some(kind), chain, refers_to);
    Some(())
}

fn sign(item: &mut Item, key: &SecretKey) -> Option<()> {
    item.signature?;
    item.signature = Some(key.sign_event(&item.subject, &item.body));
    Some(())
}

/// An event that its source never stated.
fn forged(beside: &Item, key: Option<&SecretKey>) -> Item {
    let (subject, body) = ("portbook.events.F".to_owned(), event(0xff, "F", "CNNBG", 7_000));
    debug_assert!(String::from_utf8_lossy(&body).contains(SOURCE));
    Item {
        kind: Some(RecordKind::Event),
        chain: Chain::port("CNNBG").unwrap(),
        refers_to: None,
        recorded_at_ns: beside.recorded_at_ns,
        signature: key.map(|key| key.sign_event(&subject, &body)),
        subject,
        body,
    }
}

/// The registration of a key of his own, signed with a key that he may or may not hold.
fn own_key(beside: &Item) -> Item {
    let control = registration(&insider());
    let (subject, body) = (
        control.kind().subject().to_owned(),
        encode_control(&control).unwrap(),
    );
    Item {
        kind: Some(RecordKind::Control),
        chain: Chain::CONTROL,
        refers_to: None,
        recorded_at_ns: beside.recorded_at_ns,
        signature: Some(insider().sign_event(&subject, &body)),
        subject,
        body,
    }
}

/// Signs what the log key signs.
fn resign(item: &mut Item) {
    let of_source = item.subject == "portbook.control.source-stated";
    if item.subject.starts_with("portbook.control.") && !of_source && item.signature.is_some() {
        item.signature = Some(log_key().sign_event(&item.subject, &item.body));
    }
}
