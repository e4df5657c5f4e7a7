//! `portbook verify`: recompute everything, believe nothing that is not signed, and name the first thing that is wrong.

use std::path::Path;
use std::time::Instant;

use portbook_audit::{Against, Depth, Rederived, Trust, Verification, Verified, describe, record, verify};
use portbook_bus::{Identity, Log};
use portbook_ledger::{Chain, Checkpoint, Fault, Head, Leaf, Origin, SignedRoot, Size, VerifierKey};
use portbook_projector::{check_identity, difference};
use portbook_store::{LedgerDirectory, StoreReader};
use portbook_wire::subject::STREAM_LEDGER;
use serde::Serialize;

use crate::args::VerifyArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::KeyOf;
use crate::node::Server;
use crate::reference;
use crate::seen::Seen;
use crate::session::Session;
use crate::speech::grouped;

/// Messages compared with the stream at a time.
const COMPARED_TOGETHER: usize = 1000;

/// Verifies the ledger in the home directory and reports on the ports asked for.
pub(crate) fn run(session: &Session, args: &VerifyArgs) -> Outcome {
    let chains = chains_of(args)?;
    let reader = StoreReader::open(&session.home.ledger().store())?;
    let trust = Trusted::load(session, args.key.as_deref())?;
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
    if let Some(rollback) = trust.rollback(&directory, against)? {
        return report_rollback(session, &rollback);
    }
    match carry_out(session, &reader, &directory, &trust.trust, against, depth)? {
        Verified::Faulty { fault, checkpoint } => report_fault(session, &reader, &fault, &checkpoint),
        Verified::Holds(verification) => {
            let compared = if args.against_stream {
                Some(session.block_on(compare_with_stream(
                    session,
                    &reader,
                    verification.checkpoint.size.get(),
                ))?)
            } else {
                None
            };
            let report = Report {
                verification: &verification,
                trust: &trust,
                compared,
                elapsed_ms: started.elapsed().as_millis(),
            };
            report.print(session, &chains)?;
            if let Some(Some(differs)) = &report.compared.as_ref().map(|compared| &compared.differs) {
                return report_difference(session, &reader, differs);
            }
            let misplaced = verification
                .rederived
                .as_ref()
                .and_then(|rederived| rederived.misplaced.as_ref());
            if let Some(misplaced) = misplaced {
                return Err(Failure::new(Exit::LedgerFault, misplaced));
            }
            let note = directory
                .checkpoint_at(verification.checkpoint.size)?
                .unwrap_or_default();
            trust.seen.remember(&verification.checkpoint, &note)?;
            Ok(Exit::Done)
        }
    }
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
    let trust = Trusted::load(session, None)?;
    match carry_out(
        session,
        reader,
        &directory,
        &trust.trust,
        Against::Size(reached),
        Depth::Structure,
    ) {
        Ok(Verified::Holds(_)) => Ok(()),
        Ok(Verified::Faulty { fault, .. }) => Err(Failure::new(
            Exit::LedgerFault,
            format!("the ledger is not what was signed: {fault}"),
        )
        .hint("portbook verify --all says more; the stream is the backup")),
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

/// The auditor's own knowledge.
#[derive(Debug)]
struct Trusted {
    trust: Trust,
    key_from: String,
    seen: Seen,
}

impl Trusted {
    fn load(session: &Session, key: Option<&str>) -> Result<Self, Failure> {
        let (log_key, key_from) = match key {
            None => (
                session.home.public_key(KeyOf::Log)?,
                "the home directory".to_owned(),
            ),
            Some(text) => (parse_key(text)?, "the command line".to_owned()),
        };
        let origin =
            Origin::new(log_key.id().name.as_str()).map_err(|error| Failure::of(Exit::Usage, &error))?;
        let seen = Seen::load(&origin, &log_key);
        let remembered = seen
            .checkpoint
            .iter()
            .map(|seen| SignedRoot {
                size: seen.size,
                root: seen.root,
            })
            .collect();
        Ok(Self {
            trust: Trust {
                origin,
                log_key,
                remembered,
            },
            key_from,
            seen,
        })
    }

    /// The newest checkpoint is older than one that was seen here: somebody offers the past as the present.
    fn rollback(
        &self,
        directory: &LedgerDirectory,
        against: Against,
    ) -> Result<Option<(Checkpoint, Option<Size>)>, Failure> {
        let (Some(seen), Against::Newest) = (&self.seen.checkpoint, against) else {
            return Ok(None);
        };
        let newest = directory.checkpoint_sizes()?.last().copied();
        Ok(newest
            .is_none_or(|newest| newest < seen.size)
            .then(|| (seen.clone(), newest)))
    }
}

fn parse_key(text: &str) -> Result<VerifierKey, Failure> {
    let from_file =
        || std::fs::read_to_string(text).map_err(|error| Failure::file("read", Path::new(text), &error));
    let text = if text.contains('+') {
        text.to_owned()
    } else {
        from_file()?
    };
    VerifierKey::parse(text.trim()).map_err(|error| Failure::of(Exit::Usage, &error))
}

/// What comparing with the stream found.
#[derive(Debug)]
struct Compared {
    messages: u64,
    differs: Option<Differs>,
}

#[derive(Debug)]
struct Differs {
    index: u64,
    field: &'static str,
}

async fn compare_with_stream(
    session: &Session,
    reader: &StoreReader,
    size: u64,
) -> Result<Compared, Failure> {
    let server = Server::start(session).await?;
    let compared = compare_all(session, &server, reader, size).await;
    let stopped = server.stop().await;
    let compared = compared?;
    stopped.map(|()| compared)
}

async fn compare_all(
    session: &Session,
    server: &Server,
    reader: &StoreReader,
    size: u64,
) -> Result<Compared, Failure> {
    let bus = server.address().connect(session, Identity::Auditor).await?;
    let identity = bus.stream_identity(STREAM_LEDGER).await?;
    check_identity(&identity, &reader.book()?).map_err(|error| Failure::of(Exit::LedgerFault, &error))?;
    let log = Log::ledger(&bus);
    let bar = session.speech.bar("comparing", size);
    let mut compared = 0;
    while compared < size {
        let messages = log.read_from(compared + 1, COMPARED_TOGETHER).await?;
        for message in messages {
            if compared == size {
                break;
            }
            let leaf = portbook_ledger::Index::new(compared)
                .map(|index| record(reader, index))
                .transpose()?;
            let field = match &leaf {
                Some(leaf) => difference(&leaf.leaf()?, &message),
                None => Some("index"),
            };
            if let Some(field) = field {
                bar.finish_and_clear();
                return Ok(Compared {
                    messages: compared,
                    differs: Some(Differs {
                        index: compared,
                        field,
                    }),
                });
            }
            compared += 1;
        }
        bar.set_position(compared);
    }
    bar.finish_and_clear();
    bus.close().await;
    Ok(Compared {
        messages: compared,
        differs: None,
    })
}

struct Report<'a> {
    verification: &'a Verification,
    trust: &'a Trusted,
    compared: Option<Compared>,
    elapsed_ms: u128,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    verdict: &'static str,
    origin: &'a str,
    size: u64,
    root: String,
    beyond: u64,
    roots: usize,
    remembered_size: Option<u64>,
    chains: Vec<ChainDocument>,
    signatures: Option<SignaturesDocument>,
    stream_messages: Option<u64>,
    not_checked: Vec<&'static str>,
}

#[derive(Serialize)]
struct ChainDocument {
    chain: String,
    records: u64,
    head: String,
    root: String,
}

#[derive(Serialize)]
struct SignaturesDocument {
    valid: u64,
    unsigned: u64,
    bad: u64,
    unknown_key: u64,
    not_entitled: u64,
    unsupported_leaves: Vec<u64>,
}

impl Report<'_> {
    fn print(&self, session: &Session, chains: &[Chain]) -> Result<(), Failure> {
        let known: Vec<&Head> = self.verification.log.heads.iter().collect();
        let asked: Vec<&Head> = known
            .into_iter()
            .filter(|head| chains.is_empty() || chains.contains(&head.chain))
            .collect();
        if session.speech.is_machine() {
            return session.speech.json(&self.document(&asked));
        }
        self.print_checks(session, &asked)?;
        for chain in chains
            .iter()
            .filter(|chain| asked.iter().all(|head| head.chain != **chain))
        {
            session.speech.answer(format_args!(
                "  {chain} has no records: no seal commits to a head of it"
            ))?;
        }
        let checkpoint = &self.verification.checkpoint;
        let what = if chains.is_empty() {
            "all chains".to_owned()
        } else {
            chains
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" ")
        };
        session.speech.answer(format_args!(
            "VERIFIED {what} @{} {}  {}.{:01} s",
            grouped(checkpoint.size.get()),
            checkpoint.root.to_base64(),
            self.elapsed_ms / 1000,
            self.elapsed_ms % 1000 / 100
        ))?;
        session.speech.tell(
            "Does not show: events nobody published; truth of what a producer signed; other histories shown to others.",
        );
        Ok(())
    }

    fn print_checks(&self, session: &Session, asked: &[&Head]) -> Result<(), Failure> {
        let speech = &session.speech;
        let Verification {
            checkpoint,
            beyond,
            roots,
            log,
            rederived,
        } = self.verification;
        let good = speech.mark(true);
        speech.answer(format_args!(
            "{}  {} leaves",
            checkpoint.origin,
            grouped(checkpoint.size.get())
        ))?;
        for head in asked {
            speech.answer(format_args!(
                "  {:<11} {:>12} records   head {}",
                head.chain.to_string(),
                grouped(head.count.get()),
                head.head_hash.to_hex().get(..16).unwrap_or_default()
            ))?;
        }
        speech.answer(format_args!(
            "  {good} leaves       {} hashed again from stored bytes",
            grouped(log.size.get())
        ))?;
        speech.answer(format_args!(
            "  {good} chains       {} chains, genesis to head, no link broken",
            log.heads.len()
        ))?;
        let seal = log
            .last_seal
            .map_or_else(|| "none".to_owned(), |seal| grouped(seal.get()));
        speech.answer(format_args!(
            "  {good} complete     every head is in the seal at leaf {seal}: nothing is missing"
        ))?;
        speech.answer(format_args!(
            "  {good} append-only  {roots} signed trees reproduced{}",
            self.remembered()
        ))?;
        speech.answer(format_args!(
            "  {good} signature    {} (Ed25519), key from {}",
            self.trust.trust.log_key.id(),
            self.trust.key_from
        ))?;
        match rederived {
            Some(rederived) => print_rederived(session, rederived)?,
            None => speech.answer("  - producers    not checked (--quick)")?,
        }
        if let Some(Compared {
            messages,
            differs: None,
        }) = &self.compared
        {
            speech.answer(format_args!(
                "  {good} stream       {} messages equal their records",
                grouped(*messages)
            ))?;
        }
        if *beyond > 0 {
            speech.tell(format_args!(
                "{} newer leaves are not signed yet and were not looked at",
                grouped(*beyond)
            ));
        }
        Ok(())
    }

    fn remembered(&self) -> String {
        let seen = self.trust.seen.checkpoint.as_ref();
        seen.map_or_else(String::new, |seen| {
            format!(
                ", among them the one of {} seen here before",
                grouped(seen.size.get())
            )
        })
    }

    fn document(&self, asked: &[&Head]) -> Document<'_> {
        let Verification {
            checkpoint,
            beyond,
            roots,
            rederived,
            ..
        } = self.verification;
        let mut not_checked = vec!["unpublished-events", "truth-of-statements", "split-views"];
        if rederived.is_none() {
            not_checked.push("producers");
        }
        Document {
            schema: "portbook.verify/v1",
            verdict: "verified",
            origin: checkpoint.origin.as_str(),
            size: checkpoint.size.get(),
            root: checkpoint.root.to_base64(),
            beyond: *beyond,
            roots: *roots,
            remembered_size: self.trust.seen.checkpoint.as_ref().map(|seen| seen.size.get()),
            chains: asked
                .iter()
                .map(|head| ChainDocument {
                    chain: head.chain.to_string(),
                    records: head.count.get(),
                    head: head.head_hash.to_hex(),
                    root: head.chain_root.to_hex(),
                })
                .collect(),
            signatures: rederived.as_ref().map(|rederived| SignaturesDocument {
                valid: rederived.signatures.valid,
                unsigned: rederived.signatures.unsigned,
                bad: rederived.signatures.bad,
                unknown_key: rederived.signatures.unknown_key,
                not_entitled: rederived.signatures.not_entitled,
                unsupported_leaves: rederived.unsupported.clone(),
            }),
            stream_messages: self.compared.as_ref().map(|compared| compared.messages),
            not_checked,
        }
    }
}

