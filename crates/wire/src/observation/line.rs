//! Lines of a file of any length, read with bounded memory.

use std::{
    fmt,
    io::{self, BufRead, BufReader, Chain, Cursor, Read},
};

use flate2::bufread::MultiGzDecoder;

use super::cell::{Flaw, LineRule};

/// The longest line that is read, in bytes. No observation needs a tenth of it.
pub const LINE_BYTES_MAX: usize = 64 * 1024;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Reads lines and counts them.
pub(super) struct Lines<R: BufRead> {
    input: Input<R>,
    number: u64,
    buffer: Vec<u8>,
}

/// One line without its end.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) number: u64,
    bytes: &'a [u8],
    whole: bool,
}

/// The first bytes, already read to see what they are, then the rest.
type Peeked<R> = Chain<Cursor<Vec<u8>>, R>;

enum Input<R: BufRead> {
    Plain(Peeked<R>),
    Gzip(Box<BufReader<MultiGzDecoder<Peeked<R>>>>),
}

impl<R: BufRead> Lines<R> {
    pub(super) fn open(mut input: R) -> io::Result<Self> {
        let mut first = Vec::with_capacity(GZIP_MAGIC.len());
        input.by_ref().take(2).read_to_end(&mut first)?;
        let is_gzip = first == GZIP_MAGIC;
        let peeked = Cursor::new(first).chain(input);
        let input = if is_gzip {
            Input::Gzip(Box::new(BufReader::new(MultiGzDecoder::new(peeked))))
        } else {
            Input::Plain(peeked)
        };
        Ok(Self {
            input,
            number: 0,
            buffer: Vec::new(),
        })
    }

    /// Number of the line read last, from 1; zero before the first.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// The next line; [`None`] at the end of the file.
    pub(super) fn read(&mut self) -> io::Result<Option<Line<'_>>> {
        let input: &mut dyn BufRead = match &mut self.input {
            Input::Plain(input) => input,
            Input::Gzip(input) => input,
        };
        self.buffer.clear();
        let whole = read_bounded(input, &mut self.buffer)?;
        if self.buffer.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        let bytes = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        Ok(Some(Line {
            number: self.number,
            bytes,
            whole,
        }))
    }
}

impl<'a> Line<'a> {
    /// The line as text, without a byte order mark.
    pub(super) fn text(&self) -> Result<&'a str, Flaw> {
        if !self.whole {
            return Err(Flaw::line(LineRule::TooLong));
        }
        let text = std::str::from_utf8(self.bytes).map_err(|error| {
            Flaw::line(LineRule::NotUtf8 {
                valid_bytes: error.valid_up_to(),
            })
        })?;
        Ok(text
            .strip_prefix(BYTE_ORDER_MARK)
            .filter(|_| self.number == 1)
            .unwrap_or(text))
    }

    pub(super) fn lossy_text(&self) -> String {
        String::from_utf8_lossy(self.bytes).into_owned()
    }
}

/// Reads up to and with a line feed. Gives false, and drops the rest, when the line is longer than it may be.
fn read_bounded(input: &mut dyn BufRead, buffer: &mut Vec<u8>) -> io::Result<bool> {
    let bytes_max = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
    input.take(bytes_max).read_until(b'\n', buffer)?;
    if buffer.len() < LINE_BYTES_MAX || buffer.ends_with(b"\n") {
        return Ok(true);
    }
    input.skip_until(b'\n')?;
    Ok(false)
}

impl<R: BufRead> fmt::Debug for Lines<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}
