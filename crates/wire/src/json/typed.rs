//! From a JSON value to a Rust type through serde, so that an error can name the JSON pointer.

use std::{borrow::Cow, fmt, slice, vec};

use serde::{
    Deserialize, Deserializer,
    de::{
        self, DeserializeSeed, EnumAccess, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
        VariantAccess, Visitor, value::StrDeserializer,
    },
    forward_to_deserialize_any,
};

use super::node::{JsonError, JsonRule, Node};

/// Reads a type from a value.
pub(crate) fn from_node<'de, T: Deserialize<'de>>(node: &'de Node<'_>) -> Result<T, JsonError> {
    T::deserialize(Typed(node))
}

#[derive(Clone, Copy)]
pub(crate) struct Typed<'de, 'a>(pub(crate) &'de Node<'a>);

impl de::Error for JsonError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::document(JsonRule::Grammar {
            grammar: message.to_string(),
        })
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::document(JsonRule::WrongKind {
            expected: expected.to_string(),
            found: found.to_string(),
        })
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::document(JsonRule::WrongKind {
            expected: format!("one of {}", expected.join(", ")),
            found: format!("{:?}", variant.chars().take(80).collect::<String>()),
        })
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        Self::document(JsonRule::UnknownField {
            field: field.chars().take(80).collect(),
        })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::document(JsonRule::Missing {
            field: field.to_owned(),
        })
    }
}

impl<'de> Deserializer<'de> for Typed<'de, '_> {
    type Error = JsonError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.0 {
            Node::Bool(value) => visitor.visit_bool(*value),
            Node::Integer(value) => match u64::try_from(*value) {
                Ok(value) => visitor.visit_u64(value),
                Err(_) => visitor.visit_i64(*value),
            },
            Node::Text(text) => visitor.visit_str(text),
            Node::List(items) => visitor.visit_seq(Items {
                items: items.iter(),
                index: 0,
            }),
            Node::Object(members) => visitor.visit_map(Members {
                members: members.by_name(),
                open: None,
            }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        visitor.visit_newtype_struct(self)
    }

    /// A list of the fields in their order is no object, although derived readers would take it for one.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        self.0.check_object()?;
        self.deserialize_any(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        match self.0 {
            Node::Text(text) => visitor.visit_enum(Variant {
                name: text,
                content: None,
            }),
            Node::Object(members) => {
                let mut members = members.by_name();
                let (Some((name, content)), None) = (members.next(), members.next()) else {
                    return Err(de::Error::custom("expected an object with exactly one member"));
                };
                visitor.visit_enum(Variant {
                    name,
                    content: Some(Typed(content)),
                })
            }
            Node::Bool(_) | Node::Integer(_) | Node::List(_) => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map identifier ignored_any
    }
}

struct Items<'de, 'a> {
    items: slice::Iter<'de, Node<'a>>,
    index: usize,
}

impl<'de> SeqAccess<'de> for Items<'de, '_> {
    type Error = JsonError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, JsonError> {
        let Some(item) = self.items.next() else {
            return Ok(None);
        };
        let index = self.index;
        self.index += 1;
        seed.deserialize(Typed(item))
            .map(Some)
            .map_err(|error| error.within(&index.to_string()))
    }
}

struct Members<'de, 'a> {
    members: vec::IntoIter<&'de (Cow<'a, str>, Node<'a>)>,
    open: Option<(&'de str, &'de Node<'a>)>,
}

impl<'de> MapAccess<'de> for Members<'de, '_> {
    type Error = JsonError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, JsonError> {
        let Some((name, value)) = self.members.next() else {
            return Ok(None);
        };
        self.open = Some((name, value));
        let name: StrDeserializer<'_, JsonError> = name.as_ref().into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, JsonError> {
        let misuse = || <JsonError as de::Error>::custom("a value was read before its name");
        let (name, value) = self.open.take().ok_or_else(misuse)?;
        seed.deserialize(Typed(value)).map_err(|error| error.within(name))
    }
}

struct Variant<'de, 'a> {
    name: &'de str,
    content: Option<Typed<'de, 'a>>,
}

impl<'de, 'a> EnumAccess<'de> for Variant<'de, 'a> {
    type Error = JsonError;
    type Variant = VariantContent<'de, 'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self::Variant), JsonError> {
        let name: StrDeserializer<'_, JsonError> = self.name.into_deserializer();
        Ok((
            seed.deserialize(name)?,
            VariantContent {
                name: self.name,
                content: self.content,
            },
        ))
    }
}

struct VariantContent<'de, 'a> {
    name: &'de str,
    content: Option<Typed<'de, 'a>>,
}

impl<'de, 'a> VariantContent<'de, 'a> {
    fn content(&self) -> Result<Typed<'de, 'a>, JsonError> {
        self.content
            .ok_or_else(|| de::Error::custom(format_args!("{:?} needs its fields", self.name)))
    }
}

impl<'de> VariantAccess<'de> for VariantContent<'de, '_> {
    type Error = JsonError;

    fn unit_variant(self) -> Result<(), JsonError> {
        match self.content {
            None => Ok(()),
            Some(_) => Err(de::Error::custom(format_args!("{:?} has no fields", self.name))),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, JsonError> {
        seed.deserialize(self.content()?)
            .map_err(|error| error.within(self.name))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, JsonError> {
        self.content()?
            .deserialize_any(visitor)
            .map_err(|error| error.within(self.name))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        self.content()?
            .deserialize_any(visitor)
            .map_err(|error| error.within(self.name))
    }
}
