//! SHA-256 over a run of digests that can be put away half-way: its whole state is a few words.

use sha2::compress256;
use sha2::digest::generic_array::GenericArray;

use crate::hash::{Hash, INITIAL_STATE};

/// SHA-256 over digests one behind the other, and how many they were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestRun {
    state: [u32; 8],
    /// The digest that waits for its block to be full: two fill one.
    waiting: Option<[u8; 32]>,
    count: u64,
}

impl Default for DigestRun {
    fn default() -> Self {
        Self {
            state: INITIAL_STATE,
            waiting: None,
            count: 0,
        }
    }
}

impl DigestRun {
    /// The run that [`DigestRun::parts`] describes; none when the parts contradict each other.
    #[must_use]
    pub fn from_parts(state: [u32; 8], waiting: Option<[u8; 32]>, count: u64) -> Option<Self> {
        (waiting.is_some() == (count % 2 == 1)).then_some(Self {
            state,
            waiting,
            count,
        })
    }

    /// Hash state, waiting digest and count.
    #[must_use]
    pub const fn parts(&self) -> ([u32; 8], Option<[u8; 32]>, u64) {
        (self.state, self.waiting, self.count)
    }

    /// How many digests it holds.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Adds a digest.
    pub fn push(&mut self, digest: &Hash) {
        self.count = self.count.saturating_add(1);
        match self.waiting.take() {
            None => self.waiting = Some(*digest.as_bytes()),
            Some(first) => self.compress(&block_of(&first, digest.as_bytes())),
        }
    }

    /// SHA-256 over all of them.
    #[must_use]
    pub fn hash(&self) -> Hash {
        let mut ended = self.clone();
        let mut rest = [0; 32];
        rest.iter_mut().take(1).for_each(|byte| *byte = 0x80);
        let bits = self.count.wrapping_mul(256).to_be_bytes();
        if let Some(first) = ended.waiting.take() {
            rest.iter_mut()
                .rev()
                .zip(bits.iter().rev())
                .for_each(|(to, from)| *to = *from);
            ended.compress(&block_of(&first, &rest));
        } else {
            let mut length = [0; 32];
            length
                .iter_mut()
                .rev()
                .zip(bits.iter().rev())
                .for_each(|(to, from)| *to = *from);
            ended.compress(&block_of(&rest, &length));
        }
        Hash::from_state(ended.state)
    }

    fn compress(&mut self, block: &[u8; 64]) {
        compress256(&mut self.state, &[GenericArray::from(*block)]);
    }
}

fn block_of(front: &[u8; 32], back: &[u8; 32]) -> [u8; 64] {
    let mut block = [0; 64];
    let bytes = front.iter().chain(back);
    block.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    block
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::sha256;

    #[test]
    fn a_run_is_the_hash_over_the_digests_however_often_it_is_put_away() {
        let mut run = DigestRun::default();
        let mut bytes = Vec::new();
        for count in 0..40_u8 {
            assert_eq!(run.hash(), sha256(&[&bytes]), "{count}");
            let digest = sha256(&[&[count]]);
            bytes.extend_from_slice(digest.as_bytes());
            let (state, waiting, held) = run.parts();
            run = DigestRun::from_parts(state, waiting, held).unwrap();
            run.push(&digest);
            assert_eq!(run.count(), u64::from(count) + 1);
        }
        assert_eq!(DigestRun::from_parts(INITIAL_STATE, None, 1), None);
    }
}
