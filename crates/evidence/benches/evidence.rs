//! What evidence costs: one record's proof in a ledger of a million, and a timeline of 30,000 records verified.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that fails has no result, and one that is not printed no reader"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use portbook_evidence::{Bundle, Evidence, Sink, Span};
use portbook_ledger::{Chain, Index, Policy, leaf_hash, tree::verify_inclusion};
use portbook_testkit::ledger::TestLedger;
use portbook_verify::{Files, Trust, verify_bundle};

const LEAVES: u64 = 1_000_000;
const PROOFS: u64 = 2_000;
const TIMELINE: u64 = 30_000;
/// Length of a record's body: that of a usual event.
const BODY_BYTES: usize = 600;
const PROOF_MAX: Duration = Duration::from_millis(1);
const PROOF_BYTES_MAX: usize = 2_000;
const TIMELINE_MAX: Duration = Duration::from_millis(300);

fn main() {
    let proof = prove_records();
    let timeline = verify_timeline();
    // A benchmark that only prints is never wrong.
    assert!(
        proof < PROOF_MAX,
        "a proof takes {proof:?}, at most {PROOF_MAX:?} is promised"
    );
    assert!(
        timeline < TIMELINE_MAX,
        "a timeline takes {timeline:?}, at most {TIMELINE_MAX:?} is promised"
    );
}

/// A ledger of `size` leaves, all but its first and last records of one port.
fn ledger(size: u64, body: &[u8]) -> TestLedger {
    let mut ledger = TestLedger::create("bench.example/evidence").unwrap();
    let port = Chain::port("CNNBG").unwrap();
    while ledger.size() + 1 < size {
        ledger.append(port, body).unwrap();
    }
    ledger.seal().unwrap();
    ledger
}

/// Median time to prove one record, places spread over the whole ledger.
fn prove_records() -> Duration {
    let ledger = ledger(LEAVES, b"{}");
    let evidence = Evidence::new(
        ledger.store().reader(),
        ledger.directory(),
        ledger.key().verifier().clone(),
    )
    .unwrap();
    let started = Instant::now();
    let published = evidence.published().unwrap().unwrap();
    println!("first question about {LEAVES} leaves  {:.0?}", started.elapsed());
    let (mut times, mut longest) = (Vec::new(), 0);
    for number in 0..PROOFS {
        let index = Index::new(number * 7_919 * 101 % LEAVES).unwrap();
        let started = Instant::now();
        let proof = black_box(evidence.leaf_proof(&published, index).unwrap().to_string());
        times.push(started.elapsed());
        longest = longest.max(proof.len());
        if number % 100 == 0 {
            let leaf = evidence.reader().leaf(index).unwrap().unwrap();
            let hashes = evidence.leaf_proof(&published, index).unwrap().hashes;
            let (size, root) = (published.checkpoint.size, published.checkpoint.root);
            verify_inclusion(&leaf_hash(&leaf), index, size, &hashes, &root).unwrap();
        }
    }
    assert!(longest < PROOF_BYTES_MAX, "a proof has {longest} bytes");
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap();
    println!(
        "one proof in {LEAVES} leaves  median {:.0?}, 99 % within {:.0?}, {longest} bytes at most",
        at(50),
        at(99)
    );
    at(50)
}

/// Best of several verifications of a bundle, from opening the archive to the verdict.
fn verify_timeline() -> Duration {
    let ledger = ledger(TIMELINE + 2, &[b'x'; BODY_BYTES]);
    let key = ledger.key().verifier().clone();
    let evidence = Evidence::new(ledger.store().reader(), ledger.directory(), key.clone()).unwrap();
    let published = evidence.published().unwrap().unwrap();
    let home = ledger.directory().path().join("bundle.zip");
    let bundle = Bundle {
        published: &published,
        chain: Chain::port("CNNBG").unwrap(),
        span: Span::All,
        earlier: None,
        policy: "quorum none\n",
    };
    let mut sink = Sink::archive(&home).unwrap();
    evidence.write_bundle(&bundle, &mut sink, &mut |_, _| {}).unwrap();
    sink.finish().unwrap();
    let trust = Trust::new(Policy::of_log(key));
    let verify = || {
        let started = Instant::now();
        let mut files = Files::open(&home).unwrap();
        verify_bundle(&mut files, &trust, None, &mut |_, _| {}).unwrap();
        started.elapsed()
    };
    let best = (0..5).map(|_| verify()).min().unwrap();
    println!("a timeline of {TIMELINE} records verified  {best:.0?}");
    best
}
