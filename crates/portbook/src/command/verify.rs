//! `portbook verify`: recompute everything, believe nothing that is not signed, and name the first thing that is wrong.

mod epoch;
mod fault;
mod quorum;
mod report;
mod stream;
mod trust;

use std::path::PathBuf;
use std::time::Instant;

use portbook_audit::{Against, Depth, Trust, Verified, verify};
use portbook_ledger::{Chain, Check, Size};
use portbook_store::{LedgerDirectory, StoreReader};

use self::epoch::{Judged, judge, report_epoch};
use self::fault::{report_difference, report_fault, report_rollback};
use self::report::Report;
use self::stream::compare_with_stream;
use self::trust::Trusted;
pub(crate) use self::trust::parse_key;
use crate::args::VerifyArgs;
use crate::elsewhere;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::reference;
use crate::session::Session;

/// Verifies the ledger in the home directory and reports on the ports asked for.
pub(crate) fn run(session: &Session, args: &VerifyArgs) -> Outcome {
    let chains = chains_of(args)?;
    let reader = StoreReader::open(&session.home.ledger().store())?;
    let mut trust = Trusted::load(session, args.key.as_deref())?;
    let against = args
        .at
        .map_or(Against::Newest, |size| Against::Size(Size::new(size)));
    let depth = if args.quick {
        Depth::Structure
    } else {
        Depth::Everything
    };
    let started = Instant::now();
    let directory = session.home.ledger();
    let asked = (against, depth);
    let judged = judge(session, &reader, &directory, &mut trust, asked, args.accept_epoch)?;
    let verified = match judged {
        Judged::Verified(verified) => verified,
        Judged::Rollback(seen, newest) => return report_rollback(session, &(seen, newest)),
        Judged::NewEpoch(epoch, seen) => return report_epoch(session, &epoch, &seen),
    };
    let compared = match &verified {
        _ if !args.against_stream => None,
        Verified::Holds(verification) => Some(&verification.checkpoint),
        Verified::Faulty { checkpoint, .. } => Some(checkpoint),
    };
    let compared = match compared {
        Some(checkpoint) => {
            Some(session.block_on(compare_with_stream(session, &reader, checkpoint.size.get()))?)
        }
        None => None,
    };
    let differs = compared.as_ref().and_then(|compared| compared.differs.as_ref());
    let verification = match verified {
        Verified::Holds(verification) => verification,
        Verified::Faulty { fault, checkpoint } => {
            return report_fault(session, &reader, &fault, &checkpoint, differs);
        }
    };
    if let Some(differs) = differs {
        return report_difference(session, &reader, differs);
    }
    if let Some(misplaced) = verification
        .rederived
        .as_ref()
        .and_then(|rederived| rederived.misplaced.as_ref())
    {
        return Err(Failure::new(Exit::LedgerFault, misplaced));
    }
    let log_key = &trust.trust.log_key;
    let judge = |file: &PathBuf| quorum::judge(file, &directory, &verification.checkpoint, log_key);
    let cosigned = args.policy.as_ref().map(judge).transpose()?;
    let elapsed_ms = started.elapsed().as_millis();
    Report {
        verification: &verification,
        trust: &trust,
        compared: compared.as_ref(),
        cosigned,
        elapsed_ms,
    }
    .print(session, &chains)?;
    if cosigned.is_some_and(|cosigned| !cosigned.quorum) {
        return Ok(Exit::Incomplete);
    }
    let note = directory
        .checkpoint_at(verification.checkpoint.size)?
        .unwrap_or_default();
    trust.seen.remember(&verification.checkpoint, &note)?;
    Ok(Exit::Done)
}

/// What `up` does before it writes: the whole structure, against the newest checkpoint that the store has reached.
///
/// A store may be behind: the stream brings it up to date, and then every signed root is compared.
pub(crate) fn audit_at_start(session: &Session, reader: &StoreReader) -> Result<(), Failure> {
    let directory = session.home.ledger();
    let size = reader.book()?.frontier.size();
    let Some(reached) = directory
        .checkpoint_sizes()?
        .into_iter()
        .rfind(|signed| *signed <= size)
    else {
        return Ok(());
    };
    let mut trust = Trusted::load(session, None)?;
    let known = elsewhere::known(session, &trust.trust.origin, &trust.trust.log_key)?;
    trust.hold_to(known.iter().map(|known| known.checkpoint.clone()));
    match carry_out(
        session,
        reader,
        &directory,
        &trust.trust,
        Against::Size(reached),
        Depth::Structure,
    ) {
        Ok(Verified::Holds(_)) => Ok(()),
        Ok(Verified::Faulty { fault, .. }) => {
            if let Check::Root {
                size,
                signed,
                computed,
            } = &*fault.check
            {
                elsewhere::refuse_fork(&directory, &known, (*size, *signed), *computed)?;
            }
            Err(Failure::new(
                Exit::LedgerFault,
                format!("the ledger is not what was signed: {fault}"),
            )
            .hint("portbook verify --all says more; the stream is the backup"))
        }
        Err(failure) => Err(failure),
    }
}

fn carry_out(
    session: &Session,
    reader: &StoreReader,
    directory: &LedgerDirectory,
    trust: &Trust,
    against: Against,
    depth: Depth,
) -> Result<Verified, Failure> {
    let bar = session.speech.bar("verifying", 0);
    let verified = verify(reader, directory, trust, against, depth, &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    Ok(verified?)
}

/// Which chains to report on; none means all.
fn chains_of(args: &VerifyArgs) -> Result<Vec<Chain>, Failure> {
    let tables = reference::load()?;
    args.ports
        .iter()
        .map(|port| {
            let written = port.parse().map_err(|error| Failure::of(Exit::Usage, &error))?;
            let code = tables.reference.aliases.normalize(&written);
            Chain::port(code.as_str()).map_err(|error| Failure::of(Exit::Usage, &error))
        })
        .collect()
}
