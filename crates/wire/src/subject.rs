//! Names on the bus: streams, subjects and headers.

use portbook_domain::{CaseId, PortCode};

use crate::head::EventHead;
use crate::type_name::TypeName;

/// The ledger stream: facts and control messages.
pub const STREAM_LEDGER: &str = "PORTBOOK";
/// The stream of verified events, which can be made again from the ledger.
pub const STREAM_FEED: &str = "PORTBOOK_FEED";
/// The stream that holds the current checkpoint and fences a second projector.
pub const STREAM_CHECKPOINTS: &str = "PORTBOOK_CHECKPOINTS";

/// Everything the ledger stream takes in.
pub const LEDGER_SUBJECTS: [&str; 2] = ["portbook.events.*", "portbook.control.*"];
/// Everything the feed stream takes in.
pub const FEED_SUBJECTS: &str = "portbook.feed.>";
/// Everything the checkpoint stream takes in.
pub const CHECKPOINT_SUBJECTS: &str = "portbook.checkpoint.>";
/// The one subject of the checkpoint stream: its last message is the current checkpoint.
pub const CHECKPOINT_REGISTER: &str = "portbook.checkpoint.ledger";
/// Everything that is a command.
pub const COMMAND_SUBJECTS: &str = "portbook.cmd.>";

/// Header with the producer's signature, `<key id>:<base64>`.
pub const HEADER_SIGNATURE: &str = "Portbook-Signature";
/// Header with the message id JetStream compares repeats by; see [`crate::msg_id`].
pub const HEADER_MSG_ID: &str = "Nats-Msg-Id";
/// Header that names the media type of the body.
pub const HEADER_CONTENT_TYPE: &str = "Content-Type";
/// Media type of an event.
pub const CONTENT_TYPE_EVENT: &str = "application/cloudevents+json";
/// Media type of control messages, commands and replies.
pub const CONTENT_TYPE_JSON: &str = "application/json";
/// Feed header: index of the record's leaf, decimal.
pub const HEADER_LEAF_INDEX: &str = "Portbook-Leaf-Index";
/// Feed header: leaf hash of the record, hexadecimal.
pub const HEADER_LEAF_HASH: &str = "Portbook-Leaf-Hash";
/// Feed header: the record's place in its port's chain, decimal, from 1.
pub const HEADER_PORT_SEQ: &str = "Portbook-Port-Seq";
/// Feed header: the port's previous record, `<leaf index or genesis>:<leaf hash>`.
pub const HEADER_PREV_LEAF: &str = "Portbook-Prev-Leaf";
/// Feed header: the ledger stream's timestamp of the event, nanoseconds since 1970, decimal.
pub const HEADER_RECORDED_AT: &str = "Portbook-Recorded-At";
/// Feed header: size of the oldest published checkpoint that covers the record, decimal.
pub const HEADER_CHECKPOINT_SIZE: &str = "Portbook-Checkpoint-Size";
/// Feed header: names of the findings that rest on the record, separated by commas.
pub const HEADER_FINDINGS: &str = "Portbook-Findings";

const EVENTS_PREFIX: &str = "portbook.events.";
const CONTROL_PREFIX: &str = "portbook.control.";
pub(crate) const FEED_PREFIX: &str = "portbook.feed.";
const COMMAND_PREFIX: &str = "portbook.cmd.";

/// Declares the control kinds once: variant, published name and subject token.
macro_rules! control_kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal, $token:literal;)*) => {
        /// The kind of a control message.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ControlKind { $($(#[$doc])* $kind,)* }

        impl ControlKind {
            /// Every kind, in the order of the catalogue.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// The `kind` in the message's body, for example `ledger.opened`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// The one exact subject messages of this kind are published on.
            #[must_use]
            pub const fn subject(self) -> &'static str {
                match self { $(Self::$kind => concat!("portbook.control.", $token),)* }
            }

            /// The kind published on `subject`.
            #[must_use]
            pub fn from_subject(subject: &str) -> Option<Self> {
                match subject.strip_prefix(CONTROL_PREFIX)? { $($token => Some(Self::$kind),)* _ => None }
            }
        }
    };
}

