//! Numbers of 128 bits in rows: as they are where programs read, as hexadecimal digits where people do.
//!
//! JSON has no integers of that length.

use serde::{Serialize, Serializer};

/// The number of an event, to people a UUID.
pub(super) mod event {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(event: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return event.serialize(serializer);
        }
        let part = |shift: u32, bits: u32| (event >> shift) & ((1 << bits) - 1);
        serializer.collect_str(&format_args!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            part(96, 32),
            part(80, 16),
            part(64, 16),
            part(48, 16),
            part(0, 48)
        ))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
        if !deserializer.is_human_readable() {
            return u128::deserialize(deserializer);
        }
        let text = String::deserialize(deserializer)?.replace('-', "");
        u128::from_str_radix(&text, 16).map_err(D::Error::custom)
    }
}

/// Numbers of documents, to people the first 32 digits of each digest.
pub(super) mod documents {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Digits;

    pub(crate) fn serialize<S: Serializer>(documents: &[u128], serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return documents.serialize(serializer);
        }
        serializer.collect_seq(documents.iter().copied().map(Digits))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u128>, D::Error> {
        if !deserializer.is_human_readable() {
            return Vec::deserialize(deserializer);
        }
        let texts = Vec::<String>::deserialize(deserializer)?.into_iter();
        let numbers = texts.map(|text| u128::from_str_radix(&text, 16));
        numbers.collect::<Result<_, _>>().map_err(D::Error::custom)
    }
}

/// All 32 digits of a number.
struct Digits(u128);

impl Serialize for Digits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:032x}", self.0))
    }
}
