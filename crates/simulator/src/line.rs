//! Facts as lines of an observation file.

use std::fmt::{self, Write};

use crate::case::Numbering;
use crate::fact::{Fact, Lot, Query, Shipped, What};
use crate::office::{date_of, timestamp};
use crate::stream::Stream;

/// Appends the line of a fact. Every text in it has a grammar without quotes, backslashes and control characters.
pub(crate) fn write(line: &mut String, fact: &Fact<'_>, numbers: &Numbering) -> fmt::Result {
    write!(
        line,
        "{{\"event_id\":\"{}\",\"simulated\":true,\"type\":\"{}\",\"case_id\":\"{}\",\"occurred_at\":\"{}\",\"recorded_at\":\"{}\",\"port\":\"{}\"",
        uuid(fact.id),
        fact.what.word(),
        numbers.case(fact.case),
        timestamp(fact.occurred_s),
        timestamp(fact.recorded_s),
        fact.port,
    )?;
    match &fact.what {
        What::Submitted { lot, expedited } => {
            write_lot(line, lot)?;
            write!(line, ",\"expedited\":{expedited}")?;
            write_document(line, fact)?;
        }
        What::Queried(query) => write_query(line, query, numbers)?,
        What::Granted {
            license,
            valid_until,
            lot,
            expedited,
        } => {
            write!(
                line,
                ",\"license_no\":\"{}\",\"valid_until\":\"{}\"",
                numbers.license(*license),
                date_of(*valid_until)
            )?;
            write_lot(line, lot)?;
            write!(line, ",\"expedited\":{expedited}")?;
            write_document(line, fact)?;
        }
        What::Closed { outcome } => write!(line, ",\"outcome\":\"{outcome}\"")?,
        What::Declared(shipped) => write_shipped(line, shipped, numbers)?,
        What::Cleared(shipped) => {
            write_shipped(line, shipped, numbers)?;
            write_document(line, fact)?;
        }
    }
    line.push_str("}\n");
    Ok(())
}

/// An identity as a UUID of version 8, the one for bits of one's own.
pub(crate) fn uuid((high, low): (u64, u64)) -> String {
    let high = high & !0xf000 | 0x8000;
    let low = low & !(0b11 << 62) | 0b10 << 62;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

fn write_lot(line: &mut String, lot: &Lot<'_>) -> fmt::Result {
    let Lot {
        destination,
        goods,
        kg,
    } = lot;
    write!(
        line,
        ",\"destination\":\"{destination}\",\"hs\":\"{}\",\"control_code\":\"{}\",\"element\":\"{}\",\"qty_kg\":{kg}",
        goods.hs, goods.control_code, goods.element
    )
}

fn write_query(line: &mut String, query: &Query<'_>, numbers: &Numbering) -> fmt::Result {
    let Query {
        round,
        reason,
        challenge,
    } = query;
    let (stage, authority) = match challenge {
        None => ("licensing", "MOFCOM"),
        Some(_) => ("customs", "GACC"),
    };
    write!(
        line,
        ",\"stage\":\"{stage}\",\"round\":{round},\"authority\":\"{authority}\",\"reason\":\"{reason}\""
    )?;
    if let Some((declaration, due)) = challenge {
        write!(
            line,
            ",\"declaration_no\":\"{}\",\"reply_due\":\"{}\"",
            numbers.declaration(*declaration),
            date_of(*due)
        )?;
    }
    Ok(())
}

fn write_shipped(line: &mut String, shipped: &Shipped<'_>, numbers: &Numbering) -> fmt::Result {
    let declaration = numbers.declaration(shipped.declaration);
    write!(line, ",\"declaration_no\":\"{declaration}\"")?;
    if let Some(license) = shipped.license {
        write!(line, ",\"license_no\":\"{}\"", numbers.license(license))?;
    }
    write!(
        line,
        ",\"destination\":\"{}\",\"hs\":\"{}\"",
        shipped.destination, shipped.hs
    )?;
    let status = match shipped.control {
        Some((code, element)) => {
            write!(line, ",\"control_code\":\"{code}\",\"element\":\"{element}\"")?;
            "controlled"
        }
        None => "not_controlled",
    };
    write!(line, ",\"control_status\":\"{status}\",\"qty_kg\":{}", shipped.kg)
}

/// The digest of a document that does not exist.
fn write_document(line: &mut String, fact: &Fact<'_>) -> fmt::Result {
    let mut stream = Stream::of(fact.document);
    line.push_str(",\"doc_digest\":\"");
    for _ in 0..4 {
        write!(line, "{:016x}", stream.bits())?;
    }
    line.push('"');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_says_that_its_bits_are_its_own() {
        assert_eq!(uuid((0, 0)), "00000000-0000-8000-8000-000000000000");
        assert_eq!(uuid((u64::MAX, u64::MAX)), "ffffffff-ffff-8fff-bfff-ffffffffffff");
    }
}
