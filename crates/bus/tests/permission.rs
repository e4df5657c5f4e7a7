//! The whole matrix: every identity tries every right, and gets exactly those written down here.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's helpers")]

#[path = "support/raw.rs"]
mod raw;

use std::collections::BTreeSet;
use std::time::Duration;

use Identity::{
    Auditor, Clearance, Client, Importer, Intake, Licensing, Operator, Paperwork, Projector, Standby,
    Subscriber,
};
use portbook_bus::Identity;
use portbook_testkit::nats::NatsServer;

const SERVICES: &[Identity] = &[Intake, Paperwork, Licensing, Clearance];
const NOBODY: &[Identity] = &[];
const EVERYBODY: &[Identity] = Identity::ALL;
const WRITERS: &[Identity] = &[Intake, Paperwork, Licensing, Clearance, Importer];
const STATERS: &[Identity] = &[
    Intake, Paperwork, Licensing, Clearance, Importer, Projector, Standby, Operator,
];
const LEDGER_READERS: &[Identity] = &[
    Intake, Paperwork, Licensing, Clearance, Importer, Projector, Standby, Auditor, Operator,
];
const KEEPERS: &[Identity] = &[Projector, Standby, Operator];
const PROJECTORS: &[Identity] = &[Projector, Standby];
const INSPECTORS: &[Identity] = &[Projector, Standby, Auditor, Operator];
const FEED_READERS: &[Identity] = &[Projector, Standby, Auditor, Operator, Subscriber];
/// Nobody may publish here: a refusal of it says that those before it have been said.
const LAST: &str = "the.last.one";

/// Subjects, and who may publish there.
const PUBLISH: &[(&str, &[Identity])] = &[
    ("portbook.events.C1", WRITERS),
    ("portbook.events.C1.more", NOBODY),
    ("portbook.control.source-stated", STATERS),
    ("portbook.control.seal", KEEPERS),
    ("portbook.control.ledger-opened", KEEPERS),
    ("portbook.checkpoint.main", PROJECTORS),
    ("portbook.feed.CNNBG.license.granted.C1", PROJECTORS),
    ("portbook.cmd.licensing.grant-license", &[Client]),
    ("portbook.cmd.intake.submit-application", &[Client]),
    ("$SRV.PING", &[Client, Operator]),
    ("$JS.API.INFO", EVERYBODY),
    ("$JS.API.STREAM.INFO.PORTBOOK", LEDGER_READERS),
    ("$JS.API.STREAM.MSG.GET.PORTBOOK", LEDGER_READERS),
    ("$JS.API.DIRECT.GET.PORTBOOK", LEDGER_READERS),
    ("$JS.API.STREAM.INFO.PORTBOOK_CHECKPOINTS", INSPECTORS),
    ("$JS.API.STREAM.MSG.GET.PORTBOOK_CHECKPOINTS", INSPECTORS),
    ("$JS.API.DIRECT.GET.PORTBOOK_CHECKPOINTS", INSPECTORS),
    ("$JS.API.STREAM.INFO.PORTBOOK_FEED", FEED_READERS),
    ("$JS.API.STREAM.MSG.GET.PORTBOOK_FEED", FEED_READERS),
    ("$JS.API.DIRECT.GET.PORTBOOK_FEED", FEED_READERS),
    ("$JS.API.STREAM.CREATE.PORTBOOK", &[Operator]),
    ("$JS.API.STREAM.UPDATE.PORTBOOK", &[Operator]),
    ("$JS.API.STREAM.DELETE.PORTBOOK", &[Operator]),
    ("$JS.API.STREAM.PURGE.PORTBOOK", &[Operator]),
    ("$JS.API.STREAM.MSG.DELETE.PORTBOOK", &[Operator]),
    ("$JS.API.STREAM.SNAPSHOT.PORTBOOK", &[Operator]),
    ("$JS.API.STREAM.RESTORE.PORTBOOK", &[Operator]),
    ("$JS.API.STREAM.NAMES", &[Operator]),
    ("$JS.SNAPSHOT.ACK.PORTBOOK.x.1.1", &[Operator]),
    ("$JS.SNAPSHOT.RESTORE.PORTBOOK.x", &[Operator]),
    (
        "$JS.API.CONSUMER.CREATE.PORTBOOK.projector",
        &[Projector, Operator],
    ),
    ("$JS.API.CONSUMER.CREATE.PORTBOOK.standby", &[Standby, Operator]),
    (
        "$JS.API.CONSUMER.DELETE.PORTBOOK.projector",
        &[Projector, Operator],
    ),
    ("$JS.API.CONSUMER.DELETE.PORTBOOK.standby", &[Standby, Operator]),
    (
        "$JS.API.CONSUMER.MSG.NEXT.PORTBOOK.projector",
        &[Projector, Operator],
    ),
    ("$JS.API.CONSUMER.MSG.NEXT.PORTBOOK.standby", &[Standby, Operator]),
    ("$JS.API.CONSUMER.CREATE.PORTBOOK.another", &[Operator]),
    ("$JS.API.CONSUMER.CREATE.PORTBOOK", &[Operator]),
    ("$JS.API.CONSUMER.DURABLE.CREATE.PORTBOOK.another", &[Operator]),
    (
        "$JS.API.CONSUMER.CREATE.PORTBOOK_FEED.subscriber",
        &[Subscriber, Operator],
    ),
    (
        "$JS.API.CONSUMER.CREATE.PORTBOOK_FEED.subscriber.portbook.feed.CNNBG.>",
        &[Subscriber, Operator],
    ),
    ("$JS.API.CONSUMER.CREATE.PORTBOOK_FEED.another", &[Operator]),
    ("$JS.ACK.PORTBOOK_FEED.subscriber.1.1.1.1.1", &[Subscriber]),
    ("$SYS.REQ.SERVER.PING", NOBODY),
    ("_INBOX_projector.answer", NOBODY),
    ("_INBOX.answer", NOBODY),
    ("anything.else", NOBODY),
];

