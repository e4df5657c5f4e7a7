//! What can be typed.

use std::path::PathBuf;

/// The whole help.
pub(crate) const HELP: &str = "\
Checks evidence of a portbook ledger without trusting whoever handed it over

Usage: portbook-verify [OPTIONS] EVIDENCE

EVIDENCE is an evidence bundle (archive or folder), a folder of tiles, or one proof file. With --fraud it is a proof against
the log, as monitors and verifying witnesses write them: exit code 0 then means that the log did what the file says.

Options:
      --key KEY        The log's public key, as <name>+<hash>+<key> or a file with it
      --policy FILE    C2SP tlog-policy: logs, witnesses and the quorum you ask for
      --leaf FILE      The record that a proof is about
      --earlier FILE   The earlier checkpoint that a growth proof is about
      --fraud          Confirm a proof against the log: FORK or FALSE SEAL; of ROLLBACK the order stays open (exit 12)
      --memory DIR     Where accepted checkpoints are remembered (default: the user's state directory)
      --no-memory      Neither compare with what was accepted before nor remember
      --json           Answer with one JSON document
  -q, --quiet          Answer with the exit code alone
  -h, --help           Print this help
  -V, --version        Print the version

Keys and policies come from you. Nothing in the evidence is believed because it says so.

Verified: signature and quorum of the checkpoint, its last leaf the seal, the port's head in the seal, every record of the
port re-hashed and linked from genesis to head, count and Merkle root; of tiles every leaf, chain, seal and tile.
Not verified: that events are true or complete at their source, signatures of producers, and (of a bundle) that the seal
itself is honest: only who follows the whole log sees that.

Exit codes: 0 verified, 2 usage, 10 not what it should be, 11 two signed trees that cannot both be true,
12 part could not be checked, 13 older than what was accepted before, 74 could not be read
";

/// What was asked for.
#[derive(Debug)]
pub(crate) enum Asked {
    /// The help.
    Help,
    /// The version.
    Version,
    /// A check of evidence.
    Check(Arguments),
    /// A check of a proof against the log.
    Confirm(Arguments),
}

/// How to check what.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    pub(crate) evidence: PathBuf,
    pub(crate) key: Option<String>,
    pub(crate) policy: Option<PathBuf>,
    pub(crate) leaf: Option<PathBuf>,
    pub(crate) earlier: Option<PathBuf>,
    pub(crate) memory: Option<PathBuf>,
    pub(crate) forgets: bool,
    pub(crate) json: bool,
    pub(crate) quiet: bool,
}

impl Arguments {
    /// Reads what was typed behind the name of the program.
    pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Asked, String> {
        let mut words = words.into_iter();
        let mut arguments = Self::default();
        let (mut evidence, mut accuses) = (None, false);
        while let Some(word) = words.next() {
            let (flag, attached) = match word.split_once('=') {
                Some((flag, value)) if flag.starts_with("--") => (flag.to_owned(), Some(value.to_owned())),
                Some(_) | None => (word, None),
            };
            let mut value = || {
                attached
                    .clone()
                    .or_else(|| words.next())
                    .ok_or_else(|| format!("{flag} needs a value"))
            };
            match flag.as_str() {
                "-h" | "--help" => return Ok(Asked::Help),
                "-V" | "--version" => return Ok(Asked::Version),
                "--key" => arguments.key = Some(value()?),
                "--policy" => arguments.policy = Some(value()?.into()),
                "--leaf" => arguments.leaf = Some(value()?.into()),
                "--earlier" => arguments.earlier = Some(value()?.into()),
                "--memory" => arguments.memory = Some(value()?.into()),
                "--fraud" => accuses = true,
                "--no-memory" => arguments.forgets = true,
                "--json" => arguments.json = true,
                "-q" | "--quiet" => arguments.quiet = true,
                flag if flag.starts_with('-') => return Err(format!("there is no option {flag}")),
                path if evidence.is_none() => evidence = Some(PathBuf::from(path)),
                path => return Err(format!("one piece of evidence at a time, {path:?} is a second")),
            }
        }
        arguments.evidence = evidence.ok_or("name the evidence; portbook-verify --help says more")?;
        if arguments.key.is_some() && arguments.policy.is_some() {
            return Err("a policy names the log's key: give --key or --policy".to_owned());
        }
        Ok(if accuses {
            Asked::Confirm(arguments)
        } else {
            Asked::Check(arguments)
        })
    }
}
