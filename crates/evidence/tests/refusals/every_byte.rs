//! Proof objects with every byte flipped, and every line dropped, doubled and grown: none of them is accepted.

use super::scene::{Scene, verdict};

/// Writes the bundle once and offers one file of it in many wrong forms.
fn never_accepted(scene: fn() -> Scene, name: &str) {
    let mut scene = scene();
    let good = scene.files[name].clone();
    let trust = scene.trust();
    let (_home, path) = scene.write();
    verdict(&path, &trust, None).unwrap();
    let offer = |bytes: &[u8], what: &str| {
        std::fs::write(path.join(name), bytes).unwrap();
        if let Ok(()) = verdict(&path, &trust, None) {
            panic!("{name} is accepted with {what}");
        }
    };
    for at in 0..good.len() {
        for bit in [1, 0x20] {
            let mut flipped = good.clone();
            flipped[at] ^= bit;
            offer(&flipped, &format!("byte {at} flipped"));
        }
    }
    let lines: Vec<&[u8]> = good.split_inclusive(|byte| *byte == b'\n').collect();
    for (at, line) in lines.iter().enumerate() {
        let (before, behind) = (lines[..at].concat(), lines[at + 1..].concat());
        let with = |middle: &[u8]| [before.as_slice(), middle, behind.as_slice()].concat();
        offer(&with(b""), &format!("line {at} dropped"));
        offer(&with(&[line, *line].concat()), &format!("line {at} doubled"));
        let bare = line.strip_suffix(b"\n").unwrap();
        if bare.is_empty() {
            continue;
        }
        offer(&with(&[bare, b"A\n"].concat()), &format!("line {at} grown"));
        offer(
            &with(&[&bare[..bare.len().saturating_sub(1)], b"\n"].concat()),
            &format!("line {at} cut"),
        );
    }
    offer(&[good.as_slice(), &good].concat(), "itself behind it");
    offer(&[good.as_slice(), b"\n"].concat(), "an empty line behind it");
    offer(&[b"\n", good.as_slice()].concat(), "an empty line before it");
    std::fs::write(path.join(name), &good).unwrap();
    verdict(&path, &trust, None).unwrap();
}

#[test]
fn the_checkpoint() {
    never_accepted(Scene::absent, "checkpoint");
}

#[test]
fn the_proof_of_the_seal() {
    never_accepted(Scene::absent, "seal.tlog-proof");
}

#[test]
fn the_head() {
    never_accepted(Scene::absent, "head");
}

#[test]
fn the_manifest() {
    never_accepted(Scene::absent, "MANIFEST.json");
}

#[test]
fn the_range() {
    never_accepted(Scene::range, "range");
}

#[test]
fn the_consistency_proof() {
    never_accepted(Scene::absent, "consistency");
}

#[test]
fn the_earlier_checkpoint() {
    never_accepted(Scene::absent, "earlier");
}
