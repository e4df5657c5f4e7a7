//! `portbook key`: the producers' keys, governed by records of the ledger.

mod listing;

use jiff::{SignedDuration, Timestamp};
use portbook_fold::{Book, NotEntitled, Occasion, ProducerKey};
use portbook_ledger::{PublicKey, RotatedKey, Rotation};
use portbook_service::Remit;
use portbook_source::KeyRing;
use portbook_wire::control::{self, Control, KeyRegistered, KeyRevoked, KeyRole, KeyRotated, ModeName};
use portbook_wire::{Source, TypeName};
use serde_json::json;

use self::listing::{print_key, print_keys};
use crate::args::{KeyCommand, RegisterArgs, RevokeArgs, RotateArgs};
use crate::control_message::Desk;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::key_file::{KeyFile, source_of};
use crate::session::Session;

/// How long a key is valid when nothing else is said: five years.
pub(crate) const KEY_VALIDITY: SignedDuration = SignedDuration::from_hours(5 * 365 * 24);

/// Carries out one verb of `key`.
pub(crate) fn run(session: &Session, args: &KeyCommand) -> Outcome {
    session.block_on(async {
        let desk = Desk::open(session).await?;
        let done = carry_out(session, &desk, args).await;
        let closed = desk.close().await;
        done.and_then(|exit| closed.map(|()| exit))
    })
}

async fn carry_out(session: &Session, desk: &Desk, args: &KeyCommand) -> Outcome {
    let ring = desk.key_ring(session).await?;
    match args {
        KeyCommand::Ls => print_keys(session, ring.book()),
        KeyCommand::Show { key_id } => {
            let (id, key) = find(ring.book(), key_id)?;
            print_key(session, id, key)
        }
        KeyCommand::Register(args) => register(session, desk, &ring, args).await,
        KeyCommand::Rotate(args) => rotate(session, desk, &ring, args).await,
        KeyCommand::Revoke(args) => revoke(session, desk, &ring, args).await,
    }
}

async fn register(session: &Session, desk: &Desk, ring: &KeyRing, args: &RegisterArgs) -> Outcome {
    let source = source_of(&args.source)?;
    let file = KeyFile::of_source(&source);
    let origin = origin_of(ring.book())?;
    let public = if let Some(text) = &args.public_key {
        parse_public_key(text)?
    } else {
        check_replaceable(session, ring.book(), &file)?;
        *file.next(&session.home, origin)?.verifier().public()
    };
    let now = Timestamp::now();
    let valid_until = match args.valid_until {
        Some(until) => until,
        None => now
            .checked_add(KEY_VALIDITY)
            .map_err(|error| Failure::of(Exit::Configuration, &error))?,
    };
    if valid_until <= now {
        return Err(Failure::new(
            Exit::Usage,
            format!("--valid-until: {valid_until} has passed"),
        ));
    }
    let message = Control::KeyRegistered(KeyRegistered {
        key_id: control::KeyId(*public.id().as_bytes()),
        public_key: control::PublicKey(*public.as_bytes()),
        mode: mode_of(&source),
        event_types: types_of(&source, &args.types)?,
        source,
        valid_from: now,
        valid_until,
    });
    if ring.book().keys.contains_key(public.id().as_bytes()) && args.public_key.is_some() {
        return Err(Failure::new(
            Exit::Rejected,
            format!("key {} is registered already", public.id()),
        ));
    }
    // A key that was drawn and registered before the files were exchanged is not registered twice.
    if !ring.book().keys.contains_key(public.id().as_bytes()) {
        desk.publish(session, &message).await?;
    }
    if args.public_key.is_none() {
        file.take_over(&session.home)?;
    }
    answer(session, desk, "registered", &public).await
}

