//! A good bundle, what can be done to it, and what both verifiers then say.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use portbook_evidence::{Bundle, Evidence, Sink, Span};
use portbook_ledger::{Chain, Origin, Policy, SignerKey, sha256};
use portbook_testkit::ledger::TestLedger;
use portbook_verify::bundle::{Listed, MANIFEST, Manifest};
use portbook_verify::{Entries, Files, Memory, Refusal, Trust, verify_bundle};
use tempfile::TempDir;

pub(crate) const ORIGIN: &str = "test.example/refusals";
/// Records of the port that the bundles are about.
pub(crate) const RECORDS: u64 = 600;

/// Files by name.
pub(crate) type FileMap = BTreeMap<String, Vec<u8>>;

/// One way to be wrong.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) tamper: fn(&mut Scene),
    /// Exit code and check of the refusal.
    pub(crate) refused: (u8, &'static str),
}

/// A bundle under attack.
pub(crate) struct Scene {
    pub(crate) files: FileMap,
    pub(crate) manifest: Manifest,
    /// The attacker writes the manifest again, so that it gives nothing away.
    pub(crate) covers_up: bool,
    pub(crate) policy: Option<String>,
}

/// Good bundles of every kind, made once.
pub(crate) struct Good {
    pub(crate) ledger: TestLedger,
    whole: (FileMap, Manifest),
    range: (FileMap, Manifest),
    absent: (FileMap, Manifest),
    /// The same port under the checkpoint before.
    pub(crate) older: FileMap,
    pub(crate) other_port: FileMap,
}

pub(crate) fn port(code: &str) -> Chain {
    Chain::port(code).unwrap()
}

/// The ledger and its bundles. Two ports take turns, so that leaf and position differ.
pub(crate) fn good() -> &'static Good {
    static GOOD: OnceLock<Good> = OnceLock::new();
    GOOD.get_or_init(|| {
        let mut ledger = TestLedger::create(ORIGIN).unwrap();
        for number in 0..RECORDS {
            ledger
                .append(port("CNNBG"), format!("{{\"n\":{number}}}").as_bytes())
                .unwrap();
            if number % 3 == 0 {
                ledger.append(port("CNSHG"), b"{}").unwrap();
            }
            if number == 300 {
                ledger.seal().unwrap();
            }
        }
        ledger.seal().unwrap();
        let evidence = Evidence::new(
            ledger.store().reader(),
            ledger.directory(),
            ledger.key().verifier().clone(),
        )
        .unwrap();
        let now = (*evidence.published().unwrap().unwrap()).clone();
        let before = evidence.published_sizes().unwrap()[0];
        let before = evidence.published_at(before).unwrap().unwrap();
        let of = |published, chain, span, earlier| {
            let policy = format!("log {}\nquorum none\n", evidence.log_key());
            pack(
                &evidence,
                &Bundle {
                    published,
                    chain,
                    span,
                    earlier,
                    policy: &policy,
                },
            )
        };
        let nbg = port("CNNBG");
        Good {
            whole: of(&now, nbg, Span::All, Some(&before)),
            range: of(&now, nbg, Span::Positions(290..=560), None),
            absent: of(&now, port("CNRRR"), Span::All, Some(&before)),
            older: of(&before, nbg, Span::All, None).0,
            other_port: of(&now, port("CNSHG"), Span::All, None).0,
            ledger,
        }
    })
}

fn pack(evidence: &Evidence, bundle: &Bundle<'_>) -> (FileMap, Manifest) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("bundle");
    let mut sink = Sink::folder(&path).unwrap();
    let manifest = evidence.write_bundle(bundle, &mut sink, &mut |_, _| {}).unwrap();
    sink.finish().unwrap();
    (files_of(&path), manifest)
}

/// Reads a folder.
pub(crate) fn files_of(path: &Path) -> FileMap {
    let mut files = Files::open(path).unwrap();
    let names = files.names().to_vec();
    names
        .into_iter()
        .map(|name| (name.clone(), files.read(&name).unwrap().unwrap()))
        .collect()
}

impl Scene {
    pub(crate) fn whole() -> Self {
        Self::of(&good().whole)
    }

    pub(crate) fn range() -> Self {
        Self::of(&good().range)
    }

    pub(crate) fn absent() -> Self {
        Self::of(&good().absent)
    }

    fn of((files, manifest): &(FileMap, Manifest)) -> Self {
        Self {
            files: files.clone(),
            manifest: manifest.clone(),
            covers_up: true,
            policy: None,
        }
    }

