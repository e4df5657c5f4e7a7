//! What a person or a script is told: exit code, stdout and stderr together.

use crate::node::Node;

/// Exit code, stdout and stderr as one text, with what differs from run to run taken out.
fn snapshot(node: &Node, args: &[&str]) -> String {
    let said = node.run(args);
    let home = node.home().display().to_string();
    format!(
        "exit {:?}\n--- stdout\n{}--- stderr\n{}",
        said.code.unwrap(),
        said.out,
        said.err
    )
    .replace(&home, "<home>")
}

#[track_caller]
fn says(node: &Node, args: &[&str], expected: &str) {
    assert_eq!(snapshot(node, args), expected, "portbook {}", args.join(" "));
}

#[test]
fn an_empty_place_is_an_error_with_the_next_command() {
    let node = Node::new();
    says(
        &node,
        &["timeline", "CNNBG"],
        "exit 69\n--- stdout\n--- stderr\nerror: there is no ledger at <home>/ledger/store\n\nhint: portbook init creates a \
         ledger; --home names another place\n",
    );
    says(
        &node,
        &["import", "-"],
        "exit 69\n--- stdout\n--- stderr\nerror: no portbook is running in <home>\n\nhint: portbook up runs one; --server names \
         another\n",
    );
    says(
        &node,
        &["timeline", "CNNBG", "--json"],
        "exit 69\n--- stdout\n--- stderr\n{\"causes\":[],\"error\":\"there is no ledger at <home>/ledger/store\",\"exit\":69,\
         \"hint\":\"portbook init creates a ledger; --home names another place\",\"schema\":\"portbook.error/v1\"}\n",
    );
}

#[test]
fn what_cannot_be_understood_is_a_usage_error() {
    let node = Node::init();
    says(
        &node,
        &["timeline", "ningbo"],
        "exit 2\n--- stdout\n--- stderr\nerror: port must be a UN/LOCODE: two letters, then three of A-Z 2-9, found \"ningbo\"\n",
    );
    node.run(&["verify"]).exits(2);
    node.run(&["no-such-verb"]).exits(2);
    node.run(&["--tz", "Berlin", "timeline", "CNNBG"]).exits(2);
}

#[test]
fn nothing_signed_is_not_a_pass_and_no_rows_are_an_answer() {
    let node = Node::init();
    says(
        &node,
        &["verify", "--all"],
        "exit 12\n--- stdout\n--- stderr\nerror: nothing was signed yet: there is no checkpoint to verify against\n",
    );
    let said = node.run(&["timeline", "CNNBG", "--json"]).exits(0);
    assert_eq!(said.json()["rows"], serde_json::json!([]));
}

#[test]
fn init_never_overwrites_and_wrong_configuration_is_named() {
    let node = Node::init();
    says(
        &node,
        &["init"],
        "exit 69\n--- stdout\n--- stderr\nerror: there is a ledger at <home> already\n",
    );
    let said = crate::node::run_with(
        &node,
        "PORTBOOK_PROJECTOR__BATCH_MESSAGE_MAX",
        "7",
        &["config", "show"],
    );
    assert_eq!(said.code, Some(78));
    assert!(said.err.contains("batch_message_max"), "{said:?}");
    let said = crate::node::run_with(
        &node,
        "PORTBOOK_PROJECTOR__BATCH_MESSAGES_MAX",
        "7",
        &["config", "show", "--json"],
    );
    let settings = said.exits(0).json()["settings"].as_array().unwrap().clone();
    let setting = settings
        .iter()
        .find(|setting| setting["key"] == "projector.batch_messages_max")
        .unwrap();
    assert_eq!(
        (&setting["value"], &setting["origin"]),
        (&"7".into(), &"environment".into())
    );
}

#[test]
fn two_inits_of_one_home_do_not_mix() {
    let node = Node::new();
    let keys = node.home().join("keys");
    std::fs::create_dir_all(&keys).unwrap();
    let another = std::fs::File::open(&keys).unwrap();
    another.try_lock().unwrap();
    let said = node.run(&["init"]).exits(69);
    assert!(said.err.contains("another process is making keys"), "{said:?}");
    assert_eq!(std::fs::read_dir(&keys).unwrap().count(), 0);
    assert!(!node.home().join("ledger").exists());
    drop(another);
    node.run(&["init"]).exits(0);
}

#[test]
fn keys_that_others_can_read_are_refused() {
    use std::os::unix::fs::PermissionsExt;
    let node = Node::init();
    let key = node.home().join("keys/log.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = node.run(&["up"]).exits(77);
    assert!(
        said.err.contains("can be read by others") && said.err.contains("hint: chmod 600"),
        "{said:?}"
    );
}
