//! Signed notes and checkpoints: strict reading, whole refusal, and the same verdicts as `signed_note` where it is as strict.

use portbook_ledger::{
    Checkpoint, CheckpointError, KeyName, Note, NoteAlgorithm, NoteError, NoteSignature, OpenedCheckpoint,
    Origin, SecretKey, SignerKey, Size, VerifierKey, leaf_hash,
};
use signed_note::{StandardSigner, StandardVerifier, VerifierList};

const LOG: &str = "portbook.example/re";

fn key(name: &str, algorithm: NoteAlgorithm, seed: u8) -> SignerKey {
    SignerKey::new(
        KeyName::new(name).unwrap(),
        algorithm,
        SecretKey::from_seed(&[seed; 32]),
    )
}

fn log() -> SignerKey {
    key(LOG, NoteAlgorithm::Ed25519, 1)
}

fn witness(name: &str, seed: u8) -> SignerKey {
    key(name, NoteAlgorithm::CosignatureV1, seed)
}

fn origin() -> Origin {
    Origin::new(LOG).unwrap()
}

fn checkpoint() -> Checkpoint {
    Checkpoint {
        origin: origin(),
        size: Size::new(131_204),
        root: leaf_hash(b"root"),
    }
}

fn signed() -> Note {
    checkpoint().sign(&log()).unwrap()
}

fn open(note: &str, witnesses: &[VerifierKey]) -> Result<OpenedCheckpoint, CheckpointError> {
    OpenedCheckpoint::open(note.as_bytes(), &origin(), log().verifier(), witnesses)
}

/// Signs `text` with the log's key, whatever it says.
fn log_signs(text: &str) -> String {
    Note::new(text).unwrap().signed(&log()).to_string()
}

#[test]
fn a_signed_checkpoint_opens() {
    let opened = open(&signed().to_string(), &[]).unwrap();
    assert_eq!(opened.checkpoint, checkpoint());
    assert!(opened.cosignatures.is_empty());
}

#[test]
fn every_changed_byte_of_a_note_is_refused() {
    let note = signed()
        .cosigned(&witness("w.example", 2), 1_750_000_000)
        .to_string();
    let known = [witness("w.example", 2).verifier().clone()];
    let good = open(&note, &known).unwrap();
    for at in 0..note.len() {
        for value in 0..=255_u8 {
            let mut altered = note.clone().into_bytes();
            altered[at] = value;
            let opened = OpenedCheckpoint::open(&altered, &origin(), log().verifier(), &known);
            if altered != note.as_bytes()
                && let Ok(opened) = opened
            {
                // A changed name or key hash makes the witness an unknown one; what the log signed stays as it was.
                assert_eq!(opened.checkpoint, good.checkpoint);
                assert!(opened.cosignatures.is_empty(), "byte {at} as {value}");
            }
        }
        assert!(
            open(&note[..note.floor_char_boundary(at)], &known).is_err() || at >= signed().to_string().len()
        );
    }
}

#[test]
fn checkpoint_texts_have_one_spelling() {
    let root = leaf_hash(b"root").to_base64();
    let refused = |text: &str| open(&log_signs(text), &[]).unwrap_err();
    for size in [
        "0131204",
        "+131204",
        "-1",
        "131204 ",
        " 131204",
        "0x1",
        "",
        "18446744073709551616",
        "1_0",
        "१",
    ] {
        let error = refused(&format!("{LOG}\n{size}\n{root}\n"));
        assert!(matches!(error, CheckpointError::Size { .. }), "{size:?}: {error}");
    }
    for root in [
        "",
        &root[..43],
        &root.replace('=', "A"),
        &format!("{root}="),
        &format!(" {root}"),
        "AAAA",
    ] {
        let error = refused(&format!("{LOG}\n1\n{root}\n"));
        assert!(matches!(error, CheckpointError::Root { .. }), "{root:?}: {error}");
    }
    for text in [
        format!("{LOG}\n1\n"),
        format!("{LOG}\n1\n{root}\nextension\n"),
        format!("{LOG}\n1\n{root}\n\n"),
    ] {
        assert!(
            matches!(refused(&text), CheckpointError::LineCount { .. }),
            "{text:?}"
        );
    }
    for name in ["", "a b", "a+b"] {
        assert!(
            matches!(
                refused(&format!("{name}\n1\n{root}\n")),
                CheckpointError::Origin { .. }
            ),
            "{name:?}"
        );
    }
    assert!(matches!(
        refused(&format!("portbook.example/rf\n1\n{root}\n")),
        CheckpointError::OtherLog { .. }
    ));
    for size in [0, u64::MAX] {
        let text = format!("{LOG}\n{size}\n{root}\n");
        assert_eq!(open(&log_signs(&text), &[]).unwrap().checkpoint.to_string(), text);
    }
}