control_kinds! {
    /// The first message of a ledger: what it is and under which configuration it started.
    LedgerOpened = "ledger.opened", "ledger-opened";
    /// A request to commit to the head of every port.
    Seal = "seal", "seal";
    /// A producer's key is in force.
    KeyRegistered = "key.registered", "key-registered";
    /// A key is replaced by another; both sign.
    KeyRotated = "key.rotated", "key-rotated";
    /// A key is no longer to be believed.
    KeyRevoked = "key.revoked", "key-revoked";
    /// Reference data changed: ports, aliases, calendar, items, policy.
    ReferencePublished = "reference.published", "reference-published";
    /// A source states what it has published, so that a loss before the ledger shows.
    SourceStated = "source.stated", "source-stated";
    /// The ledger goes on after a restore.
    EpochDeclared = "epoch.declared", "epoch-declared";
    /// Committed personal fields were erased from the vault.
    ErasureNoticed = "erasure.noticed", "erasure-noticed";
}

/// The one exact subject of a case's events: a pure function of the case id.
#[must_use]
pub fn events_subject(case: &CaseId) -> String {
    events_subject_of(case.as_str())
}

/// [`events_subject`] of a case as written, known to be one.
#[must_use]
pub fn events_subject_of(case: &str) -> String {
    format!("{EVENTS_PREFIX}{case}")
}

/// The last token of an events subject, as written; [`None`] for any other subject.
#[must_use]
pub fn case_token(subject: &str) -> Option<&str> {
    subject.strip_prefix(EVENTS_PREFIX)
}

/// Whether `subject` belongs to control messages, known kinds and others.
#[must_use]
pub fn is_control(subject: &str) -> bool {
    subject.starts_with(CONTROL_PREFIX)
}

/// The subject a command is sent to: `portbook.cmd.<service>.<verb>`.
#[must_use]
pub fn command_subject(service: &str, verb: &str) -> String {
    format!("{COMMAND_PREFIX}{service}.{verb}")
}

/// The subject a verified event is fed to: `portbook.feed.<port>.<entity>.<verb>.<case>`.
///
/// `port` is the normalised port, so that subscribers of a gateway get what was written under its aliases too. Type and
/// case are what the frozen head rule read, known to this build or not.
#[must_use]
pub fn feed_subject(port: &str, head: &EventHead<'_>) -> String {
    format!("{FEED_PREFIX}{port}.{}.{}", head.type_name, head.case)
}

/// The narrowest filter that lets through everything of `port` and of `type_name`; nothing given lets everything through.
#[must_use]
pub fn feed_filter(port: Option<&PortCode>, type_name: Option<&TypeName>) -> String {
    let port = port.map_or("*", PortCode::as_str);
    let type_name = type_name.map_or("*.*", TypeName::as_str);
    format!("{FEED_PREFIX}{port}.{type_name}.*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_control_subject_is_taken_in_by_the_ledger_stream() {
        for &kind in ControlKind::ALL {
            let token = kind.subject().strip_prefix(CONTROL_PREFIX).unwrap();
            assert!(
                !token.contains('.'),
                "{token} would not match {}",
                LEDGER_SUBJECTS[1]
            );
            assert_eq!(token, kind.name().replace('.', "-"));
            assert_eq!(ControlKind::from_subject(kind.subject()), Some(kind));
        }
        assert_eq!(ControlKind::from_subject("portbook.control.seal.x"), None);
        assert_eq!(ControlKind::from_subject("portbook.events.seal"), None);
    }

    #[test]
    fn subjects_are_spelled_as_published() {
        let case = CaseId::new("2025DU000002").unwrap();
        assert_eq!(events_subject(&case), "portbook.events.2025DU000002");
        assert_eq!(case_token(&events_subject(&case)), Some(case.as_str()));
        assert_eq!(case_token("portbook.control.seal"), None);
        assert_eq!(
            command_subject("licensing", "grant-license"),
            "portbook.cmd.licensing.grant-license"
        );
        let head = EventHead {
            id: "",
            source: "",
            type_name: "license.granted",
            version: 1,
            case: case.as_str(),
            port: "CNNGB",
        };
        assert_eq!(
            feed_subject("CNNBG", &head),
            "portbook.feed.CNNBG.license.granted.2025DU000002"
        );
        let port = PortCode::new("CNNBG").unwrap();
        let granted = TypeName::new("license.granted").unwrap();
        assert_eq!(
            feed_filter(Some(&port), Some(&granted)),
            "portbook.feed.CNNBG.license.granted.*"
        );
        assert_eq!(feed_filter(Some(&port), None), "portbook.feed.CNNBG.*.*.*");
        assert_eq!(feed_filter(None, None), "portbook.feed.*.*.*.*");
    }
}
