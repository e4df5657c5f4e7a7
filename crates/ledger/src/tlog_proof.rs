//! Proofs as files: C2SP tlog-proof for one leaf, and the body of C2SP add-checkpoint for a grown tree.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    hash::Hash,
    position::{Index, Size},
    proof_text::{InvalidProofText, Lines},
};

const TLOG_PROOF: &str = "c2sp.org/tlog-proof@v1";

/// One leaf's inclusion in a signed tree: a C2SP tlog-proof; shown as the bytes of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// What belongs to the proof but is not vouched for by it; of a seal's proof the seal itself.
    pub extra: Option<Vec<u8>>,
    /// Index of the leaf.
    pub index: Index,
    /// RFC 6962 inclusion proof.
    pub hashes: Vec<Hash>,
    /// The checkpoint, cosignatures included, as it was published.
    pub checkpoint: String,
}

/// That a signed tree begins with an earlier one: the body of a C2SP add-checkpoint request; shown as its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrowthProof {
    /// Size of the earlier tree.
    pub old: Size,
    /// RFC 6962 consistency proof.
    pub hashes: Vec<Hash>,
    /// The later checkpoint, cosignatures included, as it was published.
    pub checkpoint: String,
}

impl TlogProof {
    /// Reads a proof; nothing in it is verified by this. What is read is shown as the same bytes again.
    ///
    /// # Errors
    /// [`InvalidProofText`] names the first line that is not as the specification says.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidProofText> {
        let mut lines = Lines::new(bytes)?;
        let label = lines.next(TLOG_PROOF)?;
        if label != TLOG_PROOF {
            return Err(lines.refused(TLOG_PROOF, label));
        }
        let extra = lines.next_after("extra ").map(|text| {
            STANDARD
                .decode(text)
                .ok()
                .ok_or_else(|| lines.refused("extra and base64", text))
        });
        let index = lines.number("index ", "index and a number")?;
        let index = Index::new(index).ok_or_else(|| lines.refused("an index below 2^64-1", "2^64-1"))?;
        let (hashes, checkpoint) = hashes_and_checkpoint(&mut lines)?;
        Ok(Self {
            extra: extra.transpose()?,
            index,
            hashes,
            checkpoint,
        })
    }
}

impl GrowthProof {
    /// Reads a proof; nothing in it is verified by this. What is read is shown as the same bytes again.
    ///
    /// # Errors
    /// [`InvalidProofText`] names the first line that is not as the specification says.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidProofText> {
        let mut lines = Lines::new(bytes)?;
        let old = Size::new(lines.number("old ", "old and a size")?);
        let (hashes, checkpoint) = hashes_and_checkpoint(&mut lines)?;
        Ok(Self {
            old,
            hashes,
            checkpoint,
        })
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{TLOG_PROOF}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        write_end(f, &self.hashes, &self.checkpoint)
    }
}

impl fmt::Display for GrowthProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        write_end(f, &self.hashes, &self.checkpoint)
    }
}

fn hashes_and_checkpoint(lines: &mut Lines<'_>) -> Result<(Vec<Hash>, String), InvalidProofText> {
    const BETWEEN: &str = "the base64 of a hash, or empty before the checkpoint";
    let hashes = lines.hashes()?;
    let empty = lines.next(BETWEEN)?;
    if !empty.is_empty() {
        return Err(lines.refused(BETWEEN, empty));
    }
    Ok((hashes, lines.rest().to_owned()))
}

fn write_end(f: &mut fmt::Formatter<'_>, hashes: &[Hash], checkpoint: &str) -> fmt::Result {
    hashes
        .iter()
        .try_for_each(|hash| writeln!(f, "{}", hash.to_base64()))?;
    write!(f, "\n{checkpoint}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::sha256;

    fn proof() -> TlogProof {
        TlogProof {
            extra: Some(b"leaf".to_vec()),
            index: Index::new(17).unwrap(),
            hashes: vec![sha256(&[b"a"]), sha256(&[b"b"])],
            checkpoint: "a note\n\nof some kind\n".to_owned(),
        }
    }

    #[test]
    fn what_is_shown_is_read_again() {
        let mut proof = proof();
        assert_eq!(TlogProof::parse(proof.to_string().as_bytes()), Ok(proof.clone()));
        (proof.extra, proof.hashes) = (None, Vec::new());
        assert_eq!(
            proof.to_string(),
            "c2sp.org/tlog-proof@v1\nindex 17\n\na note\n\nof some kind\n"
        );
        assert_eq!(TlogProof::parse(proof.to_string().as_bytes()), Ok(proof));
        let growth = GrowthProof {
            old: Size::new(5),
            hashes: vec![sha256(&[b"a"])],
            checkpoint: "note\n".to_owned(),
        };
        assert_eq!(GrowthProof::parse(growth.to_string().as_bytes()), Ok(growth));
    }

    #[test]
    fn whatever_is_read_has_one_spelling() {
        let text = proof().to_string();
        for at in 0..text.len() {
            let mut flipped = text.clone().into_bytes();
            flipped[at] ^= 1;
            if let Ok(read) = TlogProof::parse(&flipped) {
                assert_eq!(read.to_string().into_bytes(), flipped);
                assert_ne!(read, proof());
            }
        }
        for wrong in [
            "",
            "c2sp.org/tlog-proof@v1",
            "c2sp.org/tlog-proof@v1\r\nindex 0\n\nx\n",
            "c2sp.org/tlog-proof@v2\nindex 0\n\nx\n",
            "c2sp.org/tlog-proof@v1\nindex 00\n\nx\n",
            "c2sp.org/tlog-proof@v1\nindex +1\n\nx\n",
            "c2sp.org/tlog-proof@v1\nindex 18446744073709551615\n\nx\n",
            "c2sp.org/tlog-proof@v1\nextra YQ\nindex 0\n\nx\n",
            "c2sp.org/tlog-proof@v1\nindex 0\nextra YQ==\n\nx\n",
            "c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\nx\n",
        ] {
            assert!(TlogProof::parse(wrong.as_bytes()).is_err(), "{wrong:?}");
        }
        let endless = format!(
            "c2sp.org/tlog-proof@v1\nindex 0\n{}\nx\n",
            format!("{}\n", sha256(&[]).to_base64()).repeat(66)
        );
        assert_eq!(TlogProof::parse(endless.as_bytes()).unwrap_err().line, 68);
    }
}
