//! Where the nats-server binary is.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::ServerError;

/// Name of the binary.
const NAME: &str = "nats-server";

/// Finds nats-server: `configured` (`PORTBOOK_NATS_SERVER`) and nothing else when it is given; otherwise
/// `<tools_dir>/nats-server`, then the folders of `search_path` (`PATH`). The fetched one comes first because a
/// distribution's may be too old.
///
/// # Errors
/// [`ServerError::NotFound`] says where it was looked for and how to get one.
pub fn find_binary(
    configured: Option<&Path>,
    tools_dir: &Path,
    search_path: Option<&OsStr>,
) -> Result<PathBuf, ServerError> {
    let fetched = tools_dir.join(NAME);
    let (candidates, looked_at) = if let Some(path) = configured {
        (vec![path.to_owned()], path.display().to_string())
    } else {
        let looked_at = format!("{} and on PATH", fetched.display());
        let folders = search_path.into_iter().flat_map(std::env::split_paths);
        let candidates = std::iter::once(fetched).chain(folders.map(|dir| dir.join(NAME)));
        (candidates.collect(), looked_at)
    };
    let found = candidates.into_iter().find(|path| path.is_file());
    found.ok_or(ServerError::NotFound { looked_at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configured_binary_is_the_only_one_looked_for() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(NAME), "").unwrap();
        let found = find_binary(None, dir.path(), None).unwrap();
        assert_eq!(found, dir.path().join(NAME));
        let elsewhere = find_binary(None, Path::new("/nonexistent"), Some(dir.path().as_os_str())).unwrap();
        assert_eq!(elsewhere, found);

        let missing = Path::new("/nonexistent/nats-server");
        let error = find_binary(Some(missing), dir.path(), Some(dir.path().as_os_str())).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("/nonexistent/nats-server") && text.contains("make nats-server"),
            "{text}"
        );
    }
}
