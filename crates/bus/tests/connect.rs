//! Connecting: what is too old, unknown or exposed is refused, with the way out.
#![expect(clippy::unwrap_used, reason = "a test's helpers")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use portbook_bus::{Bus, BusOptions, ConnectError, Identity, Login, create_seeds};
use portbook_testkit::nats::NatsServer;

#[tokio::test]
async fn a_server_that_would_ignore_guards_is_refused() {
    let url = pretender("2.9.10", "{\"total\":1}", 0);
    let error = Bus::connect(BusOptions::new(&url, Identity::Client, Login::Open))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, ConnectError::TooOld { version, api_level: 0, .. } if version == "2.9.10"),
        "{error}"
    );
    let text = error.to_string();
    assert!(
        text.contains("2.12 or newer") && text.contains("make nats-server"),
        "{text}"
    );
}

#[tokio::test]
async fn a_real_server_is_accepted_and_named() {
    let server = NatsServer::start().await;
    let bus = server.connect(Identity::Client).await;
    assert!(bus.is_connected());
    assert_eq!(bus.identity(), Identity::Client);
    assert!(bus.server_version().starts_with("2."), "{}", bus.server_version());
}

#[tokio::test]
async fn a_server_that_is_gone_for_good_does_not_keep_anybody_from_ending() {
    let mut server = NatsServer::start().await;
    let options = BusOptions {
        request_timeout: Duration::from_millis(200),
        ..server.options(Identity::Client)
    };
    let bus = Bus::connect(options).await.unwrap();
    server.kill().await;
    let closed = tokio::time::timeout(Duration::from_secs(10), bus.close()).await;
    assert!(closed.is_ok(), "still waiting for the server");
}

#[tokio::test]
async fn a_stranger_is_refused() {
    let server = NatsServer::start().await;
    let other = tempfile::tempdir().unwrap();
    create_seeds(other.path()).unwrap();
    let login = Login::Nkey {
        seed_file: Identity::Client.seed_file(other.path()),
    };
    for login in [login, Login::Open] {
        let error = Bus::connect(BusOptions::new(server.url(), Identity::Client, login))
            .await
            .unwrap_err();
        assert!(
            matches!(
                error,
                ConnectError::Refused {
                    identity: Identity::Client,
                    ..
                }
            ),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_exposed_key_is_not_used() {
    let server = NatsServer::start().await;
    let seed_file = Identity::Client.seed_file(&server.spec().seeds_dir);
    fs::set_permissions(&seed_file, fs::Permissions::from_mode(0o644)).unwrap();
    let error = Bus::connect(server.options(Identity::Client)).await.unwrap_err();
    assert!(
        matches!(
            error,
            ConnectError::Key {
                identity: Identity::Client,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn nobody_there_is_said_at_once() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let options = BusOptions {
        connect_timeout: Duration::from_secs(1),
        ..BusOptions::new(&format!("nats://127.0.0.1:{port}"), Identity::Client, Login::Open)
    };
    let error = Bus::connect(options).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_stalls_is_asked_again_and_not_for_ever() {
    for (silent, comes_up) in [(2, true), (3, false)] {
        let url = pretender("2.12.0", "{\"level\":2}", silent);
        let options = BusOptions {
            request_timeout: Duration::from_millis(200),
            ..BusOptions::new(&url, Identity::Client, Login::Open)
        };
        match Bus::connect(options).await {
            Ok(_) => assert!(comes_up, "it was silent {silent} times"),
            Err(error) => {
                assert!(!comes_up, "{error}");
                assert!(matches!(error, ConnectError::Silent { .. }), "{error}");
            }
        }
    }
}

/// The address of something that says it is nats-server `version`, and answers `api` to the question for the account after
/// having left it unanswered `silent` times.
fn pretender(version: &'static str, api: &'static str, silent: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("nats://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            pretend(client, version, api, silent);
        }
    });
    url
}

/// Speaks just enough of the protocol to be asked `$JS.API.INFO`.
fn pretend(mut client: TcpStream, version: &str, api: &str, silent: usize) {
    write!(
        client,
        "INFO {{\"server_id\":\"X\",\"version\":\"{version}\",\"proto\":1,\"headers\":true,\"max_payload\":1048576,\
         \"jetstream\":true}}\r\n"
    )
    .unwrap();
    let lines = BufReader::new(client.try_clone().unwrap())
        .lines()
        .map_while(Result::ok);
    let (mut subscription, mut asked) = (String::new(), 0);
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["PING"] => client.write_all(b"PONG\r\n").unwrap(),
            ["SUB", _, sid] => (*sid).clone_into(&mut subscription),
            ["PUB", "$JS.API.INFO", reply, _] => {
                asked += 1;
                if asked <= silent {
                    continue;
                }
                let answer = format!(
                    "{{\"type\":\"io.nats.jetstream.api.v1.account_info_response\",\"streams\":0,\"api\":{api}}}"
                );
                write!(
                    client,
                    "MSG {reply} {subscription} {}\r\n{answer}\r\n",
                    answer.len()
                )
                .unwrap();
            }
            _ => {}
        }
    }
}
