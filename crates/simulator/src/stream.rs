//! Streams of random numbers: `SplitMix64`, one stream per thing that is drawn.

use std::fmt;

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A stream that depends on the seed and on its label alone: what is drawn for one thing does not move with what is drawn
/// for another.
#[derive(Debug)]
pub(crate) struct Stream {
    state: u64,
}

/// FNV-1a over what is written into it.
struct Fnv(u64);

impl Stream {
    /// The stream of a label.
    pub(crate) fn open(seed: u64, label: fmt::Arguments<'_>) -> Self {
        let mut hash = Fnv(FNV_OFFSET);
        // Hashing does not fail.
        fmt::write(&mut hash, label).unwrap_or_default();
        Self { state: hash.0 ^ seed }
    }

    /// The stream that begins at a number.
    pub(crate) const fn of(state: u64) -> Self {
        Self { state }
    }

    /// The next 64 bits.
    pub(crate) const fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `n` - 1; 0 where there is none. `n` is below 2^31.
    pub(crate) fn below(&mut self, n: i64) -> i64 {
        let drawn = i64::try_from(self.bits() >> 32).unwrap_or_default();
        (drawn * n.clamp(0, i64::from(i32::MAX))) >> 32
    }

    /// A number from `from` to `to`.
    pub(crate) fn between(&mut self, from: i64, to: i64) -> i64 {
        from + self.below(to - from + 1)
    }

    /// Whether something of a share of `pct` per cent is the case.
    pub(crate) fn is_of(&mut self, pct: i64) -> bool {
        self.below(100) < pct
    }

    /// One of several, by weight; `None` where all weights are zero.
    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [(i64, T)]) -> Option<&'a T> {
        let mut left = self.below(choices.iter().map(|(weight, _)| weight).sum());
        for (weight, choice) in choices {
            left -= weight;
            if left < 0 {
                return Some(choice);
            }
        }
        None
    }

    /// One of several, each as likely as the others.
    pub(crate) fn one_of<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        let count = i64::try_from(choices.len()).unwrap_or(i64::MAX);
        usize::try_from(self.below(count))
            .ok()
            .and_then(|at| choices.get(at))
    }
}

impl fmt::Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(FNV_PRIME);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_those_that_were_published() {
        // The first outputs of SplitMix64 for the state 0, and FNV-1a of the empty text and of "a".
        let mut stream = Stream::of(0);
        assert_eq!(stream.bits(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(stream.bits(), 0x6e78_9e6a_a1b9_65f4);
        assert_eq!(Stream::open(0, format_args!("")).state, FNV_OFFSET);
        assert_eq!(Stream::open(0, format_args!("a")).state, 0xaf63_dc4c_8601_ec8c);
    }

    #[test]
    fn every_number_of_a_range_comes_and_no_other() {
        let mut stream = Stream::of(7);
        let mut seen = [0_u32; 5];
        for _ in 0..1000 {
            seen[usize::try_from(stream.between(3, 7) - 3).unwrap()] += 1;
        }
        assert!(seen.iter().all(|count| *count > 120), "{seen:?}");
        assert_eq!(stream.below(0), 0);
        assert_eq!(stream.pick::<u8>(&[]), None);
        assert_eq!(stream.pick(&[(0, 'a'), (3, 'b')]), Some(&'b'));
    }
}
