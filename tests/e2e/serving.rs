//! The verified feed over HTTP, lag in figures, and schemas in the ledger: for those who do not speak NATS.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use portbook_bus::{Identity, Outgoing, PublishLimits, Publisher};
use portbook_ledger::SignerKey;
use portbook_wire::control::{Control, ReferencePublished, encode_control};
use serde_json::Value;

use crate::kill::connect;
use crate::node::{Node, first_lines, wait_for};

/// A running portbook with facts.
fn serving(count: usize) -> Node {
    let mut node = Node::init();
    node.up();
    import(&node, count);
    node
}

/// Imports the first `count` facts of the scenario and waits until all are fed.
fn import(node: &Node, count: usize) {
    let facts = node.home().join("facts.ndjson");
    fs::write(&facts, first_lines(count)).unwrap();
    node.run(&["import", &facts.display().to_string()]).exits(0);
    let fed = wait_for(|| {
        let status = node.run(&["feed", "status", "--json"]).exits(0).json();
        (status["messages"].as_u64() == Some(u64::try_from(count).unwrap())).then_some(())
    });
    fed.expect("the feed catches up");
}

/// Everything the feed holds, as `watch` shows it.
fn watched(node: &Node, count: usize, more: &[&str]) -> Vec<Value> {
    let count = count.to_string();
    let mut args = vec!["watch", "--from", "0", "--count", &count, "--json"];
    args.extend(more);
    let said = node.run(&args).exits(0).out;
    said.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A connection on which `path` was asked for. Of the old version of HTTP, so that an answer is what comes until the end.
fn ask(node: &Node, path: &str, headers: &str) -> BufReader<TcpStream> {
    let url = fs::read_to_string(node.home().join("http.url")).unwrap();
    let address = url.trim().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n{headers}\r\n").unwrap();
    BufReader::new(stream)
}

/// Status line and headers.
fn head(answer: &mut impl BufRead) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(answer.read_line(&mut head).unwrap() > 0, "{head}");
    }
    head
}

/// Head and body of a whole answer.
fn get(node: &Node, path: &str) -> (String, String) {
    let mut answer = ask(node, path, "");
    let head = head(&mut answer);
    let mut body = String::new();
    answer.read_to_string(&mut body).unwrap();
    (head, body)
}

/// The next event of a stream of server-sent events: its id, and what it says.
fn next_event(answer: &mut impl BufRead) -> (u64, Value) {
    let (mut id, mut data) = (None, None);
    loop {
        let mut line = String::new();
        assert!(answer.read_line(&mut line).unwrap() > 0, "the line was cut");
        match line.trim_end().split_once(": ") {
            Some(("id", found)) => id = found.parse().ok(),
            Some(("data", found)) => data = serde_json::from_str(found).ok(),
            None if id.is_some() => return (id.unwrap(), data.unwrap()),
            Some(_) | None => {}
        }
    }
}

#[test]
fn pages_of_events_lead_through_the_whole_feed() {
    let node = serving(250);
    let expected = watched(&node, 250, &[]);
    let (mut path, mut told, mut pages) = ("/v1/events?limit=100".to_owned(), Vec::new(), 0);
    loop {
        let (head, body) = get(&node, &path);
        assert!(
            head.starts_with("HTTP/1.0 200") || head.starts_with("HTTP/1.1 200"),
            "{head}"
        );
        assert!(head.contains("application/x-ndjson"), "{head}");
        let lines: Vec<Value> = body
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let next = head.lines().find_map(|line| line.strip_prefix("link: <"));
        let Some(next) = next else {
            assert!(lines.is_empty(), "the last page is empty");
            break;
        };
        path = next.split('>').next().unwrap().to_owned();
        told.extend(lines);
        pages += 1;
    }
    assert_eq!((pages, &told), (3, &expected));
    let port = expected[0]["port"].as_str().unwrap();
    let (_, body) = get(&node, &format!("/v1/events?port={port}"));
    let of_port = expected.iter().filter(|event| event["port"] == port);
    let found: Vec<Value> = body
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(found.iter().eq(of_port));
    let (head, body) = get(&node, "/v1/events?ports=CNNBG");
    assert!(
        head.contains(" 400 ") && body.contains("there is no parameter"),
        "{head}{body}"
    );
}

#[test]
fn server_sent_events_go_on_where_a_browser_was() {
    let node = serving(60);
    let expected = watched(&node, 60, &[]);
    let leaf = |event: &Value| event["leaf"].as_u64().unwrap();
    let mut answer = ask(&node, &format!("/live?after={}", leaf(&expected[9])), "");
    let head = head(&mut answer);
    assert!(head.contains("text/event-stream"), "{head}");
    for event in &expected[10..40] {
        assert_eq!(next_event(&mut answer), (leaf(event), event.clone()));
    }
    drop(answer);
    // The browser's own words, when it comes again.
    let last = format!("Last-Event-ID: {}\r\n", leaf(&expected[39]));
    let mut answer = ask(&node, "/live", &last);
    assert!(self::head(&mut answer).contains("text/event-stream"));
    for event in &expected[40..] {
        assert_eq!(next_event(&mut answer), (leaf(event), event.clone()));
    }
    // And what is new comes by itself.
    import(&node, 61);
    let all = watched(&node, 61, &[]);
    assert_eq!(next_event(&mut answer), (leaf(&all[60]), all[60].clone()));
}

