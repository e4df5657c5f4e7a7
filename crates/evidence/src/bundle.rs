//! Evidence bundles: everything an auditor needs to check one port's timeline, and nothing he has to believe.

mod readme;

use std::ops::RangeInclusive;

use portbook_ledger::{
    Chain, Hash, Head, HeadProof, Index, Size, sha256,
    tree::{TileContent, TileId, TileWidth},
};
use portbook_verify::RangeProof;
use portbook_verify::bundle::{
    CHECKPOINT, CONSISTENCY, EARLIER, ENTRIES_TOGETHER, HEAD, Listed, MANIFEST, Manifest, PAGE, POLICY,
    RANGE, README, SCRIPT, SEAL, entries_name,
};

use crate::error::EvidenceError;
use crate::evidence::{Evidence, Published};
use crate::log::LogName;
use crate::reading;
use crate::sink::{Sink, SinkError};

/// The verifier for browsers.
const PAGE_TEXT: &str = include_str!("../../../docs/evidence/verify.html");
/// The verifier in Python.
const SCRIPT_TEXT: &str = include_str!("../../../docs/evidence/verify.py");

/// Which records of a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// All of them.
    All,
    /// Those at these positions, from 1.
    Positions(RangeInclusive<u64>),
}

/// What a bundle is to hold.
#[derive(Debug, Clone)]
pub struct Bundle<'a> {
    /// The checkpoint it rests on.
    pub published: &'a Published,
    /// The port, or one of the two other chains.
    pub chain: Chain,
    /// Which of its records.
    pub span: Span,
    /// An earlier checkpoint that the bundle is to be proven to continue.
    pub earlier: Option<&'a Published>,
    /// The exporter's policy, as a hint to the reader.
    pub policy: &'a str,
}

/// Files on their way into the sink.
struct Packing<'a> {
    sink: &'a mut Sink,
    files: Vec<Listed>,
}

impl Packing<'_> {
    /// Adds a file; names must come in ascending order.
    fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), SinkError> {
        self.files.push(Listed {
            name: name.to_owned(),
            bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            sha256: sha256(&[bytes]),
        });
        self.sink.add(name, bytes)
    }
}

impl Evidence {
    /// Writes a bundle. `progress` learns how many of how many records were written.
    ///
    /// # Errors
    /// [`EvidenceError::NoSuchRecords`] when the port has no such records at the checkpoint, other [`EvidenceError`]s when the
    /// store does not lead to what was signed or the bundle cannot be written.
    pub fn write_bundle(
        &self,
        bundle: &Bundle<'_>,
        sink: &mut Sink,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Manifest, EvidenceError> {
        let Bundle { published, chain, .. } = *bundle;
        let head_text = self.head_proof(published, chain)?;
        let head = match &head_text.proof {
            HeadProof::Present(path) => Some(path.head),
            HeadProof::Absent { .. } => None,
        };
        let (first, last) = positions(bundle, head.as_ref())?;
        let mut manifest = Manifest {
            checkpoint: published.checkpoint.clone(),
            chain,
            count: head.map_or(0, |head| head.count.get()),
            first,
            last,
            files: Vec::new(),
        };
        let mut packing = Packing {
            sink,
            files: Vec::new(),
        };
        packing.add(README, readme::text(bundle, &manifest).as_bytes())?;
        packing.add(CHECKPOINT, published.note.as_bytes())?;
        if let Some(earlier) = bundle.earlier {
            let proof = self.growth_proof(published, earlier.checkpoint.size)?;
            packing.add(CONSISTENCY, proof.to_string().as_bytes())?;
            packing.add(EARLIER, earlier.note.as_bytes())?;
        }
        self.pack_entries(&mut packing, &manifest, progress)?;
        packing.add(HEAD, head_text.to_string().as_bytes())?;
        packing.add(POLICY, bundle.policy.as_bytes())?;
        if let (Some(head), Span::Positions(_)) = (head, &bundle.span) {
            let range = RangeProof {
                first,
                last,
                hashes: self.last_inclusion(chain, last, head.count)?,
            };
            packing.add(RANGE, range.to_string().as_bytes())?;
        }
        packing.add(SEAL, self.seal_proof(published)?.to_string().as_bytes())?;
        packing.add(PAGE, PAGE_TEXT.as_bytes())?;
        packing.add(SCRIPT, SCRIPT_TEXT.as_bytes())?;
        manifest.files = packing.files;
        sink.add(MANIFEST, manifest.to_string().as_bytes())?;
        Ok(manifest)
    }

    fn pack_entries(
        &self,
        packing: &mut Packing<'_>,
        manifest: &Manifest,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), EvidenceError> {
        let Manifest {
            chain, first, last, ..
        } = *manifest;
        let Some(start) = first.checked_sub(1) else {
            return Ok(());
        };
        let total = last - start;
        for index in 0..total.div_ceil(ENTRIES_TOGETHER) {
            let from = start + index * ENTRIES_TOGETHER;
            let end = last.min(from + ENTRIES_TOGETHER);
            let width = u16::try_from(end - from).ok().and_then(TileWidth::new);
            let name = entries_name(&TileId {
                content: TileContent::Entries,
                index,
                width: width.unwrap_or(TileWidth::FULL),
            });
            let bytes = reading::entries(self.reader(), LogName::Chain(chain), from..end)?;
            packing.add(&name, &bytes)?;
            progress(end - start, total);
        }
        Ok(())
    }

    /// Inclusion of the record at position `last` in the chain's own tree of `count` records.
    fn last_inclusion(&self, chain: Chain, last: u64, count: Size) -> Result<Vec<Hash>, EvidenceError> {
        let place = last.checked_sub(1).and_then(Index::new).unwrap_or(Index::FIRST);
        self.inclusion(LogName::Chain(chain), place, count)
    }
}

/// The first and the last position of a bundle; twice 0 when the port has no records.
fn positions(bundle: &Bundle<'_>, head: Option<&Head>) -> Result<(u64, u64), EvidenceError> {
    let count = head.map_or(0, |head| head.count.get());
    match &bundle.span {
        Span::All if count == 0 => Ok((0, 0)),
        Span::All => Ok((1, count)),
        Span::Positions(range)
            if 1 <= *range.start() && range.start() <= range.end() && *range.end() <= count =>
        {
            Ok((*range.start(), *range.end()))
        }
        Span::Positions(range) => Err(EvidenceError::NoSuchRecords {
            chain: bundle.chain,
            first: *range.start(),
            last: *range.end(),
            count,
        }),
    }
}
