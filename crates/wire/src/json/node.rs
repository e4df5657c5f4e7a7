//! A JSON value under the rules of events: no nulls, no fractions, no name twice.

use std::borrow::Cow;

use super::lexer::{Lexer, SyntaxError};
use super::object::Object;

/// The largest integer every JSON reader keeps exact.
const INTEGER_MAX: i64 = (1 << 53) - 1;

/// A JSON value. What it borrows, it borrows from the text it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node<'a> {
    Bool(bool),
    Integer(i64),
    Text(Cow<'a, str>),
    List(Vec<Node<'a>>),
    Object(Object<'a>),
}

/// A broken rule and the place where it was broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {rule}", if pointer.is_empty() { "the document" } else { pointer.as_str() })]
pub struct JsonError {
    /// JSON pointer (RFC 6901) to the value; empty for the whole document.
    pub pointer: String,
    /// The rule it breaks.
    pub rule: JsonRule,
}

/// What a document must keep to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonRule {
    /// It is not longer than a message may be.
    #[error("{bytes} bytes are more than the {bytes_max} a message may have")]
    TooLarge {
        /// Length found.
        bytes: usize,
        /// Length allowed.
        bytes_max: usize,
    },
    /// It is UTF-8.
    #[error("not UTF-8 after byte {valid_bytes}")]
    NotUtf8 {
        /// Length of the part that is UTF-8.
        valid_bytes: usize,
    },
    /// It is JSON.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// A name stands once in its object.
    #[error("the name stands twice in its object")]
    Duplicate,
    /// An absent value is left out.
    #[error("null is not a value: leave the field out")]
    Null,
    /// A number is an integer that every reader keeps exact.
    #[error("{found} is not an integer from -9007199254740991 to 9007199254740991")]
    NotAnInteger {
        /// The number as written, cut to 40 characters.
        found: String,
    },
    /// A required field is there.
    #[error("the field {field:?} is missing")]
    Missing {
        /// Its name.
        field: String,
    },
    /// A document with a closed set of fields has no others.
    #[error("the field {field:?} is not known here")]
    UnknownField {
        /// Its name.
        field: String,
    },
    /// A value is of the right kind.
    #[error("expected {expected}, found {found}")]
    WrongKind {
        /// What belongs here.
        expected: String,
        /// What stands here.
        found: String,
    },
    /// A value keeps to the grammar of its field.
    #[error("{grammar}")]
    Grammar {
        /// The grammar and what was found, in words.
        grammar: String,
    },
}

impl JsonError {
    pub(crate) const fn document(rule: JsonRule) -> Self {
        Self {
            pointer: String::new(),
            rule,
        }
    }

    pub(crate) fn at(field: &str, rule: JsonRule) -> Self {
        Self::document(rule).within(field)
    }

    pub(crate) fn wrong_kind(field: &str, expected: &str, found: &Node<'_>) -> Self {
        let found = found.kind().to_owned();
        Self::at(
            field,
            JsonRule::WrongKind {
                expected: expected.to_owned(),
                found,
            },
        )
    }

    /// The same error, seen from the object or list around it.
    pub(crate) fn within(mut self, token: &str) -> Self {
        let token = token.replace('~', "~0").replace('/', "~1");
        self.pointer.insert_str(0, &token);
        self.pointer.insert(0, '/');
        self
    }
}

impl From<SyntaxError> for JsonError {
    fn from(error: SyntaxError) -> Self {
        Self::document(JsonRule::Syntax(error))
    }
}

impl<'a> Node<'a> {
    /// Reads one document of at most `bytes_max` bytes.
    pub(crate) fn parse(body: &'a [u8], bytes_max: usize) -> Result<Self, JsonError> {
        let mut lexer = Lexer::new(text_of(body, bytes_max)?);
        let node = Self::read(&mut lexer)?;
        lexer.end()?;
        Ok(node)
    }

    /// The members, when it is an object.
    pub(crate) fn into_object(self) -> Result<Object<'a>, JsonError> {
        match self {
            Self::Object(members) => Ok(members),
            other @ (Self::Bool(_) | Self::Integer(_) | Self::Text(_) | Self::List(_)) => {
                Err(other.no_object())
            }
        }
    }

    /// Insists on an object.
    pub(crate) fn check_object(&self) -> Result<(), JsonError> {
        match self {
            Self::Object(_) => Ok(()),
            Self::Bool(_) | Self::Integer(_) | Self::Text(_) | Self::List(_) => Err(self.no_object()),
        }
    }

    fn no_object(&self) -> JsonError {
        JsonError::document(JsonRule::WrongKind {
            expected: "an object".to_owned(),
            found: self.kind().to_owned(),
        })
    }

    /// The text, when it is one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self {
            Some(text)
        } else {
            None
        }
    }

    /// The kind of value, in words.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Bool(_) => "true or false",
            Self::Integer(_) => "an integer",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    fn read(lexer: &mut Lexer<'a>) -> Result<Self, JsonError> {
        match lexer.peek() {
            Some(b'{') => Self::read_object(lexer),
            Some(b'[') => Self::read_list(lexer),
            Some(b'"') => Ok(Self::Text(lexer.string()?)),
            Some(b'-' | b'0'..=b'9') => integer(lexer.number()?).map(Self::Integer),
            Some(b't') => lexer
                .word("true")
                .map(|()| Self::Bool(true))
                .map_err(JsonError::from),
            Some(b'f') => lexer
                .word("false")
                .map(|()| Self::Bool(false))
                .map_err(JsonError::from),
            Some(b'n') => {
                lexer.word("null")?;
                Err(JsonError::document(JsonRule::Null))
            }
            Some(_) | None => Err(lexer.unexpected("a value").into()),
        }
    }

    fn read_object(lexer: &mut Lexer<'a>) -> Result<Self, JsonError> {
        let mut members = Object::new();
        lexer.object(|lexer, name| {
            let value = Self::read(lexer).map_err(|error| error.within(&name))?;
            members
                .enter(name, value)
                .map_err(|name| JsonError::at(&name, JsonRule::Duplicate))
        })?;
        Ok(Self::Object(members))
    }

    fn read_list(lexer: &mut Lexer<'a>) -> Result<Self, JsonError> {
        let mut items = Vec::new();
        lexer.array(|lexer| {
            let item = Self::read(lexer).map_err(|error| error.within(&items.len().to_string()))?;
            items.push(item);
            Ok::<_, JsonError>(())
        })?;
        Ok(Self::List(items))
    }
}

/// The text of a document of at most `bytes_max` bytes.
pub(crate) fn text_of(body: &[u8], bytes_max: usize) -> Result<&str, JsonError> {
    if body.len() > bytes_max {
        return Err(JsonError::document(JsonRule::TooLarge {
            bytes: body.len(),
            bytes_max,
        }));
    }
    std::str::from_utf8(body).map_err(|error| {
        JsonError::document(JsonRule::NotUtf8 {
            valid_bytes: error.valid_up_to(),
        })
    })
}

/// The integer a number spells; `-0`, fractions and exponents are not integers here.
fn integer(text: &str) -> Result<i64, JsonError> {
    exact_integer(text).ok_or_else(|| {
        JsonError::document(JsonRule::NotAnInteger {
            found: text.chars().take(40).collect(),
        })
    })
}

/// [`integer`], where it is one.
pub(crate) fn exact_integer(text: &str) -> Option<i64> {
    let value = text.parse::<i64>().ok()?;
    let is_exact = (-INTEGER_MAX..=INTEGER_MAX).contains(&value);
    (is_exact && text != "-0").then_some(value)
}