/// Subjects, and who may listen there.
const SUBSCRIBE: &[(&str, &[Identity])] = &[
    (">", NOBODY),
    ("_INBOX.>", NOBODY),
    ("portbook.events.*", NOBODY),
    ("portbook.control.*", NOBODY),
    ("portbook.feed.>", &[Subscriber]),
    ("portbook.cmd.>", NOBODY),
    ("portbook.cmd.intake.*", &[Intake]),
    ("portbook.cmd.paperwork.*", &[Paperwork]),
    ("portbook.cmd.licensing.*", &[Licensing]),
    ("portbook.cmd.clearance.*", &[Clearance]),
    ("$SRV.PING", SERVICES),
    ("$JS.API.>", NOBODY),
    ("$JS.EVENT.ADVISORY.>", NOBODY),
    ("$SYS.>", NOBODY),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_identity_has_exactly_its_rights() {
    let server = NatsServer::start().await;
    for &identity in Identity::ALL {
        let (mut publish, mut subscribe) = refused(&server, identity).await;
        for (subject, allowed) in PUBLISH {
            let is_refused = publish.remove(*subject);
            assert_eq!(
                !is_refused,
                allowed.contains(&identity),
                "{identity} publishes on {subject}"
            );
        }
        for (subject, allowed) in SUBSCRIBE {
            let is_refused = subscribe.remove(*subject);
            assert_eq!(
                !is_refused,
                allowed.contains(&identity),
                "{identity} listens on {subject}"
            );
        }
        for &other in Identity::ALL {
            let is_refused = subscribe.remove(&format!("_INBOX_{other}.>"));
            assert_eq!(
                !is_refused,
                other == identity,
                "{identity} listens to answers for {other}"
            );
        }
        assert!(
            publish.is_empty() && subscribe.is_empty(),
            "{identity}: {publish:?} {subscribe:?}"
        );
    }
}

/// What an identity is refused to publish on and to listen on, of all there is to try.
async fn refused(server: &NatsServer, identity: Identity) -> (BTreeSet<String>, BTreeSet<String>) {
    let (client, mut said) = raw::client(server, identity).await;
    let mut subscriptions = Vec::new();
    for (subject, _) in SUBSCRIBE {
        subscriptions.push(client.subscribe(*subject).await.unwrap());
    }
    for other in Identity::ALL {
        subscriptions.push(client.subscribe(format!("_INBOX_{other}.>")).await.unwrap());
    }
    for (subject, _) in PUBLISH {
        client.publish(*subject, "".into()).await.unwrap();
    }
    client.publish(LAST, "".into()).await.unwrap();
    let (mut publish, mut subscribe) = (BTreeSet::new(), BTreeSet::new());
    loop {
        let text = tokio::time::timeout(Duration::from_secs(10), said.recv())
            .await
            .unwrap()
            .unwrap();
        let (what, rest) = text.split_once(" to \"").unwrap_or_else(|| panic!("{text}"));
        let subject = rest.split('"').next().unwrap().to_owned();
        match what {
            "nats: Permissions Violation for Publish" if subject == LAST => return (publish, subscribe),
            "nats: Permissions Violation for Publish" => publish.insert(subject),
            "nats: Permissions Violation for Subscription" => subscribe.insert(subject),
            _ => panic!("{text}"),
        };
    }
}
