//! `portbook prove`: proofs of single facts, in forms that others read.

use std::fmt::Display;
use std::path::Path;

use jiff::Timestamp;
use portbook_evidence::{Evidence, Interval, Published};
use portbook_ledger::{Chain, Index, Policy, Size, leaf_hash};
use serde::Serialize;

use crate::args::{At, ExportArgs, ExportFormat, ProveArgs};
use crate::command::export::evidence::{evidence_of, published_at, signing_evidence, write_bundle};
use crate::command::timeline::chain_of;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::session::Session;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    kind: &'static str,
    origin: String,
    size: u64,
    leaf: Option<u64>,
    leaf_hash: Option<String>,
    since: Option<u64>,
    not_before: Option<Moment>,
    not_after: Option<Moment>,
    proof: &'a str,
}

#[derive(Serialize)]
struct Moment {
    checkpoint: u64,
    time: String,
}

/// Proves what was asked for.
pub(crate) fn run(session: &Session, args: &ProveArgs) -> Outcome {
    if let (Some(port), Some(out)) = (&args.absent, &args.out) {
        return prove_absence(session, args, port, out);
    }
    let chain = args.port.as_deref().map(chain_of).transpose()?;
    let evidence = match chain {
        Some(_) => signing_evidence(session)?,
        None => evidence_of(session)?,
    };
    let published = published_at(&evidence, args.at)?;
    match (&args.record, args.since) {
        (Some(record), _) => prove_record(session, args, &evidence, &published, record, chain),
        (None, Some(since)) => prove_growth(session, args, &evidence, &published, since, chain),
        (None, None) => Err(Failure::new(
            Exit::Usage,
            "prove what? a record, --since or --absent",
        )),
    }
}

fn prove_record(
    session: &Session,
    args: &ProveArgs,
    evidence: &Evidence,
    published: &Published,
    record: &str,
    chain: Option<Chain>,
) -> Outcome {
    let index = index_of(evidence, record, chain)?;
    let size = published.checkpoint.size;
    if index.get() >= size.get() {
        let newer = format!("leaf {index} is newer than the checkpoint of {size} leaves");
        return Err(Failure::new(Exit::Unavailable, newer).hint("portbook checkpoint ls lists the others"));
    }
    let proof = match chain {
        None => evidence.leaf_proof(published, index)?.to_string(),
        Some(chain) => {
            let place = record
                .parse::<u64>()
                .ok()
                .and_then(|it| Index::new(it.checked_sub(1)?));
            let place = place.ok_or_else(|| usage(&record))?;
            let proof = evidence.chain_proof(published, chain, place)?;
            proof.ok_or_else(|| no_log(chain))?.to_string()
        }
    };
    let leaf = evidence.reader().leaf(index)?.unwrap_or_default();
    if let Some(path) = &args.leaf {
        std::fs::write(path, &leaf).map_err(|error| Failure::file("write", path, &error))?;
    }
    let interval = match &args.policy {
        Some(path) => evidence.interval(index, &policy(path)?.witness_keys())?,
        None => Interval::default(),
    };
    let hash = leaf_hash(&leaf);
    session
        .speech
        .tell(format_args!("leaf {index}, hash {hash}, under checkpoint {size}"));
    if args.policy.is_some() {
        tell_interval(session, &interval);
    }
    let document = Document {
        schema: "portbook.proof/v1",
        kind: "inclusion",
        origin: evidence.origin().to_string(),
        size: size.get(),
        leaf: Some(index.get()),
        leaf_hash: Some(hash.to_hex()),
        since: None,
        not_before: interval.not_before.map(moment),
        not_after: interval.not_after.map(moment),
        proof: &proof,
    };
    give(session, args.out.as_deref(), &document)
}

