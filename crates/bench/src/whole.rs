//! One ledger from facts to verdict, by the product alone: what it costs by length, in time and in memory.

use crate::Failure;
use crate::import::{self, Facts};
use crate::site::Site;
use crate::stage::{Stage, Staged};

/// What one run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Whole {
    /// Facts imported a second.
    pub(crate) import: u64,
    /// The replay.
    pub(crate) replay: Staged,
    /// The verification, structure only.
    pub(crate) verify: Staged,
}

/// Imports, replays and verifies `events` facts at a site of their own.
pub(crate) async fn measure(events: u64) -> Result<Whole, Failure> {
    let site = Site::open().await?;
    let facts = Facts::write(site.place(), events)?;
    let import = import::fill(site.place(), &facts).await?;
    let replay = Stage::Replay.apart(site.place()).await?;
    let verify = Stage::Verify.apart(site.place()).await?;
    site.close().await?;
    Ok(Whole {
        import,
        replay,
        verify,
    })
}
