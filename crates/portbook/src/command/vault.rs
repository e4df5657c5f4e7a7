//! `portbook vault`: personal fields as commitments, their values outside the ledger.

use std::io::{Read, stdin};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use portbook_audit::{RecordAt, record};
use portbook_domain::{Digest, EventId, Text};
use portbook_ledger::{Hash, Leaf, Record, leaf_hash};
use portbook_store::StoreReader;
use portbook_vault::{Disclosure, Sealing, Vault, VaultError, VaultKey};
use portbook_wire::control::{Control, ErasureNoticed};
use portbook_wire::read_head;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::args::{EraseArgs, FieldName, PutArgs, VaultCommand};
use crate::command::record::index_of;
use crate::control_message::Desk;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::{Home, drawn, read_private, write_private};
use crate::session::Session;
use crate::speech::harmless;

const SCHEMA: &str = "portbook.disclosure/v1";
/// Longest disclosure worth reading: a record and a value, both in base64.
const DISCLOSURE_BYTES_MAX: u64 = 1 << 20;

/// What `disclose` prints and `check` reads. Complete in itself: the record is in it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Disclosed {
    schema: String,
    leaf: u64,
    leaf_hash: String,
    field: String,
    pointer: String,
    value: String,
    salt: String,
    commitment: String,
    /// The leaf's bytes in base64: their hash is the leaf hash, and the commitment stands in them.
    record: String,
}

/// Carries out one verb of `vault`.
pub(crate) fn run(session: &Session, args: &VaultCommand) -> Outcome {
    match args {
        VaultCommand::Put(args) => put(session, args),
        VaultCommand::Disclose { record, field } => disclose(session, record, *field),
        VaultCommand::Check { file, leaf_hash } => check(session, file, leaf_hash.as_deref()),
        VaultCommand::Erase(args) => erase(session, args),
    }
}

fn put(session: &Session, args: &PutArgs) -> Outcome {
    let value = match &args.value {
        Some(value) => value.clone(),
        None => read_value()?,
    };
    let sealing = Sealing {
        salt: drawn()?,
        nonce: drawn()?,
    };
    let vault = open(&session.home, true)?;
    let commitment = vault
        .put(args.field.name(), value.as_bytes(), sealing)
        .map_err(|error| failed(&error))?;
    let text = format!("{}{commitment}", args.field.prefix());
    if session.speech.is_machine() {
        session.speech.json(&json!({
            "schema": "portbook.commitment/v1", "field": args.field.name(), "commitment": text,
        }))?;
    } else {
        session.speech.answer(text)?;
    }
    Ok(Exit::Done)
}

fn disclose(session: &Session, name: &str, field: FieldName) -> Outcome {
    let reader = StoreReader::open(&session.home.ledger().store())?;
    let found = record(&reader, index_of(&reader, name)?)?;
    let commitment = commitment_in(&body_of(&found)?, field)?;
    let disclosure = open(&session.home, false)?
        .disclose(commitment)
        .map_err(|error| failed(&error))?;
    let value = String::from_utf8(disclosure.value.clone()).ok();
    session.speech.json(&Disclosed {
        schema: SCHEMA.to_owned(),
        leaf: found.index,
        leaf_hash: found.hash.to_hex(),
        field: field.name().to_owned(),
        pointer: field.pointer().to_owned(),
        value: value.ok_or_else(|| Failure::new(Exit::LedgerFault, "the value is no text"))?,
        salt: STANDARD.encode(disclosure.salt),
        commitment: commitment.to_hex(),
        record: STANDARD.encode(&found.bytes),
    })?;
    Ok(Exit::Done)
}

