//! The reader against the general parser as an oracle, and its own rules one by one.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn is_json(text: &str) -> bool {
    let mut lexer = Lexer::new(text);
    lexer.skip_value().and_then(|()| lexer.end()).is_ok()
}

fn node(text: &str) -> Result<Node<'_>, String> {
    Node::parse(text.as_bytes(), 1 << 20).map_err(|error| error.to_string())
}

/// The value as the general parser has it.
fn plain(node: &Node<'_>) -> Value {
    match node {
        Node::Bool(value) => Value::from(*value),
        Node::Integer(value) => Value::from(*value),
        Node::Text(text) => Value::from(text.as_ref()),
        Node::List(items) => items.iter().map(plain).collect(),
        Node::Object(members) => members
            .by_name()
            .map(|(name, value)| (name.to_string(), plain(value)))
            .collect(),
    }
}

fn documents() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(8, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..8)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    /// Scraps of JSON put together at random: both readers take the same ones.
    #[test]
    fn both_readers_take_the_same_texts(text in "(\\{|\\}|\\[|\\]|,|:| |\\n|\"|a|\\\\|u00|d8|dc|00|e|E|[-+.0-9]|true|null|\"a\"|\"b\":){0,14}") {
        // Of numbers the general parser refuses those a float cannot hold; with so few digits that needs an exponent.
        let oracle = serde_json::from_str::<Value>(&text);
        let out_of_range = oracle.as_ref().is_err_and(|error| error.to_string().contains("out of range"));
        if !out_of_range {
            prop_assert_eq!(is_json(&text), oracle.is_ok(), "{}", text);
        }
    }

    #[test]
    fn both_readers_read_the_same_value(document in documents()) {
        for text in [document.to_string(), serde_json::to_string_pretty(&document).unwrap()] {
            let node = node(&text).unwrap();
            prop_assert_eq!(&plain(&node), &document);
        }
    }

    #[test]
    fn every_character_survives_its_escape(text in any::<String>()) {
        let units: Vec<String> = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
        let quoted = format!("\"{}\"", units.concat());
        prop_assert_eq!(node(&quoted), Ok(Node::Text(text.into())));
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        prop_assert!(Node::parse(&bytes, 1 << 20).is_ok() == std::str::from_utf8(&bytes).is_ok_and(|text| node(text).is_ok()));
    }
}

#[test]
fn a_string_is_borrowed_unless_it_is_escaped() {
    let read = |text| {
        Lexer::new(text)
            .string()
            .map(|text| matches!(text, std::borrow::Cow::Borrowed(_)))
    };
    assert_eq!(read("\"plain \u{4e2d}\""), Ok(true));
    assert_eq!(read(r#""\n""#), Ok(false));
}

#[test]
fn every_broken_rule_names_its_place() {
    for (text, message) in [
        ("", "the document: byte 0: expected a value"),
        (
            r#"{"a":[1,{"b~/c":null}]}"#,
            "/a/1/b~0~1c: null is not a value: leave the field out",
        ),
        (
            r#"{"a":{"b":1,"b":1}}"#,
            "/a/b: the name stands twice in its object",
        ),
        (r#"{"a":1,"\u0061":1}"#, "/a: the name stands twice in its object"),
        (
            r#"{"a":[0,1.0]}"#,
            "/a/1: 1.0 is not an integer from -9007199254740991 to 9007199254740991",
        ),
        (
            r#"{"a":1e3}"#,
            "/a: 1e3 is not an integer from -9007199254740991 to 9007199254740991",
        ),
        (
            "-0",
            "the document: -0 is not an integer from -9007199254740991 to 9007199254740991",
        ),
        (
            "9007199254740992",
            "the document: 9007199254740992 is not an integer from -9007199254740991 to 9007199254740991",
        ),
        (r#"{"a":"b"#, "/a: byte 7: expected the end of the string"),
        (
            "{\"a\":\"\n\"}",
            "/a: byte 6: expected no control character in a string",
        ),
        (
            "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]",
            "/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0: byte 16: nested deeper than 16 levels",
        ),
    ] {
        assert_eq!(node(text).unwrap_err(), message, "{text}");
    }
    assert!(node("[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]").is_ok());
    assert!(node("[9007199254740991,-9007199254740991]").is_ok());
}

#[test]
fn size_and_encoding_are_checked_first() {
    assert!(Node::parse(b"1234", 4).is_ok());
    let error = Node::parse(b"12345", 4).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the document: 5 bytes are more than the 4 a message may have"
    );
    let error = Node::parse(b"\"a\xff\"", 9).unwrap_err();
    assert_eq!(error.to_string(), "the document: not UTF-8 after byte 2");
}
