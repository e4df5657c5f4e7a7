//! A head proof as a file: lines of text, in the manner of C2SP tlog-proof.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Head, HeadPath, HeadProof};
use crate::{
    chain::Chain,
    hash::Hash,
    position::Index,
    proof_text::{InvalidProofText, Lines},
};

const LABEL: &str = "portbook/head-proof@v1";

/// What a seal says about one chain, as a file; shown as its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadProofText {
    /// The chain in question.
    pub chain: Chain,
    /// Its head, or the neighbours between which its own would be.
    pub proof: HeadProof,
}

impl HeadProofText {
    /// Reads a proof; nothing in it is verified by this. What is read is shown as the same bytes again.
    ///
    /// # Errors
    /// [`InvalidProofText`] names the first line that is not as the format says.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidProofText> {
        let mut lines = Lines::new(bytes)?;
        let label = lines.next(LABEL)?;
        if label != LABEL {
            return Err(lines.refused(LABEL, label));
        }
        let name = lines.next("port and the name of a chain")?;
        let chain = name
            .strip_prefix("port ")
            .and_then(|name| Chain::from_bytes(name.as_bytes()));
        let chain = chain.ok_or_else(|| lines.refused("port and the name of a chain", name))?;
        let (first, second) = (path(&mut lines)?, path(&mut lines)?);
        if !lines.rest().is_empty() {
            return Err(lines.refused("the end of the proof", lines.rest()));
        }
        let proof = match (first, second) {
            (Some(path), None) if path.head.chain == chain => HeadProof::Present(path),
            (Some(path), None) if path.head.chain > chain => HeadProof::Absent {
                before: None,
                after: Some(path),
            },
            (before, after) => HeadProof::Absent { before, after },
        };
        Ok(Self { chain, proof })
    }
}

impl fmt::Display for HeadProofText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{LABEL}\nport {}", self.chain)?;
        let paths = match &self.proof {
            HeadProof::Present(path) => [Some(path), None],
            HeadProof::Absent { before, after } => [before.as_ref(), after.as_ref()],
        };
        for path in paths.into_iter().flatten() {
            writeln!(f, "head {} {}", path.place, STANDARD.encode(path.head.encode()))?;
            path.proof
                .iter()
                .map(Hash::to_base64)
                .try_for_each(|hash| writeln!(f, "{hash}"))?;
        }
        Ok(())
    }
}

/// `head <place> <base64>` and the hashes below it, when there is one more.
fn path(lines: &mut Lines<'_>) -> Result<Option<HeadPath>, InvalidProofText> {
    let Some(line) = lines.next_after("head ") else {
        return Ok(None);
    };
    let parsed = line.split_once(' ').and_then(|(place, base64)| {
        let place = crate::checkpoint::parse_size(place).and_then(|place| Index::new(place.get()))?;
        Some((place, Head::decode(&STANDARD.decode(base64).ok()?).ok()?))
    });
    let (place, head) =
        parsed.ok_or_else(|| lines.refused("head, its place and its bytes as base64", line))?;
    Ok(Some(HeadPath {
        head,
        place,
        proof: lines.hashes()?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{hash::sha256, head::prove_head, position::Size};

    fn heads() -> Vec<Head> {
        let head = |(at, name): (u64, &&str)| Head {
            chain: Chain::port(name).unwrap(),
            count: Size::new(at + 1),
            head_index: Index::new(at).unwrap(),
            head_hash: sha256(&[name.as_bytes()]),
            chain_root: sha256(&[name.as_bytes(), b"root"]),
        };
        (0..).zip(&["CNBBB", "CNDDD", "CNFFF"]).map(head).collect()
    }

    #[test]
    fn presence_and_every_kind_of_absence_are_read_again() {
        for name in ["CNAAA", "CNBBB", "CNCCC", "CNDDD", "CNEEE", "CNFFF", "CNGGG"] {
            let chain = Chain::port(name).unwrap();
            let text = HeadProofText {
                chain,
                proof: prove_head(&heads(), chain).unwrap(),
            };
            assert_eq!(HeadProofText::parse(text.to_string().as_bytes()), Ok(text));
        }
        let none = HeadProofText {
            chain: Chain::CONTROL,
            proof: prove_head(&[], Chain::CONTROL).unwrap(),
        };
        assert_eq!(HeadProofText::parse(none.to_string().as_bytes()), Ok(none));
    }

    #[test]
    fn whatever_is_read_has_one_spelling() {
        let chain = Chain::port("CNCCC").unwrap();
        let text = HeadProofText {
            chain,
            proof: prove_head(&heads(), chain).unwrap(),
        };
        let bytes = text.to_string().into_bytes();
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            if let Ok(read) = HeadProofText::parse(&flipped) {
                assert_eq!(read.to_string().into_bytes(), flipped);
                assert_ne!(read, text);
            }
            let (cut, doubled) = (&bytes[..at], [&bytes[..at], &bytes[..]].concat());
            assert_ne!(HeadProofText::parse(cut).ok(), Some(text.clone()));
            assert!(at == 0 || HeadProofText::parse(&doubled).is_err());
        }
    }
}
