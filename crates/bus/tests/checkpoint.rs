//! The checkpoint register: of two projectors only one can go on.

use bytes::Bytes;
use portbook_bus::{ApiError, CheckpointError, CheckpointRegister, Identity};
use portbook_testkit::nats::NatsServer;

#[tokio::test]
async fn checkpoints_follow_each_other_and_a_second_writer_is_fenced() {
    let server = NatsServer::with_streams().await;
    let (one, two) = (
        server.connect(Identity::Projector).await,
        server.connect(Identity::Projector).await,
    );
    let one = CheckpointRegister::new(&one, "portbook.checkpoint.test");
    let two = CheckpointRegister::new(&two, "portbook.checkpoint.test");
    assert_eq!(one.last().await.unwrap(), None);
    let first = one.put(Bytes::from_static(b"size 1"), 0).await.unwrap();
    let second = one.put(Bytes::from_static(b"size 2"), first).await.unwrap();
    let fenced = two
        .put(Bytes::from_static(b"size 2, otherwise"), first)
        .await
        .unwrap_err();
    assert!(
        matches!(fenced, CheckpointError::Conflict { expected, found, .. } if expected == first && found == second)
    );
    assert_eq!(
        two.last().await.unwrap(),
        Some((second, Bytes::from_static(b"size 2")))
    );
    let other = CheckpointRegister::new(
        &server.connect(Identity::Projector).await,
        "portbook.checkpoint.other",
    );
    assert_eq!(
        other.last().await.unwrap(),
        None,
        "registers must not see each other"
    );
}

#[tokio::test]
async fn who_may_not_register_is_told_so() {
    let server = NatsServer::with_streams().await;
    let auditor = CheckpointRegister::new(
        &server.connect(Identity::Auditor).await,
        "portbook.checkpoint.test",
    );
    let denied = auditor.put(Bytes::from_static(b"size 1"), 0).await.unwrap_err();
    assert!(
        matches!(denied, CheckpointError::Api(ApiError::Denied { .. })),
        "{denied}"
    );
    assert_eq!(auditor.last().await.unwrap(), None);
}

#[tokio::test]
async fn two_writers_of_the_same_bytes_are_two_all_the_same() {
    let server = NatsServer::with_streams().await;
    let (one, two) = (
        server.connect(Identity::Projector).await,
        server.connect(Identity::Standby).await,
    );
    let one = CheckpointRegister::new(&one, "portbook.checkpoint.test");
    let two = CheckpointRegister::new(&two, "portbook.checkpoint.test");
    let first = one.put(Bytes::from_static(b"size 1"), 0).await.unwrap();
    // What takes over puts the last checkpoint in once more.
    let taken = two.put(Bytes::from_static(b"size 1"), first).await.unwrap();
    assert!(taken > first);
    for checkpoint in [&b"size 1"[..], b"size 2"] {
        let fenced = one.put(Bytes::from_static(checkpoint), first).await.unwrap_err();
        assert!(matches!(fenced, CheckpointError::Conflict { .. }), "{fenced}");
    }
    // One that is sent again in the same name is known again.
    assert_eq!(
        two.put(Bytes::from_static(b"size 1"), first).await.unwrap(),
        taken
    );
}
