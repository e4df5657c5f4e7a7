//! The managed server's configuration: the template and the users of `config/nats`, filled in.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::{ServerError, ServerFiles, ServerSpec, at};
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

/// Writes the configuration, and beside it the two files it includes.
pub(super) fn write(spec: &ServerSpec, files: &ServerFiles) -> Result<(), ServerError> {
    let texts = [
        (&files.config, server(spec, files)?),
        (&files.users, USERS.to_owned()),
        (&files.keys, keys_conf(&spec.seeds_dir)?),
    ];
    texts
        .iter()
        .try_for_each(|(path, text)| std::fs::write(path, text).map_err(|source| at(path, source)))
}

fn server(spec: &ServerSpec, files: &ServerFiles) -> Result<String, ServerError> {
    Ok(SERVER
        .replace("{{port}}", &spec.port.setting().to_string())
        .replace("{{file_store_bytes_max}}", &spec.file_store_bytes_max.to_string())
        .replace("{{store_dir}}", quotable(&files.streams_dir)?)
        .replace("{{log_file}}", quotable(&files.log)?))
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
    use crate::server::ServerPort;

    fn spec(store_dir: &str) -> ServerSpec {
        ServerSpec {
            binary: "nats-server".into(),
            store_dir: store_dir.into(),
            seeds_dir: "seeds".into(),
            port: ServerPort::Free,
            file_store_bytes_max: 1 << 30,
        }
    }

    #[test]
    fn the_template_is_filled_completely() {
        let spec = spec("/store");
        let text = server(&spec, &ServerFiles::of(&spec.store_dir)).unwrap();
        assert!(!text.contains("{{"), "{text}");
        assert!(text.contains("listen: \"127.0.0.1:-1\"") && text.contains("sync_interval: always"));
        for forbidden in ["http", "websocket {", "mqtt {", "leafnodes {", "no_auth_user"] {
            assert!(
                !text.lines().any(|line| line.starts_with(forbidden)),
                "{forbidden}"
            );
        }
    }

    #[test]
    fn every_identity_is_a_user_with_inboxes_of_its_own() {
        let keys = keys(
            &Identity::ALL
                .iter()
                .map(|&identity| (identity, format!("U{identity}")))
                .collect(),
        );
        for &identity in Identity::ALL {
            let name = identity.name().to_uppercase();
            assert!(
                keys.contains(&format!("NKEY_{name}: \"U{identity}\"\n")),
                "{keys}"
            );
            assert_eq!(USERS.matches(&format!("$NKEY_{name}\n")).count(), 1, "{identity}");
            assert_eq!(
                USERS
                    .matches(&format!("\"{}.>\"", identity.inbox_prefix()))
                    .count(),
                1,
                "{identity}"
            );
        }
        assert_eq!(USERS.matches("nkey:").count(), Identity::ALL.len());
    }

    #[test]
    fn a_path_cannot_smuggle_settings_in() {
        let spec = spec("/store\"\nno_auth_user: x");
        let error = server(&spec, &ServerFiles::of(&spec.store_dir)).unwrap_err();
        assert!(matches!(error, ServerError::Path { .. }));
    }
}
