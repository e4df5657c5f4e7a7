//! Configuration: the compiled-in defaults, a file, the environment, flags; and where each value came from.

use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::{Deserialize, Serialize};

use crate::exit::Exit;
use crate::failure::Failure;

/// Default, documentation and template in one.
pub(crate) const DEFAULTS: &str = include_str!("../../../config/default.toml");

/// Everything that can be configured.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) ledger: LedgerConfig,
    pub(crate) keys: KeysConfig,
    pub(crate) nats: NatsConfig,
    pub(crate) sources: SourcesConfig,
    pub(crate) vault: VaultConfig,
    pub(crate) projector: ProjectorConfig,
    pub(crate) views: ViewsConfig,
    pub(crate) feed: FeedConfig,
    pub(crate) http: HttpConfig,
    pub(crate) witness: WitnessConfig,
    pub(crate) service: ServiceConfig,
    pub(crate) import: ImportConfig,
    pub(crate) log: LogConfig,
}

/// Section `ledger`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LedgerConfig {
    pub(crate) origin: String,
    pub(crate) dir: PathBuf,
    pub(crate) memory: PathBuf,
    pub(crate) published: Vec<PathBuf>,
}

/// Section `keys`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeysConfig {
    pub(crate) dir: PathBuf,
}

/// Section `nats`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NatsConfig {
    pub(crate) url: String,
    pub(crate) dir: PathBuf,
    pub(crate) binary: String,
    pub(crate) replicas: u8,
    pub(crate) connect_timeout_ms: u64,
    pub(crate) request_timeout_ms: u64,
}

/// Section `sources`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourcesConfig {
    pub(crate) dir: PathBuf,
    pub(crate) statement_interval_ms: u64,
}

/// Section `vault`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VaultConfig {
    pub(crate) dir: PathBuf,
}

/// Section `projector`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProjectorConfig {
    pub(crate) batch_messages_max: usize,
    pub(crate) batch_wait_ms: u64,
    pub(crate) seal_records_max: u64,
    pub(crate) seal_interval_ms: u64,
    pub(crate) audit_at_start: AuditAtStart,
}

/// Section `views`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ViewsConfig {
    pub(crate) snapshot_interval_ms: u64,
    pub(crate) rebuild_snapshot_leaves: u64,
}

/// How much of the ledger is hashed again before going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AuditAtStart {
    /// All of it.
    Full,
    /// What follows the last checkpoint.
    Tail,
}

/// Section `feed`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FeedConfig {
    pub(crate) bytes_max: u64,
}

/// Section `http`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpConfig {
    pub(crate) listen_addr: String,
    pub(crate) ready_lag_ms_max: u64,
}

/// Section `witness`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WitnessConfig {
    pub(crate) policy: PathBuf,
    pub(crate) patience_ms: u64,
}

/// Section `service`.
#[derive(Debug, Clone, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the fields are the keys of the section")]
#[serde(deny_unknown_fields)]
pub(crate) struct ServiceConfig {
    pub(crate) commands_in_flight_max: usize,
    pub(crate) conflict_retries_max: u32,
    pub(crate) cases_cached_max: usize,
}

/// Section `import`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportConfig {
    pub(crate) source: String,
}

/// Section `log`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogConfig {
    pub(crate) level: String,
}

/// One value in force and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Setting {
    /// `section.key`.
    pub(crate) key: String,
    /// The value as JSON writes it.
    pub(crate) value: String,
    /// default, file, environment or flag.
    pub(crate) origin: String,
}

/// Layers the sources, later wins.
pub(crate) fn layers(file: Option<&Path>, flags: &[(&'static str, String)]) -> Figment {
    let mut layers = Figment::from(Toml::string(DEFAULTS));
    if let Some(file) = file {
        layers = layers.merge(Toml::file_exact(file));
    }
    layers = layers.merge(
        Env::prefixed("PORTBOOK_")
            .filter(|key| key.as_str().contains("__"))
            .split("__"),
    );
    for (key, value) in flags {
        layers = layers.merge(Serialized::default(key, value));
    }
    layers
}

/// Reads the configuration in force.
pub(crate) fn load(layers: &Figment) -> Result<Config, Failure> {
    layers.extract().map_err(|error| {
        Failure::new(
            Exit::Configuration,
            format!("the configuration cannot be used: {error}"),
        )
        .hint("portbook config show --defaults prints every key with its meaning")
    })
}

/// Every value in force with its origin, sorted by key.
pub(crate) fn settings(layers: &Figment) -> Result<Vec<Setting>, Failure> {
    let values: toml::Table = layers.extract().map_err(|error| {
        Failure::new(
            Exit::Configuration,
            format!("the configuration cannot be used: {error}"),
        )
    })?;
    let mut settings = Vec::new();
    for (section, keys) in &values {
        for (key, value) in keys.as_table().into_iter().flatten() {
            let key = format!("{section}.{key}");
            let origin = layers
                .find_metadata(&key)
                .map_or_else(|| "default".to_owned(), origin_of);
            settings.push(Setting {
                value: value.to_string(),
                origin,
                key,
            });
        }
    }
    Ok(settings)
}

fn origin_of(metadata: &figment::Metadata) -> String {
    match metadata.source.as_ref() {
        Some(figment::Source::File(path)) => format!("file {}", path.display()),
        _ if metadata.name.contains("environment") => "environment".to_owned(),
        _ if metadata.name.contains("TOML") => "default".to_owned(),
        _ => "flag".to_owned(),
    }
}
