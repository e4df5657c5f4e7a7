//! One byte changed on a copy of the ledger, and what verification says about it.

use std::fs;
use std::path::Path;

use portbook_ledger::Index;
use portbook_store::{Forgery, StoreReader, forge};
use portbook_views::TimelineRow;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::home::Home;
use crate::session::Session;
use crate::speech::kilograms;

/// Copies the ledger, changes a digit of the victim's mass and verifies the copy.
pub(crate) fn change_one_byte(session: &Session, copy: &Path, victim: &TimelineRow) -> Result<(), Failure> {
    copy_directory(session.home.root(), copy)?;
    let tampered = Session {
        config: session.config.clone(),
        settings: Vec::new(),
        home: Home::new(copy, &session.config),
        speech: session.speech.clone(),
    };
    let store = tampered.home.ledger().store();
    let missing = || Failure::new(Exit::LedgerFault, "the record to change is not there");
    let mut bytes = {
        let reader = StoreReader::open(&store)?;
        let index = Index::new(victim.place.index).ok_or_else(missing)?;
        reader.leaf(index)?.ok_or_else(missing)?
    };
    let grams = victim.mass_g.unwrap_or_default();
    let (from, to) = change_digit(&mut bytes, grams).ok_or_else(missing)?;
    forge(
        &store,
        &Forgery::Replace {
            index: victim.place.index,
            bytes,
        },
    )?;
    session.speech.answer(format_args!(
        "\nNow an insider changes one byte of a stored record on a copy: record {} of the port, {} kg become {} kg.",
        victim.place.chain_seq,
        kilograms(from),
        kilograms(to)
    ))?;
    let exit = crate::command::verify::run(&tampered, &crate::args::VerifyArgs::all())?;
    if exit == Exit::LedgerFault {
        session.speech.answer(format_args!("  (exit {})", exit.code()))
    } else {
        Err(Failure::new(Exit::LedgerFault, "the changed byte was not found"))
    }
}

/// Replaces the first digit of the mass in the record's body; gives the mass before and after.
fn change_digit(leaf: &mut [u8], grams: u64) -> Option<(u64, u64)> {
    let written = format!("_g\":{grams}");
    let at = leaf
        .windows(written.len())
        .position(|window| window == written.as_bytes())?
        + 4;
    let digit = leaf.get_mut(at)?;
    let before = *digit;
    *digit = if before == b'9' { b'1' } else { before + 1 };
    let mut changed = grams.to_string().into_bytes();
    *changed.first_mut()? = *digit;
    Some((grams, String::from_utf8(changed).ok()?.parse().ok()?))
}

fn copy_directory(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::create_dir_all(to).map_err(|error| Failure::file("create", to, &error))?;
    let entries = fs::read_dir(from).map_err(|error| Failure::file("list", from, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| Failure::file("list", from, &error))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy_directory(&source, &target)?;
        } else {
            fs::copy(&source, &target).map_err(|error| Failure::file("copy", &source, &error))?;
        }
    }
    Ok(())
}
