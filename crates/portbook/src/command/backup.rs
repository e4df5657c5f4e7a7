//! `portbook backup`: everything an authority needs to come back, but for its secret keys.
//!
//! The order makes it consistent while others go on writing: the register of checkpoints first, then what was signed, then the
//! leaves, and the stream last. Each holds everything that the ones before it rest on.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use portbook_bus::{Bus, Identity};
use portbook_ledger::{Frontier, Hash, OpenedCheckpoint, Origin, Size, VerifierKey, leaf_hash};
use portbook_store::StoreReader;
use portbook_wire::subject::{STREAM_CHECKPOINTS, STREAM_LEDGER};
use serde::Serialize;

use crate::args::BackupArgs;
use crate::backup::{
    CHECKPOINTS, CONFIGURATION, FileEntry, LEAVES, Manifest, SIGNED_LOG, StreamEntry, Writing,
    sync_directory, write_item,
};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::KeyOf;
use crate::node::Server;
use crate::session::Session;
use crate::speech::grouped;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    directory: &'a Path,
    size: u64,
    root: &'a str,
    files: usize,
    bytes: u64,
}

/// Writes a backup.
pub(crate) fn run(session: &Session, args: &BackupArgs) -> Outcome {
    if args.directory.exists() {
        return Err(Failure::new(
            Exit::Usage,
            format!("{} is there already", args.directory.display()),
        )
        .hint("a backup goes into a directory of its own"));
    }
    let mut name = args.directory.file_name().unwrap_or_default().to_owned();
    name.push(".unfinished");
    let unfinished = args.directory.with_file_name(name);
    if unfinished.exists() {
        // It has no manifest: an earlier run was killed.
        fs::remove_dir_all(&unfinished).map_err(|error| Failure::file("remove", &unfinished, &error))?;
    }
    let mut taking = Taking {
        session,
        directory: unfinished.clone(),
        files: Vec::new(),
        streams: Vec::new(),
    };
    let manifest = session.block_on(async {
        let server = Server::reachable(session).await?;
        let taken = taking.take(&server).await;
        let stopped = server.stop().await;
        taken.and_then(|manifest| stopped.map(|()| manifest))
    })?;
    manifest.write(&unfinished)?;
    fs::rename(&unfinished, &args.directory)
        .map_err(|error| Failure::file("rename to", &args.directory, &error))?;
    sync_directory(args.directory.parent().unwrap_or(&args.directory))?;
    let bytes = manifest.files.iter().map(|file| file.bytes).sum();
    if session.speech.is_machine() {
        session.speech.json(&Document {
            schema: "portbook.backup/v1",
            directory: &args.directory,
            size: manifest.size,
            root: &manifest.root,
            files: manifest.files.len(),
            bytes,
        })?;
    } else {
        session.speech.answer(format_args!(
            "backed up {} leaves with root {} in {}  ({} bytes)",
            grouped(manifest.size),
            manifest.root,
            args.directory.display(),
            grouped(bytes)
        ))?;
        session
            .speech
            .tell("The secret keys are not in it. Keep keys/ elsewhere, and the checkpoint in manifest.json with somebody else.");
    }
    Ok(Exit::Done)
}

struct Taking<'a> {
    session: &'a Session,
    directory: PathBuf,
    files: Vec<FileEntry>,
    streams: Vec<StreamEntry>,
}

