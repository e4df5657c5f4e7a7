//! The frozen rule by which the ledger tells an event from what goes into quarantine.
//!
//! It decides the kind of a record for ever, so it knows as little as possible: six attributes and nothing of `data`.
//! The rule is written out in docs/events.md, "What the ledger requires of a message", and pinned by
//! tests/golden/head.ndjson. It must not change: a replay would give other records.

mod quarantine;

use std::borrow::Cow;

use portbook_domain::EventData;

use crate::{
    BODY_BYTES_MAX,
    digest::sha256,
    envelope::Envelope,
    json::{Lexer, SyntaxError},
    schema::Schema,
    source::is_source,
    subject::case_token,
    type_name::split_versioned,
};

pub use quarantine::{Attribute, Quarantine};

/// Most members an event may have beside one another.
const MEMBERS_MAX: usize = 64;
/// Version of CloudEvents.
const SPEC_VERSION: &str = "1.0";
const KEY_LABEL: &[u8] = b"portbook/v1/event-key\n";

/// What the ledger reads of an event. All of it is borrowed from the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventHead<'a> {
    /// Identity of the event, unique within its source: a UUID.
    pub id: &'a str,
    /// URN of the source.
    pub source: &'a str,
    /// `<entity>.<verb>`; perhaps of a type this build does not know.
    pub type_name: &'a str,
    /// Version of the type, from 1.
    pub version: u16,
    /// The case.
    pub case: &'a str,
    /// The port as written, before the alias table.
    pub port: &'a str,
}

/// The numbers under which an event is looked up, wherever its type has them in `data`. No record depends on them: lookups
/// can be made again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventNumbers<'a> {
    /// `license_no` of `data`, when it is text.
    pub license: Option<Cow<'a, str>>,
    /// `declaration_no` of `data`, when it is text.
    pub declaration: Option<Cow<'a, str>>,
}

/// Stands for `(source, id)`, the identity of an event; see [`EventHead::key`].
pub type EventKey = [u8; 16];

impl EventHead<'_> {
    /// Stands for the event's identity: the first 16 bytes of SHA-256 over
    /// `"portbook/v1/event-key\n" || u16 length || source || u8 length || id`.
    #[must_use]
    pub fn key(&self) -> EventKey {
        // Both lengths are bounded by the grammars: a source has at most 81 bytes, an id exactly 36.
        let source_len = u16::try_from(self.source.len()).unwrap_or(u16::MAX).to_be_bytes();
        let id_len = u8::try_from(self.id.len()).unwrap_or(u8::MAX).to_be_bytes();
        let hash = sha256(&[
            KEY_LABEL,
            &source_len,
            self.source.as_bytes(),
            &id_len,
            self.id.as_bytes(),
        ]);
        hash.first_chunk().copied().unwrap_or_default()
    }
}

/// What the ledger will read of an event once it is written, or why it would be none.
///
/// # Errors
/// As [`read_head`] of its bytes.
pub fn head_of<'a>(envelope: &'a Envelope, data: &EventData) -> Result<EventHead<'a>, Quarantine> {
    let Envelope {
        id,
        source,
        case,
        port,
        ..
    } = envelope;
    let texts = [
        SPEC_VERSION,
        id.as_str(),
        source.as_str(),
        Schema::current(data.kind()).type_,
        case.as_str(),
        port.as_str(),
    ];
    check_attributes(texts.map(Member::PlainText))
}

/// Reads what the ledger needs of a message of an events subject, or says why it is no event.
///
/// # Errors
/// The first rule the message breaks; see [`Quarantine`]. Which one is reported is not part of any hash.
pub fn read_head<'a>(subject: &str, body: &'a [u8]) -> Result<EventHead<'a>, Quarantine> {
    read_numbered_head(subject, body).map(|(head, _)| head)
}

/// As [`read_head`], with the numbers the event is looked up under, in one reading of the document.
///
/// # Errors
/// As [`read_head`].
pub fn read_numbered_head<'a>(
    subject: &str,
    body: &'a [u8],
) -> Result<(EventHead<'a>, EventNumbers<'a>), Quarantine> {
    let case_published = case_token(subject).ok_or(Quarantine::NotAnEventSubject)?;
    if body.len() > BODY_BYTES_MAX {
        return Err(Quarantine::BodyTooLarge { bytes: body.len() });
    }
    let text = std::str::from_utf8(body).map_err(|error| Quarantine::NotUtf8 {
        valid_bytes: error.valid_up_to(),
    })?;
    let (found, numbers) = read_attributes(text)?;
    let head = check_attributes(found)?;
    if head.case == case_published {
        Ok((head, numbers))
    } else {
        Err(Quarantine::SubjectMismatch)
    }
}

/// What stands under each attribute's name, in the order of [`Attribute::ALL`].
type Found<'a> = [Member<'a>; 6];

