//! What is known elsewhere about the log of a home: checkpoints that lie where a restore of the home does not reach.
//!
//! An old store, an old stream and an old checkpoint register that were put back together agree with each other. What gives
//! them away is somebody else's memory: this machine's of what it published and of what `verify` accepted here, checkpoints
//! in files that the configuration names, and witnesses. All are asked before anything is signed.

mod mark;

use std::fs;
use std::io;
use std::path::Path;

use portbook_ledger::{Checkpoint, Hash, OpenedCheckpoint, Origin, SignedLog, SignedRoot, Size, VerifierKey};
use portbook_store::LedgerDirectory;
use portbook_witness::{Recalled, SubmitError};

pub(crate) use self::mark::Mark;
use crate::cosigning;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::seen::Seen;
use crate::session::Session;

/// What to do when somebody knows more than there is.
const HINT: &str = "nothing was signed. Bring back the newest ledger and stream, or restore a backup openly: portbook restore \
                    BACKUP --declare-epoch REASON. A home whose standby was promoted can go on as a standby";

/// A checkpoint of the log that somebody has.
#[derive(Debug, Clone)]
pub(crate) struct Elsewhere {
    /// What it says.
    pub(crate) checkpoint: Checkpoint,
    /// Who has it.
    pub(crate) holder: String,
}

/// The checkpoints of the log `origin` that this machine and the configured files remember, those aside that a restore gave
/// up openly.
pub(crate) fn known(
    session: &Session,
    origin: &Origin,
    key: &VerifierKey,
) -> Result<Vec<Elsewhere>, Failure> {
    let mark = Mark::of(session, origin, key);
    let mut known = Vec::new();
    known.extend(mark.checkpoint().map(|checkpoint| Elsewhere {
        checkpoint,
        holder: format!("this machine, which published it ({})", mark.path().display()),
    }));
    known.extend(Seen::load(origin, key).checkpoint.map(|checkpoint| Elsewhere {
        checkpoint,
        holder: "verify, which accepted it on this machine".to_owned(),
    }));
    for path in &session.config.ledger.published {
        let path = session.home.root().join(path);
        let path = if path.is_dir() {
            path.join("checkpoint")
        } else {
            path
        };
        match read_published(&path, origin, key)? {
            Some(checkpoint) => known.push(Elsewhere {
                checkpoint,
                holder: path.display().to_string(),
            }),
            None => session.speech.tell(format_args!(
                "warning: there is no {}: nothing is compared with it",
                path.display()
            )),
        }
    }
    let given_up = mark.given_up()?;
    known.retain(|known| !given_up.contains(&mark::line_of(&known.checkpoint)));
    Ok(known)
}

fn read_published(path: &Path, origin: &Origin, key: &VerifierKey) -> Result<Option<Checkpoint>, Failure> {
    let note = match fs::read(path) {
        Ok(note) => note,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::file("read", path, &error)),
    };
    match OpenedCheckpoint::open(&note, origin, key, &[]) {
        Ok(opened) => Ok(Some(opened.checkpoint)),
        Err(error) => Err(Failure::of(Exit::Configuration, &error).hint(format!(
            "ledger.published names {}, which must be a checkpoint of {origin}",
            path.display()
        ))),
    }
}

/// Stops a projector that is about to sign what others know to be the past, or another history. Gives the mark that is to
/// move along with what it publishes.
pub(crate) async fn refuse_rollback(
    session: &Session,
    origin: &Origin,
    key: &VerifierKey,
) -> Result<Mark, Failure> {
    let directory = session.home.ledger();
    // Without it the projector stops by itself, and says why.
    if let Some(signed) = directory.signed_log()? {
        for known in known(session, origin, key)? {
            compare(&signed, &known)?;
        }
        ask_witnesses(session, &directory, last_of(&signed)).await?;
    }
    Ok(Mark::of(session, origin, key))
}

/// The tree that is `known` with a root (its size and root) has another one here. If it was signed here, the leaves have
/// changed; if it was signed elsewhere alone, there are two histories.
pub(crate) fn refuse_fork(
    directory: &LedgerDirectory,
    known: &[Elsewhere],
    (size, root): (Size, Hash),
    found: Hash,
) -> Result<(), Failure> {
    let signed = directory.signed_log()?.unwrap_or_default();
    if signed.roots().contains(&SignedRoot { size, root }) {
        return Ok(());
    }
    let is_it = |known: &&Elsewhere| (known.checkpoint.size, known.checkpoint.root) == (size, root);
    known
        .iter()
        .find(is_it)
        .map_or(Ok(()), |known| Err(two_histories(known, found)))
}

fn last_of(signed: &SignedLog) -> Size {
    signed.last().map_or(Size::ZERO, |last| last.size)
}

fn compare(signed: &SignedLog, known: &Elsewhere) -> Result<(), Failure> {
    let Elsewhere { checkpoint, holder } = known;
    let (size, last) = (checkpoint.size, last_of(signed));
    if size > last {
        return Err(rolled_back(holder, size, last));
    }
    // Of a size that was never signed here the audit at start finds out.
    let own = signed.roots().iter().find(|root| root.size == size);
    match own.filter(|own| own.root != checkpoint.root) {
        None => Ok(()),
        Some(own) => Err(two_histories(known, own.root)),
    }
}

fn two_histories(known: &Elsewhere, own: Hash) -> Failure {
    let Elsewhere { checkpoint, holder } = known;
    let Checkpoint { size, root, .. } = checkpoint;
    let what = format!(
        "a signed tree of {size} leaves with root {root} is known to {holder}, but here they have root {own}: this log has \
         two histories"
    );
    Failure::new(Exit::Fork, what).hint(HINT)
}

fn rolled_back(holder: &str, known: Size, last: Size) -> Failure {
    Failure::new(
        Exit::Fork,
        format!(
            "a checkpoint of {known} leaves is known to {holder}, but the last one signed here has {last}: this ledger was \
             rolled back, the stream perhaps with it"
        ),
    )
    .hint(HINT)
}

/// Asks the configured witnesses how far they know this log. Who is away is told: he is asked again with the next checkpoint.
async fn ask_witnesses(session: &Session, directory: &LedgerDirectory, last: Size) -> Result<(), Failure> {
    let newest = directory.checkpoint_sizes()?.last().copied();
    let note = newest.map(|newest| directory.checkpoint_at(newest)).transpose()?;
    let (Some(panel), Some(note)) = (cosigning::panel(session)?, note.flatten()) else {
        return Ok(());
    };
    let recalled = panel
        .recall(&note)
        .await
        .map_err(|error| Failure::of(Exit::LedgerFault, &error))?;
    for Recalled { witness, known } in recalled {
        match known {
            Ok(known) if known > last => return Err(rolled_back(&format!("witness {witness}"), known, last)),
            Ok(_) => {}
            Err(error) if error.is_contradiction() => {
                return Err(Failure::new(Exit::Fork, format!("witness {witness}: {error}")).hint(HINT));
            }
            // A witness that reads the leaves first has found nothing against the size: the log is not served yet.
            Err(SubmitError::Refused { status, .. }) if status.is_server_error() => {}
            Err(error) => session.speech.tell(format_args!(
                "warning: witness {witness} could not be asked what it knows of this ledger: {error}"
            )),
        }
    }
    Ok(())
}
