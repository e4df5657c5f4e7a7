//! What the auditor brings along: keys and a policy. Nothing of it ever comes from the evidence.

use portbook_ledger::{
    Chain, Checkpoint, CheckpointError, KeyName, NoteAlgorithm, NoteError, OpenedCheckpoint, Origin, Policy,
    VerifiedSignature, VerifierKey,
};

use crate::report::{Line, Refusal};

/// Whom the auditor trusts.
#[derive(Debug, Clone)]
pub struct Trust {
    policy: Policy,
}

/// A checkpoint that a trusted log signed.
#[derive(Debug, Clone)]
pub struct Opened {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The file.
    pub note: String,
    /// The chain whose own log this is; none when it is a whole ledger's.
    pub chain: Option<Chain>,
    /// Origin of the ledger.
    pub ledger: Origin,
    /// The key of the ledger.
    pub log_key: VerifierKey,
    cosignatures: Vec<VerifiedSignature>,
}

/// A log that the auditor knows, as the signer of one checkpoint.
#[derive(Debug, Clone)]
pub(crate) struct Signer {
    /// First line of what it signs.
    pub(crate) origin: Origin,
    /// The key it signs with, under that name.
    pub(crate) key: VerifierKey,
    chain: Option<Chain>,
    ledger: Origin,
    log_key: VerifierKey,
}

impl Trust {
    /// Trust in the logs of a policy, as far as its quorum goes.
    #[must_use]
    pub const fn new(policy: Policy) -> Self {
        Self { policy }
    }

    /// Opens a checkpoint: one of the trusted logs must have signed it, for itself or for one of its chains.
    ///
    /// # Errors
    /// INCOMPLETE when no trusted log is called so, FAULT for everything else.
    pub fn open(&self, check: &'static str, note: &[u8]) -> Result<Opened, Refusal> {
        let witnesses = self.policy.witness_keys();
        first_that_holds(self.signers(check, note)?, |signer| {
            let opened = OpenedCheckpoint::open(note, &signer.origin, &signer.key, &witnesses);
            let opened = opened.map_err(|error| Refusal::fault(check, told(&error)))?;
            Ok(Opened {
                checkpoint: opened.checkpoint,
                note: String::from_utf8_lossy(note).into_owned(),
                chain: signer.chain,
                ledger: signer.ledger,
                log_key: signer.log_key,
                cosignatures: opened.cosignatures,
            })
        })
    }

    /// Who may have signed `note`, going by its first line: of a log whose key was exchanged there are several.
    ///
    /// # Errors
    /// INCOMPLETE when no trusted log is called so.
    pub(crate) fn signers(&self, check: &'static str, note: &[u8]) -> Result<Vec<Signer>, Refusal> {
        let name = note.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let name = String::from_utf8_lossy(name).into_owned();
        let mut signers = Vec::new();
        for log in self.policy.logs() {
            let ledger =
                Origin::new(log.key.id().name.as_str()).map_err(|error| Refusal::incomplete(check, error))?;
            let chain = name
                .strip_prefix(ledger.as_str())
                .and_then(|rest| rest.strip_prefix("/port/"))
                .and_then(|name| Chain::from_bytes(name.as_bytes()));
            let (origin, key) = match chain {
                Some(chain) => {
                    chain_key(&ledger, &log.key, chain).map_err(|error| Refusal::fault(check, error))?
                }
                None if ledger.as_str() == name => (ledger.clone(), log.key.clone()),
                None => continue,
            };
            signers.push(Signer {
                origin,
                key,
                chain,
                ledger,
                log_key: log.key.clone(),
            });
        }
        if signers.is_empty() {
            let reason = format!(
                "you brought no key of the log {:?}",
                name.chars().take(80).collect::<String>()
            );
            return Err(Refusal::incomplete(check, reason));
        }
        Ok(signers)
    }

    /// Whether enough witnesses cosigned, and since when the checkpoint was seen.
    ///
    /// # Errors
    /// INCOMPLETE when they are no quorum.
    pub(crate) fn quorum(&self, opened: &Opened) -> Result<(Line, Option<u64>), Refusal> {
        let known = self.policy.witnesses().len();
        let count = opened.cosignatures.len();
        if !self.policy.is_met_by(&opened.cosignatures) {
            let reason = format!(
                "{count} of the {known} witnesses you trust cosigned: that is no quorum of your policy"
            );
            return Err(Refusal::incomplete("witnesses", reason));
        }
        let line = Line {
            check: "witnesses",
            shows: if known == 0 {
                "none asked for".to_owned()
            } else {
                format!("{count} of {known}, a quorum of your policy")
            },
        };
        let earliest = opened
            .cosignatures
            .iter()
            .filter_map(|signature| signature.cosigned_at_s);
        Ok((line, earliest.min()))
    }
}

/// Origin and key of one chain's own log.
///
/// # Errors
/// [`CheckpointError`] when the name would be too long.
pub fn chain_key(
    ledger: &Origin,
    log_key: &VerifierKey,
    chain: Chain,
) -> Result<(Origin, VerifierKey), CheckpointError> {
    let refused = |found: String| CheckpointError::Origin { found };
    let origin = ledger.of_chain(chain).map_err(|error| refused(error.found))?;
    let name = KeyName::new(origin.as_str()).map_err(|error| refused(error.to_string()))?;
    let key = VerifierKey::new(name, NoteAlgorithm::Ed25519, *log_key.public());
    Ok((origin, key))
}

/// What `check` makes of the first signer under which it holds; of none, what it says of the last.
pub(crate) fn first_that_holds<T>(
    signers: Vec<Signer>,
    mut check: impl FnMut(Signer) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let mut refusal = None;
    for signer in signers {
        match check(signer) {
            Ok(found) => return Ok(found),
            Err(found) => refusal = Some(found),
        }
    }
    Err(refusal
        .unwrap_or_else(|| Refusal::incomplete("signature", "nobody is known who could have signed it")))
}

fn told(error: &CheckpointError) -> String {
    if matches!(error, CheckpointError::Note(NoteError::NoKnownSignature)) {
        "the key you brought did not sign it".to_owned()
    } else {
        error.to_string()
    }
}
