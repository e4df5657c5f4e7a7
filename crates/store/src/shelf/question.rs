//! Questions and answers between two processes, as bytes.
//!
//! ```text
//! frame     length u32 || payload
//! question  version u8 || kind u8 || number u64 || key
//! answer    0 || pairs, each: key length u16 || key || value length u32 || value
//!           1 || why there is none, in words
//! ```
//! Numbers are big-endian. Nothing but a reading can be said in it.

use std::io::{self, Read, Write};

use portbook_fold::LookupKey;
use sled::IVec;

use super::{Shelf, reading};
use crate::durable::StoreError;
use crate::key;

const VERSION: u8 = 1;
/// Longest question; keys are at most some 300 bytes.
const QUESTION_BYTES_MAX: u32 = 1024;
/// An answer of several values ends with the one that exceeds this.
const PAGE_BYTES_MAX: usize = 256 * 1024;
/// Longest answer believed to be one.
const ANSWER_BYTES_MAX: u32 = 64 * 1024 * 1024;

/// Keys and values of an answer.
pub(super) type Pairs = Vec<(IVec, IVec)>;

/// Something a process that does not hold the store may ask the one that does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question<'a> {
    /// The value under a key.
    Get {
        /// The key.
        key: &'a [u8],
    },
    /// The packed value that holds an item.
    Holding {
        /// Prefix of the sequence.
        prefix: &'a [u8],
        /// Number of the item.
        number: u64,
    },
    /// The packed value that holds an item, and as many of those behind it as fit a page.
    HoldingAndMore {
        /// Prefix of the sequence.
        prefix: &'a [u8],
        /// Number of the item.
        number: u64,
    },
    /// A page of the values under a prefix.
    Family {
        /// The prefix.
        prefix: &'a [u8],
        /// The key, which begins with the prefix, after which the page begins; none for the first page.
        after: Option<&'a [u8]>,
    },
    /// The leaf indexes under a hashed name.
    Find {
        /// Family of the lookups.
        family: u8,
        /// The hashed name.
        key: &'a LookupKey,
    },
}

impl<'a> Question<'a> {
    /// Writes the question as a frame.
    pub(super) fn send(&self, to: &mut impl Write) -> io::Result<()> {
        let (kind, number, key): (u8, u64, &[u8]) = match *self {
            Self::Get { key } => (b'g', 0, key),
            Self::Holding { prefix, number } => (b'h', number, prefix),
            Self::HoldingAndMore { prefix, number } => (b'm', number, prefix),
            Self::Family { prefix, after } => (b'f', length_u64(prefix), after.unwrap_or(prefix)),
            Self::Find { family, key } => (b'i', u64::from(family), key),
        };
        let mut payload = vec![VERSION, kind];
        payload.extend_from_slice(&number.to_be_bytes());
        payload.extend_from_slice(key);
        send_frame(to, &payload)
    }

    /// Reads the payload of a question.
    pub(super) fn parse(payload: &'a [u8]) -> Option<Self> {
        let (head, rest) = payload.split_first_chunk::<2>()?;
        let (number, key) = rest.split_first_chunk::<8>()?;
        let number = u64::from_be_bytes(*number);
        let [VERSION, kind] = *head else { return None };
        match kind {
            b'g' => Some(Self::Get { key }),
            b'h' => Some(Self::Holding { prefix: key, number }),
            b'm' => Some(Self::HoldingAndMore { prefix: key, number }),
            b'f' => {
                let prefix = key.get(..usize::try_from(number).ok()?)?;
                let after = (key.len() > prefix.len()).then_some(key);
                Some(Self::Family { prefix, after })
            }
            b'i' => Some(Self::Find {
                family: u8::try_from(number).ok()?,
                key: key.try_into().ok()?,
            }),
            _ => None,
        }
    }

    /// What the database has to say.
    pub(super) fn answer(&self, db: &sled::Db) -> Result<Pairs, StoreError> {
        match *self {
            Self::Get { key } => {
                let value = db.get(key).map_err(reading)?;
                Ok(value.map(|value| (IVec::from(key), value)).into_iter().collect())
            }
            Self::Holding { prefix, number } => {
                let held = last_through(db, prefix, number)?;
                Ok(held.into_iter().collect())
            }
            Self::HoldingAndMore { prefix, number } => {
                let Some(held) = last_through(db, prefix, number)? else {
                    return Ok(Pairs::new());
                };
                let through = key::numbered(prefix, u64::MAX);
                let behind = (
                    std::ops::Bound::Excluded(held.0.to_vec()),
                    std::ops::Bound::Included(through),
                );
                page(std::iter::once(Ok(held)).chain(db.range(behind)))
            }
            Self::Family { prefix, after: None } => page(db.scan_prefix(prefix)),
            Self::Family {
                prefix,
                after: Some(after),
            } => {
                let behind = (
                    std::ops::Bound::Excluded(after.to_vec()),
                    std::ops::Bound::Unbounded,
                );
                let family = db
                    .range(behind)
                    .take_while(|pair| pair.as_ref().map_or(true, |(found, _)| found.starts_with(prefix)));
                page(family)
            }
            Self::Find { family, key } => {
                let found = Shelf::Own(db.clone()).find(family, key)?;
                let pair = |index: u64| (IVec::from(&index.to_be_bytes()), IVec::default());
                Ok(found.into_iter().map(pair).collect())
            }
        }
    }
}

fn last_through(db: &sled::Db, prefix: &[u8], number: u64) -> Result<Option<(IVec, IVec)>, StoreError> {
    db.range(prefix.to_vec()..=key::numbered(prefix, number))
        .next_back()
        .transpose()
        .map_err(reading)
}

