//! From a text to a Rust type through serde, without a tree in between: for what is as it should be.
//!
//! Whatever is not, it declines, and does not say why: [`super::typed`] reads that again and says it. So it may decline what is
//! fine, but must never take what that reader refuses, nor read another value.

use std::{borrow::Cow, fmt};

use serde::{
    Deserializer,
    de::{self, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor, value::StrDeserializer},
    forward_to_deserialize_any,
};

use super::lexer::{Lexer, SyntaxError};
use super::node::{JsonError, exact_integer};

/// The text is to be read the other way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not read directly")]
pub(crate) struct Declined;

/// The one spelling of a text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spelling {
    /// In words.
    pub(crate) rule: &'static str,
    /// Whether a text is spelled so.
    pub(crate) holds: fn(&str) -> bool,
}

/// Members of an object whose texts must be spelled in one way.
pub(crate) type Spelled = &'static [(&'static str, Spelling)];

/// The next value of a text.
#[derive(Debug)]
pub(crate) struct Direct<'l, 'a> {
    lexer: &'l mut Lexer<'a>,
    /// What holds for its own members, when it is an object.
    spelled: Spelled,
    /// What holds for it, when it is a text.
    spelling: Option<Spelling>,
}

impl<'l, 'a> Direct<'l, 'a> {
    /// The value at which `lexer` stands.
    pub(crate) const fn new(lexer: &'l mut Lexer<'a>, spelled: Spelled) -> Self {
        Self {
            lexer,
            spelled,
            spelling: None,
        }
    }

    fn text(self) -> Result<Cow<'a, str>, Declined> {
        let text = self.lexer.string()?;
        match self.spelling {
            Some(spelling) if !(spelling.holds)(&text) => Err(Declined),
            Some(_) | None => Ok(text),
        }
    }

    fn object<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Declined> {
        self.lexer.open_object()?;
        let mut members = Members {
            lexer: self.lexer,
            spelled: self.spelled,
            spelling: None,
            is_first: true,
            is_read: false,
        };
        let value = visitor.visit_map(&mut members)?;
        if members.is_read { Ok(value) } else { Err(Declined) }
    }

    fn list<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Declined> {
        self.lexer.open_array()?;
        let mut items = Items {
            lexer: self.lexer,
            is_first: true,
            is_read: false,
        };
        let value = visitor.visit_seq(&mut items)?;
        if items.is_read { Ok(value) } else { Err(Declined) }
    }
}

impl de::Error for Declined {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }

    fn invalid_type(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        Self
    }

    fn invalid_value(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        Self
    }
}

impl From<SyntaxError> for Declined {
    fn from(_: SyntaxError) -> Self {
        Self
    }
}

impl From<JsonError> for Declined {
    fn from(_: JsonError) -> Self {
        Self
    }
}

impl<'de> Deserializer<'de> for Direct<'_, 'de> {
    type Error = Declined;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Declined> {
        match self.lexer.peek() {
            Some(b'"') => match self.text()? {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            },
            Some(b'{') => self.object(visitor),
            Some(b'[') => self.list(visitor),
            Some(b'-' | b'0'..=b'9') => {
                let value = exact_integer(self.lexer.number()?).ok_or(Declined)?;
                match u64::try_from(value) {
                    Ok(value) => visitor.visit_u64(value),
                    Err(_) => visitor.visit_i64(value),
                }
            }
            Some(b't') => {
                self.lexer.word("true")?;
                visitor.visit_bool(true)
            }
            Some(b'f') => {
                self.lexer.word("false")?;
                visitor.visit_bool(false)
            }
            Some(_) | None => Err(Declined),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Declined> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Declined> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Declined> {
        self.object(visitor)
    }

    /// Only words: variants with fields are read the other way.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Declined> {
        let text = self.text()?;
        let word: StrDeserializer<'_, Declined> = text.as_ref().into_deserializer();
        visitor.visit_enum(word)
    }

    /// Of two members of one name a map would keep the later.
    fn deserialize_map<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Declined> {
        Err(Declined)
    }

    /// A value that nobody asks for must keep to the rules all the same, and its name must not stand twice.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Declined> {
        Err(Declined)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct identifier
    }
}

struct Members<'l, 'a> {
    lexer: &'l mut Lexer<'a>,
    spelled: Spelled,
    spelling: Option<Spelling>,
    is_first: bool,
    is_read: bool,
}

impl<'a> MapAccess<'a> for &mut Members<'_, 'a> {
    type Error = Declined;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, Declined> {
        let Some(name) = self.lexer.next_plain_name(self.is_first)? else {
            self.is_read = true;
            return Ok(None);
        };
        self.is_first = false;
        let spelled = self.spelled.iter().find(|(known, _)| *known == name);
        self.spelling = spelled.map(|(_, spelling)| *spelling);
        let name: StrDeserializer<'_, Declined> = name.into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Declined> {
        seed.deserialize(Direct {
            lexer: &mut *self.lexer,
            spelled: &[],
            spelling: self.spelling.take(),
        })
    }
}

struct Items<'l, 'a> {
    lexer: &'l mut Lexer<'a>,
    is_first: bool,
    is_read: bool,
}

impl<'a> SeqAccess<'a> for &mut Items<'_, 'a> {
    type Error = Declined;

    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, Declined> {
        if !self.lexer.next_item(self.is_first)? {
            self.is_read = true;
            return Ok(None);
        }
        self.is_first = false;
        let item = seed.deserialize(Direct::new(&mut *self.lexer, &[]))?;
        Ok(Some(item))
    }
}
