//! The portbook-verify command: reads evidence, says what it shows, and remembers what it accepted.

mod arguments;
mod speech;

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use portbook_ledger::{Policy, VerifierKey};
use portbook_verify::{
    Conviction, Exit, FRAUD_MAGIC, Files, Memory, Opened, Refusal, Report, Trust, verify_bundle,
    verify_fraud, verify_growth, verify_proof, verify_tiles,
};

use crate::arguments::{Arguments, Asked, HELP};
use crate::speech::Speech;

/// Longest file that is a single proof, a checkpoint, a key or a policy.
const TEXT_BYTES_MAX: u64 = 1024 * 1024;

fn main() -> ExitCode {
    let asked = match Arguments::parse(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err(reason) => {
            let refusal = usage(reason);
            Speech::plain().refusal(&refusal, None);
            return ExitCode::from(refusal.exit.code());
        }
    };
    let (arguments, accuses) = match asked {
        Asked::Help => return shown(HELP),
        Asked::Version => return shown(concat!("portbook-verify ", env!("CARGO_PKG_VERSION"), "\n")),
        Asked::Check(arguments) => (arguments, false),
        Asked::Confirm(arguments) => (arguments, true),
    };
    let mut speech = Speech::of(&arguments);
    let checked = if accuses {
        confirm(&arguments).map(|conviction| speech.conviction(&conviction))
    } else {
        check(&arguments, &mut speech).map(|report| speech.report(&report))
    };
    let exit = match checked {
        Ok(()) => Exit::Verified,
        Err(refusal) => {
            let kept = keep_fork(&arguments, &refusal);
            speech.refusal(&refusal, kept.as_deref());
            refusal.exit
        }
    };
    ExitCode::from(exit.code())
}

fn shown(text: &str) -> ExitCode {
    Speech::plain().answer(text);
    ExitCode::from(Exit::Verified.code())
}

fn usage(reason: impl Into<String>) -> Refusal {
    Refusal {
        exit: Exit::Usage,
        check: "usage",
        reason: reason.into(),
        proof: None,
    }
}

/// A proof against the log. Nothing is compared with what was accepted of it, and nothing of it is remembered.
fn confirm(arguments: &Arguments) -> Result<Conviction, Refusal> {
    let trust = trust_of(arguments)?;
    verify_fraud(&read_text(&arguments.evidence)?, &trust)
}

fn check(arguments: &Arguments, speech: &mut Speech) -> Result<Report, Refusal> {
    let trust = trust_of(arguments)?;
    let memory = memory_of(arguments);
    let path = &arguments.evidence;
    let (report, opened) = if path.is_dir() || is_archive(path)? {
        check_files(path, &trust, memory.as_ref(), speech)?
    } else {
        check_proof(arguments, &trust)?
    };
    speech.done();
    if let Some(memory) = &memory {
        memory.keep(&opened).map_err(|error| Refusal {
            exit: Exit::InputOutput,
            check: "memory",
            reason: format!("could not remember the checkpoint: {error}"),
            proof: None,
        })?;
    }
    Ok(report)
}

/// A bundle, or the tiles of a log.
fn check_files(
    path: &Path,
    trust: &Trust,
    memory: Option<&Memory>,
    speech: &mut Speech,
) -> Result<(Report, Opened), Refusal> {
    let mut files = Files::open(path).map_err(|error| {
        let exit = if error.is_system() {
            Exit::InputOutput
        } else {
            Exit::Fault
        };
        Refusal {
            exit,
            check: "files",
            reason: error.to_string(),
            proof: None,
        }
    })?;
    let mut progress = |done, total| speech.progress(done, total);
    if files.names().iter().any(|name| name.starts_with("tile/")) {
        verify_tiles(&mut files, trust, memory, &mut progress)
    } else {
        verify_bundle(&mut files, trust, memory, &mut progress)
    }
}

/// A proof of one leaf or of growth.
fn check_proof(arguments: &Arguments, trust: &Trust) -> Result<(Report, Opened), Refusal> {
    let proof = read_text(&arguments.evidence)?;
    if proof.starts_with(FRAUD_MAGIC) {
        let reason = "this is a proof against the log, no evidence of it: --fraud confirms it";
        return Err(usage(reason));
    }
    if proof.starts_with(b"old ") {
        let earlier = arguments.earlier.as_deref().ok_or_else(|| {
            let reason = "a growth proof is about two checkpoints: --earlier FILE names the other one";
            Refusal {
                exit: Exit::Incomplete,
                ..usage(reason)
            }
        })?;
        return verify_growth(&proof, &read_text(earlier)?, trust);
    }
    let leaf = arguments.leaf.as_deref().map(read_text).transpose()?;
    verify_proof(&proof, leaf.as_deref(), trust)
}

fn trust_of(arguments: &Arguments) -> Result<Trust, Refusal> {
    if let Some(path) = &arguments.policy {
        let policy = Policy::parse(&read_text(path)?)
            .map_err(|error| usage(format!("{} is no policy: {error}", path.display())))?;
        return Ok(Trust::new(policy));
    }
    let Some(key) = &arguments.key else {
        let reason = "whose evidence is it? --key KEY or --policy FILE, got from the log's owner, never from the evidence";
        return Err(usage(reason));
    };
    let text = if key.contains('+') {
        key.clone()
    } else {
        String::from_utf8_lossy(&read_text(Path::new(key))?).into_owned()
    };
    let key = VerifierKey::parse(text.trim_end())
        .map_err(|error| usage(format!("the key cannot be used: {error}")))?;
    Ok(Trust::new(Policy::of_log(key)))
}

fn memory_of(arguments: &Arguments) -> Option<Memory> {
    if arguments.forgets {
        return None;
    }
    let folder = arguments.memory.clone().or_else(|| {
        let state = std::env::var_os("XDG_STATE_HOME").map(std::path::PathBuf::from);
        let home = || Some(Path::new(&std::env::var_os("HOME")?).join(".local/state"));
        state.or_else(home).map(|state| state.join("portbook/seen"))
    });
    folder.map(Memory::at)
}

fn keep_fork(arguments: &Arguments, refusal: &Refusal) -> Option<std::path::PathBuf> {
    let proof = refusal.proof.as_ref()?;
    memory_of(arguments)?.keep_fork(Path::new("."), proof).ok()
}

/// Whether a file begins like a zip archive.
fn is_archive(path: &Path) -> Result<bool, Refusal> {
    let mut magic = [0; 2];
    let read = File::open(path).and_then(|mut file| file.read(&mut magic));
    match read {
        Ok(read) => Ok(read == 2 && &magic == b"PK"),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn read_text(path: &Path) -> Result<Vec<u8>, Refusal> {
    let read = || {
        let mut bytes = Vec::new();
        fs::File::open(path)?
            .take(TEXT_BYTES_MAX + 1)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Ok(bytes) if u64::try_from(bytes.len()).is_ok_and(|length| length <= TEXT_BYTES_MAX) => Ok(bytes),
        Ok(_) => Err(Refusal {
            exit: Exit::Fault,
            check: "files",
            reason: format!("{} has more than 1 MiB", path.display()),
            proof: None,
        }),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Refusal {
    Refusal {
        exit: Exit::InputOutput,
        check: "files",
        reason: format!("could not read {}: {error}", path.display()),
        proof: None,
    }
}