#[test]
fn notes_have_one_shape() {
    let note = signed().to_string();
    let refused = |note: &str| Note::parse(note.as_bytes()).unwrap_err();
    assert_eq!(
        refused(&note.replace('\n', "\r\n")),
        NoteError::ControlCharacter { found: 13 }
    );
    assert_eq!(refused(note.trim_end()), NoteError::Shape);
    assert_eq!(refused(&checkpoint().to_string()), NoteError::Shape);
    assert_eq!(refused(&format!("{}\n", checkpoint())), NoteError::Shape);
    assert_eq!(refused(""), NoteError::Shape);
    assert_eq!(refused("\n\n\u{2014} a AAAAAAA=\n"), NoteError::Shape);
    assert_eq!(
        refused(&note.replace(LOG, "a\tb")),
        NoteError::ControlCharacter { found: 9 }
    );
    assert_eq!(
        refused(&note.replace(LOG, "a\0b")),
        NoteError::ControlCharacter { found: 0 }
    );
    for line in [
        "- a AAAAAAAA",
        "\u{2014}  a AAAAAAAA",
        "\u{2014} a",
        "\u{2014} a AAAA",
        "\u{2014} a AAAAAA==",
        "\u{2014} a AAAAAAA",
        "\u{2014} a AAAAAAB=",
        "\u{2014} a+b AAAAAAAA",
        "\u{2014} a AAAAAAAA ",
        "\u{2014} a  AAAAAAAA",
        "",
    ] {
        let error = refused(&format!("{note}{line}\n"));
        assert!(
            matches!(error, NoteError::SignatureLine { .. } | NoteError::Shape),
            "{line:?}: {error}"
        );
    }
    assert_eq!(
        Note::parse(b"a\xff\n\n\xe2\x80\x94 a AAAAAAAA\n"),
        Err(NoteError::NotUtf8)
    );
    let huge = "x".repeat(70_000);
    assert!(matches!(
        refused(&note.replace(LOG, &huge)),
        NoteError::TooLarge { .. }
    ));
    let many = format!("{note}{}", "\u{2014} a AAAAAAAA\n".repeat(100));
    assert_eq!(refused(&many), NoteError::TooManySignatures);
}

#[test]
fn a_text_with_empty_lines_comes_back_whole() {
    for text in ["a\n\nb\n", "a\n\n\n", "a\n\n\u{2014} not a signature AAAAAAAA\n"] {
        let note = Note::new(text).unwrap().signed(&log());
        let parsed = Note::parse(note.to_string().as_bytes()).unwrap();
        assert_eq!((parsed.text(), parsed.to_string()), (text, note.to_string()));
        parsed.verify(&[log().verifier().clone()]).unwrap();
    }
}

fn with_line(note: &Note, line: &str) -> String {
    note.clone()
        .with_signature(NoteSignature::parse(line).unwrap())
        .to_string()
}

fn last_line(note: &Note) -> String {
    note.signatures().last().unwrap().to_string()
}

#[test]
fn one_bad_signature_of_a_known_key_spoils_the_note() {
    let (a, b) = (witness("w.example", 2), witness("v.example", 3));
    let known = [a.verifier().clone(), b.verifier().clone()];
    let other = Note::new("another text\n").unwrap().cosigned(&b, 7);
    let note = with_line(&signed().cosigned(&a, 7), &last_line(&other));
    let error = open(&note, &known).unwrap_err();
    assert_eq!(
        error,
        CheckpointError::Note(NoteError::BadSignature {
            key: b.verifier().id().clone()
        })
    );
    // Unknown to this verifier, the same line says nothing.
    assert_eq!(open(&note, &known[..1]).unwrap().witness_count(&known), 1);
}

#[test]
fn a_key_signs_once() {
    let a = witness("w.example", 2);
    let twice = signed().cosigned(&a, 7).cosigned(&a, 8).to_string();
    let error = open(&twice, &[a.verifier().clone()]).unwrap_err();
    assert_eq!(
        error,
        CheckpointError::Note(NoteError::RepeatedSignature {
            key: a.verifier().id().clone()
        })
    );
    open(&twice, &[]).unwrap();
}