#[derive(Debug, Clone, Copy)]
enum Member<'a> {
    Absent,
    PlainText(&'a str),
    Other,
}

/// Reads the document to its end before it judges the members: a broken document is just that.
fn read_attributes(text: &str) -> Result<(Found<'_>, EventNumbers<'_>), Quarantine> {
    let mut found = [Member::Absent; 6];
    let mut numbers = EventNumbers::default();
    let mut names = Names::default();
    let mut flaw = None;
    let mut lexer = Lexer::new(text);
    lexer.object(|lexer, name| {
        let attribute = match names.add(&name) {
            Ok("data") if lexer.peek() == Some(b'{') => return read_numbers(lexer, &mut numbers),
            Ok(name) => Attribute::ALL
                .iter()
                .zip(&mut found)
                .find(|(attribute, _)| attribute.name() == name),
            Err(why) => {
                flaw.get_or_insert(why);
                None
            }
        };
        match attribute {
            Some((_, member)) => *member = read_member(lexer)?,
            None => lexer.skip_value()?,
        }
        Ok::<_, SyntaxError>(())
    })?;
    lexer.end()?;
    flaw.map_or(Ok((found, numbers)), Err)
}

/// Reads `data` for its numbers. What else stands there is no matter of the head.
fn read_numbers<'a>(lexer: &mut Lexer<'a>, numbers: &mut EventNumbers<'a>) -> Result<(), SyntaxError> {
    lexer.object(|lexer, name| {
        let number = match name.as_ref() {
            "license_no" => &mut numbers.license,
            "declaration_no" => &mut numbers.declaration,
            _ => return lexer.skip_value(),
        };
        if lexer.peek() == Some(b'"') {
            *number = Some(lexer.string()?);
            Ok(())
        } else {
            lexer.skip_value()
        }
    })
}

/// The names read so far.
struct Names<'a> {
    names: [&'a str; MEMBERS_MAX],
    count: usize,
}

impl Default for Names<'_> {
    fn default() -> Self {
        Self {
            names: [""; MEMBERS_MAX],
            count: 0,
        }
    }
}

impl<'a> Names<'a> {
    fn add(&mut self, name: &Cow<'a, str>) -> Result<&'a str, Quarantine> {
        let position = self.count + 1;
        let &Cow::Borrowed(name) = name else {
            return Err(Quarantine::EscapedName { position });
        };
        if self.names.iter().take(self.count).any(|&earlier| earlier == name) {
            return Err(Quarantine::DuplicateMember { position });
        }
        *self.names.get_mut(self.count).ok_or(Quarantine::TooManyMembers)? = name;
        self.count = position;
        Ok(name)
    }
}

fn read_member<'a>(lexer: &mut Lexer<'a>) -> Result<Member<'a>, SyntaxError> {
    if lexer.peek() != Some(b'"') {
        return lexer.skip_value().map(|()| Member::Other);
    }
    Ok(match lexer.string()? {
        Cow::Borrowed(text) => Member::PlainText(text),
        Cow::Owned(_) => Member::Other,
    })
}

fn check_attributes(found: Found<'_>) -> Result<EventHead<'_>, Quarantine> {
    let [spec_version, id, source, type_, subject, port] = found;
    checked(Attribute::SpecVersion, spec_version, |text| {
        (text == SPEC_VERSION).then_some(())
    })?;
    let plain = |holds: fn(&str) -> bool| move |text| if holds(text) { Some(text) } else { None };
    let id = checked(Attribute::Id, id, plain(is_uuid))?;
    let source = checked(Attribute::Source, source, plain(is_source))?;
    let (type_name, version) = checked(Attribute::Type, type_, split_versioned)?;
    let case = checked(Attribute::Subject, subject, plain(is_case))?;
    let port = checked(Attribute::PartitionKey, port, plain(is_port))?;
    Ok(EventHead {
        id,
        source,
        type_name,
        version,
        case,
        port,
    })
}

fn checked<'a, T>(
    attribute: Attribute,
    member: Member<'a>,
    read: impl FnOnce(&'a str) -> Option<T>,
) -> Result<T, Quarantine> {
    match member {
        Member::PlainText(text) => read(text).ok_or(Quarantine::Invalid { attribute }),
        Member::Other => Err(Quarantine::NotPlainText { attribute }),
        Member::Absent => Err(Quarantine::Missing { attribute }),
    }
}

// The grammars of the vocabulary, written out again: the vocabulary may grow, this rule may not.

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => matches!(b, b'0'..=b'9' | b'a'..=b'f'),
        })
}

fn is_case(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| matches!(b, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}

fn is_port(text: &str) -> bool {
    text.len() == 5
        && text
            .bytes()
            .enumerate()
            .all(|(at, b)| b.is_ascii_uppercase() || (at >= 2 && matches!(b, b'2'..=b'9')))
}
