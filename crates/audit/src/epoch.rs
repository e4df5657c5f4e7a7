//! Epochs: a ledger that was restored from a backup says from where on it is another history than some may remember.

use portbook_ledger::{Hash, Record};
use portbook_wire::control::{Control, parse_control};

/// A declared epoch, as its record states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    /// Its number; a ledger begins in epoch 1 without saying so.
    pub number: u64,
    /// Leaf index of the declaration, which is the number of leaves that were restored.
    pub index: u64,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub declared_by: String,
    /// When it was declared, by the operator's clock.
    pub declared_at: String,
}

/// Reads a control record as the declaration of an epoch; none for any other. `root` is the root of all leaves before it.
///
/// # Errors
/// The rule that a declaration breaks: it must be the first record behind the tree that was restored, and name that tree.
pub(crate) fn epoch_of(index: u64, record: &Record<'_>, root: Hash) -> Result<Option<Epoch>, String> {
    let Ok(Control::EpochDeclared(declared)) = parse_control(record.subject, record.body) else {
        return Ok(None);
    };
    if declared.restored_size != index || declared.restored_root.as_str() != root.to_hex() {
        return Err(format!(
            "it declares an epoch behind {} leaves with root {}, and stands behind {index} with root {root}",
            declared.restored_size, declared.restored_root
        ));
    }
    Ok(Some(Epoch {
        number: declared.epoch,
        index,
        reason: declared.reason.to_string(),
        declared_by: declared.declared_by.to_string(),
        declared_at: declared.declared_at.to_string(),
    }))
}

#[cfg(test)]
mod tests {
    use portbook_ledger::{Chain, ChainSeq, RecordKind, Seq};

    use super::*;

    const BODY: &[u8] = include_bytes!("../../../tests/golden/control/epoch.declared/v1/full.json");
    const SIZE: u64 = 24_735;
    const ROOT: &str = "4813494d137e1631bba301d5acab6e7bb7aa74ce1185d456565ef51d737677b2";

    fn declaration() -> Record<'static> {
        Record {
            kind: RecordKind::Control,
            chain: Chain::CONTROL,
            chain_seq: ChainSeq::new(9).unwrap(),
            prev_index: None,
            prev_hash: Hash::ZERO,
            stream_seq: Seq::new(SIZE + 1).unwrap(),
            recorded_at_ns: 0,
            refers_to: None,
            subject: "portbook.control.epoch-declared",
            signature: None,
            body: BODY,
        }
    }

    #[test]
    fn an_epoch_stands_right_behind_the_tree_it_names_or_breaks_a_rule() {
        let root = Hash::from_hex(ROOT).unwrap();
        let epoch = epoch_of(SIZE, &declaration(), root).unwrap().unwrap();
        assert_eq!((epoch.number, epoch.index), (2, SIZE));
        assert_eq!(
            (epoch.reason.as_str(), epoch.declared_by.as_str()),
            ("disk replaced", "operator-3")
        );
        epoch_of(SIZE + 1, &declaration(), root).unwrap_err();
        epoch_of(SIZE, &declaration(), Hash::ZERO).unwrap_err();
        let other = Record {
            subject: "portbook.control.seal",
            ..declaration()
        };
        assert_eq!(epoch_of(0, &other, Hash::ZERO), Ok(None));
    }
}
