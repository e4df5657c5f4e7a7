//! `portbook witness`: cosign the checkpoints of logs, over HTTP or from file to file.

mod exchange;
mod serve;

use std::fs;
use std::path::Path;
use std::time::Duration;

use portbook_http::{BaseUrl, Client};
use portbook_ledger::{Origin, Policy, VerifierKey};
use portbook_witness::{FollowError, Follower, KnownLog, Memory, MemoryError, Mirror, Source, Witness};
use serde::Serialize;

use crate::args::witness::{LogArgs, WitnessCommand};
use crate::cosigning::load_policy;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::session::Session;

/// How long a log may take to answer a verifying witness.
const LOG_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    name: String,
    key: String,
}

/// A log as it was named: its key, and where its tiles are.
#[derive(Debug)]
struct NamedLog {
    key: VerifierKey,
    url: Option<String>,
}

/// Carries out one verb.
pub(crate) fn run(session: &Session, command: &WitnessCommand) -> Outcome {
    match command {
        WitnessCommand::Init { name } => init(session, name),
        WitnessCommand::Serve(args) => serve::run(session, args),
        WitnessCommand::Request { old, out } => exchange::request(session, *old, out.as_deref()),
        WitnessCommand::Answer { request, logs, out } => {
            exchange::answer(session, request, logs, out.as_deref())
        }
        WitnessCommand::Attach { answer, policy, size } => {
            exchange::attach(session, answer, policy.as_deref(), *size)
        }
    }
}

fn init(session: &Session, name: &str) -> Outcome {
    session.home.create_keys()?;
    let key = session.home.create_witness_key(name)?;
    let document = Document {
        schema: "portbook.witness/v1",
        name: key.id().name.to_string(),
        key: key.to_string(),
    };
    if session.speech.is_machine() {
        session.speech.json(&document)?;
    } else {
        session.speech.answer(&document.key)?;
        session.speech.tell(
            "give this key to the logs that ask this witness, and to whoever checks their checkpoints; its secret stays here",
        );
    }
    Ok(Exit::Done)
}

/// The witness in the home directory, for the logs that are named.
fn witness(session: &Session, logs: &LogArgs, verifying: bool) -> Result<Witness, Failure> {
    let key = session.home.witness_key()?;
    let folder = session.home.root().join("witness");
    let memory = Memory::open(&folder).map_err(|error| Failure::of(memory(&error), &error))?;
    let mut known: Vec<KnownLog> = Vec::new();
    for log in named(logs)? {
        let origin = origin_of(&log.key)?;
        if let Some(known) = known.iter_mut().find(|known| known.origin == origin) {
            known.keys.push(log.key);
            continue;
        }
        let keys = vec![log.key];
        let follower = if verifying {
            let seen = folder.join(origin.hash().to_hex());
            Some(follower(&origin, &keys, log.url.as_deref(), &seen)?)
        } else {
            None
        };
        known.push(KnownLog {
            origin,
            keys,
            follower,
        });
    }
    Witness::new(key, memory, known).map_err(|error| Failure::of(Exit::Configuration, &error))
}

fn follower(
    origin: &Origin,
    keys: &[VerifierKey],
    url: Option<&str>,
    seen: &Path,
) -> Result<Follower, Failure> {
    let url = url.ok_or_else(|| {
        Failure::new(Exit::Usage, format!("it is not known where {origin} is served"))
            .hint("name its URL behind its key: --log \"KEY URL\", or in the log line of the policy")
    })?;
    let source = source(url)?;
    let mirror = Mirror::open(seen).map_err(|error| Failure::of(Exit::InputOutput, &error))?;
    Follower::open(origin.clone(), keys, source, mirror).map_err(|error| unopened(&error, seen))
}

/// The log that is served below `url`.
pub(crate) fn source(url: &str) -> Result<Source, Failure> {
    let base: BaseUrl = url.parse().map_err(|error| Failure::of(Exit::Usage, &error))?;
    Ok(Source::new(Client::new(base, LOG_TIMEOUT)))
}

/// The log's name, which is the name of its key.
pub(crate) fn origin_of(key: &VerifierKey) -> Result<Origin, Failure> {
    Origin::new(key.id().name.as_str()).map_err(|error| Failure::of(Exit::Usage, &error))
}

fn named(args: &LogArgs) -> Result<Vec<NamedLog>, Failure> {
    let policy = args.policy.as_deref().map(load_policy).transpose()?;
    let mut logs: Vec<NamedLog> = policy
        .iter()
        .flat_map(Policy::logs)
        .map(|log| NamedLog {
            key: log.key.clone(),
            url: log.url.clone(),
        })
        .collect();
    for text in &args.logs {
        let (key, url) = text.split_once(' ').unwrap_or((text, ""));
        logs.push(NamedLog {
            key: VerifierKey::parse(key).map_err(|error| Failure::of(Exit::Usage, &error))?,
            url: Some(url.trim()).filter(|url| !url.is_empty()).map(str::to_owned),
        });
    }
    if logs.is_empty() {
        return Err(Failure::new(Exit::Usage, "the policy names no log"));
    }
    Ok(logs)
}

/// What was seen cannot be read again, which says nothing against the log.
pub(crate) fn unopened(error: &FollowError, seen: &Path) -> Failure {
    let exit = if matches!(error, FollowError::Mirror(_)) {
        Exit::InputOutput
    } else {
        Exit::Incomplete
    };
    Failure::of(exit, error).hint(format!(
        "what was seen is damaged; move {} away to begin anew, and keep it: it is the memory of this log",
        seen.display()
    ))
}

const fn memory(error: &MemoryError) -> Exit {
    match error {
        MemoryError::InUse { .. } => Exit::Unavailable,
        MemoryError::Io { .. } => Exit::InputOutput,
        MemoryError::Damaged { .. } => Exit::Configuration,
    }
}

/// Writes an answer to a file, or says it.
fn deliver(session: &Session, text: &str, out: Option<&Path>) -> Result<(), Failure> {
    match out {
        Some(path) => fs::write(path, text).map_err(|error| Failure::file("write", path, &error)),
        None => session.speech.answer(text.trim_end_matches('\n')),
    }
}
