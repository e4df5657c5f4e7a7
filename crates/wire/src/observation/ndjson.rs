//! A line of NDJSON as a row.

use super::{
    cell::{Cell, Flaw, LineRule},
    row::Row,
};
use crate::json::Lexer;

pub(super) fn read_row(line: &str) -> Result<Row<'_>, Flaw> {
    let mut row = Row::new();
    let mut lexer = Lexer::new(line);
    lexer.object(|lexer, name| {
        let slot = row
            .slot(&name)
            .ok_or_else(|| Flaw::column(&name, LineRule::UnknownColumn))?;
        let cell = match lexer.peek() {
            Some(b'"') => Cell::Text(lexer.string()?),
            Some(b'-' | b'0'..=b'9') => Cell::Number(lexer.number()?),
            Some(b't') => lexer.word("true").map(|()| Cell::Bool(true))?,
            Some(b'f') => lexer.word("false").map(|()| Cell::Bool(false))?,
            Some(b'n') => return Err(slot.flaw(LineRule::Null)),
            Some(_) | None => return Err(slot.flaw(LineRule::NotSingle)),
        };
        slot.fill(cell)
    })?;
    lexer.end()?;
    Ok(row)
}
