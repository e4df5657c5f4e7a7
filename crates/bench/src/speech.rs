//! Speech: the answer on stdout, everything else on stderr.

use std::fmt::Display;
use std::io::{ErrorKind, Write, stderr, stdout};

use crate::Failure;

/// Prints the answer. A reader that went away has seen enough.
pub(crate) fn answer(text: impl Display) -> Result<(), Failure> {
    match writeln!(stdout().lock(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Tells what is going on.
pub(crate) fn tell(text: impl Display) {
    // Nobody to tell is no reason to stop.
    writeln!(stderr().lock(), "{text}").unwrap_or_default();
}

/// Digits in groups of three, as people read them.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}
