//! Writes logs, proofs and bundles for other people's verifiers to judge, into the folder that `SAMPLE_DIR` names.
//!
//! ```text
//! log.vkey                    the key of every log
//! sizes/log/                  tiles of a log of 600 leaves
//! sizes/<n>.checkpoint        its checkpoint at every size from 1
//! sizes/<n>.<i>.tlog-proof    inclusion of leaf <i> in <n>
//! sizes/<n>.<m>.growth        growth from <m> to <n>
//! sizes/leaves/<i>            its leaves
//! large/log/                  tiles of a log of 65,540 leaves and of its ports; large/<n>.… as above, around 65,536
//! bundles/                    evidence of 10,000 records
//! ```

use std::error::Error;
use std::fs;
use std::path::Path;

use portbook_evidence::{Bundle, Evidence, LogName, Sink, Span};
use portbook_ledger::{Chain, Checkpoint, GrowthProof, Index, Size, TlogProof};
use portbook_testkit::ledger::TestLedger;

const ORIGIN: &str = "sample.example/log";
const SMALL: u64 = 600;
const LARGE: u64 = 65_540;
const BUNDLED: u64 = 10_000;

type Outcome<T> = Result<T, Box<dyn Error>>;

#[test]
fn samples_for_other_judges() -> Outcome<()> {
    let dir = std::env::var("SAMPLE_DIR")?;
    let dir = Path::new(&dir);
    let small = filled(SMALL, 0)?;
    fs::create_dir_all(dir)?;
    fs::write(dir.join("log.vkey"), format!("{}\n", small.key().verifier()))?;
    let every: Vec<u64> = (1..=SMALL).collect();
    write_log(&small, &dir.join("sizes"), &every)?;
    let large = filled(LARGE, 20)?;
    write_log(
        &large,
        &dir.join("large"),
        &[65_534, 65_535, 65_536, 65_537, 65_538, LARGE],
    )?;
    write_bundles(&dir.join("bundles"))
}

/// A ledger of `size` leaves, the last of which is a seal; one record in `sparse` goes to a second port.
fn filled(size: u64, sparse: u64) -> Outcome<TestLedger> {
    let mut ledger = TestLedger::create(ORIGIN)?;
    let ports = [Chain::port("CNNBG")?, Chain::port("CNSHG")?];
    while ledger.size() + 1 < size {
        let number = ledger.size();
        let [often, seldom] = ports;
        let is_seldom = sparse > 0 && number.is_multiple_of(sparse);
        let port = if is_seldom { seldom } else { often };
        ledger.append(port, format!("{{\"n\":{number}}}").as_bytes())?;
    }
    ledger.seal()?;
    Ok(ledger)
}

fn evidence_of(ledger: &TestLedger) -> Outcome<Evidence> {
    Ok(Evidence::signing(
        ledger.store().reader(),
        ledger.directory(),
        ledger.key().clone(),
    )?)
}

fn write_log(ledger: &TestLedger, dir: &Path, sizes: &[u64]) -> Outcome<()> {
    let evidence = evidence_of(ledger)?;
    let published = evidence.published()?.ok_or("nothing was signed")?;
    let mut sink = Sink::folder(&dir.join("log"))?;
    evidence.write_tiles(&published, &mut sink, &mut |_, _| {})?;
    sink.finish()?;
    fs::create_dir_all(dir.join("leaves"))?;
    for (place, size) in sizes.iter().enumerate() {
        let checkpoint = Checkpoint {
            origin: ledger.origin().clone(),
            size: Size::new(*size),
            root: evidence.root(LogName::Ledger, Size::new(*size))?,
        };
        let checkpoint = checkpoint.sign(ledger.key())?.to_string();
        fs::write(dir.join(format!("{size}.checkpoint")), &checkpoint)?;
        let mut leaves = vec![0, size / 2, size - 1];
        leaves.dedup();
        for leaf in leaves {
            let index = Index::new(leaf).ok_or("an index")?;
            let proof = TlogProof {
                extra: None,
                index,
                hashes: evidence.inclusion(LogName::Ledger, index, Size::new(*size))?,
                checkpoint: checkpoint.clone(),
            };
            fs::write(dir.join(format!("{size}.{leaf}.tlog-proof")), proof.to_string())?;
            let bytes = evidence.reader().leaf(index)?.ok_or("a leaf")?;
            fs::write(dir.join("leaves").join(leaf.to_string()), bytes)?;
        }
        let olds = [
            sizes.first(),
            sizes.get(place / 2),
            place.checked_sub(1).and_then(|it| sizes.get(it)),
        ];
        for old in olds.into_iter().flatten().filter(|old| *old < size) {
            let proof = GrowthProof {
                old: Size::new(*old),
                hashes: evidence.consistency(LogName::Ledger, Size::new(*old), Size::new(*size))?,
                checkpoint: checkpoint.clone(),
            };
            fs::write(dir.join(format!("{size}.{old}.growth")), proof.to_string())?;
        }
    }
    Ok(())
}

fn write_bundles(dir: &Path) -> Outcome<()> {
    let ledger = filled(BUNDLED + 2, 0)?;
    let evidence = evidence_of(&ledger)?;
    let published = evidence.published()?.ok_or("nothing was signed")?;
    fs::create_dir_all(dir)?;
    for (name, chain, span) in [
        ("whole.zip", "CNNBG", Span::All),
        ("range.zip", "CNNBG", Span::Positions(5_000..=5_020)),
        ("absent.zip", "CNRZH", Span::All),
    ] {
        let policy = format!("log {}\nquorum none\n", evidence.log_key());
        let bundle = Bundle {
            published: &published,
            chain: Chain::port(chain)?,
            span,
            earlier: None,
            policy: &policy,
        };
        let mut sink = Sink::archive(&dir.join(name))?;
        evidence.write_bundle(&bundle, &mut sink, &mut |_, _| {})?;
        sink.finish()?;
    }
    Ok(())
}
