//! `portbook restore`: a backup becomes a ledger again, or it is said why it must not.
//!
//! A backup is the past. It is put back as the present only if nothing newer was published as far as anybody here knows, or if
//! the operator says why all the same. Either way an epoch begins, and the ledger says so itself: behind a restore the stream has
//! another date of creation, and may have lost what nobody had signed yet. `signed.log` is written last: without it no projector
//! starts.

mod known;
mod rebuild;

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use portbook_bus::{Bus, Identity, SnapshotHead, StreamIdentity, StreamSpec};
use portbook_ledger::{Checkpoint, Frontier, OpenedCheckpoint, Origin, SignedLog, VerifierKey, leaf_hash};
use portbook_wire::subject::{STREAM_CHECKPOINTS, STREAM_LEDGER};
use serde::Serialize;

use self::known::Known;
use self::rebuild::{Rebuilt, rebuild};
use crate::args::RestoreArgs;
use crate::backup::{CHECKPOINTS, CONFIGURATION, LEAVES, Manifest, SIGNED_LOG, check_file, items_of};
use crate::elsewhere::Mark;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::KeyOf;
use crate::node::Server;
use crate::session::Session;
use crate::speech::grouped;

/// Bytes of a stream handed over at a time.
const PIECE_BYTES: u64 = 128 * 1024;

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    size: u64,
    root: String,
    messages: u64,
    epoch: u64,
}

/// A backup whose files are what its manifest says.
struct Backup {
    directory: PathBuf,
    manifest: Manifest,
    origin: Origin,
    key: VerifierKey,
    checkpoint: Checkpoint,
}

/// Puts a backup back into an empty home.
pub(crate) fn run(session: &Session, args: &RestoreArgs) -> Outcome {
    let backup = Backup::open(session, &args.directory)?;
    refuse_occupied(session, &backup)?;
    let known = Known::gather(session, args.checkpoint.as_deref(), &backup.origin, &backup.key)?;
    let root = backup.read_leaves(session, &known)?;
    if root != backup.checkpoint.root {
        return Err(Failure::new(
            Exit::LedgerFault,
            format!(
                "the leaves give root {root}, the checkpoint signs {}",
                backup.checkpoint.root
            ),
        ));
    }
    known.judge(&backup.checkpoint, args.declare_epoch.is_some())?;
    bring_keys(session, args, &backup)?;
    let rebuilt = session.block_on(async {
        let server = Server::start(session).await?;
        let put_back = put_back(session, &server, args, &backup).await;
        let stopped = server.stop().await;
        put_back.and_then(|rebuilt| stopped.map(|()| rebuilt))
    })?;
    backup.put_back_signed(session)?;
    // From now on this machine knows what was given up, and does not hold the ledger to it any more.
    Mark::of(session, &backup.origin, &backup.key)
        .restore(&backup.manifest.checkpoint, known.beyond(&backup.checkpoint))?;
    tell(session, &backup, &rebuilt)?;
    Ok(Exit::Done)
}

fn tell(session: &Session, backup: &Backup, rebuilt: &Rebuilt) -> Result<(), Failure> {
    let Checkpoint { size, root, .. } = &backup.checkpoint;
    if session.speech.is_machine() {
        return session.speech.json(&Document {
            schema: "portbook.restore/v1",
            size: size.get(),
            root: root.to_base64(),
            messages: rebuilt.messages,
            epoch: rebuilt.epoch,
        });
    }
    session.speech.answer(format_args!(
        "restored {} leaves with root {}, and the stream with {} messages",
        grouped(size.get()),
        root.to_base64(),
        grouped(rebuilt.messages)
    ))?;
    session.speech.answer(format_args!(
        "declared epoch {}: verify tells everyone who looks",
        rebuilt.epoch
    ))?;
    session.speech.tell("next: portbook up");
    Ok(())
}

impl Backup {
    fn open(session: &Session, directory: &Path) -> Result<Self, Failure> {
        let manifest = Manifest::read(directory)?;
        let bytes = manifest.files.iter().map(|file| file.bytes).sum();
        let bar = session.speech.bar("checking files", bytes);
        for entry in &manifest.files {
            check_file(directory, entry)?;
            bar.inc(entry.bytes);
        }
        bar.finish_and_clear();
        let damaged = |error: &dyn std::error::Error| Failure::of(Exit::LedgerFault, error);
        let key = VerifierKey::parse(&manifest.log_key).map_err(|error| damaged(&error))?;
        let origin = Origin::new(&manifest.origin).map_err(|error| damaged(&error))?;
        let opened = OpenedCheckpoint::open(manifest.checkpoint.as_bytes(), &origin, &key, &[])
            .map_err(|error| damaged(&error))?;
        Ok(Self {
            directory: directory.to_owned(),
            checkpoint: opened.checkpoint,
            manifest,
            origin,
            key,
        })
    }

    /// Reads the leaves through; gives their root, and tells `known` the root at each size it knows.
    fn read_leaves(&self, session: &Session, known: &Known) -> Result<portbook_ledger::Hash, Failure> {
        let bar = session.speech.bar("hashing leaves", self.checkpoint.size.get());
        let mut tree = Frontier::new();
        for leaf in self.items(LEAVES)? {
            known.reach(&tree)?;
            tree.push(leaf_hash(&leaf?));
            bar.set_position(tree.size().get());
        }
        known.reach(&tree)?;
        bar.finish_and_clear();
        if tree.size() == self.checkpoint.size {
            Ok(tree.root())
        } else {
            Err(Failure::new(
                Exit::LedgerFault,
                format!(
                    "there are {} leaves, the checkpoint signs {}",
                    tree.size(),
                    self.checkpoint.size
                ),
            ))
        }
    }

