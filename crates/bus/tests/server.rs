//! The managed server: ready when it says so, alone on its store, gone when stopped.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use bytes::Bytes;
use portbook_bus::{CheckpointRegister, Identity, ManagedServer, ServerError, ServerPort, ServerSpec};
use portbook_testkit::cluster::production_config;
use portbook_testkit::nats::{NatsServer, server_binary};

fn spec_in(dir: &Path) -> ServerSpec {
    ServerSpec {
        binary: server_binary(),
        store_dir: dir.join("nats"),
        seeds_dir: dir.join("keys"),
        port: ServerPort::Free,
        file_store_bytes_max: 1 << 30,
    }
}

#[tokio::test]
async fn two_servers_never_share_a_store() {
    let dir = tempfile::tempdir().unwrap();
    let first = ManagedServer::start(spec_in(dir.path())).await.unwrap();
    let refused = ManagedServer::start(spec_in(dir.path())).await.unwrap_err();
    let pid = first.pid().unwrap().to_string();
    assert!(
        matches!(&refused, ServerError::StoreInUse { holder, .. } if *holder == pid),
        "{refused}"
    );
    first.stop().await.unwrap();
    ManagedServer::start(spec_in(dir.path()))
        .await
        .unwrap()
        .stop()
        .await
        .unwrap();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_server_itself_holds_the_lock() {
    let dir = tempfile::tempdir().unwrap();
    let server = ManagedServer::start(spec_in(dir.path())).await.unwrap();
    // Should its parent be killed, the server goes on, and so must the lock.
    let input = fs::read_link(format!("/proc/{}/fd/0", server.pid().unwrap())).unwrap();
    assert_eq!(
        input,
        fs::canonicalize(dir.path()).unwrap().join("nats/portbook.lock")
    );
}

#[tokio::test]
async fn a_server_whose_parent_was_killed_is_finished_first() {
    let dir = tempfile::tempdir().unwrap();
    let spec = spec_in(dir.path());
    ManagedServer::start(spec.clone())
        .await
        .unwrap()
        .stop()
        .await
        .unwrap();
    // As a killed `portbook up` leaves it: the server runs, holds the lock, and its parent is no more.
    let lock_file = spec.store_dir.join("portbook.lock");
    let lock = File::options().read(true).write(true).open(&lock_file).unwrap();
    lock.try_lock().unwrap();
    let config = spec.store_dir.join("nats-server.conf");
    let server = Command::new(&spec.binary)
        .arg("--config")
        .arg(&config)
        .stdin(Stdio::from(lock))
        .spawn();
    let mut orphan = server.unwrap();
    let mut parent = Command::new("true").spawn().unwrap();
    parent.wait().unwrap();
    fs::write(&lock_file, format!("{} {}\n", orphan.id(), std::process::id())).unwrap();
    let living = ManagedServer::start(spec.clone()).await.unwrap_err();
    assert!(
        matches!(living, ServerError::StoreInUse { .. }),
        "a living parent's server was finished: {living}"
    );

    fs::write(&lock_file, format!("{} {}\n", orphan.id(), parent.id())).unwrap();
    let next = ManagedServer::start(spec).await.unwrap();
    assert!(orphan.wait().is_ok());
    next.stop().await.unwrap();
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill_and_a_stale_ports_file() {
    let mut server = NatsServer::with_streams().await;
    let port = server.port();
    let register = CheckpointRegister::new(
        &server.connect(Identity::Projector).await,
        "portbook.checkpoint.test",
    );
    register.put(Bytes::from_static(b"size 1"), 0).await.unwrap();
    server.kill().await;
    let run_dir = server.spec().store_dir.join("run");
    assert_eq!(
        fs::read_dir(&run_dir).unwrap().count(),
        1,
        "a kill leaves the ports file behind"
    );
    server.restart_on(port).await;
    let register = CheckpointRegister::new(
        &server.connect(Identity::Projector).await,
        "portbook.checkpoint.test",
    );
    assert_eq!(
        register.last().await.unwrap(),
        Some((1, Bytes::from_static(b"size 1")))
    );
}

#[tokio::test]
async fn an_end_that_nobody_asked_for_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = ManagedServer::start(spec_in(dir.path())).await.unwrap();
    let pid = server.pid().unwrap().to_string();
    Command::new("kill").args(["-9", &pid]).status().unwrap();
    let ended = server.ended().await;
    assert!(
        matches!(&ended, ServerError::Ended { status, .. } if !status.success()),
        "{ended}"
    );
    assert_eq!(server.pid(), None);
}

#[tokio::test]
async fn a_server_that_does_not_start_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let missing = ServerSpec {
        binary: dir.path().join("nats-server"),
        ..spec_in(dir.path())
    };
    let error = ManagedServer::start(missing).await.unwrap_err();
    assert!(
        matches!(&error, ServerError::File { path, .. } if path.ends_with("nats-server")),
        "{error}"
    );

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = ManagedServer::start(ServerSpec {
        port: ServerPort::Exactly(port),
        ..spec_in(dir.path())
    })
    .await
    .unwrap_err();
    assert!(
        matches!(&error, ServerError::EndedEarly { said, .. } if said.contains("address already in use")),
        "{error}"
    );
}

#[tokio::test]
async fn a_port_is_kept_while_nobody_else_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let first = ManagedServer::start(spec_in(dir.path())).await.unwrap();
    let port = first.port();
    first.stop().await.unwrap();
    let spec = ServerSpec {
        port: ServerPort::Rather(port),
        ..spec_in(dir.path())
    };
    let second = ManagedServer::start(spec.clone()).await.unwrap();
    assert_eq!(second.port(), port);
    assert_eq!(second.url(), format!("nats://127.0.0.1:{port}"));
    second.stop().await.unwrap();
    let taken = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let third = ManagedServer::start(spec).await.unwrap();
    assert_ne!(third.port(), port);
    third.stop().await.unwrap();
    drop(taken);
}

#[tokio::test]
async fn store_and_keys_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let server = NatsServer::start().await;
    let spec = server.spec();
    for dir in [&spec.store_dir, &spec.seeds_dir] {
        assert_eq!(
            fs::metadata(dir).unwrap().permissions().mode() & 0o777,
            0o700,
            "{}",
            dir.display()
        );
    }
}

#[test]
fn the_production_configuration_is_accepted_by_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let checked = Command::new(server_binary())
        .arg("-t")
        .arg("-c")
        .arg(production_config(dir.path()))
        .output();
    let checked = checked.unwrap();
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );
}
