//! What is refused before goods move, and the sentence it is refused with.

use jiff::SignedDuration;

use super::super::orders::{
    answer, applied, change, close, grant, granted, noon, order, parse, query, submit, withdraw,
};
use super::super::universe::{declared, licensed, submitted};
use super::{and, given, q1};
use crate::{
    ChangeLicense, ClosingOutcome, GrantLicense, Lane, LicenseChange, LicenseKind, QueryStage, RaiseQuery,
    SubmitApplication,
};

#[test]
fn a_command_id_stands_for_one_command() {
    let other = order("submit", "06-02", submit());
    given(submitted()).when(&other).refused(
        "command-id-reused",
        "command id submit was already used for 00000000-0000-7000-8000-75babcd57e94, with other content",
    );
}

#[test]
fn nothing_happens_in_the_future_or_before_its_cause() {
    let mut future = order("grant", "07-01", grant());
    future.occurred_at = Some(noon("07-01") + SignedDuration::from_secs(121));
    given(submitted()).when(&future).refused(
        "occurred-in-future",
        "occurred at 2025-07-01T04:02:01Z, which is more than 120 s after the present, 2025-07-01T04:00:00Z",
    );
    given(submitted())
        .when(&order("grant", "05-31", grant()))
        .refused(
            "occurred-before-cause",
            "occurred at 2025-05-31T04:00:00Z, before what it follows from, at 2025-06-01T04:00:00Z",
        );
}

#[test]
fn a_case_has_one_application_and_one_decision() {
    given(submitted())
        .when(&order("again", "06-02", submit()))
        .refused(
            "already-submitted",
            "the case has an application already, filed at 2025-06-01T04:00:00Z",
        );
    given([]).when(&q1()).refused(
        "not-submitted",
        "paperwork.queried needs an application, and the case has none",
    );
    given(licensed()).when(&order("w", "06-06", withdraw())).refused(
        "already-decided",
        "application.closed needs an open application, and this one is granted",
    );
    given(and(
        submitted(),
        [order("r", "06-03", close(ClosingOutcome::Refused))],
    ))
    .when(&order("grant", "06-05", grant()))
    .refused(
        "already-decided",
        "license.granted needs an open application, and this one is refused",
    );
}

#[test]
fn queries_and_answers_go_together() {
    let repeated = RaiseQuery {
        query_id: Some(parse("licensing-1")),
        ..query(QueryStage::Licensing, None)
    };
    given(and(submitted(), [q1()]))
        .when(&order("q2", "06-03", repeated))
        .refused(
            "query-repeated",
            "query licensing-1 was already asked at 2025-06-02T04:00:00Z",
        );
    given(submitted())
        .when(&order("a", "06-03", answer("licensing-1", true)))
        .refused("query-unknown", "query licensing-1 was never asked in this case");
    given(and(
        submitted(),
        [q1(), order("a", "06-03", answer("licensing-1", true))],
    ))
    .when(&order("b", "06-04", answer("licensing-1", true)))
    .refused(
        "query-answered",
        "query licensing-1 was already answered at 2025-06-03T04:00:00Z",
    );
    let due = RaiseQuery {
        reply_due: Some(parse("2025-06-01")),
        ..query(QueryStage::Licensing, None)
    };
    given(submitted()).when(&order("q", "06-02", due)).refused(
        "reply-due-before-query",
        "reply due 2025-06-01, before the query of 2025-06-02",
    );
    given(and(submitted(), [q1()]))
        .when(&order("grant", "06-05", grant()))
        .refused(
            "licensing-query-open",
            "licensing query licensing-1 of 2025-06-02T04:00:00Z is open",
        );
}

#[test]
fn a_reply_date_beyond_the_calendar_is_asked_for() {
    let mut late = order("q", "06-07", query(QueryStage::Customs, Some("D1")));
    late.occurred_at = Some(parse("2026-12-30T04:00:00Z"));
    let now = parse("2026-12-30T04:00:00Z");
    given(declared()).when_at(&late, now).refused(
        "reply-due-unknown",
        "7 working days after 2026-12-30 cannot be counted; state when the reply is due",
    );
}

