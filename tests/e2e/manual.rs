//! Manual pages: of every command, from the text of its help.

use std::fs;

use crate::node::Node;

#[test]
fn every_command_has_a_page_that_is_what_its_help_says() {
    let node = Node::new();
    let page = node.run(&["man", "stream", "check"]).exits(0).out;
    assert!(page.contains(".TH portbook-stream-check 1"), "{page}");
    assert!(page.contains("Read the whole stream again"), "{page}");
    let said = node.run(&["man", "no-such-command"]).exits(2);
    assert!(said.err.contains("there is no command"), "{said:?}");
    let directory = node.home().with_file_name("pages");
    node.run(&["man", "--dir", &directory.display().to_string()])
        .exits(0);
    let help = node.run(&["--help"]).exits(0).out;
    let commands = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty());
    // What goes on in a second line is indented further.
    let lines = commands.filter_map(|line| line.strip_prefix("  ").filter(|it| !it.starts_with(' ')));
    let names: Vec<&str> = lines.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(
        names.contains(&"timeline") && names.contains(&"backup"),
        "{names:?}"
    );
    for name in names {
        let page = directory.join(format!("man1/portbook-{name}.1"));
        assert!(fs::metadata(&page).is_ok_and(|page| page.len() > 200), "{page:?}");
    }
}
