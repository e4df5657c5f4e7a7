//! Producer keys and signatures.

use super::*;

fn key(byte: u8) -> SecretKey {
    SecretKey::from_seed(&[byte; 32])
}

#[test]
fn a_signature_covers_subject_body_and_the_border_between_them() {
    let secret = key(1);
    let signature = secret.sign_event("portbook.events.a", b"body");
    let holds = |subject, body: &[u8]| secret.public().verify_event(subject, body, &signature).is_ok();
    assert!(holds("portbook.events.a", b"body"));
    assert!(!holds("portbook.events.ab", b"ody"));
    assert!(!holds("portbook.events.", b"abody"));
    assert!(!holds("portbook.events.a", b"body\0"));
    assert!(!holds("portbook.events.a", b""));
}

#[test]
fn every_flipped_bit_of_a_signature_shows() {
    let secret = key(1);
    let signature = secret.sign_event("s", b"b");
    for bit in 0..72 * 8 {
        let mut altered = signature;
        let (byte, mask) = (bit / 8, 1 << (bit % 8));
        if byte < 8 {
            altered.key_id.0[byte] ^= mask;
        } else {
            altered.bytes[byte - 8] ^= mask;
        }
        assert!(
            secret.public().verify_event("s", b"b", &altered).is_err(),
            "bit {bit}"
        );
    }
}

#[test]
fn verdicts_on_many_are_the_verdicts_on_each() {
    let (a, b) = (key(1), key(2));
    let (public_a, public_b) = (a.public(), b.public());
    let good = a.sign_event("s", b"1");
    let message = |body, signature, key| SignedMessage {
        subject: "s",
        body,
        signature,
        key,
    };
    let verdicts = verify_events(&[
        message(b"1", good, &public_a),
        message(b"2", good, &public_a),
        message(b"1", good, &public_b),
        message(b"2", b.sign_event("s", b"2"), &public_b),
    ]);
    assert_eq!(
        verdicts,
        [
            Ok(()),
            Err(SignatureError::DoesNotHold {
                key_id: public_a.id()
            }),
            Err(SignatureError::OtherKey {
                expected: public_b.id(),
                found: public_a.id()
            }),
            Ok(()),
        ]
    );
}

#[test]
fn header_text_has_one_spelling() {
    let signature = key(3).sign_event("s", b"b");
    let text = signature.to_string();
    assert_eq!(text.parse(), Ok(signature));
    let upper = text[..16].to_uppercase() + &text[16..];
    for other in [
        &text[1..],
        &text[..text.len() - 1],
        &upper,
        &format!("{text} "),
        &format!("{text}\n"),
        &text.replace(':', ";"),
        &text.replace("==", ""),
        "",
        ":",
    ] {
        assert!(other.parse::<ProducerSignature>().is_err(), "{other:?}");
    }
}

/// The eight points of small order, in canonical encoding (RFC 8032 arithmetic; the list of libsodium and ed25519-speccheck).
#[test]
fn keys_under_which_anyone_can_sign_are_refused() {
    let small_order = [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    ];
    for text in small_order {
        let bytes: [u8; 32] = hex_bytes(text.as_bytes()).unwrap();
        assert_eq!(
            PublicKey::from_bytes(&bytes),
            Err(InvalidKey::SmallOrder),
            "{text}"
        );
    }
    assert_eq!(PublicKey::from_bytes(&[2; 32]), Err(InvalidKey::NotAPoint));
}

/// Case 4 of ed25519-speccheck: holds with the cofactor multiplied in, and in some batches, but not strictly.
#[test]
fn a_signature_that_depends_on_the_batch_does_not_hold() {
    let message: [u8; 32] =
        hex_bytes(b"e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c").unwrap();
    let public: [u8; 32] =
        hex_bytes(b"cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d").unwrap();
    let signature: [u8; 64] = hex_bytes(
        b"160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed5125ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
    )
    .unwrap();
    assert!(
        !PublicKey::from_bytes(&public)
            .unwrap()
            .verify(&message, &signature)
    );
}
