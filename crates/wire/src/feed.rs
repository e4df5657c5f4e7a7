//! The verified feed: what the ledger says about an event beside the event's own bytes, as headers.
//!
//! Together with subject and body the headers hold every field of the record, so that a reader can compute the leaf hash
//! again: nobody can change body, port or place of an event in the feed without changing the leaf it claims to be.

use portbook_domain::Digest;

use crate::subject::{
    FEED_PREFIX, HEADER_CHECKPOINT_SIZE, HEADER_FINDINGS, HEADER_LEAF_HASH, HEADER_LEAF_INDEX,
    HEADER_PORT_SEQ, HEADER_PREV_LEAF, HEADER_RECORDED_AT,
};
use crate::type_name::is_type_name;

/// How the header of the previous record begins when there is none.
const GENESIS: &str = "genesis";

/// Where an event stands in the ledger, and what covers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedPlace {
    /// Index of the record's leaf, from 0. It grows from message to message of the feed.
    pub leaf_index: u64,
    /// Hash of that leaf.
    pub leaf_hash: Digest,
    /// The record's place in the chain of its port, from 1.
    pub port_seq: u64,
    /// Leaf of the port's previous record; none for the first.
    pub prev_index: Option<u64>,
    /// Hash of that leaf, or of the chain's genesis.
    pub prev_hash: Digest,
    /// The ledger stream's timestamp of the event, nanoseconds since 1970-01-01T00:00:00Z.
    pub recorded_at_ns: u64,
    /// Size of the oldest published checkpoint that covers the record.
    pub checkpoint_size: u64,
    /// What the ledger found wrong with the message itself, in words of the catalogue; nothing for most.
    pub findings: Vec<String>,
}

/// A message that is none of the feed's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeedPlaceError {
    /// A header is not there.
    #[error("the header {header} is missing")]
    Missing {
        /// Its name.
        header: &'static str,
    },
    /// A header does not follow its grammar.
    #[error("the header {header} must be {rule}, found {found:?}")]
    Grammar {
        /// Its name.
        header: &'static str,
        /// Its grammar.
        rule: &'static str,
        /// What it holds, cut to 80 characters.
        found: String,
    },
}

/// The parts of a feed subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedTopic<'a> {
    /// The port, after the alias table.
    pub port: &'a str,
    /// `<entity>.<verb>`.
    pub type_name: &'a str,
    /// The case.
    pub case: &'a str,
}

impl FeedPlace {
    /// The headers that say it.
    #[must_use]
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let prev = match self.prev_index {
            Some(index) => format!("{index}:{}", self.prev_hash),
            None => format!("{GENESIS}:{}", self.prev_hash),
        };
        let mut headers = vec![
            (HEADER_LEAF_INDEX, self.leaf_index.to_string()),
            (HEADER_LEAF_HASH, self.leaf_hash.to_string()),
            (HEADER_PORT_SEQ, self.port_seq.to_string()),
            (HEADER_PREV_LEAF, prev),
            (HEADER_RECORDED_AT, self.recorded_at_ns.to_string()),
            (HEADER_CHECKPOINT_SIZE, self.checkpoint_size.to_string()),
        ];
        if !self.findings.is_empty() {
            headers.push((HEADER_FINDINGS, self.findings.join(",")));
        }
        headers
    }

    /// Reads the headers, of which `header` gives one by its name.
    ///
    /// # Errors
    /// [`FeedPlaceError`] names the first header that is missing or wrong.
    pub fn read<'a>(header: impl Fn(&'static str) -> Option<&'a str>) -> Result<Self, FeedPlaceError> {
        let required = |name| header(name).ok_or(FeedPlaceError::Missing { header: name });
        let number = |name| number(name, required(name)?);
        let digest = |name| digest(name, required(name)?);
        let (prev_index, prev_hash) = previous(required(HEADER_PREV_LEAF)?)?;
        let findings = header(HEADER_FINDINGS).unwrap_or_default().split(',');
        Ok(Self {
            leaf_index: number(HEADER_LEAF_INDEX)?,
            leaf_hash: digest(HEADER_LEAF_HASH)?,
            port_seq: number(HEADER_PORT_SEQ)?,
            prev_index,
            prev_hash,
            recorded_at_ns: number(HEADER_RECORDED_AT)?,
            checkpoint_size: number(HEADER_CHECKPOINT_SIZE)?,
            findings: findings
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect(),
        })
    }
}