#[test]
fn a_log_signature_is_no_cosignature_and_the_reverse() {
    // The same secret in both roles: only the label keeps the signatures apart.
    let both = key("w.example", NoteAlgorithm::CosignatureV1, 1);
    let log_line = last_line(&signed());
    let mut bytes = 7_u64.to_be_bytes().to_vec();
    bytes.extend_from_slice(&NoteSignature::parse(&log_line).unwrap().bytes);
    let replayed = NoteSignature {
        key: both.verifier().id().clone(),
        bytes,
    };
    let note = signed().with_signature(replayed).to_string();
    assert!(matches!(
        open(&note, &[both.verifier().clone()]),
        Err(CheckpointError::Note(NoteError::BadSignature { .. }))
    ));
    assert!(matches!(
        checkpoint().sign(&both),
        Err(CheckpointError::Role { .. })
    ));
    assert!(matches!(
        open(&note, &[log().verifier().clone()]),
        Err(CheckpointError::Role { .. })
    ));
}

#[test]
fn the_time_of_a_cosignature_is_signed() {
    let a = witness("w.example", 2);
    let note = signed().cosigned(&a, 1_750_000_000);
    let known = [a.verifier().clone()];
    assert_eq!(
        open(&note.to_string(), &known).unwrap().cosignatures[0].cosigned_at_s,
        Some(1_750_000_000)
    );
    let mut redated = note.signatures()[1].clone();
    redated.bytes[7] ^= 1;
    let redated = signed().with_signature(redated).to_string();
    assert!(matches!(
        open(&redated, &known),
        Err(CheckpointError::Note(NoteError::BadSignature { .. }))
    ));
}

#[test]
fn one_witness_under_two_names_counts_once() {
    let (a, b, c) = (
        witness("w.example", 2),
        witness("v.example", 2),
        witness("u.example", 3),
    );
    let known = [&a, &b, &c].map(|key| key.verifier().clone());
    let opened = open(&signed().cosigned(&a, 7).cosigned(&b, 7).to_string(), &known).unwrap();
    assert_eq!(opened.cosignatures.len(), 2);
    assert_eq!(opened.witness_count(&known), 1);
    let opened = open(&signed().cosigned(&a, 7).cosigned(&c, 7).to_string(), &known).unwrap();
    assert_eq!(opened.witness_count(&known), 2);
    assert_eq!(opened.witness_count(&known[..1]), 1);
}

#[test]
fn keys_that_cannot_be_told_apart_are_refused() {
    let a = witness("w.example", 2).verifier().clone();
    let error = open(&signed().to_string(), &[a.clone(), a]).unwrap_err();
    assert!(matches!(
        error,
        CheckpointError::Note(NoteError::AmbiguousKey { .. })
    ));
}

#[test]
fn a_note_the_log_did_not_sign_is_no_checkpoint() {
    let a = witness("w.example", 2);
    let unsigned = Note::new(&checkpoint().to_string())
        .unwrap()
        .cosigned(&a, 7)
        .to_string();
    assert!(matches!(
        open(&unsigned, &[a.verifier().clone()]),
        Err(CheckpointError::NotSignedByLog { .. })
    ));
    assert_eq!(
        open(&unsigned, &[]),
        Err(CheckpointError::Note(NoteError::NoKnownSignature))
    );
    let other_key = key(LOG, NoteAlgorithm::Ed25519, 9);
    let forged = checkpoint().sign(&other_key).unwrap().to_string();
    assert_eq!(
        open(&forged, &[]),
        Err(CheckpointError::Note(NoteError::NoKnownSignature))
    );
}

fn theirs() -> VerifierList {
    VerifierList::new(vec![Box::new(
        StandardVerifier::new(&log().verifier().to_string()).unwrap(),
    )])
}

#[test]
fn signed_note_reads_what_we_sign_and_the_reverse() {
    let ours = signed().to_string();
    let note = signed_note::Note::from_bytes(ours.as_bytes()).unwrap();
    assert_eq!(note.verify(&theirs()).unwrap().0.len(), 1);
    assert_eq!(String::from_utf8(note.to_bytes()).unwrap(), ours);

    let signer = StandardSigner::new(&log().to_secret_text()).unwrap();
    let mut note = signed_note::Note::new(checkpoint().to_string().as_bytes(), &[]).unwrap();
    note.add_sigs(&[&signer]).unwrap();
    assert_eq!(String::from_utf8(note.to_bytes()).unwrap(), ours);
}

#[test]
fn whatever_we_accept_signed_note_accepts() {
    let ours = signed().to_string().into_bytes();
    for at in 0..ours.len() {
        for value in [b'\n', b'\r', b' ', b'+', b'=', b'A', b'0', 0, 0x80, 0xe2] {
            let mut altered = ours.clone();
            altered[at] = value;
            let accepted =
                Note::parse(&altered).is_ok_and(|note| note.verify(&[log().verifier().clone()]).is_ok());
            let theirs =
                signed_note::Note::from_bytes(&altered).is_ok_and(|note| note.verify(&theirs()).is_ok());
            assert_eq!(accepted, theirs, "byte {at} as {value}");
        }
    }
}
