//! Proofs as others read them: one leaf, growth, what a seal says about a chain, and when a record existed.

use portbook_ledger::{
    Chain, GrowthProof, HeadProof, HeadProofText, Index, OpenedCheckpoint, Size, TlogProof, VerifierKey,
    prove_head, sha256,
};

use crate::error::EvidenceError;
use crate::evidence::{Evidence, Published};
use crate::log::LogName;
use crate::reading;

/// Between which two moments a record was recorded, by the word of witnesses. Seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Interval {
    /// Not before: size of a checkpoint that an earlier seal names, and when it was cosigned last.
    pub not_before: Option<(Size, u64)>,
    /// Not after: size of the first checkpoint that covers the record, and when it was cosigned first.
    pub not_after: Option<(Size, u64)>,
}

impl Evidence {
    /// C2SP tlog-proof of the leaf at `index` under `published`.
    ///
    /// # Errors
    /// [`EvidenceError::Plan`] when the checkpoint does not cover it.
    pub fn leaf_proof(&self, published: &Published, index: Index) -> Result<TlogProof, EvidenceError> {
        Ok(TlogProof {
            extra: None,
            index,
            hashes: self.inclusion(LogName::Ledger, index, published.checkpoint.size)?,
            checkpoint: published.note.clone(),
        })
    }

    /// C2SP tlog-proof of the record at `place`, from 0, in the own log of `chain`; none without a key to sign with or when
    /// the checkpoint covers no such record.
    ///
    /// # Errors
    /// [`EvidenceError`] when the store does not lead to what was sealed.
    pub fn chain_proof(
        &self,
        published: &Published,
        chain: Chain,
        place: Index,
    ) -> Result<Option<TlogProof>, EvidenceError> {
        let (Some(checkpoint), Some(count)) = (
            self.chain_checkpoint(published, chain)?,
            self.chain_size(published, chain)?,
        ) else {
            return Ok(None);
        };
        Ok(Some(TlogProof {
            extra: None,
            index: place,
            hashes: self.inclusion(LogName::Chain(chain), place, count)?,
            checkpoint,
        }))
    }

    /// Number of records of `chain` that `published` covers; none when there are none.
    ///
    /// # Errors
    /// [`EvidenceError::Heads`] when the store does not lead to what was sealed.
    pub fn chain_size(&self, published: &Published, chain: Chain) -> Result<Option<Size>, EvidenceError> {
        let heads = self.heads_at(published.seal_index, &published.seal)?;
        Ok(heads
            .iter()
            .find(|head| head.chain == chain)
            .map(|head| head.count))
    }

    /// The proof of the seal `published` ends with, the seal itself in it.
    ///
    /// # Errors
    /// [`EvidenceError`] when the store cannot be read.
    pub fn seal_proof(&self, published: &Published) -> Result<TlogProof, EvidenceError> {
        Ok(TlogProof {
            extra: Some(published.seal.encode()),
            ..self.leaf_proof(published, published.seal_index)?
        })
    }

    /// What the seal under `published` says about `chain`: its head, or that it has none.
    ///
    /// # Errors
    /// [`EvidenceError::Heads`] when the store does not lead to what was sealed.
    pub fn head_proof(&self, published: &Published, chain: Chain) -> Result<HeadProofText, EvidenceError> {
        let heads = self.heads_at(published.seal_index, &published.seal)?;
        let proof: HeadProof = prove_head(&heads, chain)?;
        Ok(HeadProofText { chain, proof })
    }

    /// That the tree of `published` begins with its tree of `old` leaves.
    ///
    /// # Errors
    /// [`EvidenceError::Plan`] when `old` is the larger one.
    pub fn growth_proof(&self, published: &Published, old: Size) -> Result<GrowthProof, EvidenceError> {
        Ok(GrowthProof {
            old,
            hashes: self.consistency(LogName::Ledger, old, published.checkpoint.size)?,
            checkpoint: published.note.clone(),
        })
    }

    /// That the own log of `chain` at `new` begins with what it was at `old`, and its signed checkpoint then; none without a
    /// key to sign with or without records at both.
    ///
    /// # Errors
    /// [`EvidenceError`] when the store does not lead to what was sealed, or `old` is the larger one.
    pub fn chain_growth_proof(
        &self,
        old: &Published,
        new: &Published,
        chain: Chain,
    ) -> Result<Option<(String, GrowthProof)>, EvidenceError> {
        let at = |published: &Published| {
            Ok::<_, EvidenceError>(
                self.chain_checkpoint(published, chain)?
                    .zip(self.chain_size(published, chain)?),
            )
        };
        let (Some((old_note, old_size)), Some((checkpoint, new_size))) = (at(old)?, at(new)?) else {
            return Ok(None);
        };
        let proof = GrowthProof {
            old: old_size,
            hashes: self.consistency(LogName::Chain(chain), old_size, new_size)?,
            checkpoint,
        };
        Ok(Some((old_note, proof)))
    }

    /// Leaf index of the record at `position`, from 1, of `chain`.
    ///
    /// # Errors
    /// [`EvidenceError::Store`] when the store cannot be read.
    pub fn index_of(&self, chain: Chain, position: u64) -> Result<Option<Index>, EvidenceError> {
        match position.checked_sub(1) {
            Some(place) => reading::index_of(self.reader(), chain, place),
            None => Ok(None),
        }
    }

    /// Between which two moments the leaf at `index` was recorded, by the cosignatures of `witnesses`.
    ///
    /// Not after: the earliest cosignature on the first checkpoint that covers it. Not before: an earlier seal contains the
    /// digest of a checkpoint file with its cosignatures, which nobody could know before they were made.
    ///
    /// # Errors
    /// [`EvidenceError`] when a published checkpoint does not hold.
    pub fn interval(&self, index: Index, witnesses: &[VerifierKey]) -> Result<Interval, EvidenceError> {
        let mut interval = Interval::default();
        let sizes = self.published_sizes()?;
        let covers = |size: &Size| size.get() > index.get();
        for size in sizes.iter().filter(|size| covers(size)) {
            if let Some((first, _)) = self.cosigned(*size, witnesses)? {
                interval.not_after = Some((*size, first));
                break;
            }
        }
        // A seal before the record, the newest first; it names the checkpoint published before it.
        for (sealed, named) in sizes.iter().zip(sizes.iter().skip(1)).rev() {
            if covers(named) {
                continue;
            }
            let seal = named.last().map(|index| self.seal(index)).transpose()?.flatten();
            let note = self.note_at(*sealed)?;
            let is_named = seal
                .zip(note)
                .is_some_and(|(seal, note)| seal.prev_checkpoint == sha256(&[note.as_bytes()]));
            if let (true, Some((_, last))) = (is_named, self.cosigned(*sealed, witnesses)?) {
                interval.not_before = Some((*sealed, last));
                break;
            }
        }
        Ok(interval)
    }

    /// The first and the last moment at which witnesses cosigned the checkpoint of `size`.
    fn cosigned(&self, size: Size, witnesses: &[VerifierKey]) -> Result<Option<(u64, u64)>, EvidenceError> {
        let Some(note) = self.note_at(size)? else {
            return Ok(None);
        };
        let opened = OpenedCheckpoint::open(note.as_bytes(), self.origin(), self.log_key(), witnesses)?;
        let times = || opened.cosignatures.iter().filter_map(|it| it.cosigned_at_s);
        Ok(times().min().zip(times().max()))
    }
}
