//! The streams: how they are created, who they are, and whether they still are what was created.
//!
//! The configuration is compared as the server's own JSON, not through the client's struct: a setting this build does
//! not know must show as drift, not disappear.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use portbook_wire::subject::{
    CHECKPOINT_SUBJECTS, FEED_SUBJECTS, LEDGER_SUBJECTS, STREAM_CHECKPOINTS, STREAM_FEED, STREAM_LEDGER,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, sleep};

use crate::api::{ApiError, decode};
use crate::connection::Bus;

/// Largest message of the ledger stream, headers included, in bytes: a body of 32 KiB and room for headers.
const LEDGER_MESSAGE_BYTES_MAX: u32 = 40 * 1024;
/// Largest checkpoint, headers and witness signatures included, in bytes.
const CHECKPOINT_MESSAGE_BYTES_MAX: u32 = 64 * 1024;
/// The server remembers message ids this long. Each costs it 200 bytes, and repeats are recognised without them.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(5);
/// Where a stream lives and how it is described does not decide what it keeps.
const OPERATIONAL_FIELDS: [&str; 4] = ["description", "metadata", "num_replicas", "placement"];
/// Longest time a replica is given to come to where the stream has been.
const LAG_MAX: Duration = Duration::from_secs(10);
const LAG_PAUSE: Duration = Duration::from_millis(200);
const STREAM_NOT_FOUND: u64 = 10_059;
const STREAM_NAME_IN_USE: u64 = 10_058;

/// A stream as portbook wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSpec {
    name: String,
    config: Map<String, Value>,
}

/// One setting of a stream that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigDrift {
    /// The setting, as NATS names it.
    pub field: String,
    /// Its value as specified, as JSON; `unset` when it should have the server's default.
    pub expected: String,
    /// Its value as found, as JSON; `unset` when it has the server's default.
    pub found: String,
}

/// What pins a stream: if name, creation, configuration or first sequence changes, it is not the stream it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamIdentity {
    /// Its name.
    pub name: String,
    /// When it was created, RFC 3339 as the server writes it.
    pub created: String,
    /// SHA-256, hexadecimal, over the canonical JSON of every setting that decides what is kept. The number of replicas
    /// and the placement do not.
    pub config_sha256: String,
    /// Sequence of the first message: 1, or 0 while there is none.
    pub first_seq: u64,
    /// Sequence of the last message, 0 while there is none.
    pub last_seq: u64,
    /// Number of messages.
    pub messages: u64,
    /// Number of distinct subjects.
    pub subjects: u64,
}

/// Why a stream cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The request failed.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// There is no such stream.
    #[error("stream {stream} does not exist")]
    Missing {
        /// Its name.
        stream: String,
    },
    /// Settings differ.
    #[error("stream {stream} is not configured as portbook created it: {}", join(.drifts))]
    Drifted {
        /// Its name.
        stream: String,
        /// Each setting that differs.
        drifts: Vec<ConfigDrift>,
    },
}

#[derive(Deserialize)]
struct StreamAnswer {
    config: Map<String, Value>,
    created: String,
    state: StateAnswer,
}

#[derive(Deserialize)]
struct StateAnswer {
    messages: u64,
    first_seq: u64,
    last_seq: u64,
    #[serde(default)]
    num_subjects: u64,
}

impl StreamSpec {
    /// The ledger stream: facts and control messages, kept for ever.
    #[must_use]
    pub fn ledger(replicas: u8) -> Self {
        Self::kept_for_ever(
            STREAM_LEDGER,
            &LEDGER_SUBJECTS,
            LEDGER_MESSAGE_BYTES_MAX,
            replicas,
        )
    }

    /// The register of checkpoints.
    #[must_use]
    pub fn checkpoints(replicas: u8) -> Self {
        Self::kept_for_ever(
            STREAM_CHECKPOINTS,
            &[CHECKPOINT_SUBJECTS],
            CHECKPOINT_MESSAGE_BYTES_MAX,
            replicas,
        )
    }