async fn rotate(session: &Session, desk: &Desk, ring: &KeyRing, args: &RotateArgs) -> Outcome {
    let file = KeyFile::named(&args.owner)?;
    let old = file.read(&session.home)?;
    let origin = origin_of(ring.book())?;
    let next = file.next(&session.home, origin)?;
    let new = *next.verifier().public();
    if !ring.book().keys.contains_key(new.id().as_bytes()) {
        let old_id = old.verifier().public().id();
        check_in_force(ring.book(), *old_id.as_bytes())?;
        let overlap = SignedDuration::from_hours(i64::from(args.overlap_hours));
        let overlap_until = Timestamp::now()
            .checked_add(overlap)
            .map_err(|error| Failure::of(Exit::Usage, &error))?;
        let rotation = Rotation {
            origin,
            role: RotatedKey::Producer,
            old: old_id,
            new: &new,
            overlap_until_ns: u64::try_from(overlap_until.as_nanosecond()).unwrap_or(u64::MAX),
        };
        let message = Control::KeyRotated(KeyRotated {
            role: KeyRole::Producer,
            old_key_id: control::KeyId(*old_id.as_bytes()),
            new_key_id: control::KeyId(*new.id().as_bytes()),
            new_public_key: control::PublicKey(*new.as_bytes()),
            overlap_until,
            old_signature: control::Signature(rotation.sign(old.secret())),
            new_signature: control::Signature(rotation.sign(next.secret())),
        });
        desk.publish(session, &message).await?;
    }
    // Only a key the ledger knows may sign: the files are exchanged when the stream shows it.
    let taken = desk.key_ring(session).await?;
    if !taken.book().keys.contains_key(new.id().as_bytes()) {
        return Err(Failure::new(
            Exit::Rejected,
            "the rotation was recorded without effect; nothing was changed here",
        ));
    }
    file.take_over(&session.home)?;
    session.speech.tell(format_args!(
        "{} goes on with the old key until it is started again; both are good for {} hours",
        args.owner, args.overlap_hours
    ));
    answer(session, desk, "rotated to", &new).await
}

async fn revoke(session: &Session, desk: &Desk, ring: &KeyRing, args: &RevokeArgs) -> Outcome {
    let (id, key) = find(ring.book(), &args.key_id)?;
    if let Some(revoked) = &key.revoked {
        return Err(Failure::new(
            Exit::Rejected,
            format!(
                "key {} was revoked by leaf {} already",
                control::KeyId(id),
                revoked.leaf
            ),
        ));
    }
    let message = Control::KeyRevoked(KeyRevoked {
        key_id: control::KeyId(id),
        contested_from: args.contested_from.unwrap_or_else(Timestamp::now),
        reason: args.reason.clone(),
    });
    desk.publish(session, &message).await?;
    let public =
        PublicKey::from_bytes(&key.public_key).map_err(|error| Failure::of(Exit::LedgerFault, &error))?;
    answer(session, desk, "revoked", &public).await
}

/// Says what the stream has of a key after it was changed.
async fn answer(session: &Session, desk: &Desk, what: &str, public: &PublicKey) -> Outcome {
    let ring = desk.key_ring(session).await?;
    let id = public.id();
    let Some(key) = ring.book().keys.get(id.as_bytes()) else {
        return Err(Failure::new(
            Exit::Rejected,
            format!("the message about key {id} was not believed; see portbook timeline ~QUARANTINE"),
        ));
    };
    if session.speech.is_machine() {
        return print_key(session, *id.as_bytes(), key);
    }
    session
        .speech
        .answer(format_args!("{what} key {id} of {}", key.source))?;
    Ok(Exit::Done)
}

/// The one key whose id begins like this.
fn find<'a>(book: &'a Book, beginning: &str) -> Result<([u8; 8], &'a ProducerKey), Failure> {
    let fits = |id: &[u8; 8]| !beginning.is_empty() && control::KeyId(*id).to_string().starts_with(beginning);
    let mut found = book.keys.iter().filter(|(id, _)| fits(id));
    match (found.next(), found.next()) {
        (Some((id, key)), None) => Ok((*id, key)),
        (None, _) => Err(
            Failure::new(Exit::Usage, format!("no key's id begins with {beginning:?}"))
                .hint("portbook key ls shows them"),
        ),
        (Some(_), Some(_)) => Err(Failure::new(
            Exit::Usage,
            format!("several keys' ids begin with {beginning:?}"),
        )),
    }
}

