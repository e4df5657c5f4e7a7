//! Defects: what is laid over a clean run so that somebody has to find it, with a label on each.

mod overlay;

use crate::fact::{Fact, Recorder, What};
use crate::label::{Label, Note};
use crate::office::{local_day, start_of};
use crate::simulation::SimulateError;
use overlay::Overlay;

const DAY_S: i64 = 86_400;
const HOUR_S: i64 = 3_600;
/// How long after an altered event its source writes it down.
const LAG_S: i64 = 240;
/// When the burst of grants happens: so many seconds into the last working day but one.
const BURST_AT_S: i64 = 10 * HOUR_S;
const MINUTE_S: i64 = 60;

/// Alters facts and says which. No fact and no licence is altered twice, so that each label stands for one finding.
pub(crate) fn lay_over<'a>(
    from: &Recorder<'a>,
    facts: &mut Vec<Fact<'a>>,
) -> Result<Vec<Label<'a>>, SimulateError> {
    let mut overlay = Overlay::new(from, facts);
    shifted_clearances(&mut overlay)?;
    altered_clearances(&mut overlay)?;
    reused(&mut overlay)?;
    delayed(&mut overlay)?;
    altered_grants(&mut overlay)?;
    repeated(&mut overlay)?;
    let labels = overlay.finish(facts);
    facts.sort_by_key(|fact| fact.written_s);
    Ok(labels)
}

/// Clearances before their grant and after their expiry.
fn shifted_clearances(overlay: &mut Overlay<'_>) -> Result<(), SimulateError> {
    let (early, late) = (
        overlay.wanted().cleared_before_granted,
        overlay.wanted().cleared_after_expiry,
    );
    for license in overlay.licenses("cleared_before_granted", early, |it| it.cleared.len() == 1)? {
        let before = overlay.draw(12 * HOUR_S, 20 * DAY_S);
        let at = license.grant.occurred_s - before;
        overlay.alter_clearance("cleared_before_granted", &license, Note::None, |fact| {
            happen_at(fact, at);
        });
    }
    let end = overlay.end();
    // The year of the declaration's number stays right.
    let reaches = |until: i64| until + 30 <= end;
    let mut late = overlay.licenses("cleared_after_expiry", late, |it| {
        it.cleared.len() == 1 && reaches(it.valid_until())
    })?;
    for license in &mut late {
        let beyond = overlay.draw(3, 30);
        let cleared = license.valid_until() + beyond;
        overlay.alter_clearance("cleared_after_expiry", license, Note::None, |fact| {
            let time_of_day = fact.occurred_s - start_of(local_day(fact.occurred_s));
            happen_at(fact, start_of(cleared) + time_of_day);
        });
    }
    Ok(())
}

/// Clearances that do not fit their licence.
fn altered_clearances(overlay: &mut Overlay<'_>) -> Result<(), SimulateError> {
    let wanted = overlay.wanted();
    let once = |it: &overlay::License<'_>| it.cleared.len() == 1;
    for license in overlay.licenses(
        "controlled_without_license",
        wanted.controlled_without_license,
        once,
    )? {
        let note = Note::License(license.rank);
        overlay.alter_clearance("controlled_without_license", &license, note, |fact| {
            if let What::Cleared(shipped) = &mut fact.what {
                shipped.license = None;
            }
        });
    }
    for license in overlay.licenses("cleared_over_licensed", wanted.cleared_over_licensed, once)? {
        let kg = license.kg() + license.kg() / 2 + overlay.draw(10, 500);
        overlay.alter_clearance("cleared_over_licensed", &license, Note::None, |fact| {
            if let What::Cleared(shipped) = &mut fact.what {
                shipped.kg = kg;
            }
        });
    }
    for license in overlay.licenses("destination_mismatch", wanted.destination_mismatch, once)? {
        let other = overlay.other_destination(&license)?;
        overlay.alter_clearance("destination_mismatch", &license, Note::None, |fact| {
            if let What::Cleared(shipped) = &mut fact.what {
                shipped.destination = other;
            }
        });
    }
    for license in overlay.licenses("item_mismatch", wanted.item_mismatch, once)? {
        let other = overlay.other_goods(&license)?;
        overlay.alter_clearance("item_mismatch", &license, Note::None, |fact| {
            if let What::Cleared(shipped) = &mut fact.what {
                shipped.control = Some((&other.control_code, &other.element));
            }
        });
    }
    Ok(())
}

