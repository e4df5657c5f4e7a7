//! The key space of the one sled tree: a prefix byte names what a key leads to, numbers are big-endian.

use portbook_ledger::Chain;

/// What [`crate::Book`] holds beside the chain heads.
pub(crate) const BOOK: &[u8] = b"B";
/// Which layout the store has.
pub(crate) const LAYOUT: &[u8] = b"A";
/// Prefix of the chain heads.
pub(crate) const HEADS: &[u8] = b"H";
/// Prefix of the leaves, by leaf index.
pub(crate) const LEAVES: &[u8] = b"L";
/// Prefix of the leaf hashes, by leaf index.
pub(crate) const HASHES: &[u8] = b"T";
/// Prefix of the roots at seals, by the leaf index of the seal.
pub(crate) const SEALS: &[u8] = b"S";
/// Prefix of the signature verdicts, by leaf index.
pub(crate) const VERDICTS: &[u8] = b"V";
/// How far signatures have been checked.
pub(crate) const VERDICT_POSITION: &[u8] = b"v";
/// What is known of each source, as far as signatures have been checked.
pub(crate) const SOURCES: &[u8] = b"s";

/// Prefix of the entries of one chain, by position in the chain.
pub(crate) fn entries(chain: Chain) -> Vec<u8> {
    named(b'I', chain)
}

/// Key of the head of one chain.
pub(crate) fn head(chain: Chain) -> Vec<u8> {
    named(b'H', chain)
}

/// Prefix of the lookup runs of one family.
pub(crate) fn runs(family: u8) -> Vec<u8> {
    vec![b'R', family]
}

/// `prefix` followed by `number`.
pub(crate) fn numbered(prefix: &[u8], number: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(prefix.len() + 8);
    key.extend_from_slice(prefix);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// The chain whose head is stored under `key`.
pub(crate) fn chain_of_head(key: &[u8]) -> Option<Chain> {
    Chain::from_bytes(key.get(2..)?)
}

/// The number at the end of a key made by [`numbered`].
pub(crate) fn number_of(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(*key.last_chunk::<8>()?))
}

fn named(prefix: u8, chain: Chain) -> Vec<u8> {
    let name = chain.as_bytes();
    let mut key = Vec::with_capacity(2 + name.len() + 8);
    key.push(prefix);
    // The length keeps one chain's keys from being a prefix of another's; names are at most 255 bytes.
    key.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
    key.extend_from_slice(name);
    key
}