fn origin_of(book: &Book) -> Result<&portbook_ledger::Origin, Failure> {
    let opened = book.opened.as_ref().map(|opened| &opened.origin);
    opened.ok_or_else(|| Failure::new(Exit::Unavailable, "the stream opens no ledger"))
}

/// A key that is in force is rotated, not replaced: its successor must be vouched for by itself.
fn check_replaceable(session: &Session, book: &Book, file: &KeyFile) -> Result<(), Failure> {
    if !file.exists(&session.home) {
        return Ok(());
    }
    let id = file.read(&session.home)?.verifier().public().id();
    if check_in_force(book, *id.as_bytes()).is_err() {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Rejected,
        format!("the source has key {id}, which is in force"),
    )
    .hint("portbook key rotate lets another take over; portbook key revoke ends it"))
}

fn check_in_force(book: &Book, id: [u8; 8]) -> Result<(), Failure> {
    let shown = control::KeyId(id);
    let key = book.keys.get(&id);
    let key = key.ok_or_else(|| Failure::new(Exit::Rejected, format!("key {shown} was never registered")))?;
    let state = state_of(key);
    if state == "in force" {
        Ok(())
    } else {
        Err(Failure::new(Exit::Rejected, format!("key {shown} is {state}")))
    }
}

/// Where a key stands now, in a few words.
fn state_of(key: &ProducerKey) -> &'static str {
    let now = Occasion {
        index: u64::MAX,
        recorded_at_ns: u64::try_from(Timestamp::now().as_nanosecond()).unwrap_or(u64::MAX),
    };
    match key.in_force(&key.source, now) {
        Ok(()) if key.superseded.is_some() => "in overlap",
        Ok(()) => "in force",
        Err(NotEntitled::Revoked) => "revoked",
        Err(NotEntitled::Time) if key.superseded.is_some() => "superseded",
        Err(NotEntitled::Time | NotEntitled::Source | NotEntitled::Type) => "out of validity",
    }
}

fn mode_of(source: &Source) -> ModeName {
    if source.as_str().starts_with("urn:portbook:svc:") {
        ModeName::Authoritative
    } else {
        ModeName::Observed
    }
}

/// The types asked for; a service may sign its own and no others.
fn types_of(source: &Source, asked: &[TypeName]) -> Result<Vec<TypeName>, Failure> {
    let is =
        |name: &&portbook_domain::ServiceName| Source::service(name.name()).is_ok_and(|own| own == *source);
    match portbook_domain::ServiceName::ALL.iter().find(is) {
        Some(service) if asked.is_empty() => Remit::of(*service)
            .kinds
            .iter()
            .map(|kind| TypeName::new(kind.name()).map_err(|error| Failure::of(Exit::Configuration, &error)))
            .collect(),
        Some(_) | None => Ok(asked.to_vec()),
    }
}

fn parse_public_key(text: &str) -> Result<PublicKey, Failure> {
    let wrong = |what: &dyn std::fmt::Display| Failure::new(Exit::Usage, format!("--public-key: {what}"));
    let bytes = control::PublicKey::try_from(text.to_owned()).map_err(|error| wrong(&error))?;
    PublicKey::from_bytes(&bytes.0).map_err(|error| wrong(&error))
}

/// One key as a document.
fn document_of(id: [u8; 8], key: &ProducerKey) -> serde_json::Value {
    let moment = |ns: i128| Timestamp::from_nanosecond(ns).ok().map(|at| at.to_string());
    json!({
        "key_id": control::KeyId(id).to_string(),
        "public_key": control::PublicKey(key.public_key).to_string(),
        "source": key.source,
        "mode": if key.observes { "observed" } else { "authoritative" },
        "event_types": key.event_types,
        "state": state_of(key),
        "valid_from": moment(key.valid_from_ns),
        "valid_until": moment(key.valid_until_ns),
        "registered_leaf": key.registered,
        "superseded": key.superseded.as_ref().map(|it| json!({
            "leaf": it.leaf, "by": control::KeyId(it.by).to_string(), "until": moment(it.until_ns),
        })),
        "revoked": key.revoked.as_ref().map(|it| json!({
            "leaf": it.leaf, "contested_from": moment(it.contested_from_ns),
        })),
    })
}
