//! Reading fixed layouts from untrusted bytes: every step either yields exactly what the layout says or names the field.

use crate::{hash::Hash, position::Index};

/// The unread rest of an input.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decoder<'a> {
    rest: &'a [u8],
}

/// The input ended inside a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Name of the field in the format document.
    pub(crate) field: &'static str,
}

impl<'a> Decoder<'a> {
    pub(crate) const fn new(input: &'a [u8]) -> Self {
        Self { rest: input }
    }

    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn bytes(&mut self, len: usize, field: &'static str) -> Result<&'a [u8], Ended> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(Ended { field })?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], Ended> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Ended { field })?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self, field: &'static str) -> Result<u8, Ended> {
        self.array(field).map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self, field: &'static str) -> Result<u16, Ended> {
        self.array(field).map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self, field: &'static str) -> Result<u32, Ended> {
        self.array(field).map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self, field: &'static str) -> Result<u64, Ended> {
        self.array(field).map(u64::from_be_bytes)
    }

    /// An index, or none for 2^64-1.
    pub(crate) fn index(&mut self, field: &'static str) -> Result<Option<Index>, Ended> {
        self.u64(field).map(Index::new)
    }

    pub(crate) fn hash(&mut self, field: &'static str) -> Result<Hash, Ended> {
        self.array(field).map(Hash::from_bytes)
    }
}