/// Documents and declarations that two cases share, and ports that are none.
fn reused(overlay: &mut Overlay<'_>) -> Result<(), SimulateError> {
    let wanted = overlay.wanted();
    for pair in overlay.light("digest_reuse", wanted.digest_reuse)?.chunks(2) {
        let document = pair
            .first()
            .and_then(|at| overlay.fact(*at))
            .map(|it| it.document);
        for at in pair {
            overlay.alter("digest_reuse", *at, Note::None, |fact| {
                fact.document = document.unwrap_or(fact.document);
            });
        }
    }
    for pair in overlay
        .light("declaration_reuse", wanted.declaration_reuse)?
        .chunks(2)
    {
        let first = pair.first().and_then(|at| overlay.fact(*at)).map(|it| it.what);
        for at in pair {
            overlay.alter("declaration_reuse", *at, Note::None, |fact| {
                if let (What::Cleared(shipped), Some(What::Cleared(first))) = (&mut fact.what, first) {
                    shipped.declaration = first.declaration;
                }
            });
        }
    }
    let port = overlay.unknown_port();
    for at in overlay.light("unknown_port", wanted.unknown_port)? {
        overlay.alter("unknown_port", at, Note::None, |fact| fact.port = port);
    }
    Ok(())
}

/// Facts whose source wrote them down long afterwards, or beforehand.
fn delayed(overlay: &mut Overlay<'_>) -> Result<(), SimulateError> {
    let wanted = overlay.wanted();
    let once = |it: &overlay::License<'_>| it.cleared.len() == 1;
    for license in overlay.licenses("backdated_over_30d", wanted.backdated_over_30d, once)? {
        let days = overlay.draw(31, 60);
        overlay.alter_clearance("backdated_over_30d", &license, Note::None, |fact| {
            fact.recorded_s = fact.occurred_s + days * DAY_S;
            fact.written_s = fact.recorded_s;
        });
    }
    for at in overlay.light("recorded_before_occurred", wanted.recorded_before_occurred)? {
        let hours = overlay.draw(1, 8);
        overlay.alter("recorded_before_occurred", at, Note::None, |fact| {
            fact.recorded_s = fact.occurred_s - hours * HOUR_S;
        });
    }
    Ok(())
}

/// Grants that are missing, that come on a day off, in the wrong lane, or many in one minute.
fn altered_grants(overlay: &mut Overlay<'_>) -> Result<(), SimulateError> {
    let wanted = overlay.wanted();
    let scenario = overlay.scenario();
    let office = &scenario.office;
    let (end, licenses) = (overlay.end(), overlay.license_count());
    let inside = |rank: i64| rank > 0 && rank < licenses - 1;
    let unused = |it: &overlay::License<'_>| it.cleared.is_empty();

    let missing = overlay.licenses("license_number_gap", wanted.license_number_gap, |it| {
        unused(it) && inside(it.rank)
    })?;
    for license in missing {
        overlay.remove_grant("license_number_gap", &license);
    }
    let burst_day = office.at_or_before(end - 1);
    let burst_s = start_of(burst_day) + BURST_AT_S;
    let burst = overlay.licenses("grant_burst", wanted.grant_burst, |it| {
        unused(it) && it.grant.occurred_s < burst_s
    })?;
    for license in &burst {
        let second = overlay.draw(0, MINUTE_S - 1);
        overlay.alter_grant(license, |fact| happen_at(fact, burst_s + second));
    }
    if !burst.is_empty() {
        overlay.label_grants("grant_burst", burst_s, burst_s + MINUTE_S);
    }
    let off = |it: &overlay::License<'_>| office.next_day_off(local_day(it.grant.occurred_s));
    let days_off = overlay.licenses(
        "grant_on_non_working_day",
        wanted.grant_on_non_working_day,
        |it| off(it) <= end && it.cleared.iter().all(|fact| off(it) < local_day(fact.occurred_s)),
    )?;
    for license in days_off {
        let later = (off(&license) - local_day(license.grant.occurred_s)) * DAY_S;
        let at = license.grant.occurred_s + later;
        overlay.alter_grant(&license, |fact| happen_at(fact, at));
        overlay.label_grant("grant_on_non_working_day", &license);
    }
    let not_eligible = overlay.licenses("expedited_not_eligible", wanted.expedited_not_eligible, |it| {
        it.is_never_expedited(scenario)
    })?;
    for license in not_eligible {
        overlay.alter_grant(&license, |fact| {
            if let What::Granted { expedited, .. } = &mut fact.what {
                *expedited = true;
            }
        });
        overlay.label_grant("expedited_not_eligible", &license);
    }
    Ok(())
}

/// Lines that come twice, unchanged or changed.
fn repeated(overlay: &mut Overlay<'_>) -> Result<(), SimulateError> {
    let wanted = overlay.wanted();
    for at in overlay.light("redelivery_ok", wanted.redelivery_ok)? {
        overlay.repeat("redelivery_ok", at, Note::Word("idempotent"), |_| {});
    }
    for at in overlay.light("id_conflict", wanted.id_conflict)? {
        overlay.repeat("id_conflict", at, Note::None, |fact| {
            if let What::Cleared(shipped) = &mut fact.what {
                shipped.kg += 1;
            }
        });
    }
    Ok(())
}

fn happen_at(fact: &mut Fact<'_>, at_s: i64) {
    fact.occurred_s = at_s;
    fact.recorded_s = at_s + LAG_S;
    fact.written_s = at_s;
}
