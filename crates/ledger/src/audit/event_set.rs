//! Which leaves are events: what a redelivery or a conflict may refer to.

use crate::position::Index;

/// One bit per leaf.
#[derive(Debug, Default)]
pub(super) struct EventSet {
    words: Vec<u64>,
}

impl EventSet {
    pub(super) fn insert(&mut self, index: Index) {
        let (word, mask) = Self::place(index);
        if word >= self.words.len() {
            self.words.resize(word.saturating_add(1), 0);
        }
        if let Some(word) = self.words.get_mut(word) {
            *word |= mask;
        }
    }

    pub(super) fn contains(&self, index: Index) -> bool {
        let (word, mask) = Self::place(index);
        self.words.get(word).is_some_and(|word| word & mask != 0)
    }

    fn place(index: Index) -> (usize, u64) {
        (
            usize::try_from(index.get() / 64).unwrap_or(usize::MAX),
            1 << (index.get() % 64),
        )
    }
}
