//! The demo: what a newcomer sees in the first minute.

use crate::node::Node;

#[test]
fn the_demo_ends_with_a_verified_timeline_and_the_name_of_the_changed_record() {
    let node = Node::new();
    let said = node.run(&["demo", "--exit"]).exits(0);
    for line in [
        "SIMULATED data",
        "24 735 facts: 24 735 recorded, 0 known already, 0 rejected",
        "24 735 facts: 0 recorded, 24 735 known already, 0 rejected",
        "3 cases through intake, paperwork, licensing and clearance",
        "declare-shipment refused: ",
        "24 753 events, 0 redeliveries, 0 conflicts, 0 quarantined",
        "✓ VERIFIED all chains @",
        "24 753 signatures hold",
        "✗ FAILED  CNLYG record ",
        "(exit 10)",
    ] {
        assert!(said.out.contains(line), "{line:?} is missing from\n{}", said.out);
    }
}