    /// The verified feed. It can be made again from the ledger, so its oldest messages go when it exceeds `bytes_max`.
    #[must_use]
    pub fn feed(replicas: u8, bytes_max: u64) -> Self {
        let mut spec = Self::kept_for_ever(STREAM_FEED, &[FEED_SUBJECTS], LEDGER_MESSAGE_BYTES_MAX, replicas);
        spec.config.extend([
            ("discard".to_owned(), json!("old")),
            ("max_bytes".to_owned(), json!(bytes_max)),
            ("deny_delete".to_owned(), json!(false)),
            ("deny_purge".to_owned(), json!(false)),
        ]);
        spec
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn kept_for_ever(name: &str, subjects: &[&str], message_bytes_max: u32, replicas: u8) -> Self {
        let config = json!({
            "name": name,
            "subjects": subjects,
            "storage": "file",
            "retention": "limits",
            "discard": "new",
            "max_consumers": -1,
            "max_msgs": -1,
            "max_bytes": -1,
            "max_age": 0,
            "max_msgs_per_subject": -1,
            "max_msg_size": message_bytes_max,
            "duplicate_window": nanoseconds(DUPLICATE_WINDOW),
            "num_replicas": replicas,
            "compression": "none",
            "deny_delete": true,
            "deny_purge": true,
            "allow_rollup_hdrs": false,
            "allow_direct": true,
            "allow_atomic": true,
        });
        Self {
            name: name.to_owned(),
            config: object(config),
        }
    }

    /// Each setting of `found` that decides what is kept and is not as specified.
    fn drifts(&self, found: &Map<String, Value>) -> Vec<ConfigDrift> {
        let (expected, found) = (canonical(&self.config), canonical(found));
        let fields: std::collections::BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
        let text = |value: Option<&Value>| value.map_or_else(|| "unset".to_owned(), Value::to_string);
        fields
            .into_iter()
            .filter(|field| expected.get(*field) != found.get(*field))
            .map(|field| ConfigDrift {
                field: field.clone(),
                expected: text(expected.get(field)),
                found: text(found.get(field)),
            })
            .collect()
    }
}

impl StreamAnswer {
    fn has_replicas(&self) -> bool {
        let replicas = self.config.get("num_replicas").and_then(Value::as_u64);
        replicas.is_some_and(|replicas| replicas > 1)
    }

    fn identity(&self, name: &str) -> StreamIdentity {
        StreamIdentity {
            name: name.to_owned(),
            created: self.created.clone(),
            config_sha256: config_sha256(&self.config),
            first_seq: self.state.first_seq,
            last_seq: self.state.last_seq,
            messages: self.state.messages,
            subjects: self.state.num_subjects,
        }
    }
}

impl fmt::Display for ConfigDrift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, not {}", self.field, self.found, self.expected)
    }
}

impl Bus {
    /// Creates the stream; done only by `init`. One that exists with the same settings is left as it is.
    ///
    /// # Errors
    /// [`StreamError::Drifted`] when it exists with other settings, or when the server did not take a setting over.
    pub async fn create_stream(&self, spec: &StreamSpec) -> Result<StreamIdentity, StreamError> {
        let subject = format!("$JS.API.STREAM.CREATE.{}", spec.name);
        match self.api(&subject, &Value::Object(spec.config.clone())).await {
            Ok(_) => {}
            Err(error) if error.refusal_code() == Some(STREAM_NAME_IN_USE) => {}
            Err(error) => return Err(error.into()),
        }
        self.check_stream(spec).await
    }

    /// Deletes a stream with everything in it. Only the operator may.
    ///
    /// # Errors
    /// [`StreamError::Missing`] when there is none.
    pub async fn delete_stream(&self, name: &str) -> Result<(), StreamError> {
        let subject = format!("$JS.API.STREAM.DELETE.{name}");
        match self.api(&subject, &Value::Null).await {
            Ok(_) => Ok(()),
            Err(error) if error.refusal_code() == Some(STREAM_NOT_FOUND) => Err(StreamError::Missing {
                stream: name.to_owned(),
            }),
            Err(error) => Err(error.into()),
        }
    }

    /// Identity and extent of a stream.
    ///
    /// # Errors
    /// [`StreamError::Missing`] when there is none.
    pub async fn stream_identity(&self, name: &str) -> Result<StreamIdentity, StreamError> {
        Ok(self.stream_answer(name).await?.identity(name))
    }

