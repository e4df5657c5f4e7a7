//! Texts of note keys.

use super::*;

fn signer(name: &str, algorithm: NoteAlgorithm) -> SignerKey {
    SignerKey::new(
        KeyName::new(name).unwrap(),
        algorithm,
        SecretKey::from_seed(&[7; 32]),
    )
}

#[test]
fn key_texts_come_back_as_they_were() {
    for algorithm in [NoteAlgorithm::Ed25519, NoteAlgorithm::CosignatureV1] {
        let key = signer("portbook.example/re", algorithm);
        let secret = key.to_secret_text();
        assert_eq!(SignerKey::parse(&secret).unwrap().to_secret_text(), secret);
        let public = key.verifier().to_string();
        assert_eq!(VerifierKey::parse(&public).as_ref(), Ok(key.verifier()));
    }
}

#[test]
fn the_same_key_has_another_hash_for_another_name_or_algorithm() {
    let hash = |name, algorithm| signer(name, algorithm).verifier().id().hash;
    assert_ne!(
        hash("a", NoteAlgorithm::Ed25519),
        hash("b", NoteAlgorithm::Ed25519)
    );
    assert_ne!(
        hash("a", NoteAlgorithm::Ed25519),
        hash("a", NoteAlgorithm::CosignatureV1)
    );
}

#[test]
fn altered_key_texts_are_refused() {
    let text = signer("example.org/log", NoteAlgorithm::Ed25519)
        .verifier()
        .to_string();
    for at in 0..text.len() {
        for byte in [b'A', b'0', b'+', b' ', b'='] {
            let mut altered = text.clone().into_bytes();
            if altered[at] != byte {
                altered[at] = byte;
                assert!(
                    VerifierKey::parse(&String::from_utf8(altered).unwrap()).is_err(),
                    "byte {at}"
                );
            }
        }
    }
    for other in [
        &text[1..],
        &text[..text.len() - 1],
        &format!("{text}\n"),
        &format!("{text}+"),
    ] {
        assert!(VerifierKey::parse(other).is_err(), "{other:?}");
    }
}

#[test]
fn secrets_are_not_shown() {
    let key = signer("example.org/log", NoteAlgorithm::Ed25519);
    assert!(!format!("{key:?}").contains("7, 7"));
    let broken = key.to_secret_text().replace("PRIVATE+KEY+", "PRIVATE+KEY:");
    assert!(
        !SignerKey::parse(&broken)
            .unwrap_err()
            .to_string()
            .contains("BwcH")
    );
}