impl Taking<'_> {
    async fn take(&mut self, server: &Server) -> Result<Manifest, Failure> {
        let session = self.session;
        let reader = StoreReader::open(&session.home.ledger().store())?;
        let key = session.home.public_key(KeyOf::Log)?;
        let origin =
            Origin::new(key.id().name.as_str()).map_err(|error| Failure::of(Exit::Configuration, &error))?;
        let bus = server.address().connect(session, Identity::Operator).await?;
        self.stream(&bus, STREAM_CHECKPOINTS, 0).await?;
        let (size, root, note) = tokio::task::block_in_place(|| self.ledger(&reader, &origin, &key))?;
        self.stream(&bus, STREAM_LEDGER, size).await?;
        bus.close().await;
        self.surroundings()?;
        Ok(Manifest::new(
            origin.to_string(),
            key.to_string(),
            (size, root, note),
            std::mem::take(&mut self.streams),
            std::mem::take(&mut self.files),
        ))
    }

    async fn stream(&mut self, bus: &Bus, name: &str, last_seq_min: u64) -> Result<(), Failure> {
        let identity = bus.stream_identity(name).await?;
        let mut writing = Writing::create(&self.directory, &format!("streams/{name}.snapshot"))?;
        let bar = self.session.speech.bar("copying the stream", 0);
        let head = bus
            .snapshot(name, &mut |piece| {
                bar.inc(u64::try_from(piece.len()).unwrap_or(0));
                writing.write_all(piece)
            })
            .await?;
        bar.finish_and_clear();
        self.files.push(writing.finish()?);
        let text = serde_json::to_string(&head).map_err(|error| Failure::of(Exit::InputOutput, &error))?;
        self.file(&format!("streams/{name}.json"), text.as_bytes())?;
        self.streams.push(StreamEntry {
            name: identity.name,
            created: identity.created,
            config_sha256: identity.config_sha256,
            last_seq_min: last_seq_min.max(identity.last_seq),
        });
        Ok(())
    }

    /// Writes what was signed and every leaf of the newest published tree, which they must lead to.
    fn ledger(
        &mut self,
        reader: &StoreReader,
        origin: &Origin,
        key: &VerifierKey,
    ) -> Result<(u64, Hash, String), Failure> {
        let directory = self.session.home.ledger();
        let note = directory.checkpoint()?.ok_or_else(|| {
            Failure::new(
                Exit::Incomplete,
                "nothing was signed yet: there is nothing to back up",
            )
        })?;
        let checkpoint = OpenedCheckpoint::open(note.as_bytes(), origin, key, &[])
            .map_err(|error| Failure::of(Exit::LedgerFault, &error))?
            .checkpoint;
        let signed = directory.signed_log()?.unwrap_or_default();
        self.file(SIGNED_LOG, signed.to_string().as_bytes())?;
        let path = self.directory.join(CHECKPOINTS);
        let mut checkpoints = Writing::create(&self.directory, CHECKPOINTS)?;
        let sizes = directory.checkpoint_sizes()?;
        for size in sizes.into_iter().filter(|size| *size <= checkpoint.size) {
            let note = directory.checkpoint_at(size)?.unwrap_or_default();
            write_item(&mut checkpoints, note.as_bytes())
                .map_err(|error| Failure::file("write", &path, &error))?;
        }
        self.files.push(checkpoints.finish()?);
        let root = self.leaves(reader, checkpoint.size)?;
        if root != checkpoint.root {
            return Err(Failure::new(
                Exit::LedgerFault,
                format!(
                    "the ledger gives root {root} at {} leaves, {} was signed",
                    checkpoint.size, checkpoint.root
                ),
            )
            .hint("portbook verify --all names what changed; a damaged ledger is not backed up"));
        }
        Ok((checkpoint.size.get(), root, note))
    }

    fn leaves(&mut self, reader: &StoreReader, size: Size) -> Result<Hash, Failure> {
        let path = self.directory.join(LEAVES);
        let mut writing = Writing::create(&self.directory, LEAVES)?;
        let mut tree = Frontier::new();
        let bar = self.session.speech.bar("copying leaves", size.get());
        for packed in reader.leaves(0..size.get()) {
            for leaf in packed?.iter() {
                tree.push(leaf_hash(leaf));
                write_item(&mut writing, leaf).map_err(|error| Failure::file("write", &path, &error))?;
            }
            bar.set_position(tree.size().get());
        }
        bar.finish_and_clear();
        self.files.push(writing.finish()?);
        Ok(tree.root())
    }

    /// Public keys and the configuration file.
    fn surroundings(&mut self) -> Result<(), Failure> {
        for of in [KeyOf::Log].into_iter().chain(KeyOf::producers()) {
            let key = self.session.home.public_key(of)?;
            self.file(&format!("keys/{}.pub", of.name()), format!("{key}\n").as_bytes())?;
        }
        let path = self.session.home.root().join(CONFIGURATION);
        if path.exists() {
            let text = fs::read(&path).map_err(|error| Failure::file("read", &path, &error))?;
            self.file(CONFIGURATION, &text)?;
        }
        Ok(())
    }

    fn file(&mut self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let mut writing = Writing::create(&self.directory, name)?;
        let path = self.directory.join(name);
        writing
            .write_all(bytes)
            .map_err(|error| Failure::file("write", &path, &error))?;
        self.files.push(writing.finish()?);
        Ok(())
    }
}
