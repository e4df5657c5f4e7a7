//! RFC 8259 grammar over a text in memory: no recursion without a limit, no copy without an escape.

use std::borrow::Cow;

/// How deep arrays and objects may nest.
pub(crate) const DEPTH_MAX: usize = 16;

/// A text that is not the JSON this crate reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxError {
    /// The grammar asks for something else here.
    #[error("byte {offset}: expected {expected}")]
    Unexpected {
        /// Offset in bytes.
        offset: usize,
        /// What the grammar asks for.
        expected: &'static str,
    },
    /// Arrays and objects nest too deeply.
    #[error("byte {offset}: nested deeper than {DEPTH_MAX} levels")]
    TooDeep {
        /// Offset of the bracket that is one too many.
        offset: usize,
    },
}

/// Reads one JSON text from left to right.
#[derive(Debug)]
pub(crate) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
        }
    }

    /// The next byte that is not white space, without reading it.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        let rest = self.rest();
        // Messages are mostly written without white space.
        if let Some(&b) = rest.first()
            && b > b' '
        {
            return Some(b);
        }
        let blank = rest
            .iter()
            .take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r'))
            .count();
        self.at += blank;
        rest.get(blank).copied()
    }

    /// Reads to the end of the text, where nothing but white space may stand.
    pub(crate) fn end(&mut self) -> Result<(), SyntaxError> {
        if self.peek().is_none() {
            Ok(())
        } else {
            Err(self.unexpected("the end"))
        }
    }

    /// Reads an object; `member` gets each name and must read the value.
    pub(crate) fn object<E: From<SyntaxError>>(
        &mut self,
        mut member: impl FnMut(&mut Self, Cow<'a, str>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.open_object()?;
        let mut is_first = true;
        while let Some(name) = self.next_name(is_first)? {
            member(self, name)?;
            is_first = false;
        }
        Ok(())
    }

    /// Reads the beginning of an object.
    pub(crate) fn open_object(&mut self) -> Result<(), SyntaxError> {
        self.open(b'{', "an object")
    }

    /// Reads on in an object to the next value and gives its name; none when it has come to the object's end.
    pub(crate) fn next_name(&mut self, is_first: bool) -> Result<Option<Cow<'a, str>>, SyntaxError> {
        if !self.has_next(is_first, b'}') {
            return self.close(b'}', "',' or '}'").map(|()| None);
        }
        let name = self.string()?;
        if !self.skip_byte(b':') {
            self.take(b':', "':'")?;
        }
        Ok(Some(name))
    }

    /// Reads an array; `item` must read each item.
    pub(crate) fn array<E: From<SyntaxError>>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.open_array()?;
        let mut is_first = true;
        while self.next_item(is_first)? {
            item(self)?;
            is_first = false;
        }
        Ok(())
    }

    /// As [`Lexer::next_name`], but refuses names with an escape and white space around a name.
    #[inline]
    pub(crate) fn next_plain_name(&mut self, is_first: bool) -> Result<Option<&'a str>, SyntaxError> {
        if !self.has_next(is_first, b'}') {
            return self.close(b'}', "',' or '}'").map(|()| None);
        }
        match self.plain_string() {
            Some(name) if self.skip_byte(b':') => Ok(Some(name)),
            Some(_) | None => Err(self.unexpected("a plain name")),
        }
    }

    /// Reads the beginning of an array.
    pub(crate) fn open_array(&mut self) -> Result<(), SyntaxError> {
        self.open(b'[', "an array")
    }

    /// Reads on in an array to the next item; `false` when it has come to the array's end.
    pub(crate) fn next_item(&mut self, is_first: bool) -> Result<bool, SyntaxError> {
        if self.has_next(is_first, b']') {
            Ok(true)
        } else {
            self.close(b']', "',' or ']'").map(|()| false)
        }
    }

    /// Reads any value and drops it.
    pub(crate) fn skip_value(&mut self) -> Result<(), SyntaxError> {
        match self.peek() {
            Some(b'{') => self.object(|lexer, _| lexer.skip_value()),
            Some(b'[') => self.array(Self::skip_value),
            Some(b'"') => self.string().map(drop),
            Some(b'-' | b'0'..=b'9') => self.number().map(drop),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            Some(_) | None => Err(self.unexpected("a value")),
        }
    }

    /// Reads a string. It is borrowed exactly when it is written without an escape.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, SyntaxError> {
        match self.plain_string() {
            Some(text) => Ok(Cow::Borrowed(text)),
            None => self.other_string(),
        }
    }

    /// Reads a string that begins here and has no escape; none, and nothing is read, where there is no such string.
    pub(crate) fn plain_string(&mut self) -> Option<&'a str> {
        let rest = self.rest().strip_prefix(b"\"")?;
        let length = plain_length(rest);
        if rest.get(length) != Some(&b'"') {
            return None;
        }
        let start = self.at + 1;
        let text = self.text.get(start..start + length)?;
        self.at = start + length + 1;
        Some(text)
    }

    fn other_string(&mut self) -> Result<Cow<'a, str>, SyntaxError> {
        self.take(b'"', "a string")?;
        let run = self.plain_run();
        match self.rest().first() {
            Some(b'"') => {
                self.at += 1;
                Ok(Cow::Borrowed(run))
            }
            Some(b'\\') => self.escaped_string(run.to_owned()).map(Cow::Owned),
            Some(_) => Err(self.unexpected("no control character in a string")),
            None => Err(self.unexpected("the end of the string")),
        }
    }

    /// Reads a number and gives its text.
    pub(crate) fn number(&mut self) -> Result<&'a str, SyntaxError> {
        self.peek();
        let start = self.at;
        self.skip_byte(b'-');
        if !self.skip_byte(b'0') {
            self.digits()?;
        }
        if self.skip_byte(b'.') {
            self.digits()?;
        }
        if self.skip_byte(b'e') || self.skip_byte(b'E') {
            if !self.skip_byte(b'+') {
                self.skip_byte(b'-');
            }
            self.digits()?;
        }
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    /// Reads `true`, `false` or `null`.
    pub(crate) fn word(&mut self, word: &'static str) -> Result<(), SyntaxError> {
        self.peek();
        if self.rest().starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(())
        } else {
            Err(self.unexpected(word))
        }
    }

    pub(crate) const fn unexpected(&self, expected: &'static str) -> SyntaxError {
        SyntaxError::Unexpected {
            offset: self.at,
            expected,
        }
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, byte: u8, expected: &'static str) -> Result<(), SyntaxError> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.unexpected(expected))
        }
    }

    fn open(&mut self, bracket: u8, expected: &'static str) -> Result<(), SyntaxError> {
        self.peek();
        let offset = self.at;
        self.take(bracket, expected)?;
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            Err(SyntaxError::TooDeep { offset })
        } else {
            Ok(())
        }
    }

    /// Whether another member or item follows; its comma is read.
    fn has_next(&mut self, is_first: bool, bracket: u8) -> bool {
        let next = self.peek();
        if is_first {
            return next != Some(bracket);
        }
        let found = next == Some(b',');
        if found {
            self.at += 1;
        }
        found
    }

    fn close(&mut self, bracket: u8, expected: &'static str) -> Result<(), SyntaxError> {
        self.depth = self.depth.saturating_sub(1);
        self.take(bracket, expected)
    }

    fn skip_byte(&mut self, byte: u8) -> bool {
        let found = self.rest().first() == Some(&byte);
        if found {
            self.at += 1;
        }
        found
    }

    fn digits(&mut self) -> Result<(), SyntaxError> {
        let count = self.rest().iter().take_while(|b| b.is_ascii_digit()).count();
        if count == 0 {
            return Err(self.unexpected("a digit"));
        }
        self.at += count;
        Ok(())
    }

    /// Reads up to the next quote, backslash or control character of a string.
    fn plain_run(&mut self) -> &'a str {
        let start = self.at;
        self.at += plain_length(self.rest());
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn escaped_string(&mut self, mut text: String) -> Result<String, SyntaxError> {
        loop {
            if self.skip_byte(b'"') {
                return Ok(text);
            }
            if !self.skip_byte(b'\\') {
                return Err(self.unexpected("the end of the string"));
            }
            text.push(self.escape()?);
            text.push_str(self.plain_run());
        }
    }

    fn escape(&mut self) -> Result<char, SyntaxError> {
        let found = match self.rest().first() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            Some(_) | None => return Err(self.unexpected("an escape")),
        };
        self.at += 1;
        Ok(found)
    }

    /// Reads `uXXXX`, or a pair of surrogates. A surrogate alone is no character and is refused.
    fn unicode_escape(&mut self) -> Result<char, SyntaxError> {
        let start = self.at;
        let refused = SyntaxError::Unexpected {
            offset: start,
            expected: "an escaped character",
        };
        let first = self.hex4()?;
        let code = if (0xd800..0xdc00).contains(&first) && self.skip_byte(b'\\') {
            let second = self.hex4()?;
            let low = second
                .checked_sub(0xdc00)
                .filter(|low| *low < 0x400)
                .ok_or(refused)?;
            0x10000 + ((first - 0xd800) << 10) + low
        } else {
            first
        };
        char::from_u32(code).ok_or(refused)
    }

    fn hex4(&mut self) -> Result<u32, SyntaxError> {
        let digits = self.rest().strip_prefix(b"u").and_then(|rest| rest.get(..4));
        let code = digits.and_then(|digits| {
            digits.iter().try_fold(0, |code, &digit| {
                Some(code * 16 + char::from(digit).to_digit(16)?)
            })
        });
        let code = code.ok_or_else(|| self.unexpected("'u' and four hexadecimal digits"))?;
        self.at += 5;
        Ok(code)
    }
}

