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
/// [`ServerError::NotFound`] lists the places and says how to get one.
pub fn find_binary(
    configured: Option<&Path>,
    tools_dir: &Path,
    search_path: Option<&OsStr>,
) -> Result<PathBuf, ServerError> {
    let candidates: Vec<PathBuf> = match configured {
        Some(path) => vec![path.to_owned()],
        None => std::iter::once(tools_dir.to_owned())
            .chain(search_path.into_iter().flat_map(std::env::split_paths))
            .map(|dir| dir.join(NAME))
            .collect(),
    };
    if let Some(path) = candidates.iter().find(|path| path.is_file()) {
        return Ok(path.clone());
    }
    let places: Vec<String> = candidates.iter().map(|path| path.display().to_string()).collect();
    Err(ServerError::NotFound {
        looked_at: places.join(", "),
    })
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
