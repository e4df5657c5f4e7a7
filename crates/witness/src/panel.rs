//! The panel: the witnesses of a policy, asked all at once for their cosignatures.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use futures_util::future::join_all;
use portbook_http::{BaseUrl, Client, ClientError, InvalidUrl, StatusCode};
use portbook_ledger::{
    Checkpoint, CheckpointError, GrowthProof, Hash, Note, NoteError, NoteSignature, OpenedCheckpoint, Policy,
    Size, VerifiedSignature, VerifierKey,
};
use tokio::time::timeout;

/// Largest answer of a witness in bytes.
const ANSWER_BYTES_MAX: usize = 16 << 10;

/// The witnesses that a log asks.
#[derive(Debug)]
pub struct Panel {
    policy: Policy,
    log_key: VerifierKey,
    members: Vec<Member>,
    patience: Duration,
}

#[derive(Debug)]
struct Member {
    key: VerifierKey,
    client: Client,
    /// Size it is thought to know.
    known: Mutex<Size>,
}

/// Why there is nobody to ask.
#[derive(Debug, thiserror::Error)]
pub enum PanelError {
    /// A witness has a URL that is none.
    #[error("witness {name}")]
    Url {
        /// Name and hash of its key.
        name: String,
        /// What is wrong.
        #[source]
        source: InvalidUrl,
    },
    /// What was cosigned is not what was asked for.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

/// A checkpoint with the cosignatures that were collected.
#[derive(Debug)]
pub struct Cosignatures {
    /// The note, cosignatures included.
    pub note: String,
    /// How far they go.
    pub cosigned: Cosigned,
    /// What each witness answered that did not cosign.
    pub refused: Vec<Submitted>,
}

/// How far cosignatures go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cosigned {
    /// Witnesses of the policy that cosigned.
    pub witnesses: usize,
    /// Witnesses of the policy.
    pub known: usize,
    /// Whether those that cosigned are a quorum.
    pub quorum: bool,
}

/// A witness that did not cosign.
#[derive(Debug)]
pub struct Submitted {
    /// Its name.
    pub witness: String,
    /// Why not.
    pub error: SubmitError,
}

/// What a witness knows of the log.
#[derive(Debug)]
pub struct Recalled {
    /// Its name.
    pub witness: String,
    /// Size of the newest checkpoint it cosigned, 0 when there is none; or why that is not known.
    pub known: Result<Size, SubmitError>,
}

/// Why there is no cosignature.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// It was not reached in time.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// It said no.
    #[error("it answered {status}: {detail}")]
    Refused {
        /// The status.
        status: StatusCode,
        /// What it said, cut.
        detail: String,
    },
    /// It knows a larger tree of this log than there is: the log was rolled back, or another one signs with its key.
    #[error("it knows {known} leaves of this log, there are {size}")]
    Ahead {
        /// Leaves it knows.
        known: Size,
        /// Leaves there are.
        size: Size,
    },
    /// It knows another root for the same size.
    #[error("it knows another root for {size} leaves of this log")]
    OtherRoot {
        /// The size.
        size: Size,
    },
    /// What it answered is no cosignature of this checkpoint.
    #[error("it answered no cosignature that holds")]
    Cosignature(#[from] NoteError),
    /// The proof it needs could not be made.
    #[error("the consistency proof from {old} leaves could not be made: {reason}")]
    Proof {
        /// Size to prove from.
        old: Size,
        /// What went wrong.
        reason: String,
    },
    /// It did not answer before the others were to be waited for no longer.
    #[error("it did not answer within {} ms", .patience.as_millis())]
    Late {
        /// How long it was waited for.
        patience: Duration,
    },
}

impl Cosigned {
    /// Judges `cosignatures`, which were verified with the keys of `policy`.
    #[must_use]
    pub fn judge(policy: &Policy, cosignatures: &[VerifiedSignature]) -> Self {
        let cosigned = |key: &VerifierKey| cosignatures.iter().any(|signature| signature.key == *key.id());
        let witnesses = policy.witnesses().iter().filter(|witness| cosigned(&witness.key));
        Self {
            witnesses: witnesses.count(),
            known: policy.witnesses().len(),
            quorum: policy.is_met_by(cosignatures),
        }
    }
}