fn check(session: &Session, file: &Path, expected: Option<&str>) -> Outcome {
    let disclosed = read_disclosed(file)?;
    let broken =
        |what: &str| Failure::new(Exit::LedgerFault, format!("the disclosure does not hold: {what}"));
    let leaf = STANDARD
        .decode(&disclosed.record)
        .ok()
        .ok_or_else(|| broken("the record is no base64"))?;
    let hash = leaf_hash(&leaf).to_hex();
    if hash != disclosed.leaf_hash {
        return Err(broken(&format!("the record has leaf hash {hash}")));
    }
    if expected.is_some_and(|expected| expected != hash) {
        return Err(broken(&format!("it is about the record with leaf hash {hash}")));
    }
    let field = [
        FieldName::Applicant,
        FieldName::ExternalRef,
        FieldName::EndUser,
        FieldName::Consignee,
    ]
    .into_iter()
    .find(|field| field.name() == disclosed.field && field.pointer() == disclosed.pointer)
    .ok_or_else(|| broken("no event commits to such a field"))?;
    let Ok(Leaf::Record(record)) = Leaf::decode(&leaf) else {
        return Err(broken("it is about no record"));
    };
    let commitment = commitment_in(&body_value(&record), field)?;
    let salt = STANDARD
        .decode(&disclosed.salt)
        .ok()
        .and_then(|salt| salt.try_into().ok());
    let opened = Disclosure {
        field: disclosed.field.clone(),
        value: disclosed.value.clone().into_bytes(),
        salt: salt.ok_or_else(|| broken("the salt is not 32 bytes in base64"))?,
    };
    opened
        .check(commitment)
        .map_err(|error| broken(&error.to_string()))?;
    if session.speech.is_machine() {
        session.speech.json(&json!({
            "schema": "portbook.disclosure-check/v1", "verdict": "holds", "field": disclosed.field,
            "value": disclosed.value, "leaf_hash": hash, "leaf_hash_expected": expected.is_some(),
        }))?;
    } else {
        session.speech.answer(format_args!(
            "{} is {:?}",
            disclosed.field,
            harmless(&disclosed.value)
        ))?;
        session
            .speech
            .answer(format_args!("committed to in the record with leaf hash {hash}"))?;
        if expected.is_none() {
            session.speech.tell(
                "Whether the ledger holds that record is for a proof to show; --leaf-hash compares with one.",
            );
        }
    }
    Ok(Exit::Done)
}

/// Destroys first and tells then: a notice is never about a value that is still there.
fn erase(session: &Session, args: &EraseArgs) -> Outcome {
    let (found, head) = {
        let reader = StoreReader::open(&session.home.ledger().store())?;
        let found = record(&reader, index_of(&reader, &args.record)?)?;
        let id = event_id_of(&found)?;
        (found, id)
    };
    let body = body_of(&found)?;
    let commitments: Result<Vec<Hash>, Failure> = args
        .fields
        .iter()
        .map(|field| commitment_in(&body, *field))
        .collect();
    let vault = open(&session.home, false)?;
    for (field, commitment) in args.fields.iter().zip(commitments?) {
        if !vault.erase(commitment).map_err(|error| failed(&error))? {
            session
                .speech
                .tell(format_args!("nothing was there behind {} any more", field.name()));
        }
    }
    let named = |error: portbook_domain::InvalidText| Failure::of(Exit::Usage, &error);
    let fields: Result<Vec<Text>, Failure> = args
        .fields
        .iter()
        .map(|field| Text::new(field.name()).map_err(named))
        .collect();
    let notice = Control::ErasureNoticed(ErasureNoticed {
        target_event_id: head,
        target_leaf: Digest::new(&found.hash.to_hex()).map_err(named)?,
        fields: fields?,
        reason: args.reason.clone(),
        erased_at: Timestamp::now(),
    });
    let published = session.block_on(async {
        let desk = Desk::open(session).await?;
        let published = desk.publish(session, &notice).await;
        let closed = desk.close().await;
        published.and_then(|appended| closed.map(|()| appended))
    });
    let published = published.map_err(|failure| {
        failure.hint("the values are gone; run the same command again to publish the notice")
    })?;
    if session.speech.is_machine() {
        session.speech.json(&json!({
            "schema": "portbook.erasure/v1", "leaf": found.index, "fields": args.fields.iter().map(|field| field.name()).collect::<Vec<_>>(),
            "notice_seq": published.seq,
        }))?;
    } else {
        session.speech.answer(format_args!(
            "erased {} field(s) of leaf {}; the notice is message {}",
            args.fields.len(),
            found.index,
            published.seq
        ))?;
    }
    Ok(Exit::Done)
}

