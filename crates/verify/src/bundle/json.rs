//! The little JSON that is written here; none is read.

/// `text` as a JSON string, quotation marks included.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            '\n' => out.push_str("\\n"),
            control if control < ' ' => {
                let digit = |number| char::from_digit(number, 16).unwrap_or('0');
                let code = u32::from(control);
                out.extend(['\\', 'u', '0', '0', digit(code / 16), digit(code % 16)]);
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_string_is_escaped() {
        assert_eq!(quoted("a\"b\\c\nd\u{1}é"), "\"a\\\"b\\\\c\\nd\\u0001é\"");
    }
}
