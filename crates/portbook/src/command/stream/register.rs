//! The last registered checkpoint, held against what this ledger signed.

use portbook_bus::{Bus, CheckpointRegister};
use portbook_fold::Book;
use portbook_ledger::{OpenedCheckpoint, Origin, Size};
use portbook_wire::subject::CHECKPOINT_REGISTER;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::home::KeyOf;
use crate::session::Session;

/// How the register stands to this ledger.
#[derive(Debug)]
pub(crate) enum Registered {
    /// Nothing was registered yet.
    Nothing,
    /// What is registered was signed here, or reproduced by this standby.
    Known(Size),
    /// This ledger has not come to what is registered.
    Ahead(Size),
    /// What is registered is not this ledger's.
    Foreign(String),
}

/// Reads the register.
pub(crate) async fn look_at_register(
    session: &Session,
    bus: &Bus,
    book: &Book,
) -> Result<Registered, Failure> {
    let Some((_, note)) = CheckpointRegister::new(bus, CHECKPOINT_REGISTER).last().await? else {
        return Ok(Registered::Nothing);
    };
    let key = session.home.public_key(KeyOf::Log)?;
    let origin =
        Origin::new(key.id().name.as_str()).map_err(|error| Failure::of(Exit::Configuration, &error))?;
    let registered = match OpenedCheckpoint::open(&note, &origin, &key, &[]) {
        Ok(opened) => opened.checkpoint,
        Err(error) => return Ok(Registered::Foreign(format!("the registered checkpoint: {error}"))),
    };
    if registered.size > Size::new(book.size()) {
        return Ok(Registered::Ahead(registered.size));
    }
    let signed = session.home.ledger().signed_log()?.unwrap_or_default();
    let known = signed.roots().iter().find(|root| root.size == registered.size);
    Ok(if known.is_some_and(|known| known.root == registered.root) {
        Registered::Known(registered.size)
    } else {
        Registered::Foreign(format!(
            "a checkpoint of {} leaves is registered that was never signed here",
            registered.size
        ))
    })
}
