//! The text files that people wrote, and what a rule says about one of them.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Folders that are read, in full; the root's own files are read beside them.
const FOLDERS: &[&str] = &["config", "crates", "docs", "examples", "tests", "tools"];
/// Endings of text that people write. Tables, vectors and examples are data.
const ENDINGS: &[&str] = &["conf", "md", "py", "rs", "toml"];

/// One text file.
#[derive(Debug, Clone)]
pub(crate) struct TextFile {
    /// Path below the root, with `/` between its parts.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

/// The tree as one pass found it.
#[derive(Debug)]
pub(crate) struct Tree {
    /// Where it begins.
    pub(crate) root: PathBuf,
    /// Its text files, sorted by path.
    pub(crate) files: Vec<TextFile>,
}

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    rule: String,
    instead: String,
}

impl TextFile {
    /// A file from its parts.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    /// What a rule says about line `line`, from 1, and what to write instead.
    pub(crate) fn finding(
        &self,
        line: usize,
        rule: impl Into<String>,
        instead: impl Into<String>,
    ) -> Finding {
        Finding {
            path: self.path.clone(),
            line,
            rule: rule.into(),
            instead: instead.into(),
        }
    }

    /// Last part of the path.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The crate it belongs to, by the name of its folder.
    pub(crate) fn krate(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    /// Whether its name has this ending.
    pub(crate) fn ends_in(&self, ending: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|it| it == ending)
    }

    /// Its lines with their numbers, from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }
}

impl Tree {
    /// Reads the tree this test was built from.
    pub(crate) fn read() -> io::Result<Self> {
        let root = fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))?;
        let mut files = Vec::new();
        gather(&root, &root, &mut files, |name| FOLDERS.contains(&name))?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { root, files })
    }

    /// A tree of these files, for tests of rules.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files = files
            .iter()
            .map(|(path, text)| TextFile::new(path, text))
            .collect();
        Self {
            root: PathBuf::new(),
            files,
        }
    }

    /// The file at `path`.
    pub(crate) fn file(&self, path: &str) -> Option<&TextFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The manifests of all crates, by the names of their folders.
    pub(crate) fn manifests(&self) -> impl Iterator<Item = (&str, &TextFile)> {
        self.files.iter().filter_map(|file| {
            let name = file.krate()?;
            (file.path == format!("crates/{name}/Cargo.toml")).then_some((name, file))
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}: {}; instead: {}",
            self.path, self.line, self.rule, self.instead
        )
    }
}

fn gather(root: &Path, folder: &Path, files: &mut Vec<TextFile>, enter: fn(&str) -> bool) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if path.is_dir() {
            if enter(name) {
                // What a build, an editor or Python leaves behind is nobody's text.
                gather(root, &path, files, |name| {
                    !matches!(name, "target" | "__pycache__") && !name.starts_with('.')
                })?;
            }
        } else if name == "Makefile"
            || ENDINGS
                .iter()
                .any(|ending| path.extension().is_some_and(|it| it == *ending))
        {
            let below: Vec<&str> = path
                .strip_prefix(root)
                .iter()
                .flat_map(|it| it.iter())
                .filter_map(|it| it.to_str())
                .collect();
            files.push(TextFile {
                path: below.join("/"),
                text: fs::read_to_string(&path)?,
            });
        }
    }
    Ok(())
}

#[test]
fn a_finding_says_where_and_what_to_do() {
    let finding = TextFile::new("crates/x/src/a.rs", "").finding(3, "a rule", "do that");
    assert_eq!(
        finding.to_string(),
        "crates/x/src/a.rs:3: a rule; instead: do that"
    );
}

#[test]
fn the_tree_is_this_one() {
    let tree = Tree::read().unwrap();
    assert!(
        tree.file("tests/tidy/tree.rs")
            .unwrap()
            .text
            .contains("the_tree_is_this_one")
    );
    assert!(tree.manifests().any(|(name, _)| name == "ledger"));
    assert!(tree.files.iter().all(|file| !file.path.contains("target/")));
}
