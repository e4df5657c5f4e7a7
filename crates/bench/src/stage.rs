//! One stage of the product in a process of its own, so that its memory is nobody else's.

use std::env;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tokio::process::Command;

use crate::site::Place;
use crate::{Failure, memory, replay, speech, verification};

/// The first argument of such a process. It is not for people.
pub(crate) const WORD: &str = "stage";
/// The ledger that the stages make and check.
pub(crate) const LEDGER: &str = "whole";

/// What is done apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The stream into the ledger.
    Replay,
    /// The ledger checked, structure only.
    Verify,
}

/// What it came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Staged {
    /// Messages or leaves a second.
    pub(crate) rate: u64,
    /// Peak memory, in MiB; none where the system does not say.
    pub(crate) peak_mib: Option<u64>,
}

/// A stage that could not be carried out.
#[derive(Debug, thiserror::Error)]
enum StageError {
    /// The other process failed; it has said why.
    #[error("measuring {stage} in another process failed")]
    Failed { stage: &'static str },
    /// Another process was started in the wrong way.
    #[error("a stage is replay or verify, with URL and folder of its site")]
    Arguments,
}

impl Stage {
    const fn name(self) -> &'static str {
        match self {
            Self::Replay => "replay",
            Self::Verify => "verify",
        }
    }

    /// Carries it out in another process.
    pub(crate) async fn apart(self, place: &Place) -> Result<Staged, Failure> {
        let mut command = Command::new(env::current_exe()?);
        command.args([WORD, self.name(), &place.url]).arg(&place.dir);
        let output = command.stderr(std::process::Stdio::inherit()).output().await?;
        if !output.status.success() {
            return Err(StageError::Failed { stage: self.name() }.into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

/// Carries out the stage named in `arguments` in this process.
pub(crate) async fn carry_out(arguments: &[String]) -> Result<(), Failure> {
    let [stage, url, dir] = arguments else {
        return Err(StageError::Arguments.into());
    };
    let place = Place {
        url: url.clone(),
        dir: PathBuf::from(dir),
    };
    let rate = match stage.as_str() {
        "replay" => replay::replay(&place, LEDGER, replay::BATCH_MESSAGES).await?,
        "verify" => verification::check_once(&place.ledger(LEDGER))?,
        _ => return Err(StageError::Arguments.into()),
    };
    speech::answer(serde_json::to_string(&Staged {
        rate,
        peak_mib: memory::peak_mib(),
    })?)
}