fn print_rederived(session: &Session, rederived: &Rederived) -> Result<(), Failure> {
    let counts = &rederived.signatures;
    let supported = rederived.unsupported.is_empty();
    session.speech.answer(format_args!(
        "  {} producers    {} signatures hold, {} unsigned, {} bad, {} by unknown keys, {} not entitled",
        session.speech.mark(supported),
        grouped(counts.valid),
        grouped(counts.unsigned),
        grouped(counts.bad),
        grouped(counts.unknown_key),
        grouped(counts.not_entitled)
    ))?;
    if !supported {
        let leaves: Vec<String> = rederived.unsupported.iter().map(ToString::to_string).collect();
        session
            .speech
            .answer(format_args!("      first such leaves: {}", leaves.join(", ")))?;
    }
    if rederived.misplaced.is_none() {
        session.speech.answer(format_args!(
            "  {} placement    every record derived again from its message",
            session.speech.mark(true)
        ))?;
    }
    Ok(())
}

#[derive(Serialize)]
struct FaultDocument {
    schema: &'static str,
    verdict: &'static str,
    size: u64,
    first_leaf: u64,
    last_leaf: u64,
    chain: Option<String>,
    chain_seq: Option<u64>,
    record: Option<String>,
    check: String,
    last_good_size: Option<u64>,
    later_records_of_chain: Option<u64>,
}

