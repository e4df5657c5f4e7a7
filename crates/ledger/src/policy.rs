//! C2SP tlog-policy: which logs and witnesses somebody trusts, and how many of them make a checkpoint good.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    hash::excerpt,
    key::{NoteAlgorithm, VerifierKey},
    note::VerifiedSignature,
};

/// Most bytes of a policy file.
const POLICY_BYTES_MAX: usize = 256 * 1024;
/// Most logs, witnesses and groups together.
const ENTRIES_MAX: usize = 1024;

/// A policy file, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<Party>,
    witnesses: Vec<Party>,
    /// Names of witnesses and groups, all of them.
    members: BTreeMap<Vec<u8>, Member>,
    quorum: Quorum,
}

/// A log or a witness of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Its key; of a log the name is the origin.
    pub key: VerifierKey,
    /// Where it is reached, if the policy says so.
    pub url: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Quorum {
    /// No witness is needed.
    Free,
    /// The witness or group called so.
    Named(Vec<u8>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Member {
    Witness(Box<VerifierKey>),
    Group { needed: usize, members: Vec<Vec<u8>> },
}

/// Why a file is not a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The file is larger than any policy.
    #[error("a policy has at most {POLICY_BYTES_MAX} bytes")]
    TooLarge,
    /// A line is not as it must be.
    #[error("line {line}: {rule}: {found:?}")]
    Line {
        /// Number of the line, from 1.
        line: usize,
        /// What it breaks.
        rule: &'static str,
        /// The line, cut to 80 characters.
        found: String,
    },
    /// There is no quorum line.
    #[error("a policy has exactly one quorum line, found none")]
    NoQuorum,
}

impl Policy {
    /// Reads a policy file.
    ///
    /// # Errors
    /// [`PolicyError`] names the first line that breaks a rule of the specification.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        if bytes.len() > POLICY_BYTES_MAX {
            return Err(PolicyError::TooLarge);
        }
        let mut reading = Reading::default();
        for (number, line) in (1..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
            reading.line(line).map_err(|rule| PolicyError::Line {
                line: number,
                rule,
                found: excerpt(&String::from_utf8_lossy(line)),
            })?;
        }
        Ok(Self {
            logs: reading.logs,
            witnesses: reading.witnesses,
            members: reading.members,
            quorum: reading.quorum.ok_or(PolicyError::NoQuorum)?,
        })
    }

    /// The policy of somebody who knows one log and asks for no witness.
    #[must_use]
    pub fn of_log(key: VerifierKey) -> Self {
        Self {
            logs: vec![Party { key, url: None }],
            witnesses: Vec::new(),
            members: BTreeMap::new(),
            quorum: Quorum::Free,
        }
    }

    /// The logs that are accepted.
    #[must_use]
    pub fn logs(&self) -> &[Party] {
        &self.logs
    }

    /// The witnesses that are known.
    #[must_use]
    pub fn witnesses(&self) -> &[Party] {
        &self.witnesses
    }

    /// Keys of the witnesses that are known.
    #[must_use]
    pub fn witness_keys(&self) -> Vec<VerifierKey> {
        self.witnesses.iter().map(|witness| witness.key.clone()).collect()
    }

    /// Whether the witnesses that made these cosignatures, which were verified, are a quorum.
    #[must_use]
    pub fn is_met_by(&self, cosignatures: &[VerifiedSignature]) -> bool {
        match &self.quorum {
            Quorum::Free => true,
            Quorum::Named(name) => self.has_witnessed(name, cosignatures),
        }
    }

    /// Groups name what stands above them only, so this comes to an end.
    fn has_witnessed(&self, name: &[u8], cosignatures: &[VerifiedSignature]) -> bool {
        match self.members.get(name) {
            None => false,
            Some(Member::Witness(key)) => cosignatures.iter().any(|signature| signature.key == *key.id()),
            Some(Member::Group { needed, members }) => {
                let witnessed = members
                    .iter()
                    .filter(|member| self.has_witnessed(member, cosignatures));
                witnessed.count() >= *needed
            }
        }
    }
}

/// What was read so far.
#[derive(Debug, Default)]
struct Reading {
    logs: Vec<Party>,
    witnesses: Vec<Party>,
    members: BTreeMap<Vec<u8>, Member>,
    grouped: BTreeSet<Vec<u8>>,
    quorum: Option<Quorum>,
}

