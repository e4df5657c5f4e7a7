//! A whole case, through all four services and back to a licence with everything on it.

use portbook_domain::ServiceName::{Clearance, Intake, Licensing, Paperwork};
use portbook_wire::command::Outcome;

use crate::orders::{annul, answer, ask, challenge, clear, declare, grant, reverse, submit};
use crate::scene::{Scene, accepted, now, rule_of, seq_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_case_goes_through_all_four_services() {
    let scene = Scene::open().await;
    let intake = scene.engine(Intake).await;
    let paperwork = scene.engine(Paperwork).await;
    let licensing = scene.engine(Licensing).await;
    let clearance = scene.engine(Clearance).await;
    let case = "CASE-1";
    let steps = [
        (&intake, submit(case, "c1"), "application.submitted"),
        (&paperwork, ask(case, "c2"), "paperwork.queried"),
        (&intake, answer(case, "c3", "licensing-1"), "paperwork.answered"),
        (&licensing, grant(case, "c4"), "license.granted"),
        (&clearance, declare(case, "c5", "D1", 600), "shipment.declared"),
        (&clearance, challenge(case, "c6", "D1"), "paperwork.queried"),
        (&intake, answer(case, "c7", "customs-D1-1"), "paperwork.answered"),
        (&clearance, clear(case, "c8", "D1", 600), "shipment.cleared"),
        (&clearance, reverse(case, "c9", "D1"), "shipment.closed"),
    ];
    for (version, (engine, order, kind)) in (1..).zip(&steps) {
        let reply = engine.execute(order).await;
        assert_eq!(
            (reply.outcome, reply.case_version),
            (Outcome::Accepted, version),
            "{reply:?}"
        );
        assert_eq!(reply.events[0].type_name.as_str(), *kind);
    }

    let decided = scene.decided(case).await;
    assert_eq!(decided.len(), steps.len());
    for ((_, envelope, event), (engine, order, kind)) in decided.iter().zip(&steps) {
        assert_eq!(event.data.kind().name(), *kind);
        assert_eq!(
            envelope.source.as_str(),
            format!("urn:portbook:svc:{}", engine.service().name())
        );
        assert_eq!(envelope.decided().unwrap().command, order.command_id);
        assert_eq!((envelope.recorded_at, envelope.simulated), (Some(now()), true));
        assert_eq!(envelope.port.as_str(), "CNNBG");
    }

    // The reversed mass can be declared again; annulling the reversal would now take back what was used since.
    accepted(&clearance, &declare(case, "c10", "D2", 1_000)).await;
    let reversal = decided.last().unwrap().2.id.as_str();
    let reply = clearance.execute(&annul(case, "c11", reversal)).await;
    assert_eq!(
        (reply.outcome, rule_of(&reply)),
        (Outcome::Rejected, "annulment-breaks-history")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_sees_what_another_has_just_decided() {
    let scene = Scene::open().await;
    let intake = scene.engine(Intake).await;
    let licensing = scene.engine(Licensing).await;
    let clearance = scene.engine(Clearance).await;
    let case = "CASE-1";
    let early = licensing.execute(&grant(case, "g")).await;
    assert_eq!(
        (early.outcome, rule_of(&early)),
        (Outcome::Rejected, "not-submitted")
    );
    accepted(&intake, &submit(case, "s")).await;
    // Clearance remembers the case without a licence; that memory must not be what the second answer rests on.
    let early = clearance.execute(&declare(case, "d", "D1", 10)).await;
    assert_eq!(
        (early.outcome, rule_of(&early)),
        (Outcome::Rejected, "license-unknown")
    );
    let granted = accepted(&licensing, &grant(case, "g")).await;
    let declared = clearance.execute(&declare(case, "d", "D1", 10)).await;
    assert_eq!(declared.outcome, Outcome::Accepted, "{declared:?}");
    assert!(seq_of(&declared) > granted);
    assert_eq!(scene.decided(case).await.len(), 3);
}