    /// The items of a packed file.
    fn items(&self, name: &str) -> Result<impl Iterator<Item = Result<Vec<u8>, Failure>> + use<>, Failure> {
        let path = self.directory.join(name);
        let file = File::open(&path).map_err(|error| Failure::file("read", &path, &error))?;
        let failed = move |error| Failure::file("read", &path, &error);
        Ok(items_of(BufReader::new(file)).map(move |item| item.map_err(&failed)))
    }

    async fn put_back_stream(
        &self,
        session: &Session,
        bus: &Bus,
        name: &str,
    ) -> Result<StreamIdentity, Failure> {
        let entry = self.manifest.stream(name)?;
        let path = self.directory.join(format!("streams/{name}.json"));
        let text = fs::read(&path).map_err(|error| Failure::file("read", &path, &error))?;
        let head: SnapshotHead =
            serde_json::from_slice(&text).map_err(|error| Failure::of(Exit::LedgerFault, &error))?;
        let path = self.directory.join(format!("streams/{name}.snapshot"));
        let mut file = File::open(&path).map_err(|error| Failure::file("read", &path, &error))?;
        let bytes = file.metadata().map_or(0, |metadata| metadata.len());
        let bar = session.speech.bar("restoring the stream", bytes);
        let mut next = || {
            let mut piece = Vec::new();
            (&mut file).take(PIECE_BYTES).read_to_end(&mut piece)?;
            bar.inc(u64::try_from(piece.len()).unwrap_or(0));
            Ok(piece)
        };
        let identity = bus.restore(name, &head, &mut next).await?;
        bar.finish_and_clear();
        // The date of creation is the server's, and new: the epoch declares it.
        if identity.config_sha256 == entry.config_sha256 && identity.last_seq >= entry.last_seq_min {
            return Ok(identity);
        }
        Err(Failure::new(
            Exit::LedgerFault,
            format!(
                "the server put stream {name} back with {} messages and settings {}; it had {} and {}",
                identity.last_seq, identity.config_sha256, entry.last_seq_min, entry.config_sha256
            ),
        ))
    }

    /// Puts back what was published and, last, what was signed.
    fn put_back_signed(&self, session: &Session) -> Result<(), Failure> {
        let path = self.directory.join(SIGNED_LOG);
        let bytes = fs::read(&path).map_err(|error| Failure::file("read", &path, &error))?;
        let (signed, _) = SignedLog::parse(&bytes).map_err(|error| Failure::of(Exit::LedgerFault, &error))?;
        let directory = session.home.ledger();
        for note in self.items(CHECKPOINTS)? {
            let note = note?;
            let opened = OpenedCheckpoint::open(&note, &self.origin, &self.key, &[])
                .map_err(|error| Failure::of(Exit::LedgerFault, &error))?;
            directory.put_back_checkpoint(opened.checkpoint.size, &note)?;
        }
        directory.publish_checkpoint(self.checkpoint.size, &self.manifest.checkpoint)?;
        Ok(directory.put_back_signed_log(&signed)?)
    }
}

/// A restore goes where nothing is but keys and configuration.
fn refuse_occupied(session: &Session, backup: &Backup) -> Result<(), Failure> {
    let home = &session.home;
    let mut there = vec![home.ledger().store(), home.ledger().path().join("signed.log")];
    if session.config.nats.url.is_empty() {
        there.push(home.nats_store().join("streams"));
    }
    if let Some(path) = there.iter().find(|path| path.exists()) {
        return Err(
            Failure::new(Exit::Usage, format!("{} is there already", path.display()))
                .hint("a backup is restored into a home that holds nothing but keys; move the old one away"),
        );
    }
    let (saved, own) = (
        backup.directory.join(CONFIGURATION),
        home.root().join(CONFIGURATION),
    );
    if saved.exists() && !own.exists() {
        return Err(
            Failure::new(Exit::Configuration, format!("{} is missing", own.display())).hint(format!(
                "the backup has one; look through it and copy it: cp {} {}",
                saved.display(),
                own.display()
            )),
        );
    }
    Ok(())
}

/// Brings the secret keys, and checks that they are the ones whose public halves were backed up.
fn bring_keys(session: &Session, args: &RestoreArgs, backup: &Backup) -> Result<(), Failure> {
    if let Some(from) = &args.keys {
        session.home.bring_keys(from)?;
    }
    for of in [KeyOf::Log].into_iter().chain(KeyOf::producers()) {
        let secret = session.home.key(of)?;
        let path = backup.directory.join(format!("keys/{}.pub", of.name()));
        let public = fs::read_to_string(&path).map_err(|error| Failure::file("read", &path, &error))?;
        if secret.verifier().to_string() != public.trim_end() {
            return Err(Failure::new(
                Exit::Configuration,
                format!("the secret key of {} is not the one of this backup", of.name()),
            ));
        }
        session.home.write_public(of, secret.verifier())?;
    }
    Ok(())
}

async fn put_back(
    session: &Session,
    server: &Server,
    args: &RestoreArgs,
    backup: &Backup,
) -> Result<Rebuilt, Failure> {
    let bus = server.address().connect(session, Identity::Operator).await?;
    backup.put_back_stream(session, &bus, STREAM_CHECKPOINTS).await?;
    let identity = backup.put_back_stream(session, &bus, STREAM_LEDGER).await?;
    // The feed is in no backup: a running projector fills it again from the ledger.
    let feed = StreamSpec::feed(session.config.nats.replicas, session.config.feed.bytes_max);
    bus.create_stream(&feed).await?;
    let rebuilt = rebuild(session, server, &bus, args, backup, &identity).await;
    bus.close().await;
    rebuilt
}