/// Eight times the byte 1.
const ONES: u64 = u64::MAX / 255;

/// How many bytes stand before the first quote, backslash or control character.
fn plain_length(bytes: &[u8]) -> usize {
    let mut length = 0;
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        let found = special_bytes(u64::from_le_bytes(*word));
        if found != 0 {
            return length + usize::try_from(found.trailing_zeros() / 8).unwrap_or_default();
        }
        length += 8;
    }
    let special = rest.iter().position(|&b| matches!(b, b'"' | b'\\' | 0..=0x1f));
    length + special.unwrap_or(rest.len())
}

/// The highest bit of the first byte of `word` that ends a plain run, with others above it that mean nothing; 0 when none does.
///
/// A byte below `n` is found by its borrow when `n` is taken off each of eight, which is right up to the first that is found.
const fn special_bytes(word: u64) -> u64 {
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    let quote = word ^ (ONES * 0x22);
    let quote = quote.wrapping_sub(ONES) & !quote;
    let backslash = word ^ (ONES * 0x5c);
    let backslash = backslash.wrapping_sub(ONES) & !backslash;
    (control | quote | backslash) & (ONES * 0x80)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Bytes around every limit, at every place of a word.
        #[test]
        fn a_plain_run_ends_where_it_does_byte_by_byte(
            bytes in prop::collection::vec(prop::sample::select(
                b"\x00\x01\x1f\x20\x21\x22\x23\x5b\x5c\x5d\x7f\x80\x9f\xa0\xa2\xdc\xffaaaaaaaaaaaaaaaaaaaaaaaaa".to_vec()
            ), 0..40),
        ) {
            let by_byte = bytes.iter().position(|&b| matches!(b, b'"' | b'\\' | 0..=0x1f));
            prop_assert_eq!(plain_length(&bytes), by_byte.unwrap_or(bytes.len()));
        }
    }
}
