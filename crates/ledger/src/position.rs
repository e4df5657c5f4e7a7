//! Where something is: leaf index, tree size, stream sequence and place in a chain are four types, not four `u64`s.

use std::{fmt, num::NonZeroU64};

/// Place of a leaf in the log, from 0. The value 2^64-1 stands for "none" on the wire and cannot be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Index(u64);

/// Number of leaves of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Size(u64);

/// Sequence number of a message in the stream, from 1; always leaf index + 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(NonZeroU64);

/// Place of a record in its chain, from 1, without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainSeq(NonZeroU64);

impl Index {
    /// The first leaf.
    pub const FIRST: Self = Self(0);

    /// The leaf at `raw`, unless `raw` is 2^64-1.
    #[must_use]
    pub const fn new(raw: u64) -> Option<Self> {
        if raw == u64::MAX { None } else { Some(Self(raw)) }
    }

    /// The number itself.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The stream sequence of the message this leaf records.
    #[must_use]
    pub const fn seq(self) -> Seq {
        Seq(NonZeroU64::MIN.saturating_add(self.0))
    }

    /// The leaf after this one, if there can be one.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        Self::new(self.0.saturating_add(1))
    }

    /// Size of the tree of all leaves before this one.
    #[must_use]
    pub const fn size_before(self) -> Size {
        Size(self.0)
    }

    /// Size of the smallest tree that contains this leaf.
    #[must_use]
    pub const fn size_through(self) -> Size {
        Size(self.0.saturating_add(1))
    }

    /// The eight bytes of an optional index: 2^64-1 when there is none.
    pub(crate) fn encode(index: Option<Self>) -> [u8; 8] {
        index.map_or(u64::MAX, Self::get).to_be_bytes()
    }
}

impl Size {
    /// No leaves.
    pub const ZERO: Self = Self(0);

    /// A tree of `raw` leaves.
    #[must_use]
    pub const fn new(raw: u64) -> Self {
        Self(raw)
    }

    /// The number itself.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The last leaf of a tree of this size; none when it is empty.
    #[must_use]
    pub const fn last(self) -> Option<Index> {
        match self.0.checked_sub(1) {
            Some(raw) => Index::new(raw),
            None => None,
        }
    }

    /// Where the next leaf goes, if there can be one.
    #[must_use]
    pub const fn next_index(self) -> Option<Index> {
        Index::new(self.0)
    }
}

impl Seq {
    /// The first message of a stream.
    pub const FIRST: Self = Self(NonZeroU64::MIN);

    /// The sequence `raw`, unless it is 0.
    #[must_use]
    pub const fn new(raw: u64) -> Option<Self> {
        match NonZeroU64::new(raw) {
            Some(raw) => Some(Self(raw)),
            None => None,
        }
    }

    /// The number itself.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// The leaf that records this message.
    #[must_use]
    pub const fn index(self) -> Index {
        Index(self.0.get().saturating_sub(1))
    }

    /// The next sequence, if there can be one.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(raw) => Some(Self(raw)),
            None => None,
        }
    }
}

impl ChainSeq {
    /// The first record of a chain.
    pub const FIRST: Self = Self(NonZeroU64::MIN);

    /// The place `raw`, unless it is 0.
    #[must_use]
    pub const fn new(raw: u64) -> Option<Self> {
        match NonZeroU64::new(raw) {
            Some(raw) => Some(Self(raw)),
            None => None,
        }
    }

    /// The number itself; also how many records the chain has up to and including this one.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// The place after this one, if there can be one.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(raw) => Some(Self(raw)),
            None => None,
        }
    }

    /// The place before this one; none for the first.
    #[must_use]
    pub const fn prev(self) -> Option<Self> {
        Self::new(self.0.get().saturating_sub(1))
    }
}

macro_rules! shown_as_number {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.get(), f)
            }
        }
    )*};
}

shown_as_number!(Index, Size, Seq, ChainSeq);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_and_sequence_are_one_apart_up_to_the_very_end() {
        for raw in [0, 1, 255, 256, u64::MAX - 2, u64::MAX - 1] {
            let index = Index::new(raw).unwrap();
            assert_eq!(index.seq().get(), raw + 1);
            assert_eq!(index.seq().index(), index);
            assert_eq!(index.size_through().last(), Some(index));
            assert_eq!(index.size_before().next_index(), Some(index));
        }
    }

    #[test]
    fn the_ends_have_no_neighbours() {
        assert_eq!(Index::new(u64::MAX), None);
        assert_eq!(Index::new(u64::MAX - 1).unwrap().next(), None);
        assert_eq!(Seq::new(0), None);
        assert_eq!(Seq::new(u64::MAX).unwrap().next(), None);
        assert_eq!(Size::ZERO.last(), None);
        assert_eq!(Size::new(u64::MAX).next_index(), None);
        assert_eq!(ChainSeq::FIRST.prev(), None);
    }
}
