//! Events as they are written here, read in one go: no tree, no name looked up twice.
//!
//! Most events name their type before their data, have no member this build does not know, and break no rule. All others are
//! left to [`super::decode_whole`], which says what is wrong.

use portbook_domain::{Event, EventData, EventKind};

use super::{Attributes, read_envelope, read_type, read_typed, spelled, with_event};
use crate::BODY_BYTES_MAX;
use crate::envelope::Envelope;
use crate::json::{Direct, JsonError, Lexer, text_of};
use crate::upcast::Upcasts;

/// Reads one event; none when it is to be read the other way, which may succeed.
pub(super) fn decode(upcasts: &Upcasts, body: &[u8]) -> Option<(Envelope, Event)> {
    let mut lexer = Lexer::new(text_of(body, BODY_BYTES_MAX).ok()?);
    let mut members = Members::default();
    let mut data = None;
    lexer.open_object().ok()?;
    let mut is_first = true;
    while let Some(name) = lexer.next_plain_name(is_first).ok()? {
        is_first = false;
        if name != "data" {
            members.read(name, &mut lexer)?;
        } else if data.is_none() {
            data = Some(members.read_data(upcasts, &mut lexer)?);
        } else {
            return None;
        }
    }
    lexer.end().ok()?;
    let (kind, version, data) = data?;
    let envelope = read_envelope(&members, kind, version).ok()?;
    Some(with_event(envelope, data))
}

/// Declares the attributes that are texts, each under its name.
macro_rules! members {
    ($($member:ident = $name:literal,)*) => {
        /// The members of an envelope, each in its place.
        #[derive(Default)]
        struct Members<'a> {
            pbsimulated: Option<bool>,
            $($member: Option<&'a str>,)*
        }

        impl<'a> Members<'a> {
            /// The place of the text called `name`.
            fn place(&mut self, name: &str) -> Option<&mut Option<&'a str>> {
                match name {
                    $($name => Some(&mut self.$member),)*
                    _ => None,
                }
            }

            #[inline]
            fn get(&self, name: &str) -> Option<&str> {
                match name {
                    $($name => self.$member,)*
                    _ => None,
                }
            }
        }
    };
}

members! {
    specversion = "specversion",
    id = "id",
    source = "source",
    kind = "type",
    subject = "subject",
    time = "time",
    recordedtime = "recordedtime",
    datacontenttype = "datacontenttype",
    dataschema = "dataschema",
    correlationid = "correlationid",
    causationid = "causationid",
    partitionkey = "partitionkey",
    pbmode = "pbmode",
    sequence = "sequence",
    pbprev = "pbprev",
    pbcmd = "pbcmd",
}

impl<'a> Members<'a> {
    fn read(&mut self, name: &str, lexer: &mut Lexer<'a>) -> Option<()> {
        if name == "pbsimulated" {
            let simulated = lexer.peek() == Some(b't');
            lexer.word(if simulated { "true" } else { "false" }).ok()?;
            return enter(&mut self.pbsimulated, simulated);
        }
        enter(self.place(name)?, lexer.plain_string()?)
    }

    /// Reads the data, of which the type must be known by then.
    fn read_data(&self, upcasts: &Upcasts, lexer: &mut Lexer<'a>) -> Option<(EventKind, u16, EventData)> {
        let (kind, version) = read_type(upcasts, self).ok()?;
        if version != upcasts.current(kind) {
            return None;
        }
        let data = read_typed(kind, Direct::new(lexer, spelled(kind))).ok()?;
        Some((kind, version, data))
    }
}

/// A name that stands twice is not taken.
fn enter<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

impl Attributes for Members<'_> {
    fn text(&self, name: &str) -> Result<Option<&str>, JsonError> {
        Ok(self.get(name))
    }

    fn flag(&self, _: &str) -> Result<bool, JsonError> {
        Ok(self.pbsimulated.unwrap_or_default())
    }
}