fn report_fault(session: &Session, reader: &StoreReader, fault: &Fault, checkpoint: &Checkpoint) -> Outcome {
    let what = record(reader, fault.last)
        .ok()
        .and_then(|found| match found.leaf() {
            Ok(Leaf::Record(record)) => Some(describe(&record)),
            Ok(Leaf::Seal(_)) => Some("a seal".to_owned()),
            Err(_) => None,
        });
    let count = fault.chain.and_then(|chain| {
        reader
            .book()
            .ok()?
            .heads
            .get(&chain)
            .map(|head| head.frontier.size().get())
    });
    let later = count
        .zip(fault.chain_seq)
        .map(|(count, seq)| count.saturating_sub(seq.get()));
    let document = FaultDocument {
        schema: "portbook.verify/v1",
        verdict: "failed",
        size: checkpoint.size.get(),
        first_leaf: fault.first.get(),
        last_leaf: fault.last.get(),
        chain: fault.chain.map(|chain| chain.to_string()),
        chain_seq: fault.chain_seq.map(portbook_ledger::ChainSeq::get),
        record: what,
        check: fault.check.to_string(),
        last_good_size: fault.last_good_size.map(Size::get),
        later_records_of_chain: later,
    };
    if session.speech.is_machine() {
        session.speech.json(&document)?;
    } else {
        print_fault(session, &document)?;
    }
    Ok(Exit::LedgerFault)
}

