//! Asking the process that holds the facts in memory, so that an answer does not wait for a fold.
//!
//! What it says is what this program would say: it answers only when it is the very same program, about the newest seal,
//! and with everything it was asked. Whoever doubts it says `--recompute`.

use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use portbook_store::connect_privately;
use serde::{Deserialize, Serialize};

use crate::args::RestsOnArgs;
use crate::session::Session;

/// Longest wait for an answer, before it is worked out here.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);
/// What a reply begins with that holds an answer; its length and a line feed follow.
pub(crate) const ANSWERED: &str = "answered ";

/// A question, as it goes over the socket: one line of JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Asking {
    /// See [`program`].
    pub(crate) program: String,
    /// What was typed behind the name of the program.
    pub(crate) words: Vec<String>,
}

/// Whether a question is about the newest seal, with everything applied, and may be answered from memory.
pub(crate) const fn is_now(args: &RestsOnArgs) -> bool {
    args.at.is_none() && !args.as_recorded && !args.recompute
}

/// The answer to what was typed, from the process that runs this ledger; none when it has to be worked out here.
pub(crate) fn ask(session: &Session, args: &RestsOnArgs) -> Option<String> {
    if !is_now(args) {
        return None;
    }
    let stream = connect_privately(&session.home.answers_socket()).ok()?;
    let words = std::env::args_os().skip(1).map(|word| word.into_string().ok());
    let asking = Asking {
        program: program()?,
        words: words.collect::<Option<_>>()?,
    };
    let reply = exchange(stream, &asking).ok()?;
    let (length, answer) = reply.strip_prefix(ANSWERED)?.split_once('\n')?;
    // One that broke off is none.
    (length.parse() == Ok(answer.len())).then(|| answer.to_owned())
}

fn exchange(mut stream: UnixStream, asking: &Asking) -> io::Result<String> {
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
    let mut line = serde_json::to_vec(asking)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    Ok(reply)
}

/// Stands for this program's file: another version of it would perhaps answer otherwise.
pub(crate) fn program() -> Option<String> {
    let file = std::fs::metadata("/proc/self/exe").ok()?;
    Some(format!(
        "{}:{}:{}:{}.{:09}",
        file.dev(),
        file.ino(),
        file.size(),
        file.mtime(),
        file.mtime_nsec()
    ))
}
