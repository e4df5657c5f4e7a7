//! Attacks on the files of a bundle and on the archive they are in.

use std::fs;
use std::path::PathBuf;

use portbook_verify::ZipWriter;
use portbook_verify::bundle::MANIFEST;
use tempfile::TempDir;

use super::scene::{Case, FileMap, Scene, python, refuse, verdict};

#[test]
fn tampered_folders_are_refused() {
    refuse(Scene::whole, FOLDERS);
}

const FOLDERS: &[Case] = &[
    Case {
        name: "a file that belongs to no bundle",
        tamper: |it| it.put("extra.txt", b"x".to_vec()),
        refused: (10, "files"),
    },
    Case {
        name: "a file of tiles",
        tamper: |it| it.put("entries/x000/001", b"x".to_vec()),
        refused: (10, "files"),
    },
    Case {
        name: "a partial file of 256",
        tamper: |it| it.put("entries/009.p/256", b"x".to_vec()),
        refused: (10, "files"),
    },
    Case {
        name: "the page changed",
        tamper: |it| {
            it.covers_up = false;
            it.file("verify.html").push(b'x');
        },
        refused: (10, "files"),
    },
    Case {
        name: "README.txt taken away",
        tamper: |it| {
            it.covers_up = false;
            it.files.remove("README.txt");
        },
        refused: (10, "files"),
    },
    Case {
        name: "a manifest that says more records",
        tamper: |it| it.manifest.count += 1,
        refused: (10, "files"),
    },
    Case {
        name: "a manifest of another port",
        tamper: |it| it.manifest.chain = super::scene::port("CNSHG"),
        refused: (10, "files"),
    },
    Case {
        name: "a byte behind the manifest",
        tamper: |it| {
            it.covers_up = false;
            it.file(MANIFEST).push(b'\n');
        },
        refused: (10, "files"),
    },
    Case {
        name: "no manifest",
        tamper: |it| {
            it.files.remove(MANIFEST);
        },
        refused: (12, "files"),
    },
    Case {
        name: "no checkpoint",
        tamper: |it| {
            it.files.remove("checkpoint");
        },
        refused: (12, "files"),
    },
];

/// The files as an archive, in this order.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Vec::new());
    for (name, bytes) in files {
        archive.add(name, bytes).unwrap();
    }
    archive.finish().unwrap()
}

fn sorted(files: &FileMap) -> Vec<(&str, &[u8])> {
    let entry = |name: &'static str| (name, files[name].as_slice());
    let rest = files.iter().filter(|(name, _)| *name != MANIFEST);
    rest.map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
        .chain([entry(MANIFEST)])
        .collect()
}

fn write(bytes: &[u8]) -> (TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("bundle.zip");
    fs::write(&path, bytes).unwrap();
    (home, path)
}

#[test]
fn archives_in_any_other_form_are_refused() {
    let scene = Scene::whole();
    let good = zip(&sorted(&scene.files));
    let (_home, path) = write(&good);
    verdict(&path, &scene.trust(), None).unwrap();
    assert_eq!(python(&path), 0);
    let twice: Vec<_> = sorted(&scene.files)
        .into_iter()
        .flat_map(|entry| [entry, entry])
        .collect();
    let reversed: Vec<_> = sorted(&scene.files).into_iter().rev().collect();
    let mut climbing = sorted(&scene.files);
    climbing.insert(0, ("../evil", b"x"));
    let (mut flag, mut method, mut date, mut checksum) =
        (good.clone(), good.clone(), good.clone(), good.clone());
    flag[6] ^= 1;
    method[8] = 8;
    date[12] ^= 1;
    checksum[14] ^= 1;
    let count = good.len() - 12;
    let mut counted = good.clone();
    counted[count] ^= 1;
    for (name, archive) in [
        ("a byte behind", [good.as_slice(), b"x"].concat()),
        ("a byte before", [b"P", good.as_slice()].concat()),
        ("cut in the middle", good[..good.len() / 2].to_vec()),
        ("cut in the directory", good[..good.len() - 30].to_vec()),
        ("no directory", good[..good.len() - 1].to_vec()),
        ("nothing", b"PK".to_vec()),
        ("an empty archive", zip(&[])),
        ("every file twice", zip(&twice)),
        ("files in reverse", zip(&reversed)),
        ("a path that leads out", zip(&climbing)),
        ("encrypted", flag),
        ("compressed", method),
        ("dated", date),
        ("another checksum", checksum),
        ("another count", counted),
        ("not an archive", b"PK\x03\x04".repeat(100)),
    ] {
        let (_home, path) = write(&archive);
        let refusal = verdict(&path, &scene.trust(), None).expect_err(name);
        assert_eq!(
            (refusal.exit.code(), refusal.check),
            (10, "files"),
            "{name}: {refusal}"
        );
        assert_eq!(python(&path), 10, "{name}");
    }
}

#[test]
fn a_link_in_a_folder_is_refused() {
    let mut scene = Scene::whole();
    let (_home, path) = scene.write();
    let readme = path.join("README.txt");
    let moved = path.with_file_name("elsewhere");
    fs::rename(&readme, &moved).unwrap();
    std::os::unix::fs::symlink(&moved, &readme).unwrap();
    let refusal = verdict(&path, &scene.trust(), None).unwrap_err();
    assert_eq!((refusal.exit.code(), refusal.check), (10, "files"), "{refusal}");
    assert_eq!(python(&path), 10);
}
