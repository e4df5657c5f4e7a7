//! A vault gives back what was put there, to whoever has its key, and nothing after it was erased.

#![expect(clippy::unwrap_used, reason = "a test's builders")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use portbook_ledger::Hash;
use portbook_vault::{Disclosure, Sealing, Undisclosed, Vault, VaultError, VaultKey};

const VALUE: &[u8] = b"Nordlicht Magnete GmbH, Itzehoe";

fn sealing(seed: u8) -> Sealing {
    Sealing {
        salt: [seed; 32],
        nonce: [seed ^ 0x55; 24],
    }
}

fn vault(directory: &Path, key: u8) -> Vault {
    Vault::new(directory.join("vault"), VaultKey::from_bytes([key; 32]))
}

/// All bytes of all files, one behind the other.
fn bytes_in(directory: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        bytes.extend_from_slice(entry.file_name().as_encoded_bytes());
        if entry.file_type().unwrap().is_dir() {
            bytes.extend(bytes_in(&entry.path()));
        } else {
            bytes.extend(fs::read(entry.path()).unwrap());
        }
    }
    bytes
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn a_value_is_given_back_and_opens_its_commitment_alone() {
    let directory = tempfile::tempdir().unwrap();
    let vault = vault(directory.path(), 1);
    let one = vault.put("end_user", VALUE, sealing(1)).unwrap();
    let other = vault.put("end_user", VALUE, sealing(2)).unwrap();
    assert_ne!(one, other, "the same value twice is two commitments");
    let disclosed = vault.disclose(one).unwrap();
    assert_eq!(
        (disclosed.field.as_str(), disclosed.value.as_slice()),
        ("end_user", VALUE)
    );
    assert_eq!(disclosed.check(one), Ok(()));
    assert_eq!(
        disclosed.check(other),
        Err(Undisclosed::Differs {
            expected: other,
            found: one
        })
    );
    for changed in [
        Disclosure {
            field: "applicant".into(),
            ..disclosed.clone()
        },
        Disclosure {
            value: b"Nordlicht".to_vec(),
            ..disclosed.clone()
        },
        Disclosure {
            salt: [9; 32],
            ..disclosed.clone()
        },
    ] {
        assert!(changed.check(one).is_err());
    }
}

#[test]
fn nothing_of_a_value_is_readable_without_the_key_and_nothing_is_left_after_it_is_erased() {
    let directory = tempfile::tempdir().unwrap();
    let vault = vault(directory.path(), 1);
    let kept = vault.put("applicant", b"Somebody else", sealing(3)).unwrap();
    let before = bytes_in(directory.path());
    let commitment = vault.put("end_user", VALUE, sealing(4)).unwrap();
    let file = directory.path().join(format!("vault/{commitment}.sealed"));
    let sealed = fs::read(&file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        sealed.len() % 256,
        4 + 24 + 16,
        "the length says nothing about the value"
    );
    for part in [VALUE, &[4; 32], b"end_user"] {
        assert!(!holds(&bytes_in(directory.path()), part));
    }
    assert!(vault.erase(commitment).unwrap());
    let after = bytes_in(directory.path());
    assert_eq!(after, before, "the vault is as if the value had never been there");
    for part in sealed.chunks(16) {
        assert!(!holds(&after, part), "a part of the entry is left");
    }
    assert!(!vault.erase(commitment).unwrap());
    assert!(matches!(
        vault.disclose(commitment),
        Err(VaultError::Nothing { .. })
    ));
    vault.disclose(kept).unwrap();
}

#[test]
fn an_entry_is_written_over_before_its_name_goes() {
    let directory = tempfile::tempdir().unwrap();
    let vault = vault(directory.path(), 1);
    let commitment = vault.put("end_user", VALUE, sealing(5)).unwrap();
    let file = directory.path().join(format!("vault/{commitment}.sealed"));
    // A second name for the same bytes on disk: what stands there after the first is gone.
    let witness = directory.path().join("witness");
    fs::hard_link(&file, &witness).unwrap();
    vault.erase(commitment).unwrap();
    assert!(fs::read(&witness).unwrap().iter().all(|byte| *byte == 0));
}

#[test]
fn damage_another_key_and_exchanged_entries_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let vault_of_one = vault(directory.path(), 1);
    let (a, b) = (
        vault_of_one.put("end_user", b"a", sealing(1)).unwrap(),
        vault_of_one.put("end_user", b"b", sealing(2)).unwrap(),
    );
    let path = |commitment: Hash| directory.path().join(format!("vault/{commitment}.sealed"));
    assert!(matches!(
        vault(directory.path(), 2).disclose(a),
        Err(VaultError::Unreadable { .. })
    ));
    let sealed = fs::read(path(a)).unwrap();
    for at in 0..sealed.len() {
        let mut damaged = sealed.clone();
        *damaged.get_mut(at).unwrap() ^= 1;
        fs::write(path(a), damaged).unwrap();
        assert!(vault_of_one.disclose(a).is_err(), "byte {at}");
    }
    for length in 0..sealed.len() {
        fs::write(path(a), sealed.get(..length).unwrap()).unwrap();
        assert!(vault_of_one.disclose(a).is_err(), "{length} bytes");
    }
    fs::copy(path(b), path(a)).unwrap();
    assert!(vault_of_one.disclose(a).is_err());
}
