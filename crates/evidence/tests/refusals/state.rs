//! What a verifier remembers: forks, old evidence, and growth that nothing shows.

use std::fs;

use portbook_ledger::Size;
use portbook_verify::{Files, Memory, verify_bundle};

use super::proofs::signed;
use super::scene::{Scene, good, verdict};

/// A memory in which `note` was accepted last.
fn remembering(note: &[u8]) -> (tempfile::TempDir, Memory) {
    let home = tempfile::tempdir().unwrap();
    let digest = super::scene::origin().hash().to_hex();
    fs::write(home.path().join(format!("{}.checkpoint", &digest[..16])), note).unwrap();
    let memory = Memory::at(home.path().to_owned());
    (home, memory)
}

/// Exit code of a whole bundle, with or without its earlier checkpoint, after `note` was accepted.
fn after(note: &[u8], with_earlier: bool) -> u8 {
    let mut scene = Scene::whole();
    if !with_earlier {
        scene
            .files
            .retain(|name, _| name != "earlier" && name != "consistency");
    }
    let (_home, path) = scene.write();
    let (_memory_home, memory) = remembering(note);
    match verdict(&path, &scene.trust(), Some(&memory)) {
        Ok(()) => 0,
        Err(refusal) => {
            assert_eq!(refusal.check, "append-only", "{refusal}");
            assert_eq!(refusal.proof.is_some(), refusal.exit.code() == 11);
            refusal.exit.code()
        }
    }
}

#[test]
fn what_was_accepted_before_must_be_continued() {
    let scene = Scene::whole();
    let (now, before) = (&scene.files["checkpoint"], &good().older["checkpoint"]);
    let size = scene.manifest.checkpoint.size;
    assert_eq!(after(now, false), 0, "the same tree");
    assert_eq!(after(before, true), 0, "a tree that is proven to be continued");
    assert_eq!(
        after(before, false),
        12,
        "a tree that nothing shows to be continued"
    );
    assert_eq!(
        after(signed(size, b"fork").as_bytes(), true),
        11,
        "the same size with another root"
    );
    assert_eq!(
        after(signed(Size::new(size.get() + 9), b"later").as_bytes(), true),
        13,
        "a larger tree"
    );
    let earlier = scene.text("earlier");
    let earlier: u64 = earlier.lines().nth(1).unwrap().parse().unwrap();
    assert_eq!(
        after(signed(Size::new(earlier), b"fork").as_bytes(), true),
        11,
        "another past"
    );
    assert_eq!(
        after(signed(Size::new(5), b"some").as_bytes(), true),
        12,
        "another size than the proof is about"
    );
    assert_eq!(
        after(b"nonsense", true),
        0,
        "a memory that the log did not sign is none"
    );
}

#[test]
fn only_what_is_larger_is_remembered() {
    let home = tempfile::tempdir().unwrap();
    let memory = Memory::at(home.path().join("new/folder"));
    let mut whole = Scene::whole();
    let (_bundle, path) = whole.write();
    let mut files = Files::open(&path).unwrap();
    let (_, opened) = verify_bundle(&mut files, &whole.trust(), Some(&memory), &mut |_, _| {}).unwrap();
    assert_eq!(memory.recall(&opened), None);
    memory.keep(&opened).unwrap();
    assert_eq!(memory.recall(&opened).unwrap().note, whole.text("checkpoint"));
    let mut older = Scene::whole();
    older.files = good().older.clone();
    older.covers_up = false;
    let (_bundle, path) = older.write();
    let refusal = verdict(&path, &older.trust(), Some(&memory)).unwrap_err();
    assert_eq!(refusal.exit.code(), 13, "{refusal}");
}
