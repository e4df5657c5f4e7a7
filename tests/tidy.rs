//! The architecture, held by a test: who may use whom, who owns what, how files, documents and settings look.
//!
//! Each rule is fed a bad snippet beside its code and must complain; the one test here applies all of them to the tree.

mod tidy {
    pub(crate) mod arrow;
    pub(crate) mod choke;
    pub(crate) mod document;
    pub(crate) mod layer;
    pub(crate) mod manifest;
    pub(crate) mod owner;
    pub(crate) mod setting;
    pub(crate) mod shape;
    pub(crate) mod spoken;
    pub(crate) mod tree;
    pub(crate) mod word;
}

use crate::tidy::tree::Tree;
use crate::tidy::{arrow, choke, document, manifest, owner, setting, shape, spoken, word};

#[test]
fn the_tree_keeps_every_rule() {
    let tree = Tree::read().unwrap();
    assert!(
        tree.files.len() > 100,
        "only {} files were found; where is the rest?",
        tree.files.len()
    );
    let (manifests, mut findings) = manifest::read(&tree);
    findings.extend(arrow::check(&manifests));
    findings.extend(owner::check(&manifests));
    findings.extend(shape::check(&tree));
    findings.extend(word::check(&tree));
    findings.extend(choke::check(&tree));
    findings.extend(document::check(&tree));
    findings.extend(setting::check(&tree));
    findings.extend(spoken::check(&tree, spoken::help).unwrap());
    findings.sort();
    let text: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(
        findings.is_empty(),
        "{} findings\n{}",
        findings.len(),
        text.join("\n")
    );
}
