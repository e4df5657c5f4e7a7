//! The witness: decides whether a checkpoint may be cosigned, in the order of C2SP tlog-witness, and remembers it first.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::{SystemTime, UNIX_EPOCH};

use portbook_ledger::{
    Checkpoint, CheckpointError, GrowthProof, InvalidProofText, Note, NoteAlgorithm, Origin, SignerKey, Size,
    VerifierKey,
    tree::{ProofError, verify_consistency},
};
use tokio::sync::Mutex;

use crate::alarm::Alarm;
use crate::follower::{FollowError, Follower};
use crate::memory::{Memory, MemoryError, open_any};

/// Most hashes of a consistency proof that the specification allows.
const PROOF_HASHES_MAX: usize = 63;

/// Cosigns the checkpoints of known logs, each log's one after the other.
#[derive(Debug)]
pub struct Witness {
    key: SignerKey,
    memory: Memory,
    logs: BTreeMap<String, Known>,
}

/// A log that a witness knows.
#[derive(Debug)]
pub struct KnownLog {
    /// Its name.
    pub origin: Origin,
    /// Keys that may have signed its checkpoints.
    pub keys: Vec<VerifierKey>,
    /// Reads its leaves and derives its seals again before anything is cosigned; none for a witness that only sees that
    /// the log grows.
    pub follower: Option<Follower>,
}

#[derive(Debug)]
struct Known {
    origin: Origin,
    keys: Vec<VerifierKey>,
    state: Mutex<State>,
}

/// Whoever holds it may compare, remember and cosign; nobody comes between.
#[derive(Debug)]
struct State {
    latest: Option<Checkpoint>,
    follower: Option<Follower>,
    /// Whether it was told already that the log contradicts itself.
    told: bool,
}

/// Why a witness cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// What it remembers cannot be read.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// Its key signs as a log.
    #[error("the key {key} is not the key of a witness")]
    Role {
        /// The key.
        key: String,
    },
}