#[test]
fn goods_are_listed_once_and_have_mass() {
    let with = |lines| order("s", "06-01", SubmitApplication { lines, ..submit() });
    given([])
        .when(&with(Vec::new()))
        .refused("lines-missing", "application.submitted lists no goods");
    given([])
        .when(&with(vec![applied(1, 1), applied(1, 2)]))
        .refused("line-repeated", "line 1 is listed more than once");
    given([])
        .when(&with(vec![applied(1, 1), applied(2, 0)]))
        .refused("mass-zero", "line number 2 of the list has a mass of 0 g");
}

#[test]
fn a_grant_lies_within_the_application() {
    let grant_with = |grant| order("grant", "06-05", grant);
    let lines = |lines| grant_with(GrantLicense { lines, ..grant() });
    let mut terbium = granted(1, 1);
    terbium.element = parse("Tb");
    given(submitted()).when(&lines(vec![granted(3, 1)])).refused(
        "line-unknown",
        "license.granted refers to line 3, which is not a line of what it follows from",
    );
    given(submitted())
        .when(&lines(vec![terbium]))
        .refused("goods-mismatch", "element of line 1 is Tb, expected Dy");
    given(submitted())
        .when(&lines(vec![granted(1, 4)]))
        .refused("granted-over-applied", "line 1 grants 4 g of 3 g applied for");
    given(submitted())
        .when(&grant_with(GrantLicense {
            destination: parse("KR"),
            ..grant()
        }))
        .refused("destination-mismatch", "destination is KR, expected US");
}

#[test]
fn a_grant_keeps_to_the_policy() {
    let grant_with = |grant| order("grant", "06-05", grant);
    given(submitted())
        .when(&grant_with(GrantLicense {
            valid_from: parse("2025-06-21"),
            ..grant()
        }))
        .refused(
            "validity-reversed",
            "valid until 2025-06-20, before it is valid from 2025-06-21",
        );
    let long = GrantLicense {
        kind: LicenseKind::Single,
        valid_until: parse("2026-06-06"),
        ..grant()
    };
    given(submitted()).when(&grant_with(long)).refused(
        "validity-too-long",
        "a single licence from 2025-06-05 lasts until 2026-06-05 at most, not 2026-06-06",
    );
    given(submitted())
        .when(&grant_with(GrantLicense {
            uses_allowed: Some(0),
            ..grant()
        }))
        .refused("uses-zero", "license L1 would allow no use at all");
    given(submitted())
        .when(&grant_with(GrantLicense {
            lane: Lane::Expedited,
            ..grant()
        }))
        .refused(
            "lane-not-eligible",
            "destination US is not eligible for the expedited lane under policy cn-2025-06-16",
        );
}

#[test]
fn a_licence_changes_in_order_until_it_ends() {
    let changed = |id, it| order(id, "06-10", it);
    let suspend = || changed("suspend", change(LicenseChange::Suspended, "06-10"));
    let again = |it| changed("next", change(it, "06-11"));
    given(licensed())
        .when(&changed(
            "x",
            ChangeLicense {
                license_no: parse("L2"),
                ..change(LicenseChange::Revoked, "06-10")
            },
        ))
        .refused(
            "license-unknown",
            "license L2 is not the license of this case (L1)",
        );
    given(submitted()).when(&suspend()).refused(
        "license-unknown",
        "license L1 is not the license of this case (none)",
    );
    given(and(
        licensed(),
        [changed("x", change(LicenseChange::Revoked, "06-10"))],
    ))
    .when(&again(LicenseChange::Reinstated))
    .refused("license-ended", "license L1 was revoked and cannot be reinstated");
    given(and(licensed(), [suspend()]))
        .when(&again(LicenseChange::Suspended))
        .refused("license-already-suspended", "license L1 is suspended already");
    given(licensed())
        .when(&again(LicenseChange::Reinstated))
        .refused("license-not-suspended", "license L1 is not suspended");
    given(licensed()).when(&again(LicenseChange::Replaced)).refused(
        "replacement-mismatch",
        "license L1 cannot be replaced: replaced_by is none",
    );
    given(and(licensed(), [suspend()]))
        .when(&changed("next", change(LicenseChange::Reinstated, "06-09")))
        .refused("change-out-of-order", "takes effect at 2025-06-09T04:00:00Z, before the previous change or the grant, at 2025-06-10T04:00:00Z");
}
