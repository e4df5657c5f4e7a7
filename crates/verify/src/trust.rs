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
        let name = note.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let name = String::from_utf8_lossy(name).into_owned();
        let mut found = None;
        for log in self.policy.logs() {
            let ledger =
                Origin::new(log.key.id().name.as_str()).map_err(|error| Refusal::incomplete(check, error))?;
            let chain = name
                .strip_prefix(ledger.as_str())
                .and_then(|rest| rest.strip_prefix("/port/"))
                .and_then(|name| Chain::from_bytes(name.as_bytes()));
            if ledger.as_str() == name || chain.is_some() {
                found = Some((ledger, chain, &log.key));
            }
        }
        let Some((ledger, chain, log_key)) = found else {
            let reason = format!(
                "you brought no key of the log {:?}",
                name.chars().take(80).collect::<String>()
            );
            return Err(Refusal::incomplete(check, reason));
        };
        let (origin, key) = match chain {
            None => (ledger.clone(), log_key.clone()),
            Some(chain) => {
                chain_key(&ledger, log_key, chain).map_err(|error| Refusal::fault(check, error))?
            }
        };
        let opened = OpenedCheckpoint::open(note, &origin, &key, &self.policy.witness_keys());
        let opened = opened.map_err(|error| Refusal::fault(check, told(&error)))?;
        Ok(Opened {
            checkpoint: opened.checkpoint,
            note: String::from_utf8_lossy(note).into_owned(),
            chain,
            ledger,
            log_key: log_key.clone(),
            cosignatures: opened.cosignatures,
        })
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

fn told(error: &CheckpointError) -> String {
    if matches!(error, CheckpointError::Note(NoteError::NoKnownSignature)) {
        "the key you brought did not sign it".to_owned()
    } else {
        error.to_string()
    }
}
