//! One ledger from facts to verdict, by the product alone: what it costs by length, in time and in memory.

use std::fs;

use crate::import::{self, Facts};
use crate::site::Site;
use crate::{Failure, memory, replay, verification};

const LEDGER: &str = "whole";

/// Rates and peaks of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Whole {
    /// Facts imported a second.
    pub(crate) import: u64,
    /// Messages replayed a second.
    pub(crate) replay: u64,
    /// Leaves verified a second, structure only.
    pub(crate) verify: u64,
    /// Peak memory of the replay, in MiB; none where the system does not say.
    pub(crate) replay_mib: Option<u64>,
    /// Peak memory of the verification, in MiB.
    pub(crate) verify_mib: Option<u64>,
}

/// Imports, replays and verifies `events` facts at a site of their own.
pub(crate) async fn measure(events: u64) -> Result<Whole, Failure> {
    let site = Site::open().await?;
    let facts = Facts::write(&site, events)?;
    let import = import::fill(&site, &facts).await?;
    memory::forget_peak();
    let replay = replay::replay(&site, LEDGER, replay::BATCH_MESSAGES).await?;
    let replay_mib = memory::peak_mib();
    memory::forget_peak();
    let directory = site.ledger(LEDGER);
    let verify = verification::check_once(&directory)?;
    let verify_mib = memory::peak_mib();
    fs::remove_dir_all(directory.path())?;
    site.close().await?;
    Ok(Whole {
        import,
        replay,
        verify,
        replay_mib,
        verify_mib,
    })
}
