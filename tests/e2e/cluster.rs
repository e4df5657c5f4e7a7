//! Services, projector and importer on three nats-servers, one of which is killed at a time: no update and no acknowledged event
//! is lost.

use std::fs;

use portbook_bus::Identity;
use portbook_testkit::cluster::NatsCluster;
use portbook_testkit::operator::operate;
use serde_json::Value;

use crate::kill::{Load, PROCESSES, check, connect};
use crate::node::{Node, copy, first_lines, signal, wait_for};

/// Facts that are imported meanwhile.
const IMPORTED: usize = 5000;

#[test]
fn a_node_killed_under_load_loses_no_update_and_no_acknowledged_event() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(story());
}

async fn story() {
    let mut cluster = NatsCluster::start().await;
    let node = Node::new();
    let seeds = node.home().join("keys/nats");
    copy(&cluster.seeds_dir(), &seeds);
    // The tests of single crates want a small feed; this ledger makes its own.
    let one = cluster.urls().split(',').next().unwrap().to_owned();
    operate(&one, &seeds, "STREAM.DELETE.PORTBOOK_FEED", Value::Null).await;
    let settings = format!("[nats]\nurl = \"{}\"\nreplicas = 3\n", cluster.urls());
    fs::write(node.home().join("portbook.toml"), settings).unwrap();
    node.run(&["init", "--origin", "test.example/cluster"]).exits(0);
    let mut processes = PROCESSES.map(|name| (name, node.spawn(&["run", name], name)));
    let facts = node.home().join("facts.ndjson");
    fs::write(&facts, first_lines(IMPORTED)).unwrap();
    let facts = facts.display().to_string();
    let load = Load::start(&node, &cluster.urls()).await;
    let mut importing = node.spawn(&["import", &facts], "import");
    for victim in 0..3 {
        load.progress();
        cluster.kill_node(victim);
        load.progress();
        cluster.start_node(victim);
    }
    load.progress();
    let acknowledged = load.finish().await;
    wait_for(|| importing.try_wait().unwrap()).expect("the import ends");
    // An importer that lost its node ends with a hint to run it again, which is what a person would do.
    node.run(&["import", &facts]).exits(0);
    for (name, process) in &mut processes {
        let said = || fs::read_to_string(node.log(name)).unwrap();
        assert_eq!(process.try_wait().unwrap(), None, "{name} ended: {}", said());
    }
    let auditor = connect(&cluster.urls(), Identity::Auditor, &seeds).await;
    let last_seq = auditor.stream_identity("PORTBOOK").await.unwrap().last_seq;
    auditor.close().await;
    node.wait_until_signed(last_seq);
    // Versions and links of every case, and every message against its record, while all of it runs.
    let document = node.run(&["stream", "check", "--json"]).exits(0).json();
    assert!(document["cases"].as_u64() > Some(10), "{document}");
    for (name, mut process) in processes {
        signal("-TERM", process.id());
        let status = wait_for(|| process.try_wait().unwrap()).unwrap();
        assert!(status.success(), "{name}: {status}");
    }
    node.run(&["verify", "--all", "--against-stream"]).exits(0);
    check(&node, &acknowledged, IMPORTED);
}
