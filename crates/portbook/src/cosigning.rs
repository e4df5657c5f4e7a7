//! Publishing with witnesses: each signed checkpoint is shown to them, and published with the cosignatures that came in
//! time. Recording goes on meanwhile.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use portbook_evidence::{Evidence, LogName};
use portbook_ledger::{OpenedCheckpoint, Policy, Size, VerifierKey, sha256};
use portbook_projector::{Published, Publishing, SignedNote};
use portbook_store::LedgerDirectory;
use portbook_witness::{Cosignatures, Cosigned, Panel};
use tokio::sync::watch;
use tokio::task::block_in_place;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::home::KeyOf;
use crate::node::stopped;
use crate::session::Session;
use crate::speech::Speech;

/// Collects cosignatures and publishes.
#[derive(Debug)]
pub(crate) struct Cosigning {
    panel: Panel,
    log_key: VerifierKey,
    directory: LedgerDirectory,
    signed: watch::Receiver<Option<SignedNote>>,
    published: watch::Sender<Published>,
    judged: watch::Sender<Option<Cosigned>>,
    speech: Speech,
}

/// What others may watch of it.
#[derive(Debug, Clone)]
pub(crate) struct Watched {
    /// What is signed and perhaps not published yet.
    pub(crate) signed: watch::Receiver<Option<SignedNote>>,
    /// How far the cosignatures of the newest checkpoint go.
    pub(crate) judged: watch::Receiver<Option<Cosigned>>,
}

impl Cosigning {
    /// Reads the policy; without one, or with one that names no witness to ask, the signer publishes itself.
    pub(crate) fn prepare(session: &Session) -> Result<(Publishing, Option<(Self, Watched)>), Failure> {
        let Some(panel) = panel(session)? else {
            return Ok((Publishing::AtOnce, None));
        };
        let log_key = session.home.public_key(KeyOf::Log)?;
        let directory = session.home.ledger();
        let (to, signed) = watch::channel(None);
        let (published, reported) = watch::channel(published_before(&directory)?);
        let (judged, judgement) = watch::channel(None);
        let watched = Watched {
            signed: signed.clone(),
            judged: judgement,
        };
        let cosigning = Self {
            panel,
            log_key,
            directory,
            signed,
            published,
            judged,
            speech: session.speech.clone(),
        };
        let publishing = Publishing::Handed {
            to,
            published: reported,
        };
        Ok((publishing, Some((cosigning, watched))))
    }

    /// Publishes what is signed until `stop`.
    pub(crate) async fn run(
        mut self,
        evidence: Arc<Evidence>,
        stop: watch::Receiver<bool>,
    ) -> Result<(), Failure> {
        let stopped = stopped(stop);
        tokio::pin!(stopped);
        loop {
            tokio::select! {
                changed = self.signed.changed() => if changed.is_err() {
                    return Ok(());
                },
                () = &mut stopped => return Ok(()),
            }
            let Some(signed) = self.signed.borrow_and_update().clone() else {
                continue;
            };
            if let Some((note, cosigned)) = self.published_before(&signed)? {
                self.tell(&signed, &note, cosigned, "");
                continue;
            }
            let prove = |old, new| block_in_place(|| evidence.consistency(LogName::Ledger, old, new));
            let collected = tokio::select! {
                collected = self.panel.collect(&signed.note, prove) => collected,
                () = &mut stopped => return Ok(()),
            };
            let collected = collected.map_err(|error| Failure::of(Exit::LedgerFault, &error))?;
            refuse_rollback(&collected)?;
            self.directory.publish_checkpoint(signed.size, &collected.note)?;
            let refused: Vec<String> = collected
                .refused
                .iter()
                .map(|refused| format!("; {}: {}", refused.witness, refused.error))
                .collect();
            self.tell(&signed, &collected.note, collected.cosigned, &refused.concat());
        }
    }

    /// The checkpoint of this size as it was published before a restart, when that was with a quorum.
    fn published_before(&self, signed: &SignedNote) -> Result<Option<(String, Cosigned)>, Failure> {
        let Some(note) = self.directory.checkpoint_at(signed.size)? else {
            return Ok(None);
        };
        let key = &self.log_key;
        let keys = self.panel.policy().witness_keys();
        let opened = portbook_ledger::Origin::new(key.id().name.as_str())
            .ok()
            .and_then(|origin| OpenedCheckpoint::open(note.as_bytes(), &origin, key, &keys).ok());
        let cosigned = opened
            .filter(|opened| signed.note.starts_with(&opened.checkpoint.to_string()))
            .map(|opened| Cosigned::judge(self.panel.policy(), &opened.cosignatures));
        Ok(cosigned
            .filter(|cosigned| cosigned.quorum)
            .map(|cosigned| (note, cosigned)))
    }

    fn tell(&self, signed: &SignedNote, note: &str, cosigned: Cosigned, refused: &str) {
        let digest = sha256(&[note.as_bytes()]);
        self.published.send_replace(Published {
            digest,
            size: signed.size,
        });
        let before = self.judged.send_replace(Some(cosigned));
        let Cosigned { witnesses, known, .. } = cosigned;
        let size = signed.size;
        match (before.is_none_or(|before| before.quorum), cosigned.quorum) {
            (true, false) => self.speech.tell(format_args!(
                "warning: checkpoint {size} was published without a quorum: {witnesses} of {known} witnesses{refused}"
            )),
            (false, true) => self.speech.tell(format_args!(
                "checkpoint {size} has a quorum again: {witnesses} of {known} witnesses"
            )),
            (true, true) | (false, false) => tracing::debug!(%size, witnesses, known, refused, "published"),
        }
    }
}

/// The witnesses to ask; none without a policy, or with one that names no witness that can be asked.
pub(crate) fn panel(session: &Session) -> Result<Option<Panel>, Failure> {
    let settings = &session.config.witness;
    if settings.policy.as_os_str().is_empty() {
        return Ok(None);
    }
    let policy = load_policy(&session.home.root().join(&settings.policy))?;
    let log_key = session.home.public_key(KeyOf::Log)?;
    let patience = Duration::from_millis(settings.patience_ms);
    let panel =
        Panel::new(policy, log_key, patience).map_err(|error| Failure::of(Exit::Configuration, &error))?;
    Ok(Some(panel).filter(|panel| !panel.is_empty()))
}

/// Reads a policy file.
pub(crate) fn load_policy(path: &Path) -> Result<Policy, Failure> {
    let bytes = fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
    Policy::parse(&bytes).map_err(|error| {
        Failure::new(
            Exit::Configuration,
            format!("{} is not a policy: {error}", path.display()),
        )
    })
}

fn published_before(directory: &LedgerDirectory) -> Result<Published, Failure> {
    let size = directory
        .checkpoint_sizes()?
        .last()
        .copied()
        .unwrap_or(Size::ZERO);
    Ok(match directory.checkpoint_at(size)? {
        Some(note) => Published {
            digest: sha256(&[note.as_bytes()]),
            size,
        },
        None => Published::NOTHING,
    })
}

/// A witness that knows more than there is, or something else, is how a log learns that it was rolled back.
fn refuse_rollback(collected: &Cosignatures) -> Result<(), Failure> {
    match collected.refused.iter().find(|refused| refused.error.is_contradiction()) {
        None => Ok(()),
        Some(refused) => Err(Failure::new(
            Exit::Fork,
            format!("witness {}: {}", refused.witness, refused.error),
        )
        .hint(
            "this ledger was rolled back or forked, or the witness is wrong: find out which before anything is signed again",
        )),
    }
}
