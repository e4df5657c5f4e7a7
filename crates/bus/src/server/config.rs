//! The managed server's configuration: the template and the users of `config/nats`, filled in.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::{ServerError, ServerFiles, ServerSpec};
use crate::identity::{Identity, IdentityError, public_keys};

const SERVER: &str = include_str!("../../../../config/nats/server.conf");
const USERS: &str = include_str!("../../../../config/nats/users.conf");

/// The public keys of the seeds in `seeds_dir` as `keys.conf` of a production cluster defines them.
///
/// # Errors
/// [`IdentityError`] names the seed file that cannot be used.
pub fn keys_conf(seeds_dir: &Path) -> Result<String, IdentityError> {
    Ok(keys(&public_keys(seeds_dir)?))
}

pub(super) fn render(
    spec: &ServerSpec,
    files: &ServerFiles,
    public_keys: &BTreeMap<Identity, String>,
) -> Result<String, ServerError> {
    let port = spec.port.map_or_else(|| "-1".to_owned(), |port| port.to_string());
    let server = SERVER
        .replace("{{port}}", &port)
        .replace("{{file_store_bytes_max}}", &spec.file_store_bytes_max.to_string())
        .replace("{{store_dir}}", quotable(&files.streams_dir)?)
        .replace("{{log_file}}", quotable(&files.log)?);
    Ok(format!("{}\n{server}\n{USERS}", keys(public_keys)))
}

fn keys(public_keys: &BTreeMap<Identity, String>) -> String {
    public_keys
        .iter()
        .fold(String::new(), |mut text, (identity, key)| {
            // Writing to a string cannot fail.
            writeln!(text, "NKEY_{}: \"{key}\"", identity.name().to_uppercase()).unwrap_or_default();
            text
        })
}

/// A path that stands between double quotes without escapes.
fn quotable(path: &Path) -> Result<&str, ServerError> {
    let text = path
        .to_str()
        .filter(|text| !text.contains(['"', '\\', '{', '}']) && !text.chars().any(char::is_control));
    text.ok_or_else(|| ServerError::Path {
        path: path.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(store_dir: &str) -> ServerSpec {
        ServerSpec {
            binary: "nats-server".into(),
            store_dir: store_dir.into(),
            seeds_dir: "seeds".into(),
            port: None,
            file_store_bytes_max: 1 << 30,
        }
    }

    #[test]
    fn the_template_is_filled_completely() {
        let public_keys = Identity::ALL
            .iter()
            .map(|&identity| (identity, format!("U{identity}")))
            .collect();
        let spec = spec("/store");
        let text = render(&spec, &ServerFiles::of(&spec.store_dir), &public_keys).unwrap();
        assert!(!text.contains("{{"), "{text}");
        assert!(text.contains("listen: \"127.0.0.1:-1\"") && text.contains("sync_interval: always"));
        for forbidden in ["http", "websocket {", "mqtt {", "leafnodes {", "no_auth_user"] {
            assert!(
                !text.lines().any(|line| line.starts_with(forbidden)),
                "{forbidden}"
            );
        }
        for &identity in Identity::ALL {
            let key = format!("$NKEY_{}\n", identity.name().to_uppercase());
            assert_eq!(USERS.matches(&key).count(), 1, "{identity}");
            assert_eq!(
                USERS
                    .matches(&format!("\"{}.>\"", identity.inbox_prefix()))
                    .count(),
                1,
                "{identity}"
            );
        }
    }

    #[test]
    fn a_path_cannot_smuggle_settings_in() {
        let spec = spec("/store\"\nno_auth_user: x");
        let error = render(&spec, &ServerFiles::of(&spec.store_dir), &BTreeMap::new()).unwrap_err();
        assert!(matches!(error, ServerError::Path { .. }));
    }
}