fn print_fault(session: &Session, fault: &FaultDocument) -> Result<(), Failure> {
    let speech = &session.speech;
    let place = match (&fault.chain, fault.chain_seq) {
        (Some(chain), Some(seq)) => format!("{chain} record {}", grouped(seq)),
        _ => "the ledger".to_owned(),
    };
    let leaf = if fault.first_leaf == fault.last_leaf {
        format!("leaf {}", grouped(fault.last_leaf))
    } else {
        format!(
            "one of the leaves {} to {}",
            grouped(fault.first_leaf),
            grouped(fault.last_leaf)
        )
    };
    let what = fault
        .record
        .as_ref()
        .map_or_else(String::new, |what| format!("{what}, "));
    speech.answer(format_args!(
        "{} FAILED  {place} ({what}{leaf})",
        speech.mark(false)
    ))?;
    speech.answer(format_args!("  check      {}", fault.check))?;
    let good = fault.last_good_size.map_or_else(
        || "none".to_owned(),
        |size| format!("the signed tree of {} leaves", grouped(size)),
    );
    speech.answer(format_args!("  last good  {good}"))?;
    if let (Some(later), Some(chain)) = (fault.later_records_of_chain, &fault.chain) {
        speech.answer(format_args!(
            "  reach      {} later records of {chain} chain onto it",
            grouped(later)
        ))?;
    }
    speech.answer("  next       portbook verify --all --against-stream compares record and message")
}

fn report_difference(session: &Session, reader: &StoreReader, differs: &Differs) -> Outcome {
    let index = portbook_ledger::Index::new(differs.index);
    let what = index
        .and_then(|index| record(reader, index).ok())
        .and_then(|found| match found.leaf() {
            Ok(Leaf::Record(record)) => Some(describe(&record)),
            Ok(Leaf::Seal(_)) | Err(_) => None,
        });
    let what = what.unwrap_or_else(|| "no record".to_owned());
    let message = format!(
        "leaf {} ({what}) differs from message {} of the stream: {}",
        differs.index,
        differs.index + 1,
        differs.field
    );
    if session.speech.is_machine() {
        session.speech.json(&serde_json::json!({
            "schema": "portbook.verify/v1", "verdict": "failed", "first_leaf": differs.index,
            "last_leaf": differs.index, "check": format!("stream: {}", differs.field),
        }))?;
    } else {
        session
            .speech
            .answer(format_args!("{} FAILED  {message}", session.speech.mark(false)))?;
    }
    Ok(Exit::LedgerFault)
}

fn report_rollback(session: &Session, (seen, newest): &(Checkpoint, Option<Size>)) -> Outcome {
    let newest = newest.map_or(0, Size::get);
    if session.speech.is_machine() {
        session.speech.json(&serde_json::json!({
            "schema": "portbook.verify/v1", "verdict": "rollback", "seen_size": seen.size.get(), "newest_size": newest,
        }))?;
    } else {
        session.speech.answer(format_args!(
            "{} ROLLBACK  a checkpoint of {} leaves was seen here; the newest one offered has {}",
            session.speech.mark(false),
            grouped(seen.size.get()),
            grouped(newest)
        ))?;
    }
    Ok(Exit::Fork)
}
