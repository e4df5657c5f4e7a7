//! Attacks on whole logs as tiles, the lying operator's among them.

use std::fs;
use std::path::Path;

use portbook_evidence::{Evidence, Sink};
use portbook_ledger::{Head, Policy};
use portbook_testkit::ledger::TestLedger;
use portbook_verify::{Files, Refusal, Trust, verify_tiles};
use tempfile::TempDir;

use super::scene::port;

const ORIGIN: &str = "test.example/logs";

/// What a dishonest seal makes of the heads.
type Lie = fn(&mut Vec<Head>);

/// A ledger of two ports whose last seal says about their heads what `lie` makes of them.
fn ledger(lie: Lie) -> TestLedger {
    let mut ledger = TestLedger::create(ORIGIN).unwrap();
    for number in 0..700_u64 {
        ledger.append(port("CNNBG"), &number.to_be_bytes()).unwrap();
        if number == 350 {
            ledger.append(port("CNSHG"), b"{}").unwrap();
            ledger.seal().unwrap();
        }
    }
    ledger.seal_saying(lie).unwrap();
    ledger
}

fn evidence(ledger: &TestLedger) -> Evidence {
    Evidence::signing(ledger.store().reader(), ledger.directory(), ledger.key().clone()).unwrap()
}

fn export(ledger: &TestLedger) -> (TempDir, std::path::PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("log");
    let evidence = evidence(ledger);
    let published = evidence.published().unwrap().unwrap();
    let mut sink = Sink::folder(&path).unwrap();
    evidence
        .write_tiles(&published, &mut sink, &mut |_, _| {})
        .unwrap();
    sink.finish().unwrap();
    (home, path)
}

fn check(path: &Path, ledger: &TestLedger) -> Result<(), Refusal> {
    let trust = Trust::new(Policy::of_log(ledger.key().verifier().clone()));
    let mut files = Files::open(path).unwrap();
    verify_tiles(&mut files, &trust, None, &mut |_, _| {}).map(|_| ())
}

#[test]
fn every_file_of_a_log_is_checked() {
    let ledger = ledger(|_| {});
    let (_home, path) = export(&ledger);
    check(&path, &ledger).unwrap();
    let names = Files::open(&path).unwrap().names().to_vec();
    assert!(names.len() > 20);
    for name in names {
        let file = path.join(&name);
        let good = fs::read(&file).unwrap();
        let mut flipped = good.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        let grown = [good.as_slice(), b"x"].concat();
        for (what, bytes) in [("flipped", flipped), ("grown", grown), ("emptied", Vec::new())] {
            fs::write(&file, bytes).unwrap();
            let refusal = check(&path, &ledger).expect_err(&format!("{name} {what}"));
            let code = refusal.exit.code();
            assert!(
                code == 10 || (code == 12 && name == "checkpoint"),
                "{name} {what}: {refusal}"
            );
        }
        fs::remove_file(&file).unwrap();
        match check(&path, &ledger) {
            Err(refusal) => assert_eq!(refusal.exit.code(), 12, "{name} missing: {refusal}"),
            // The heads of single seals are an offer; who wants them derives them.
            Ok(()) => assert!(name.starts_with("heads/"), "{name} is not missed"),
        }
        fs::write(&file, good).unwrap();
    }
    for stray in [
        "tile/0/009",
        "tile/8/000",
        "heads/7",
        "port/CNRRR/checkpoint",
        "notes.txt",
        "port/CNNBG/tile/1/009",
    ] {
        let file = path.join(stray);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, b"x").unwrap();
        let refusal = check(&path, &ledger).expect_err(stray);
        assert_eq!(refusal.exit.code(), 10, "{stray}: {refusal}");
        fs::remove_file(&file).unwrap();
        fs::remove_dir(file.parent().unwrap()).unwrap_or_default();
    }
    check(&path, &ledger).unwrap();
}

/// What a bundle cannot show, the whole log does.
#[test]
fn a_seal_that_hides_something_is_found_by_who_reads_the_log() {
    let lies: [(&str, Lie); 3] = [
        ("a whole port", |heads| {
            heads.remove(1);
        }),
        ("another root", |heads| {
            heads[0].chain_root = portbook_ledger::sha256(&[b"lie"]);
        }),
        ("another head", |heads| {
            heads[0].head_index = portbook_ledger::Index::new(3).unwrap();
        }),
    ];
    for (what, lie) in lies {
        let ledger = ledger(lie);
        // The honest exporter refuses to export it, so the liar's files are written by hand.
        let evidence = evidence(&ledger);
        let published = evidence.published().unwrap().unwrap();
        assert!(evidence.heads_at(published.seal_index, &published.seal).is_err());
        let home = tempfile::tempdir().unwrap();
        for tile in
            portbook_ledger::tree::tiles_between(portbook_ledger::Size::ZERO, published.checkpoint.size)
        {
            let file = home.path().join(tile.to_string());
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, evidence.resource(&tile.to_string()).unwrap().unwrap().bytes).unwrap();
        }
        fs::write(home.path().join("checkpoint"), &published.note).unwrap();
        let refusal = check(home.path(), &ledger).expect_err(what);
        assert_eq!(
            (refusal.exit.code(), refusal.check),
            (10, "leaves"),
            "{what}: {refusal}"
        );
        assert!(refusal.reason.contains("seal:"), "{what}: {refusal}");
    }
}