/// Why a checkpoint is not cosigned. Each has its status.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// 400: the body is not a submission.
    #[error("the request cannot be read")]
    Malformed(#[from] InvalidProofText),
    /// 400: there are more hashes than any proof needs.
    #[error("a consistency proof has at most {PROOF_HASHES_MAX} hashes, found {found}")]
    ProofLength {
        /// Hashes sent.
        found: usize,
    },
    /// 400: the checkpoint below the proof is not a checkpoint.
    #[error("the checkpoint cannot be read")]
    Checkpoint(#[from] CheckpointError),
    /// 400: the log would shrink.
    #[error("old size {old} is larger than the checkpoint's size {new}")]
    Shrinking {
        /// Size it is said to have had.
        old: Size,
        /// Size of the checkpoint.
        new: Size,
    },
    /// 404: the log is not known.
    #[error("the log {origin} is not known here")]
    UnknownLog {
        /// Its name.
        origin: Origin,
    },
    /// 403: no known key signed.
    #[error("no signature by a known key of {origin} holds")]
    NotSigned {
        /// Name of the log.
        origin: Origin,
        /// Why.
        #[source]
        source: CheckpointError,
    },
    /// 409: the witness is elsewhere, or knows another root for this size.
    #[error("this witness cosigned {latest} leaves of this log, with a root of its own")]
    Conflict {
        /// Size of the latest checkpoint it cosigned.
        latest: Size,
    },
    /// 422: the log does not continue what was cosigned.
    #[error("the consistency proof does not hold")]
    Inconsistent(#[from] ProofError),
    /// 422: the leaves do not say what the seals say.
    #[error("the leaves contradict the log")]
    Contradicted(#[source] FollowError),
    /// 503: the leaves could not be read, so nothing can be said.
    #[error("the leaves of the log could not be read")]
    Unread(#[source] FollowError),
    /// 503: what was decided could not be remembered, so it must not be said.
    #[error("this witness cannot remember")]
    Memory(#[from] MemoryError),
    /// 503: the clock is before 1970.
    #[error("the clock of this witness is wrong")]
    Clock,
}

impl Witness {
    /// A witness that signs with `key` and goes on with what `memory` knows of `logs`.
    ///
    /// # Errors
    /// [`WitnessError`] when the key is none of a witness or the memory cannot be read: a witness without memory must not
    /// cosign.
    pub fn new(key: SignerKey, memory: Memory, logs: Vec<KnownLog>) -> Result<Self, WitnessError> {
        if key.verifier().algorithm() != NoteAlgorithm::CosignatureV1 {
            return Err(WitnessError::Role {
                key: key.verifier().id().to_string(),
            });
        }
        let mut known = BTreeMap::new();
        for log in logs {
            let latest = memory.latest(&log.origin, &log.keys)?;
            let state = State {
                latest,
                follower: log.follower,
                told: false,
            };
            known.insert(
                log.origin.as_str().to_owned(),
                Known {
                    origin: log.origin,
                    keys: log.keys,
                    state: Mutex::new(state),
                },
            );
        }
        Ok(Self {
            key,
            memory,
            logs: known,
        })
    }

    /// The key others check its cosignatures with.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        self.key.verifier()
    }

    /// Considers one submission; answers with the cosignature line, LF included, once the checkpoint is remembered.
    ///
    /// # Errors
    /// [`Refusal`] says why it is not cosigned; nothing is remembered then.
    pub async fn consider(&self, body: &[u8]) -> Result<String, Refusal> {
        let submission = GrowthProof::parse(body)?;
        if submission.hashes.len() > PROOF_HASHES_MAX {
            return Err(Refusal::ProofLength {
                found: submission.hashes.len(),
            });
        }
        let note = Note::parse(submission.checkpoint.as_bytes()).map_err(CheckpointError::from)?;
        let claimed = Checkpoint::parse(note.text())?;
        let known = self
            .logs
            .get(claimed.origin.as_str())
            .ok_or(Refusal::UnknownLog {
                origin: claimed.origin.clone(),
            })?;
        let checkpoint =
            open_any(submission.checkpoint.as_bytes(), &known.origin, &known.keys).map_err(|source| {
                Refusal::NotSigned {
                    origin: claimed.origin,
                    source,
                }
            })?;
        if submission.old > checkpoint.size {
            return Err(Refusal::Shrinking {
                old: submission.old,
                new: checkpoint.size,
            });
        }
        let mut state = known.state.lock().await;
        continues(state.latest.as_ref(), &submission, &checkpoint)?;
        if let Some(follower) = &mut state.follower
            && let Err(error) = follower
                .advance(&checkpoint, submission.checkpoint.as_bytes())
                .await
        {
            if !error.is_contradiction() {
                return Err(Refusal::Unread(error));
            }
            state.accuse(&known.origin, &error);
            return Err(Refusal::Contradicted(error));
        }
        let line = self.cosign(&note)?;
        self.memory.remember(&known.origin, &submission.checkpoint)?;
        state.latest = Some(checkpoint);
        Ok(line)
    }

    /// Follows every log that is to be verified up to what it serves, so that submissions find little left to read.
    ///
    /// What cannot be read is tried again the next time; a contradiction is told once, and is the answer to every
    /// submission from then on.
    pub async fn read_ahead(&self) {
        for known in self.logs.values() {
            let mut state = known.state.lock().await;
            let Some(follower) = &mut state.follower else {
                continue;
            };
            match follower.catch_up(&known.keys).await {
                Ok(_) => {}
                Err(error) if error.is_contradiction() => state.accuse(&known.origin, &error),
                Err(error) => tracing::debug!(log = %known.origin, %error, "the log could not be read"),
            }
        }
    }

    /// Reads ahead every `period` until `shutdown`.
    pub async fn follow(&self, period: std::time::Duration, shutdown: impl Future<Output = ()>) {
        let mut ticks = tokio::time::interval(period);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = &mut shutdown => return,
            }
            tokio::select! {
                () = self.read_ahead() => {}
                () = &mut shutdown => return,
            }
        }
    }

    fn cosign(&self, note: &Note) -> Result<String, Refusal> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let seconds = now.map_err(|_before_1970| Refusal::Clock)?.as_secs();
        let bare = Note::new(note.text()).map_err(CheckpointError::from)?;
        let cosigned = bare.cosigned(&self.key, seconds);
        let mut lines = String::new();
        for signature in cosigned.signatures() {
            lines += &signature.to_string();
            lines.push('\n');
        }
        Ok(lines)
    }
}

impl State {
    /// Writes the proof of what the log did beside what was read of it, and tells once where it is.
    fn accuse(&mut self, log: &Origin, error: &FollowError) {
        let (Some(alarm), Some(follower)) = (Alarm::of(error), &self.follower) else {
            return;
        };
        let kept = alarm.keep(follower.mirror().folder());
        if std::mem::replace(&mut self.told, true) {
            return;
        }
        match kept {
            Ok(Some(proof)) => {
                tracing::error!(%log, proof = %proof.display(), "{alarm}; show the proof to others");
            }
            Ok(None) => tracing::error!(%log, "{alarm}; the proof is all of the leaves that were read"),
            Err((path, error)) => {
                tracing::error!(%log, path = %path.display(), %error, "{alarm}; the proof could not be written");
            }
        }
    }
}

/// Whether `checkpoint` continues what was cosigned.
fn continues(
    latest: Option<&Checkpoint>,
    submission: &GrowthProof,
    checkpoint: &Checkpoint,
) -> Result<(), Refusal> {
    let known = latest.map_or(Size::ZERO, |latest| latest.size);
    let conflict = Refusal::Conflict { latest: known };
    if submission.old != known {
        return Err(conflict);
    }
    let Some(latest) = latest else {
        // The empty tree is the beginning of every tree: there is nothing that a proof could hold against.
        return match submission.hashes.len() {
            0 => Ok(()),
            found => Err(ProofError::TooLong { found }.into()),
        };
    };
    if latest.size == checkpoint.size && latest.root != checkpoint.root {
        return Err(conflict);
    }
    Ok(verify_consistency(
        latest.size,
        checkpoint.size,
        &submission.hashes,
        &latest.root,
        &checkpoint.root,
    )?)
}