impl SubmitError {
    /// Whether it says that this log was rolled back or forked, rather than that the witness is away.
    #[must_use]
    pub const fn is_contradiction(&self) -> bool {
        match self {
            Self::Ahead { .. } | Self::OtherRoot { .. } => true,
            Self::Client(_)
            | Self::Refused { .. }
            | Self::Cosignature(_)
            | Self::Proof { .. }
            | Self::Late { .. } => false,
        }
    }
}

impl Panel {
    /// The witnesses of `policy` that have a URL, for the log with `log_key`; together they are waited for `patience`.
    ///
    /// # Errors
    /// [`PanelError::Url`] when one has a URL that is none.
    pub fn new(policy: Policy, log_key: VerifierKey, patience: Duration) -> Result<Self, PanelError> {
        let mut members = Vec::new();
        for witness in policy.witnesses() {
            let Some(url) = &witness.url else { continue };
            let base: BaseUrl = url.parse().map_err(|source| PanelError::Url {
                name: witness.key.id().to_string(),
                source,
            })?;
            members.push(Member {
                key: witness.key.clone(),
                client: Client::new(base, patience),
                known: Mutex::new(Size::ZERO),
            });
        }
        Ok(Self {
            policy,
            log_key,
            members,
            patience,
        })
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// How many witnesses are asked.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether nobody is asked.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Asks all witnesses to cosign `note`; `prove` makes consistency proofs from a size to the checkpoint's. Ends when all
    /// have answered or the patience is over, whatever has come until then.
    ///
    /// # Errors
    /// [`PanelError::Checkpoint`] when `note` is not signed by the log.
    pub async fn collect<E: std::fmt::Display>(
        &self,
        note: &str,
        prove: impl Fn(Size, Size) -> Result<Vec<Hash>, E> + Sync,
    ) -> Result<Cosignatures, PanelError> {
        let parsed = Note::parse(note.as_bytes()).map_err(CheckpointError::from)?;
        let checkpoint = Checkpoint::parse(parsed.text())?;
        let asked = self.members.iter().map(|member| async {
            let answered = timeout(self.patience, member.ask(&checkpoint, &parsed, &prove)).await;
            answered.unwrap_or(Err(SubmitError::Late {
                patience: self.patience,
            }))
        });
        let answers = join_all(asked).await;
        let (mut cosigned, mut refused) = (parsed, Vec::new());
        for (member, answer) in self.members.iter().zip(answers) {
            match answer {
                Ok(signature)
                    if cosigned
                        .signatures()
                        .iter()
                        .any(|known| known.key == signature.key) => {}
                Ok(signature) => cosigned = cosigned.with_signature(signature),
                Err(error) => refused.push(Submitted {
                    witness: member.key.id().name.to_string(),
                    error,
                }),
            }
        }
        let note = cosigned.to_string();
        let opened = OpenedCheckpoint::open(
            note.as_bytes(),
            &checkpoint.origin,
            &self.log_key,
            &self.policy.witness_keys(),
        )?;
        Ok(Cosignatures {
            note,
            cosigned: Cosigned::judge(&self.policy, &opened.cosignatures),
            refused,
        })
    }

    /// Asks all witnesses how far they know the log, whose newest published checkpoint is `note`. They are asked to cosign
    /// it once more, from its own size on: nobody learns anything new by that.
    ///
    /// # Errors
    /// [`PanelError::Checkpoint`] when `note` is no checkpoint.
    pub async fn recall(&self, note: &str) -> Result<Vec<Recalled>, PanelError> {
        let parsed = Note::parse(note.as_bytes()).map_err(CheckpointError::from)?;
        let checkpoint = Checkpoint::parse(parsed.text())?;
        let asked = self.members.iter().map(|member| async {
            let late = || SubmitError::Late {
                patience: self.patience,
            };
            let answered = timeout(self.patience, member.recall(&checkpoint, &parsed)).await;
            Recalled {
                witness: member.key.id().name.to_string(),
                known: answered.unwrap_or_else(|_elapsed| Err(late())),
            }
        });
        Ok(join_all(asked).await)
    }
}

impl Member {
    /// Submits a checkpoint as one that was cosigned already: no step forward, whatever the witness knows.
    async fn recall(&self, checkpoint: &Checkpoint, note: &Note) -> Result<Size, SubmitError> {
        let size = checkpoint.size;
        let question = GrowthProof {
            old: size,
            hashes: Vec::new(),
            checkpoint: note.to_string(),
        };
        let answer = self
            .client
            .post("/add-checkpoint", question.to_string(), ANSWER_BYTES_MAX)
            .await?;
        let text = String::from_utf8_lossy(&answer.body);
        let known = match answer.status {
            StatusCode::OK => size,
            StatusCode::CONFLICT => match known_size(&text) {
                Some(known) if known == size => return Err(SubmitError::OtherRoot { size }),
                Some(known) => known,
                None => return Err(refused(answer.status, &text)),
            },
            status => return Err(refused(status, &text)),
        };
        self.set_known(known);
        Ok(known)
    }