#[test]
fn figures_say_how_far_each_view_and_the_feed_are_behind() {
    let node = serving(100);
    let figure = |text: &str, name: &str| -> Option<f64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse().ok()
    };
    let views = ["port-activity", "cases", "facts"];
    let caught_up = wait_for(|| {
        let (_, text) = get(&node, "/metrics");
        let lags = views.map(|view| figure(&text, &format!("portbook_view_lag_events{{view=\"{view}\"}}")));
        (lags == [Some(0.0); 3]).then_some(text)
    });
    let text = caught_up.expect("views catch up, and say so");
    for view in views {
        let seconds = figure(&text, &format!("portbook_view_lag_seconds{{view=\"{view}\"}}"));
        assert_eq!(seconds, Some(0.0), "{text}");
    }
    for name in [
        "ledger_lag_events",
        "ledger_lag_seconds",
        "feed_lag_events",
        "feed_lag_seconds",
    ] {
        assert!(
            figure(&text, &format!("portbook_{name}")).is_some(),
            "{name} is missing from {text}"
        );
    }
    // Who reads a view writes it down; the others are as far behind as their snapshots.
    node.run(&["projection", "rows", "cases", "--json"]).exits(0);
    let status = node.run(&["projection", "status", "--json"]).exits(0).json();
    let lag_of = |view: &str| {
        let found = status["views"]
            .as_array()
            .unwrap()
            .iter()
            .find(|it| it["view"] == view);
        let lag = |name: &str| found.unwrap()[name].as_u64().unwrap();
        (lag("leaves_since_snapshot"), lag("seconds_since_snapshot"))
    };
    assert_eq!(lag_of("cases"), (0, 0), "{status}");
    let (leaves, seconds) = lag_of("facts");
    assert!(leaves >= 100 && seconds < 120, "{status}");
}

/// Says in the name of the log that a schema has another digest than it has.
fn misname(node: &Node, name: &str) {
    let control = Control::from(ReferencePublished {
        name: name.parse().unwrap(),
        sha256: "0".repeat(64).parse().unwrap(),
        port_aliases: None,
        published_at: "2025-06-01T00:00:00Z".parse().unwrap(),
    });
    let (subject, body) = (control.kind().subject(), encode_control(&control).unwrap());
    let key = fs::read_to_string(node.home().join("keys/log.key")).unwrap();
    let key = SignerKey::parse(key.trim_end()).unwrap();
    let signature = key.secret().sign_event(subject, &body).to_string();
    let outgoing = Outgoing {
        subject: subject.to_owned(),
        msg_id: "misnamed".to_owned(),
        signature: Some(signature),
        body: body.into(),
        expected_last_subject_seq: None,
    };
    let url = fs::read_to_string(node.home().join("nats.url")).unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let bus = connect(&url, Identity::Operator, &node.home().join("keys/nats")).await;
        let publisher = Publisher::start(&bus, PublishLimits::default());
        publisher.publish(outgoing).await.unwrap();
        bus.close().await;
    });
}

#[test]
fn a_schema_that_the_ledger_names_otherwise_is_registered_once() {
    let node = serving(10);
    let listed = node.run(&["schema", "ls", "--json"]).exits(0).json();
    let count = listed["schemas"].as_array().unwrap().len();
    let register = || node.run(&["schema", "register"]).exits(0);
    let said = register();
    assert!(
        said.err.contains(&format!("0 of {count} schemas")),
        "init named all: {said:?}"
    );
    misname(&node, "schema/license.granted.v1");
    let said = register();
    assert_eq!(said.out.trim(), "schema/license.granted.v1");
    assert!(said.err.contains(&format!("1 of {count} schemas")), "{said:?}");
    assert!(register().err.contains(&format!("0 of {count} schemas")));
    // The record of it is in the ledger.
    let recorded = wait_for(|| {
        let rows = node.timeline("~CONTROL");
        let published = rows.iter().filter(|row| row["event"] == "reference.published");
        (published.count() == 2).then_some(())
    });
    recorded.expect("both are recorded");
    let schema = node.run(&["schema", "get", "license.granted"]).exits(0).json();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    node.run(&["schema", "get", "license.lost"]).exits(2);
}

/// Starts everything; gives the addresses of nats-server and HTTP.
fn started(node: &mut Node) -> [String; 2] {
    node.up();
    ["nats.url", "http.url"].map(|file| {
        let url = || fs::read_to_string(node.home().join(file)).ok();
        wait_for(|| url().filter(|url| !url.is_empty())).expect("the address is written")
    })
}

#[test]
fn addresses_stay_from_start_to_start_while_nobody_else_has_them() {
    let mut node = Node::init();
    let first = started(&mut node);
    node.stop();
    assert_eq!(started(&mut node), first, "after a stop");
    // The nats-server that is left behind has the port until it is ended.
    node.kill();
    assert_eq!(started(&mut node), first, "after a kill");
    node.stop();
    let taken = first
        .clone()
        .map(|url| TcpListener::bind(url.rsplit_once("//").unwrap().1).unwrap());
    let moved = started(&mut node);
    let said = fs::read_to_string(node.log("up")).unwrap();
    for (server, at) in [("nats", 0), ("http", 1)] {
        assert_ne!(moved[at], first[at]);
        let port = |url: &str| url.rsplit_once(':').unwrap().1.to_owned();
        let told = format!(
            "port {} is taken by another process: {server} is on port {} from now on",
            port(&first[at]),
            port(&moved[at])
        );
        assert!(said.contains(&told), "{told}: {said}");
    }
    node.stop();
    drop(taken);
    assert_eq!(started(&mut node), moved, "what was told last stays");
    node.stop();
}
