//! The ports file: how a server on a port the system chose says where it listens.

use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use serde::Deserialize;

/// How often the file is looked for; the server is ready some 10 ms after its start.
const LOOK_PERIOD: Duration = Duration::from_millis(2);

#[derive(Deserialize)]
struct Ports {
    nats: Vec<String>,
}

/// Removes the ports files of earlier servers: after a kill they stay behind.
pub(super) fn remove_stale(run_dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(run_dir)? {
        let path = entry?.path();
        if is_ports_file(&path) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Waits for the ports file and answers URL and port in it. The server writes it once it accepts clients.
pub(super) async fn wait(run_dir: &Path) -> (String, u16) {
    let mut period = tokio::time::interval(LOOK_PERIOD);
    loop {
        period.tick().await;
        if let Some(found) = look(run_dir) {
            return found;
        }
    }
}

/// A file that is only half written is no JSON yet: look again.
fn look(run_dir: &Path) -> Option<(String, u16)> {
    let paths = fs::read_dir(run_dir)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()));
    let text = paths
        .filter(|path| is_ports_file(path))
        .find_map(|path| fs::read(path).ok())?;
    let ports: Ports = serde_json::from_slice(&text).ok()?;
    let url = ports.nats.into_iter().next()?;
    let port = url.rsplit_once(':')?.1.parse().ok()?;
    Some((url, port))
}

fn is_ports_file(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "ports")
}