/// As many pairs as fit an answer, and at least one.
fn page(stored: impl Iterator<Item = sled::Result<(IVec, IVec)>>) -> Result<Pairs, StoreError> {
    let (mut pairs, mut bytes) = (Pairs::new(), 0);
    for pair in stored {
        let (found, value) = pair.map_err(reading)?;
        bytes += found.len() + value.len();
        pairs.push((found, value));
        if bytes > PAGE_BYTES_MAX {
            break;
        }
    }
    Ok(pairs)
}

/// Reads the payload of the next question; none when the other side has gone.
pub(super) fn receive_question(from: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    receive_payload(from, length, QUESTION_BYTES_MAX).map(Some)
}

/// Writes an answer as a frame.
pub(super) fn send_answer(to: &mut impl Write, answer: Result<Pairs, String>) -> io::Result<()> {
    let pairs = match answer {
        Ok(pairs) => pairs,
        Err(words) => return send_frame(to, &[b"\x01", words.as_bytes()].concat()),
    };
    let mut payload = vec![0];
    for (found, value) in &pairs {
        payload.extend_from_slice(&u16::try_from(found.len()).map_err(too_long)?.to_be_bytes());
        payload.extend_from_slice(found);
        payload.extend_from_slice(&u32::try_from(value.len()).map_err(too_long)?.to_be_bytes());
        payload.extend_from_slice(value);
    }
    send_frame(to, &payload)
}

/// Reads the answer to a question.
pub(super) fn receive_answer(from: &mut impl Read) -> io::Result<Pairs> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let payload = receive_payload(from, length, ANSWER_BYTES_MAX)?;
    match payload.split_first() {
        Some((0, pairs)) => parse_pairs(pairs)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "an answer that is cut short")),
        Some((1, words)) => Err(io::Error::other(String::from_utf8_lossy(words).into_owned())),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "an answer of another version",
        )),
    }
}

fn parse_pairs(mut rest: &[u8]) -> Option<Pairs> {
    let mut pairs = Pairs::new();
    while let Some((length, tail)) = rest.split_first_chunk::<2>() {
        let (found, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let (length, tail) = tail.split_first_chunk::<4>()?;
        let (value, tail) = tail.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        pairs.push((IVec::from(found), IVec::from(value)));
        rest = tail;
    }
    rest.is_empty().then_some(pairs)
}

fn receive_payload(from: &mut impl Read, length: [u8; 4], bytes_max: u32) -> io::Result<Vec<u8>> {
    let length = u32::from_be_bytes(length);
    if length > bytes_max {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "a frame that is too long",
        ));
    }
    let mut payload = Vec::new();
    from.take(u64::from(length)).read_to_end(&mut payload)?;
    if length_u64(&payload) == u64::from(length) {
        Ok(payload)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

fn send_frame(to: &mut impl Write, payload: &[u8]) -> io::Result<()> {
    let length = u32::try_from(payload.len()).map_err(too_long)?;
    to.write_all(&[&length.to_be_bytes(), payload].concat())
}

fn too_long(error: std::num::TryFromIntError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

fn length_u64(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_arrives_as_it_was_asked() {
        let key = [7; 16];
        let questions = [
            Question::Get { key: b"B" },
            Question::Holding {
                prefix: b"L",
                number: 5,
            },
            Question::HoldingAndMore {
                prefix: b"P\x05CNNBG",
                number: u64::MAX,
            },
            Question::Family {
                prefix: b"H",
                after: None,
            },
            Question::Family {
                prefix: b"H",
                after: Some(b"H\x05CNNBG"),
            },
            Question::Find {
                family: b'c',
                key: &key,
            },
        ];
        for question in questions {
            let mut frame = Vec::new();
            question.send(&mut frame).unwrap();
            let payload = receive_question(&mut frame.as_slice()).unwrap().unwrap();
            assert_eq!(Question::parse(&payload), Some(question));
        }
    }

    #[test]
    fn an_answer_that_is_cut_short_or_too_long_is_none() {
        let pairs: Pairs = vec![
            (IVec::from(b"L1"), IVec::from(b"value")),
            (IVec::from(b""), IVec::from(b"")),
        ];
        let mut frame = Vec::new();
        send_answer(&mut frame, Ok(pairs.clone())).unwrap();
        assert_eq!(receive_answer(&mut frame.as_slice()).unwrap(), pairs);
        for length in 0..frame.len() {
            assert!(receive_answer(&mut &frame[..length]).is_err(), "{length}");
        }
        let shorter = u32::try_from(frame.len() - 5).unwrap();
        frame[..4].copy_from_slice(&shorter.to_be_bytes());
        assert!(receive_answer(&mut frame.as_slice()).is_err());
        assert!(receive_answer(&mut [0xff_u8; 64].as_slice()).is_err());
        assert!(receive_question(&mut [0xff_u8; 64].as_slice()).is_err());
    }

    #[test]
    fn what_is_no_question_is_not_taken_for_one() {
        for payload in [&b""[..], b"\x01", b"\x01g", b"\x02g00000000B", b"\x01w00000000B"] {
            assert_eq!(Question::parse(payload), None, "{payload:?}");
        }
        let words = "there is no such thing".to_owned();
        let mut frame = Vec::new();
        send_answer(&mut frame, Err(words.clone())).unwrap();
        assert_eq!(
            receive_answer(&mut frame.as_slice()).unwrap_err().to_string(),
            words
        );
    }
}