impl<'a> FeedTopic<'a> {
    /// The parts of `subject`; [`None`] when it is no subject of the feed.
    #[must_use]
    pub fn of(subject: &'a str) -> Option<Self> {
        let (port, rest) = subject.strip_prefix(FEED_PREFIX)?.split_once('.')?;
        let (type_name, case) = rest.rsplit_once('.')?;
        is_type_name(type_name).then_some(Self {
            port,
            type_name,
            case,
        })
    }
}

fn previous(text: &str) -> Result<(Option<u64>, Digest), FeedPlaceError> {
    let wrong = || {
        wrong(
            HEADER_PREV_LEAF,
            "<leaf index or genesis>:<hexadecimal hash>",
            text,
        )
    };
    let (index, hash) = text.split_once(':').ok_or_else(wrong)?;
    let hash = Digest::new(hash).ok().ok_or_else(wrong)?;
    if index == GENESIS {
        return Ok((None, hash));
    }
    Ok((Some(decimal(index).ok_or_else(wrong)?), hash))
}

fn number(header: &'static str, text: &str) -> Result<u64, FeedPlaceError> {
    decimal(text).ok_or_else(|| wrong(header, "a decimal number", text))
}

fn decimal(text: &str) -> Option<u64> {
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.parse().ok()).flatten()
}

fn digest(header: &'static str, text: &str) -> Result<Digest, FeedPlaceError> {
    Digest::new(text)
        .ok()
        .ok_or_else(|| wrong(header, "64 lower-case hexadecimal digits", text))
}

fn wrong(header: &'static str, rule: &'static str, found: &str) -> FeedPlaceError {
    FeedPlaceError::Grammar {
        header,
        rule,
        found: found.chars().take(80).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn place() -> FeedPlace {
        FeedPlace {
            leaf_index: 41,
            leaf_hash: crate::event_digest(b"leaf"),
            port_seq: 7,
            prev_index: Some(12),
            prev_hash: crate::event_digest(b"previous"),
            recorded_at_ns: 1_750_000_000_000_000_001,
            checkpoint_size: 64,
            findings: vec!["unsigned".into()],
        }
    }

    fn read(headers: &[(&'static str, String)]) -> Result<FeedPlace, FeedPlaceError> {
        let headers: BTreeMap<_, _> = headers
            .iter()
            .map(|(name, text)| (*name, text.as_str()))
            .collect();
        FeedPlace::read(|name| headers.get(name).copied())
    }

    #[test]
    fn what_is_written_is_read_again() {
        let first = FeedPlace {
            prev_index: None,
            findings: Vec::new(),
            ..place()
        };
        for place in [place(), first] {
            assert_eq!(read(&place.headers()), Ok(place));
        }
    }

    #[test]
    fn a_header_that_is_missing_or_wrong_is_named() {
        let headers = place().headers();
        for at in 0..6 {
            let mut fewer = headers.clone();
            let (header, _) = fewer.remove(at);
            assert_eq!(read(&fewer), Err(FeedPlaceError::Missing { header }));
            for bad in ["", "+1", "-1", "1.5", "genesis", "18446744073709551616", "12:AB"] {
                let mut worse = headers.clone();
                worse[at].1 = bad.to_owned();
                let said = read(&worse).unwrap_err();
                assert!(
                    matches!(&said, FeedPlaceError::Grammar { header: named, .. } if *named == header),
                    "{said}"
                );
            }
        }
    }

    #[test]
    fn a_subject_is_taken_apart() {
        let topic = FeedTopic::of("portbook.feed.CNNBG.license.granted.2025DU000002").unwrap();
        assert_eq!(
            (topic.port, topic.type_name, topic.case),
            ("CNNBG", "license.granted", "2025DU000002")
        );
        for other in [
            "portbook.events.C1",
            "portbook.feed.CNNBG.C1",
            "portbook.feed.CNNBG.license.C1",
            "portbook.feed.CNNBG.a.b.c.C1",
        ] {
            assert_eq!(FeedTopic::of(other), None, "{other}");
        }
    }
}
