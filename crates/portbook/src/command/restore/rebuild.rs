//! The ledger, made again from the restored stream and compared with the leaves of the backup.

use jiff::Timestamp;
use portbook_bus::{Bus, Identity, PublishLimits, Publisher, StreamIdentity};
use portbook_domain::{Digest, Text};
use portbook_ledger::Chain;
use portbook_projector::{Follower, Projector, declare_epoch};
use portbook_store::{Store, StoreReader};
use portbook_wire::control::EpochDeclared;
use portbook_wire::subject::{ControlKind, STREAM_LEDGER};

use super::Backup;
use crate::args::RestoreArgs;
use crate::backup::LEAVES;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::home::KeyOf;
use crate::node::{Server, secret};
use crate::session::Session;

/// How long a batch may wait for its first message: all of them are there.
const BATCH_WAIT: std::time::Duration = std::time::Duration::from_secs(1);

/// What stands after a restore.
#[derive(Debug)]
pub(super) struct Rebuilt {
    pub(super) messages: u64,
    pub(super) epoch: u64,
}

/// Replays the stream into a new store, compares it with the leaves of `backup`, and declares the epoch that begins.
pub(super) async fn rebuild(
    session: &Session,
    server: &Server,
    operator: &Bus,
    args: &RestoreArgs,
    backup: &Backup,
    identity: &StreamIdentity,
) -> Result<Rebuilt, Failure> {
    let store = Store::create(&session.home.ledger().store())?;
    let bus = server.address().connect(session, Identity::Projector).await?;
    let batch = session.config.projector.batch_messages_max;
    let mut follower = Follower::open(&bus, STREAM_LEDGER, Projector::new(store), batch).await?;
    replay(session, &mut follower, identity.last_seq).await?;
    let reader = follower.ledger()?;
    tokio::task::block_in_place(|| compare(&reader, backup.items(LEAVES)?))?;
    let nothing_newer = format!(
        "restored from a backup; no checkpoint beyond its {} leaves is known",
        backup.checkpoint.size
    );
    let reason = args.declare_epoch.as_deref().unwrap_or(&nothing_newer);
    let epoch = declaration(&follower, &reader, reason, &args.declared_by, identity)?;
    let number = epoch.epoch;
    let publisher = Publisher::start(operator, PublishLimits::default());
    let seq = declare_epoch(&publisher, &secret(session, KeyOf::Log)?, epoch)
        .await
        .map_err(|error| Failure::of(Exit::Unavailable, &error))?;
    replay(session, &mut follower, seq).await?;
    let messages = follower.book()?.size();
    bus.close().await;
    Ok(Rebuilt {
        messages,
        epoch: number,
    })
}

async fn replay(session: &Session, follower: &mut Follower, last_seq: u64) -> Result<(), Failure> {
    let bar = session.speech.bar("replaying the stream", last_seq);
    while follower.book()?.size() < last_seq {
        bar.set_position(follower.step(BATCH_WAIT).await?);
    }
    bar.finish_and_clear();
    Ok(())
}

/// The stream must lead to the very leaves that were signed.
fn compare(
    reader: &StoreReader,
    mut backed_up: impl Iterator<Item = Result<Vec<u8>, Failure>>,
) -> Result<(), Failure> {
    let size = reader.book()?.size();
    for packed in reader.leaves(0..size) {
        let packed = packed?;
        for (leaf, index) in packed.iter().zip(packed.first..) {
            match backed_up.next().transpose()? {
                // The stream goes on behind the last checkpoint.
                None => return Ok(()),
                Some(backed_up) if backed_up == leaf => {}
                Some(_) => {
                    return Err(Failure::new(
                        Exit::LedgerFault,
                        format!("leaf {index} made of the restored stream is not the one that was signed"),
                    ));
                }
            }
        }
    }
    match backed_up.next().transpose()? {
        None => Ok(()),
        Some(_) => Err(Failure::new(
            Exit::LedgerFault,
            format!("the restored stream ends at message {size}, before the last signed leaf"),
        )),
    }
}

fn declaration(
    follower: &Follower,
    reader: &StoreReader,
    reason: &str,
    declared_by: &str,
    identity: &StreamIdentity,
) -> Result<EpochDeclared, Failure> {
    let usage = |error| Failure::of(Exit::Usage, &error);
    let created = identity.created.parse().map_err(|error: jiff::Error| {
        Failure::of(Exit::Unavailable, &error).hint("the server says that the stream was created at no time")
    })?;
    let book = follower.book()?;
    let controls = book
        .heads
        .get(&Chain::CONTROL)
        .map_or(0, |head| head.frontier.size().get());
    let mut earlier = 0;
    for row in reader.rows(Chain::CONTROL, 1..controls + 1) {
        earlier += u64::from(row?.event == ControlKind::EpochDeclared.name());
    }
    Ok(EpochDeclared {
        // A ledger begins in its first epoch without saying so.
        epoch: earlier + 2,
        restored_size: book.size(),
        restored_root: Digest::new(&book.frontier.root().to_hex()).map_err(usage)?,
        reason: Text::new(reason).map_err(usage)?,
        declared_by: Text::new(declared_by).map_err(usage)?,
        declared_at: Timestamp::now(),
        stream_created: Some(created),
    })
}
