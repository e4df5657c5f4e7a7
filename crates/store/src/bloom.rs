//! Bloom filters over keys that are already hashes: 16 bits per key, 8 probes, about one false hit in 1,700.

use portbook_fold::LookupKey;

const BITS_PER_KEY: usize = 16;
const PROBES: u64 = 8;

/// A set that answers "certainly not" or "perhaps".
#[derive(Debug)]
pub(crate) struct Bloom {
    words: Vec<u64>,
}

impl Bloom {
    /// An empty filter for about `keys` keys.
    pub(crate) fn for_keys(keys: usize) -> Self {
        Self {
            words: vec![0; (keys * BITS_PER_KEY).div_ceil(64).max(1)],
        }
    }

    /// Adds `key`.
    pub(crate) fn insert(&mut self, key: &LookupKey) {
        for (word, bit) in self.probes(key) {
            if let Some(word) = self.words.get_mut(word) {
                *word |= bit;
            }
        }
    }

    /// `false` when `key` was certainly never added.
    pub(crate) fn may_contain(&self, key: &LookupKey) -> bool {
        self.probes(key)
            .all(|(word, bit)| self.words.get(word).is_some_and(|word| word & bit != 0))
    }

    /// Double hashing over the two halves of the key.
    fn probes(&self, key: &LookupKey) -> impl Iterator<Item = (usize, u64)> + use<> {
        let (low, high) = halves(key);
        let words = u64::try_from(self.words.len()).unwrap_or(u64::MAX);
        (0..PROBES).map(move |probe| {
            let position = low.wrapping_add(probe.wrapping_mul(high | 1));
            let word = usize::try_from((position >> 6) % words).unwrap_or(0);
            (word, 1 << (position & 63))
        })
    }
}

fn halves(key: &LookupKey) -> (u64, u64) {
    let (low, high) = key.split_at(8);
    let number = |half: &[u8]| {
        half.first_chunk::<8>()
            .map_or(0, |bytes| u64::from_be_bytes(*bytes))
    };
    (number(low), number(high))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> LookupKey {
        let mut state = number;
        let mut halves = [0_u64; 2];
        for half in &mut halves {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *half = mixed ^ (mixed >> 31);
        }
        let mut key = [0; 16];
        key[..8].copy_from_slice(&halves[0].to_be_bytes());
        key[8..].copy_from_slice(&halves[1].to_be_bytes());
        key
    }

    #[test]
    fn what_was_added_is_found_and_what_was_not_almost_never() {
        let mut bloom = Bloom::for_keys(10_000);
        (0..10_000).for_each(|number| bloom.insert(&key(number)));
        assert!((0..10_000).all(|number| bloom.may_contain(&key(number))));
        let false_hits = (10_000..110_000)
            .filter(|number| bloom.may_contain(&key(*number)))
            .count();
        assert!(false_hits < 300, "{false_hits} false hits in 100,000");
    }
}
