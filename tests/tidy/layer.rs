//! Rust text taken apart: code without comments and literals, comments without code.

/// Two texts with the lines and columns of the one they were made from, blank where the other has something.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Layers {
    /// Code; literals are blank.
    pub(crate) code: String,
    /// Comments, documentation included.
    pub(crate) comments: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Literal,
}

/// Takes Rust text apart.
pub(crate) fn layers(text: &str) -> Layers {
    let mut layers = Layers {
        code: String::new(),
        comments: String::new(),
    };
    let (mut rest, mut within_word) = (text, false);
    while let Some(first) = rest.chars().next() {
        let (kind, length) = token(rest, first, within_word);
        let (token, after) = rest
            .split_at_checked(length.max(first.len_utf8()))
            .unwrap_or((rest, ""));
        for c in token.chars() {
            let shown = |wanted: Kind| if c == '\n' || kind == wanted { c } else { ' ' };
            layers.code.push(shown(Kind::Code));
            layers.comments.push(shown(Kind::Comment));
        }
        within_word = kind == Kind::Code && (first.is_alphanumeric() || first == '_');
        rest = after;
    }
    layers
}

/// Kind and length in bytes of what `rest` begins with.
fn token(rest: &str, first: char, within_word: bool) -> (Kind, usize) {
    if rest.starts_with("//") {
        return (Kind::Comment, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (Kind::Comment, block_comment(rest));
    }
    if let Some(length) = raw_string(rest).filter(|_| !within_word) {
        return (Kind::Literal, length);
    }
    match first {
        '"' => (Kind::Literal, quoted(rest, '"').unwrap_or(rest.len())),
        // A lifetime has no closing quote right behind its first character.
        '\'' => match (rest.chars().nth(1), rest.chars().nth(2)) {
            (Some('\\'), _) | (Some(_), Some('\'')) => (Kind::Literal, quoted(rest, '\'').unwrap_or(1)),
            _ => (Kind::Code, 1),
        },
        _ => (Kind::Code, first.len_utf8()),
    }
}

/// Length of a comment in which others may be nested.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(tail) = rest.get(at..).filter(|tail| !tail.is_empty()) {
        let step = if tail.starts_with("/*") {
            depth += 1;
            2
        } else if tail.starts_with("*/") {
            depth = depth.saturating_sub(1);
            2
        } else {
            tail.chars().next().map_or(1, char::len_utf8)
        };
        at += step;
        if depth == 0 {
            break;
        }
    }
    at
}

/// Length of a literal such as `r#"…"#`, with or without `b` or `c` before it.
fn raw_string(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix(['b', 'c']).unwrap_or(rest).strip_prefix('r')?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    let inside = body.get(hashes..)?.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let close = inside.find(&end).map_or(inside.len(), |at| at + end.len());
    Some(rest.len() - inside.len() + close)
}

/// Length of a literal between `quote`s, in which a backslash takes the next character along.
fn quoted(rest: &str, quote: char) -> Option<usize> {
    let mut inside = rest.char_indices().skip(1);
    while let Some((at, c)) = inside.next() {
        match c {
            '\\' => {
                inside.next();
            }
            _ if c == quote => return Some(at + c.len_utf8()),
            _ => {}
        }
    }
    None
}

#[test]
fn code_and_comments_keep_their_places() {
    let text = "a(\"b // c\", 'd', '\\'', r#\"e \" f\"#); // g \"h\"\n/* i /* j */\nk */ l<'m>(b\"n\")";
    let layers = layers(text);
    let length = |text: &str| text.chars().count();
    assert_eq!(
        (length(&layers.code), length(&layers.comments)),
        (length(text), length(text))
    );
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&layers.code), ["a(", ",", ",", ",", ");", "l<'m>(b", ")"]);
    assert_eq!(
        words(&layers.comments),
        ["//", "g", "\"h\"", "/*", "i", "/*", "j", "*/", "k", "*/"]
    );
    assert_eq!(layers.code.lines().count(), text.lines().count());
}

#[test]
fn what_is_never_closed_ends_with_the_text() {
    for text in ["\"a", "r#\"a\"", "/* a", "'\\", "b'", "// a"] {
        assert_eq!(
            layers(text).code.trim().trim_matches(['b', '\'', '\\']),
            "",
            "{text}"
        );
    }
    assert_eq!(layers("for\"x\" r#type 'static").code, "for    r#type 'static");
}