    pub(crate) fn file(&mut self, name: &str) -> &mut Vec<u8> {
        self.files.get_mut(name).unwrap_or_else(|| panic!("no {name}"))
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.files[name].clone()).unwrap()
    }

    pub(crate) fn put(&mut self, name: &str, bytes: impl Into<Vec<u8>>) {
        self.files.insert(name.to_owned(), bytes.into());
    }

    /// Replaces text in a file, which must be there.
    pub(crate) fn replace(&mut self, name: &str, from: &str, to: &str) {
        let text = self.text(name);
        assert!(text.contains(from), "{name} has no {from:?}: {text}");
        self.put(name, text.replacen(from, to, 1));
    }

    /// The records of one file.
    pub(crate) fn leaves(&self, name: &str) -> Vec<Vec<u8>> {
        Entries::new(&self.files[name])
            .map(|leaf| leaf.unwrap().to_vec())
            .collect()
    }

    pub(crate) fn put_leaves(&mut self, name: &str, leaves: &[Vec<u8>]) {
        let mut bytes = Vec::new();
        for leaf in leaves {
            Entries::append(&mut bytes, leaf);
        }
        self.put(name, bytes);
    }

    /// Changes the record at `place` of a file.
    pub(crate) fn with_leaf(&mut self, name: &str, place: usize, change: impl FnOnce(&mut Vec<u8>)) {
        let mut leaves = self.leaves(name);
        change(&mut leaves[place]);
        self.put_leaves(name, &leaves);
    }

    fn cover_up(&mut self) {
        let listed = self.files.iter().filter(|(name, _)| *name != MANIFEST);
        let files = listed.map(|(name, bytes)| Listed {
            name: name.clone(),
            bytes: u64::try_from(bytes.len()).unwrap(),
            sha256: sha256(&[bytes]),
        });
        let manifest = Manifest {
            files: files.collect(),
            ..self.manifest.clone()
        };
        self.put(MANIFEST, manifest.to_string());
    }

    /// Writes the bundle as a folder.
    pub(crate) fn write(&mut self) -> (TempDir, PathBuf) {
        if self.covers_up && self.files.contains_key(MANIFEST) {
            self.cover_up();
        }
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("bundle");
        for (name, bytes) in &self.files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        (home, root)
    }

    pub(crate) fn trust(&self) -> Trust {
        Trust::new(match &self.policy {
            Some(policy) => Policy::parse(policy.as_bytes()).unwrap(),
            None => Policy::of_log(key().verifier().clone()),
        })
    }
}

/// The log key.
pub(crate) fn key() -> &'static SignerKey {
    good().ledger.key()
}

pub(crate) fn origin() -> &'static Origin {
    good().ledger.origin()
}

pub(crate) fn verdict(path: &Path, trust: &Trust, memory: Option<&Memory>) -> Result<(), Refusal> {
    let mut files = Files::open(path).map_err(|error| Refusal {
        exit: portbook_verify::Exit::Fault,
        check: "files",
        reason: error.to_string(),
        proof: None,
    })?;
    verify_bundle(&mut files, trust, memory, &mut |_, _| {}).map(|_| ())
}

/// Exit code of the verifier in Python.
pub(crate) fn python(path: &Path) -> u8 {
    python_said(path).0
}

/// Exit code and words of the verifier in Python.
pub(crate) fn python_said(path: &Path) -> (u8, String) {
    run_python("verify.py", "--key", &key().verifier().to_string(), path)
}

/// Exit code and words of the verifier in Python that asks for a quorum.
pub(crate) fn python_with(policy: &str, path: &Path) -> (u8, String) {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), policy).unwrap();
    run_python("quorum.py", "--policy", file.path().to_str().unwrap(), path)
}

fn run_python(script: &str, flag: &str, value: &str, path: &Path) -> (u8, String) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/evidence");
    let run = Command::new("python3")
        .arg(Path::new(folder).join(script))
        .args([flag, value])
        .arg(path)
        .output()
        .expect("the tests need python3");
    let code = run.status.code().unwrap();
    let told = String::from_utf8_lossy(&run.stderr);
    assert!(!told.contains("Traceback"), "{told}");
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    (u8::try_from(code).unwrap(), said)
}

/// Runs a table of cases, each of which both verifiers must refuse in the same way.
pub(crate) fn refuse(scene: fn() -> Scene, cases: &[Case]) {
    for case in cases {
        let mut scene = scene();
        (case.tamper)(&mut scene);
        let (_home, path) = scene.write();
        let refusal = verdict(&path, &scene.trust(), None).expect_err(case.name);
        let found = (refusal.exit.code(), refusal.check);
        assert_eq!(found, case.refused, "{}: {refusal}", case.name);
        let (code, told) = match &scene.policy {
            None => python_said(&path),
            Some(policy) => python_with(policy, &path),
        };
        assert_eq!(code, refusal.exit.code(), "{}: {refusal}; {told}", case.name);
    }
}

#[test]
fn good_bundles_of_every_kind_are_accepted_by_both() {
    for scene in [Scene::whole, Scene::range, Scene::absent] {
        let mut scene = scene();
        let written = scene.files[MANIFEST].clone();
        let (_home, path) = scene.write();
        assert_eq!(scene.files[MANIFEST], written);
        verdict(&path, &scene.trust(), None).unwrap();
        assert_eq!(python(&path), 0);
    }
}