    async fn ask<E: std::fmt::Display>(
        &self,
        checkpoint: &Checkpoint,
        note: &Note,
        prove: &(impl Fn(Size, Size) -> Result<Vec<Hash>, E> + Sync),
    ) -> Result<NoteSignature, SubmitError> {
        let size = checkpoint.size;
        // The second time it is asked from the size it says it knows.
        let mut old = self.known().min(size);
        for _ in 0..2 {
            let proof = prove(old, size).map_err(|error| SubmitError::Proof {
                old,
                reason: error.to_string(),
            })?;
            let submission = GrowthProof {
                old,
                hashes: proof,
                checkpoint: note.to_string(),
            };
            let answer = self
                .client
                .post("/add-checkpoint", submission.to_string(), ANSWER_BYTES_MAX)
                .await?;
            let text = String::from_utf8_lossy(&answer.body);
            match answer.status {
                StatusCode::OK => {
                    let signature = self.cosignature(note, &text)?;
                    self.set_known(size);
                    return Ok(signature);
                }
                StatusCode::CONFLICT => match known_size(&text) {
                    Some(known) if known > size => return Err(SubmitError::Ahead { known, size }),
                    Some(known) if known == old && known == size => {
                        return Err(SubmitError::OtherRoot { size });
                    }
                    Some(known) if known != old => {
                        self.set_known(known);
                        old = known;
                    }
                    Some(_) | None => return Err(refused(answer.status, &text)),
                },
                status => return Err(refused(status, &text)),
            }
        }
        Err(SubmitError::Refused {
            status: StatusCode::CONFLICT,
            detail: "another size each time".to_owned(),
        })
    }

    /// The witness's own signature among the lines of its answer; lines of others say nothing.
    fn cosignature(&self, note: &Note, answer: &str) -> Result<NoteSignature, NoteError> {
        let bare = Note::new(note.text())?;
        for line in answer.lines() {
            let signature = NoteSignature::parse(line)?;
            if signature.key == *self.key.id() {
                let cosigned = bare.with_signature(signature.clone());
                cosigned.verify(std::slice::from_ref(&self.key))?;
                return Ok(signature);
            }
        }
        Err(NoteError::NoKnownSignature)
    }

    fn known(&self) -> Size {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_known(&self, size: Size) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = size;
    }
}

/// The size that a witness answers a conflict with.
fn known_size(text: &str) -> Option<Size> {
    text.strip_suffix('\n')
        .and_then(|size| size.parse().ok())
        .map(Size::new)
}

fn refused(status: StatusCode, text: &str) -> SubmitError {
    SubmitError::Refused {
        status,
        detail: text.chars().filter(|c| !c.is_control()).take(300).collect(),
    }
}
