//! `portbook import`: observed facts from files into the stream.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write, stdin};
use std::path::{Path, PathBuf};

use portbook_bus::{Bus, Identity, PublishLimits, Publisher};
use portbook_import::{ImportError, Importer, Tally};
use portbook_ledger::SecretKey;
use portbook_source::EventSigner;
use portbook_wire::Source;
use portbook_wire::observation::{BadLine, Observations, ReadError, read_observations};
use serde::Serialize;

use crate::args::ImportArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::KeyOf;
use crate::key_file;
use crate::node::{Server, interrupted, open_account, secret};
use crate::session::Session;
use crate::speech::grouped;

/// How an import that ended early goes on.
const AGAIN: &str = "run the same import again: what is stored is not stored twice";

type Input = Box<dyn BufRead + Send>;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    file: &'a str,
    lines: u64,
    recorded: u64,
    redelivered: u64,
    conflicting: u64,
    rejected: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    rejects: Option<String>,
}

/// Imports every file and says what became of its lines.
pub(crate) fn run(session: &Session, args: &ImportArgs) -> Outcome {
    let name = args.source.as_deref().unwrap_or(&session.config.import.source);
    let source = Source::outside(name).map_err(|error| Failure::of(Exit::Usage, &error))?;
    let mut exit = Exit::Done;
    for file in &args.files {
        let (name, observations) = open(file)?;
        let mut rejects = Rejects::beside(file);
        let tally = if args.dry_run {
            read_only(observations, &mut rejects)?
        } else {
            session.block_on(async {
                let server = Server::running(session)?;
                let bus = server.address().connect(session, Identity::Importer).await?;
                let imported = tokio::select! {
                    imported = import(session, &bus, source.clone(), observations, &mut rejects) => imported,
                    () = interrupted() => Err(Failure::new(Exit::Interrupted, "interrupted").hint(AGAIN)),
                };
                bus.close().await;
                imported
            })?
        };
        let kept = rejects.finish()?;
        print(session, &name, &tally, kept)?;
        if tally.rejected > 0 {
            exit = Exit::Rejected;
        }
    }
    Ok(exit)
}

/// Imports one file with progress.
pub(crate) async fn import(
    session: &Session,
    bus: &Bus,
    source: Source,
    observations: Observations<Input>,
    rejects: &mut Rejects,
) -> Result<Tally, Failure> {
    let publisher = Publisher::start(bus, PublishLimits::default());
    let key = source_key(session, &source)?;
    let account = open_account(session, bus, &publisher, source.clone(), key.clone()).await?;
    let signer = EventSigner::new(&key)?;
    let mut importer = Importer::new(bus, publisher, source, signer).stating(account.clone());
    let bar = session.speech.bar("importing", 0);
    let mut progress = |tally: &Tally| {
        bar.set_length(tally.lines);
        bar.set_position(tally.lines);
    };
    let tally = importer
        .import(observations, &mut |bad| rejects.keep(bad), &mut progress)
        .await;
    bar.finish_and_clear();
    let tally = tally.map_err(|error| failed(&error))?;
    account.close().await?;
    Ok(tally)
}

/// The key a source was given, or else the importer's own.
fn source_key(session: &Session, source: &Source) -> Result<SecretKey, Failure> {
    let file = key_file::KeyFile::of_source(source);
    if file.exists(&session.home) {
        return Ok(file.read(&session.home)?.secret().clone());
    }
    secret(session, KeyOf::Importer)
}

fn failed(error: &ImportError) -> Failure {
    let exit = match error {
        ImportError::Unreadable(_)
        | ImportError::Rejects(_)
        | ImportError::Threads(_)
        | ImportError::Unprepared(_)
        | ImportError::Worker(_)
        | ImportError::Journal(_) => Exit::InputOutput,
        ImportError::Unwritable { .. } | ImportError::NotRecordable { .. } => Exit::Rejected,
        ImportError::Read(_) | ImportError::Publish(_) | ImportError::Account(_) => Exit::Unavailable,
    };
    Failure::of(exit, error).hint(AGAIN)
}

/// Opens a file of observations; `-` is standard input.
pub(crate) fn open(file: &Path) -> Result<(String, Observations<Input>), Failure> {
    let (name, input): (String, Input) = if file == Path::new("-") {
        ("standard input".to_owned(), Box::new(BufReader::new(stdin())))
    } else {
        let opened = File::open(file).map_err(|error| Failure::file("read", file, &error))?;
        (
            file.display().to_string(),
            Box::new(BufReader::with_capacity(1 << 20, opened)),
        )
    };
    let observations =
        read_observations(input, &name).map_err(|error| Failure::file("read", file, &error))?;
    Ok((name, observations))
}

fn read_only(observations: Observations<Input>, rejects: &mut Rejects) -> Result<Tally, Failure> {
    let mut tally = Tally::default();
    for read in observations {
        tally.lines += 1;
        match read {
            Ok(_) => tally.recorded += 1,
            Err(ReadError::Line(bad)) => {
                tally.rejected += 1;
                rejects
                    .keep(&bad)
                    .map_err(|error| Failure::of(Exit::InputOutput, &error))?;
            }
            Err(error) => return Err(Failure::of(Exit::InputOutput, &error)),
        }
    }
    Ok(tally)
}

fn print(session: &Session, file: &str, tally: &Tally, rejects: Option<PathBuf>) -> Result<(), Failure> {
    let Tally {
        lines,
        recorded,
        redelivered,
        conflicting,
        rejected,
        last_seq: _,
    } = *tally;
    let rejects = rejects.map(|path| path.display().to_string());
    if session.speech.is_machine() {
        let schema = "portbook.import/v1";
        return session.speech.json(&Document {
            schema,
            file,
            lines,
            recorded,
            redelivered,
            conflicting,
            rejected,
            rejects,
        });
    }
    session.speech.answer(format_args!(
        "{file}: {} lines, {} recorded, {} redelivered, {} conflicting, {} rejected",
        grouped(lines),
        grouped(recorded),
        grouped(redelivered),
        grouped(conflicting),
        grouped(rejected)
    ))?;
    if let Some(rejects) = rejects {
        session
            .speech
            .tell(format_args!("rejected lines with their reasons: {rejects}"));
    }
    Ok(())
}

/// The file of rejected lines, made when the first one comes.
#[derive(Debug)]
pub(crate) struct Rejects {
    path: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Rejects {
    /// `<file>.rejects.ndjson`, or `stdin.rejects.ndjson`.
    pub(crate) fn beside(file: &Path) -> Self {
        let base = if file == Path::new("-") {
            Path::new("stdin")
        } else {
            file
        };
        let mut path = base.as_os_str().to_owned();
        path.push(".rejects.ndjson");
        Self {
            path: path.into(),
            file: None,
        }
    }

    /// Keeps one line with its reason.
    pub(crate) fn keep(&mut self, bad: &BadLine) -> io::Result<()> {
        if self.file.is_none() {
            let opened = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .open(&self.path)?;
            self.file = Some(BufWriter::new(opened));
        }
        let line = bad.to_json().map_err(io::Error::other)?;
        self.file.as_mut().map_or(Ok(()), |file| writeln!(file, "{line}"))
    }

    /// Makes the file durable and gives its path, if any line was rejected.
    pub(crate) fn finish(self) -> Result<Option<PathBuf>, Failure> {
        let Some(file) = self.file else { return Ok(None) };
        let synced = file
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
            .and_then(|file| file.sync_all());
        synced.map_err(|error| Failure::file("write", &self.path, &error))?;
        Ok(Some(self.path))
    }
}