fn prove_growth(
    session: &Session,
    args: &ProveArgs,
    evidence: &Evidence,
    published: &Published,
    since: At,
    chain: Option<Chain>,
) -> Outcome {
    let old = published_at(evidence, Some(since))?;
    let (note, proof) = match chain {
        None => {
            let proof = evidence.growth_proof(published, old.checkpoint.size)?;
            (old.note, proof)
        }
        Some(chain) => evidence
            .chain_growth_proof(&old, published, chain)?
            .ok_or_else(|| no_log(chain))?,
    };
    if let Some(path) = &args.earlier {
        std::fs::write(path, &note).map_err(|error| Failure::file("write", path, &error))?;
    }
    let document = Document {
        schema: "portbook.proof/v1",
        kind: "growth",
        origin: evidence.origin().to_string(),
        size: published.checkpoint.size.get(),
        leaf: None,
        leaf_hash: None,
        since: Some(proof.old.get()),
        not_before: None,
        not_after: None,
        proof: &proof.to_string(),
    };
    give(session, args.out.as_deref(), &document)
}

/// Absence is proven by a bundle without records: it has the neighbours among the sealed heads.
fn prove_absence(session: &Session, args: &ProveArgs, port: &str, out: &Path) -> Outcome {
    let chain = chain_of(port)?;
    let evidence = evidence_of(session)?;
    let published = published_at(&evidence, args.at)?;
    if let Some(count) = evidence.chain_size(&published, chain)? {
        let size = published.checkpoint.size;
        let there = format!("{chain} is not absent: it has {count} records at checkpoint {size}");
        return Err(Failure::new(Exit::Rejected, there));
    }
    drop(evidence);
    let request = ExportArgs {
        what: port.to_owned(),
        dir: None,
        format: ExportFormat::Bundle,
        out: None,
        range: None,
        at: Some(At::Size(published.checkpoint.size.get())),
        earlier: None,
        policy: None,
    };
    write_bundle(session, &request, chain, out)?;
    Ok(Exit::Done)
}

/// A leaf index, `<PORT>/<position>`, or a position when the port is given beside it.
fn index_of(evidence: &Evidence, record: &str, chain: Option<Chain>) -> Result<Index, Failure> {
    let (chain, position) = match (chain, record.split_once('/')) {
        (Some(chain), None) => (chain, record),
        (None, Some((port, position))) => (chain_of(port)?, position),
        (None, None) => {
            return record
                .parse()
                .ok()
                .and_then(Index::new)
                .ok_or_else(|| usage(&record));
        }
        (Some(_), Some(_)) => return Err(usage(&record)),
    };
    let position: u64 = position.parse().ok().ok_or_else(|| usage(&record))?;
    evidence
        .index_of(chain, position)?
        .ok_or_else(|| Failure::new(Exit::Usage, format!("{chain} has no record {position}")))
}

fn give(session: &Session, out: Option<&Path>, document: &Document<'_>) -> Outcome {
    if let Some(path) = out {
        std::fs::write(path, document.proof).map_err(|error| Failure::file("write", path, &error))?;
    }
    if session.speech.is_machine() {
        session.speech.json(document)?;
    } else if out.is_none() {
        session.speech.answer(document.proof.trim_end_matches('\n'))?;
    }
    Ok(Exit::Done)
}

fn policy(path: &Path) -> Result<Policy, Failure> {
    let bytes = std::fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
    Policy::parse(&bytes)
        .map_err(|error| Failure::new(Exit::Usage, format!("{} is no policy: {error}", path.display())))
}

fn tell_interval(session: &Session, interval: &Interval) {
    let told = |what: &str, moment: Option<(Size, u64)>| match moment {
        Some((size, seconds)) => format!("{what} {} (checkpoint {size})", time_of(seconds)),
        None => format!("{what}: no cosignature by your witnesses tells"),
    };
    session
        .speech
        .tell(told("recorded not before", interval.not_before));
    session
        .speech
        .tell(told("recorded not after", interval.not_after));
}

fn moment((size, seconds): (Size, u64)) -> Moment {
    Moment {
        checkpoint: size.get(),
        time: time_of(seconds),
    }
}

fn time_of(seconds: u64) -> String {
    let time = i64::try_from(seconds)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map_or_else(|| seconds.to_string(), |time| time.to_string())
}

fn usage(record: &dyn Display) -> Failure {
    Failure::new(
        Exit::Usage,
        format!("{record} is neither a leaf index nor of the form CNNBG/17; with --port it is a position"),
    )
}

fn no_log(chain: Chain) -> Failure {
    Failure::new(
        Exit::Unavailable,
        format!("{chain} has no records at that checkpoint"),
    )
}