/// The vault of this home; its key is drawn when something is put there first.
fn open(home: &Home, create: bool) -> Result<Vault, Failure> {
    let path = home.keys().join("vault.key");
    if create && !path.exists() {
        let key: [u8; 32] = drawn()?;
        write_private(&path, &format!("portbook-vault-key {}\n", STANDARD.encode(key)))?;
    }
    let text = read_private(&path)?;
    let key = text.trim_end().strip_prefix("portbook-vault-key ");
    let key = key
        .and_then(|key| STANDARD.decode(key).ok())
        .and_then(|key| key.try_into().ok());
    let key =
        key.ok_or_else(|| Failure::new(Exit::Configuration, format!("{} is no vault key", path.display())))?;
    Ok(Vault::new(home.vault().to_owned(), VaultKey::from_bytes(key)))
}

fn read_value() -> Result<String, Failure> {
    let mut value = String::new();
    stdin()
        .read_to_string(&mut value)
        .map_err(|error| Failure::file("read", Path::new("standard input"), &error))?;
    Ok(value.strip_suffix('\n').map_or(value.clone(), str::to_owned))
}

fn read_disclosed(file: &Path) -> Result<Disclosed, Failure> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        stdin().take(DISCLOSURE_BYTES_MAX).read_to_string(&mut text)
    } else {
        std::fs::File::open(file)
            .and_then(|opened| opened.take(DISCLOSURE_BYTES_MAX).read_to_string(&mut text))
    };
    read.map_err(|error| Failure::file("read", file, &error))?;
    let disclosed: Result<Disclosed, _> = serde_json::from_str(&text);
    match disclosed {
        Ok(disclosed) if disclosed.schema == SCHEMA => Ok(disclosed),
        Ok(other) => Err(Failure::new(
            Exit::Usage,
            format!("{} is of schema {:?}, not {SCHEMA}", file.display(), other.schema),
        )),
        Err(error) => Err(Failure::new(Exit::Usage, format!("{}: {error}", file.display()))),
    }
}

fn body_of(found: &RecordAt) -> Result<Value, Failure> {
    match found.leaf()? {
        Leaf::Record(record) => Ok(body_value(&record)),
        Leaf::Seal(_) => Err(Failure::new(
            Exit::Usage,
            format!("leaf {} is a seal", found.index),
        )),
    }
}

fn body_value(record: &Record<'_>) -> Value {
    serde_json::from_slice(record.body).unwrap_or(Value::Null)
}

fn event_id_of(found: &RecordAt) -> Result<EventId, Failure> {
    let no_event = || Failure::new(Exit::Usage, format!("leaf {} is no event", found.index));
    let Leaf::Record(record) = found.leaf()? else {
        return Err(no_event());
    };
    let head = read_head(record.subject, record.body).ok().ok_or_else(no_event)?;
    EventId::new(head.id).ok().ok_or_else(no_event)
}

/// The commitment a record holds for a field.
fn commitment_in(body: &Value, field: FieldName) -> Result<Hash, Failure> {
    let text = body.pointer(field.pointer()).and_then(Value::as_str);
    let hex = text.and_then(|text| text.strip_prefix(field.prefix()));
    hex.and_then(|hex| Hash::from_hex(hex).ok()).ok_or_else(|| {
        Failure::new(
            Exit::Usage,
            format!("the record commits to nothing at {}", field.pointer()),
        )
    })
}

fn failed(error: &VaultError) -> Failure {
    let exit = match error {
        VaultError::Nothing { .. } => Exit::Unavailable,
        VaultError::Unreadable { .. } | VaultError::Mismatch { .. } => Exit::LedgerFault,
        VaultError::Field(_) => Exit::Usage,
        VaultError::Io { .. } => Exit::InputOutput,
    };
    Failure::of(exit, error)
}