impl Reading {
    fn line(&mut self, line: &[u8]) -> Result<(), &'static str> {
        let line = line
            .strip_suffix(b"\n")
            .ok_or("the last line does not end in LF")?;
        if line
            .iter()
            .any(|byte| (*byte < b' ' && *byte != b'\t') || *byte == 0x7F)
        {
            return Err("a control character");
        }
        let words: Vec<&[u8]> = line
            .split(|byte| matches!(byte, b' ' | b'\t'))
            .filter(|word| !word.is_empty())
            .collect();
        match words.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with(b"#") => Ok(()),
            [b"log", key] => self.log(key, None),
            [b"log", key, url] => self.log(key, Some(url)),
            [b"witness", name, key] => self.witness(name, key, None),
            [b"witness", name, key, url] => self.witness(name, key, Some(url)),
            [b"group", name, needed, members @ ..] => self.group(name, needed, members),
            [b"quorum", name] => self.quorum(name),
            _ => Err("not a log, witness, group or quorum"),
        }
    }

    fn log(&mut self, key: &[u8], url: Option<&[u8]>) -> Result<(), &'static str> {
        let party = party(key, url, NoteAlgorithm::Ed25519)?;
        if self.logs.iter().any(|log| log.key.public() == party.key.public()) {
            return Err("the same log key twice");
        }
        self.logs.push(party);
        self.bounded()
    }

    fn witness(&mut self, name: &[u8], key: &[u8], url: Option<&[u8]>) -> Result<(), &'static str> {
        let party = party(key, url, NoteAlgorithm::CosignatureV1)?;
        if self
            .witnesses
            .iter()
            .any(|witness| witness.key.public() == party.key.public())
        {
            return Err("the same witness key twice");
        }
        self.define(name, Member::Witness(Box::new(party.key.clone())))?;
        self.witnesses.push(party);
        self.bounded()
    }

    fn group(&mut self, name: &[u8], needed: &[u8], members: &[&[u8]]) -> Result<(), &'static str> {
        for member in members {
            if !self.members.contains_key(*member) {
                return Err("a group names what was not defined above it");
            }
            if !self.grouped.insert(member.to_vec()) {
                return Err("a name is in two groups, or twice in one");
            }
        }
        let needed = match needed {
            b"all" => members.len(),
            b"any" => 1,
            number => std::str::from_utf8(number)
                .ok()
                .and_then(|number| number.parse().ok().filter(|it: &usize| it.to_string() == number))
                .ok_or("a group needs all, any or a number")?,
        };
        if !(1..=members.len()).contains(&needed) {
            return Err("a group of n needs 1 to n of them");
        }
        let members = members.iter().map(|member| member.to_vec()).collect();
        self.define(name, Member::Group { needed, members })?;
        self.bounded()
    }

    fn quorum(&mut self, name: &[u8]) -> Result<(), &'static str> {
        if self.quorum.is_some() {
            return Err("a second quorum line");
        }
        let quorum = if name == b"none" {
            Quorum::Free
        } else if self.members.contains_key(name) {
            Quorum::Named(name.to_vec())
        } else {
            return Err("the quorum names what was not defined above it");
        };
        self.quorum = Some(quorum);
        Ok(())
    }

    fn define(&mut self, name: &[u8], member: Member) -> Result<(), &'static str> {
        if name == b"none" {
            return Err("the name none is taken");
        }
        match self.members.insert(name.to_vec(), member) {
            None => Ok(()),
            Some(_) => Err("the same name twice"),
        }
    }

    fn bounded(&self) -> Result<(), &'static str> {
        if self.logs.len() + self.members.len() > ENTRIES_MAX {
            return Err("more than 1024 logs, witnesses and groups");
        }
        Ok(())
    }
}

fn party(key: &[u8], url: Option<&[u8]>, algorithm: NoteAlgorithm) -> Result<Party, &'static str> {
    let key = std::str::from_utf8(key)
        .ok()
        .and_then(|key| VerifierKey::parse(key).ok());
    let key = key.ok_or("not a verifier key")?;
    if key.algorithm() != algorithm {
        return Err("a log signs with Ed25519, a witness with cosignature/v1");
    }
    Ok(Party {
        key,
        url: url.map(|url| String::from_utf8_lossy(url).into_owned()),
    })
}

#[cfg(test)]
mod tests;
