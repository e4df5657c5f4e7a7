//! A ledger checked, against hashing the same bytes and verifying the same signatures on every core.

use std::hint::black_box;
use std::time::{Duration, Instant};

use ed25519_dalek::{Signature, VerifyingKey};
use portbook_audit::{Against, Depth, Trust, Verified, verify};
use portbook_ledger::{Fault, Leaf, event_signature_message};
use portbook_store::{LedgerDirectory, Packed, StoreReader};
use sha2::{Digest as _, Sha256};

use crate::figure::{Pair, alternate, per_second};
use crate::site::{importer_key, log_key, origin};
use crate::{Failure, cores};

/// Signatures take a second or more.
const ROUNDS_OF_EVERYTHING: u64 = 3;
/// Without them a round takes some fifty milliseconds, in which a thread that starts late is felt.
const ROUNDS_OF_STRUCTURE: u64 = 21;
/// Packed values looked at together: bounds memory at about 32 MiB.
const PACKED_TOGETHER: usize = 512;

/// A ledger that should hold and does not.
#[derive(Debug, thiserror::Error)]
#[error("the ledger that was just made does not hold: {fault}")]
struct Unsound {
    fault: Fault,
}

/// One signature with the bytes it is over.
type Signed = (Vec<u8>, Signature);

/// Verifies at `depth` and does only what no verifier could leave out, in turn.
pub(crate) async fn compare(directory: &LedgerDirectory, depth: Depth) -> Result<Pair, Failure> {
    let reader = StoreReader::open(&directory.store())?;
    let rounds = match depth {
        Depth::Structure => ROUNDS_OF_STRUCTURE,
        Depth::Everything => ROUNDS_OF_EVERYTHING,
    };
    alternate(
        rounds,
        async |_| check(&reader, directory, depth),
        async |_| match depth {
            Depth::Structure => hash(&reader),
            Depth::Everything => verify_signatures(&reader),
        },
    )
    .await
}

/// Opens the ledger and verifies it; gives how many leaves a second.
pub(crate) fn check_once(directory: &LedgerDirectory) -> Result<u64, Failure> {
    check(
        &StoreReader::open(&directory.store())?,
        directory,
        Depth::Structure,
    )
}

fn check(reader: &StoreReader, directory: &LedgerDirectory, depth: Depth) -> Result<u64, Failure> {
    let trust = Trust {
        origin: origin()?,
        log_key: log_key()?.verifier().clone(),
        remembered: Vec::new(),
    };
    let started = Instant::now();
    match verify(reader, directory, &trust, Against::Newest, depth, &mut |_, _| {})? {
        Verified::Holds(verification) => {
            Ok(per_second(verification.checkpoint.size.get(), started.elapsed()))
        }
        Verified::Faulty { fault, .. } => Err(Unsound { fault }.into()),
    }
}

/// SHA-256 of every leaf. Reading the leaves is not counted.
fn hash(reader: &StoreReader) -> Result<u64, Failure> {
    timed(
        reader,
        |packed| packed,
        |packed| {
            packed.iter().fold(0, |leaves, leaf| {
                black_box(Sha256::digest(leaf));
                leaves + 1
            })
        },
    )
}

/// Every signature under the one key there is. Reading and decoding the leaves is not counted.
fn verify_signatures(reader: &StoreReader) -> Result<u64, Failure> {
    let key = VerifyingKey::from_bytes(importer_key().public().as_bytes())?;
    let signed = |packed: Vec<Packed>| {
        packed
            .iter()
            .flat_map(|packed| packed.iter().filter_map(signed))
            .collect()
    };
    timed(reader, signed, |(message, signature): &Signed| {
        u64::from(key.verify_strict(message, signature).is_ok())
    })
}

fn signed(leaf: &[u8]) -> Option<Signed> {
    match Leaf::decode(leaf) {
        Ok(Leaf::Record(record)) if record.chain.is_port() => {
            let signature = Signature::from_bytes(&record.signature?.bytes);
            Some((event_signature_message(record.subject, record.body), signature))
        }
        Ok(Leaf::Record(_) | Leaf::Seal(_)) | Err(_) => None,
    }
}

/// Lets every core work on what `prepare` makes of the leaves, a bounded number of them at a time; gives how much of it
/// was done a second of that work alone.
fn timed<T: Sync>(
    reader: &StoreReader,
    prepare: impl Fn(Vec<Packed>) -> Vec<T>,
    work: impl Fn(&T) -> u64 + Sync,
) -> Result<u64, Failure> {
    let mut leaves = reader.leaves(0..reader.book()?.size());
    let (mut done, mut took) = (0, Duration::ZERO);
    loop {
        let packed: Vec<Packed> = leaves.by_ref().take(PACKED_TOGETHER).collect::<Result<_, _>>()?;
        if packed.is_empty() {
            return Ok(per_second(done, took));
        }
        let items = prepare(packed);
        let started = Instant::now();
        done += cores::share_out(&items, &work);
        took += started.elapsed();
    }
}
