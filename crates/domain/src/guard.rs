//! The rules as a list: each guard stands alone, refuses under one name, and can be left out to see what it is for.

mod application;
mod goods;
mod license;
mod paperwork;
mod repair;
mod shipment;
mod time;

use jiff::Timestamp;

use crate::case::{CaseState, Standing};
use crate::command::Order;
use crate::event::EventData;
use crate::policy::Policy;
use crate::rejection::Rejection;

/// What a guard answers.
pub(crate) type Verdict = Result<(), Rejection>;

/// An event that is about to be accepted, and the case it would join.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Proposal<'a> {
    /// The whole case, annulled events included.
    pub(crate) case: &'a CaseState,
    /// What stood when the event was, or would be, accepted.
    pub(crate) standing: &'a Standing,
    pub(crate) occurred_at: Timestamp,
    pub(crate) data: &'a EventData,
}

/// What is known on entry only and cannot be asked again of history.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) order: &'a Order,
    pub(crate) policy: &'a Policy,
    pub(crate) now: Timestamp,
}

/// When a rule is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Check {
    /// A property of the history: asked on entry, and again of every event that remains when another is annulled.
    Lasting(fn(Proposal<'_>) -> Verdict),
    /// Asked on entry only, because it depends on the clock, the policy of the day or the whole history.
    OnEntry(fn(Proposal<'_>, Entry<'_>) -> Verdict),
}

/// One rule.
#[derive(Debug, Clone, Copy)]
pub struct Guard {
    rule: &'static str,
    invariant: Option<u8>,
    pub(crate) check: Check,
}

impl Guard {
    /// Every rule, in the order they are asked.
    pub const ALL: &[Self] = GUARDS;

    /// The stable name under which it refuses; see [`Rejection::rule`].
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        self.rule
    }

    /// The number of the case invariant it holds, if it is one of the twelve.
    #[must_use]
    pub const fn invariant(&self) -> Option<u8> {
        self.invariant
    }

    const fn lasting(rule: &'static str, invariant: Option<u8>, check: fn(Proposal<'_>) -> Verdict) -> Self {
        Self {
            rule,
            invariant,
            check: Check::Lasting(check),
        }
    }

    const fn on_entry(
        rule: &'static str,
        invariant: Option<u8>,
        check: fn(Proposal<'_>, Entry<'_>) -> Verdict,
    ) -> Self {
        Self {
            rule,
            invariant,
            check: Check::OnEntry(check),
        }
    }
}

// What a guard looks up and does not find is left to the guard whose rule that is: each refuses for one reason.
const GUARDS: &[Guard] = &[
    Guard::on_entry("command-id-reused", Some(11), repair::command_id_reused),
    Guard::on_entry("occurred-in-future", Some(12), time::occurred_in_future),
    Guard::lasting("already-submitted", Some(1), application::already_submitted),
    Guard::lasting("not-submitted", Some(1), application::not_submitted),
    Guard::lasting("already-decided", Some(2), application::already_decided),
    Guard::lasting("query-repeated", Some(3), paperwork::query_repeated),
    Guard::lasting("query-unknown", Some(3), paperwork::query_unknown),
    Guard::lasting("query-answered", Some(3), paperwork::query_answered),
    Guard::lasting("reply-due-before-query", None, paperwork::reply_due_before_query),
    Guard::lasting("licensing-query-open", Some(3), paperwork::licensing_query_open),
    Guard::lasting("customs-query-open", Some(8), paperwork::customs_query_open),
    Guard::lasting("lines-missing", Some(4), goods::lines_missing),
    Guard::lasting("line-repeated", Some(4), goods::line_repeated),
    Guard::lasting("mass-zero", Some(4), goods::mass_zero),
    Guard::lasting("line-unknown", Some(7), goods::line_unknown),
    Guard::lasting("goods-mismatch", Some(7), goods::goods_mismatch),
    Guard::lasting("destination-mismatch", Some(7), goods::destination_mismatch),
    Guard::lasting("granted-over-applied", Some(4), goods::granted_over_applied),
    Guard::lasting("validity-reversed", Some(4), license::validity_reversed),
    Guard::on_entry("validity-too-long", Some(4), license::validity_too_long),
    Guard::lasting("uses-zero", Some(9), license::uses_zero),
    Guard::on_entry("lane-not-eligible", None, license::lane_not_eligible),
    Guard::lasting("license-unknown", Some(6), license::license_unknown),
    Guard::lasting("license-ended", Some(6), license::license_ended),
    Guard::lasting(
        "license-already-suspended",
        None,
        license::license_already_suspended,
    ),
    Guard::lasting("license-not-suspended", None, license::license_not_suspended),
    Guard::lasting("replacement-mismatch", None, license::replacement_mismatch),
    Guard::lasting("change-out-of-order", None, license::change_out_of_order),
    Guard::lasting("license-required", Some(6), shipment::license_required),
    Guard::lasting("declaration-repeated", Some(5), shipment::declaration_repeated),
    Guard::lasting("declaration-missing", Some(8), shipment::declaration_missing),
    Guard::lasting("declaration-unknown", Some(5), shipment::declaration_unknown),
    Guard::lasting("declaration-not-open", Some(5), shipment::declaration_not_open),
    Guard::lasting(
        "declaration-not-cleared",
        Some(5),
        shipment::declaration_not_cleared,
    ),
    Guard::lasting("license-not-declared", Some(7), shipment::license_not_declared),
    Guard::lasting("cleared-over-declared", Some(5), shipment::cleared_over_declared),
    Guard::lasting("overdrawn", Some(5), shipment::overdrawn),
    Guard::lasting("uses-exceeded", Some(9), shipment::uses_exceeded),
    Guard::lasting("license-not-valid", Some(6), shipment::license_not_valid),
    Guard::lasting("license-not-active", Some(6), shipment::license_not_active),
    Guard::lasting("return-out-of-range", Some(5), shipment::return_out_of_range),
    Guard::lasting("return-ambiguous", Some(5), shipment::return_ambiguous),
    Guard::lasting("occurred-before-cause", Some(12), time::occurred_before_cause),
    Guard::on_entry("target-unknown", None, repair::target_unknown),
    Guard::on_entry("target-annulled", None, repair::target_annulled),
    Guard::on_entry("annulment-final", None, repair::annulment_final),
    Guard::on_entry("correction-empty", None, repair::correction_empty),
    Guard::on_entry("field-not-correctable", None, repair::field_not_correctable),
    Guard::on_entry("approver-is-requester", None, repair::approver_is_requester),
    Guard::on_entry(
        "annulment-breaks-history",
        Some(2),
        repair::annulment_breaks_history,
    ),
];