    /// [`Bus::stream_identity`] of a stream that once held message `seq`. Of several replicas one that has just become the
    /// leader may not have come so far yet, and is given some time; a stream that stays behind is answered as it is.
    ///
    /// # Errors
    /// As [`Bus::stream_identity`].
    pub async fn stream_identity_from(&self, name: &str, seq: u64) -> Result<StreamIdentity, StreamError> {
        let started = Instant::now();
        loop {
            let answer = self.stream_answer(name).await?;
            let identity = answer.identity(name);
            let may_lag = answer.has_replicas() && started.elapsed() < LAG_MAX;
            if identity.last_seq >= seq || !may_lag {
                return Ok(identity);
            }
            sleep(LAG_PAUSE).await;
        }
    }

    /// Checks every setting of the stream against `spec`; answers its identity.
    ///
    /// # Errors
    /// [`StreamError::Drifted`] names each setting that differs.
    pub async fn check_stream(&self, spec: &StreamSpec) -> Result<StreamIdentity, StreamError> {
        let answer = self.stream_answer(&spec.name).await?;
        let drifts = spec.drifts(&answer.config);
        if drifts.is_empty() {
            Ok(answer.identity(&spec.name))
        } else {
            Err(StreamError::Drifted {
                stream: spec.name.clone(),
                drifts,
            })
        }
    }

    async fn stream_answer(&self, name: &str) -> Result<StreamAnswer, StreamError> {
        let subject = format!("$JS.API.STREAM.INFO.{name}");
        match self.api(&subject, &Value::Null).await {
            Ok(answer) => Ok(decode(&subject, &answer)?),
            Err(error) if error.refusal_code() == Some(STREAM_NOT_FOUND) => Err(StreamError::Missing {
                stream: name.to_owned(),
            }),
            Err(error) => Err(error.into()),
        }
    }
}

/// The settings that decide what is kept, without those that are at rest: a server that knows more settings than the one
/// the stream was created on lists them, switched off, and the digest must not change by that.
fn canonical(config: &Map<String, Value>) -> BTreeMap<String, Value> {
    let at_rest = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        // Limits are switched off by -1 or by 0, depending on the setting and the server.
        Value::Number(number) => matches!(number.as_i64(), Some(-1 | 0)),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    };
    config
        .iter()
        .filter(|(field, value)| !OPERATIONAL_FIELDS.contains(&field.as_str()) && !at_rest(value))
        .map(|(field, value)| (field.clone(), sorted(field, value)))
        .collect()
}

fn sorted(field: &str, value: &Value) -> Value {
    match (field, value) {
        ("subjects", Value::Array(subjects)) => {
            let mut subjects = subjects.clone();
            subjects.sort_by_key(Value::to_string);
            Value::Array(subjects)
        }
        _ => value.clone(),
    }
}

fn config_sha256(config: &Map<String, Value>) -> String {
    let canonical = Value::Object(canonical(config).into_iter().collect());
    format!("{:x}", Sha256::digest(canonical.to_string()))
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(fields) = value {
        fields
    } else {
        Map::new()
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn join(drifts: &[ConfigDrift]) -> String {
    drifts
        .iter()
        .map(ConfigDrift::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_at_rest_do_not_change_the_digest() {
        let spec = StreamSpec::ledger(1);
        let mut newer = spec.config.clone();
        newer.insert("allow_something_new".into(), json!(false));
        newer.insert("mirror".into(), Value::Null);
        newer.insert("num_replicas".into(), json!(3));
        newer.insert(
            "subjects".into(),
            json!(["portbook.control.*", "portbook.events.*"]),
        );
        newer.insert("metadata".into(), json!({"_nats.ver": "2.15.1"}));
        assert_eq!(config_sha256(&spec.config), config_sha256(&newer));
        assert_eq!(spec.drifts(&newer), []);
    }

    #[test]
    fn a_setting_this_build_does_not_know_is_drift() {
        let spec = StreamSpec::ledger(1);
        let mut newer = spec.config.clone();
        newer.insert("allow_something_new".into(), json!(true));
        assert_ne!(config_sha256(&spec.config), config_sha256(&newer));
        assert_eq!(
            spec.drifts(&newer),
            [ConfigDrift {
                field: "allow_something_new".into(),
                expected: "unset".into(),
                found: "true".into()
            }]
        );
    }
}
