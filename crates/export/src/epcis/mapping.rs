//! Which event of ours is which event of EPCIS.

use portbook_domain::{CloseOutcome, Event, EventData, Grams, QueryStage};
use serde_json::{Value, json};

use super::{BASE, insert};

/// Class, action, step and disposition of an event.
pub(super) struct Sense {
    pub(super) class: &'static str,
    pub(super) action: &'static str,
    pub(super) step: String,
    pub(super) disposition: String,
}

/// One line of goods.
pub(super) struct Goods {
    hs: String,
    control_code: Option<String>,
    grams: u64,
}

const TRANSACTION: &str = "TransactionEvent";
const OBJECT: &str = "ObjectEvent";

/// The step of an event; none for an event about an event.
pub(super) fn sense_of(data: &EventData) -> Option<Sense> {
    let own = |kind: &str, word: &str| format!("{BASE}/voc/{kind}/{word}");
    let (class, action, step, disposition) = match data {
        EventData::ApplicationSubmitted(_) => (
            TRANSACTION,
            "ADD",
            own("bizstep", "licence_application"),
            "in_progress".to_owned(),
        ),
        EventData::ApplicationClosed(it) => (
            TRANSACTION,
            "DELETE",
            own("bizstep", "licence_decision"),
            own("disp", outcome(it.outcome)),
        ),
        EventData::PaperworkQueried(it) => {
            let step = match it.stage {
                QueryStage::Licensing => "inspecting",
                QueryStage::Customs => "holding",
            };
            (TRANSACTION, "OBSERVE", step.to_owned(), own("disp", "query_open"))
        }
        EventData::PaperworkAnswered(_) => (
            TRANSACTION,
            "OBSERVE",
            own("bizstep", "paperwork_answer"),
            "in_progress".to_owned(),
        ),
        EventData::LicenseGranted(_) => (
            TRANSACTION,
            "ADD",
            own("bizstep", "licence_decision"),
            "conformant".to_owned(),
        ),
        EventData::LicenseChanged(it) => (
            TRANSACTION,
            "OBSERVE",
            own("bizstep", "licence_change"),
            own("disp", it.change.word()),
        ),
        EventData::ShipmentDeclared(_) => (
            OBJECT,
            "OBSERVE",
            own("bizstep", "export_declaration"),
            "in_progress".to_owned(),
        ),
        EventData::ShipmentCleared(_) => (OBJECT, "OBSERVE", "departing".to_owned(), "in_transit".to_owned()),
        EventData::ShipmentClosed(it) => (
            OBJECT,
            "OBSERVE",
            own("bizstep", "export_closing"),
            own("disp", it.outcome.word()),
        ),
        EventData::RecordCorrected(_) | EventData::RecordAnnulled(_) => return None,
    };
    Some(Sense {
        class,
        action,
        step,
        disposition,
    })
}

const fn outcome(outcome: CloseOutcome) -> &'static str {
    match outcome {
        CloseOutcome::Refused => "refused",
        CloseOutcome::Returned => "returned",
        CloseOutcome::Withdrawn => "withdrawn",
        CloseOutcome::Lapsed => "lapsed",
    }
}

/// The goods an event itself names.
pub(super) fn goods_of(data: &EventData) -> Option<Vec<Goods>> {
    let goods =
        |hs: &portbook_domain::HsCode, code: Option<&portbook_domain::ControlCode>, grams: Grams| Goods {
            hs: hs.as_str().to_owned(),
            control_code: code.map(|code| code.as_str().to_owned()),
            grams: grams.get(),
        };
    match data {
        EventData::ApplicationSubmitted(it) => Some(
            it.lines
                .iter()
                .map(|line| goods(&line.hs, Some(&line.control_code), line.net_mass_g))
                .collect(),
        ),
        EventData::LicenseGranted(it) => Some(
            it.lines
                .iter()
                .map(|line| goods(&line.hs, Some(&line.control_code), line.granted_g))
                .collect(),
        ),
        EventData::ShipmentDeclared(it) => Some(
            it.lines
                .iter()
                .map(|line| goods(&line.hs, line.control_code.as_ref(), line.cleared_g))
                .collect(),
        ),
        EventData::ShipmentCleared(it) => Some(
            it.lines
                .iter()
                .map(|line| goods(&line.hs, line.control_code.as_ref(), line.cleared_g))
                .collect(),
        ),
        EventData::ApplicationClosed(_)
        | EventData::PaperworkQueried(_)
        | EventData::PaperworkAnswered(_)
        | EventData::LicenseChanged(_)
        | EventData::ShipmentClosed(_)
        | EventData::RecordCorrected(_)
        | EventData::RecordAnnulled(_) => None,
    }
}

/// Whether the goods of `other` are those that `event`, which names none, is about.
pub(super) fn is_about_the_same(event: &EventData, other: &EventData) -> bool {
    let declaration = match event {
        EventData::PaperworkQueried(it) => it.declaration_no.as_ref(),
        EventData::ShipmentClosed(it) => Some(&it.declaration_no),
        EventData::ApplicationSubmitted(_)
        | EventData::ApplicationClosed(_)
        | EventData::PaperworkAnswered(_)
        | EventData::LicenseGranted(_)
        | EventData::LicenseChanged(_)
        | EventData::ShipmentDeclared(_)
        | EventData::ShipmentCleared(_)
        | EventData::RecordCorrected(_)
        | EventData::RecordAnnulled(_) => None,
    };
    match (declaration, other) {
        (Some(number), EventData::ShipmentDeclared(it)) => it.declaration_no == *number,
        (Some(number), EventData::ShipmentCleared(it)) => it.declaration_no == *number,
        (Some(_), _) => false,
        (None, other) => matches!(
            other,
            EventData::ApplicationSubmitted(_) | EventData::LicenseGranted(_)
        ),
    }
}

/// The quantities of goods in kilograms. Where nothing is known of them, a class without a quantity.
pub(super) fn quantities(goods: &[Goods]) -> Value {
    if goods.is_empty() {
        return json!([{"epcClass": format!("{BASE}/item/unknown")}]);
    }
    let quantities = goods.iter().map(|goods| {
        let code = goods
            .control_code
            .as_ref()
            .map(|code| format!(".{code}"))
            .unwrap_or_default();
        json!({
            "epcClass": format!("{BASE}/item/HS{}{code}", goods.hs),
            "quantity": kilograms(goods.grams),
            "uom": "KGM",
        })
    });
    quantities.collect()
}

/// Kilograms as a JSON number, read from decimal text.
fn kilograms(grams: u64) -> Value {
    let (whole, rest) = (grams / 1000, grams % 1000);
    if rest == 0 {
        json!(whole)
    } else {
        serde_json::from_str(&format!("{whole}.{rest:03}")).unwrap_or_else(|_| json!(whole))
    }
}

/// What the event belongs to: the case, the licence, the declaration.
pub(super) fn transactions(event: &Event) -> Value {
    let mut list = vec![json!({
        "type": format!("{BASE}/voc/btt/licence_application"),
        "bizTransaction": format!("{BASE}/case/{}", event.case),
    })];
    let (license, declaration) = numbers(&event.data);
    list.extend(license.map(|number| json!({"type": "cert", "bizTransaction": license_uri(&number)})));
    list.extend(declaration.map(|number| {
        json!({
            "type": format!("{BASE}/voc/btt/customs_declaration"),
            "bizTransaction": format!("{BASE}/declaration/{}", escaped(&number)),
        })
    }));
    Value::Array(list)
}

fn numbers(data: &EventData) -> (Option<String>, Option<String>) {
    match data {
        EventData::LicenseGranted(it) => (Some(it.license_no.to_string()), None),
        EventData::LicenseChanged(it) => (Some(it.license_no.to_string()), None),
        EventData::ShipmentDeclared(it) => (
            it.license_no.as_ref().map(ToString::to_string),
            Some(it.declaration_no.to_string()),
        ),
        EventData::ShipmentCleared(it) => (
            it.license_no.as_ref().map(ToString::to_string),
            Some(it.declaration_no.to_string()),
        ),
        EventData::ShipmentClosed(it) => (None, Some(it.declaration_no.to_string())),
        EventData::PaperworkQueried(it) => (None, it.declaration_no.as_ref().map(ToString::to_string)),
        EventData::ApplicationSubmitted(_)
        | EventData::ApplicationClosed(_)
        | EventData::PaperworkAnswered(_)
        | EventData::RecordCorrected(_)
        | EventData::RecordAnnulled(_) => (None, None),
    }
}

/// What only one kind of event says.
pub(super) fn detail(data: &EventData, stated: &mut Value) {
    let destination = |country: &portbook_domain::CountryCode| json!([{"type": "possessing_party", "destination": format!("{BASE}/country/{country}")}]);
    match data {
        EventData::ApplicationSubmitted(it) => {
            insert(stated, "destinationList", destination(&it.destination));
        }
        EventData::PaperworkQueried(it) => {
            let mut query =
                json!({"stage": it.stage.word(), "round": it.round, "reason": it.reason.as_str()});
            if let Some(due) = it.reply_due {
                insert(&mut query, "replyDue", json!(due.to_string()));
            }
            insert(stated, "portbook:query", query);
        }
        EventData::LicenseGranted(it) => {
            insert(
                stated,
                "certificationInfo",
                json!([license_uri(it.license_no.as_str())]),
            );
            insert(stated, "destinationList", destination(&it.destination));
            insert(stated, "portbook:validUntil", json!(it.valid_until.to_string()));
        }
        EventData::ShipmentCleared(it) => {
            insert(stated, "destinationList", destination(&it.destination));
            insert(stated, "portbook:controlStatus", json!(it.control_status.word()));
        }
        EventData::ApplicationClosed(_)
        | EventData::PaperworkAnswered(_)
        | EventData::LicenseChanged(_)
        | EventData::ShipmentDeclared(_)
        | EventData::ShipmentClosed(_)
        | EventData::RecordCorrected(_)
        | EventData::RecordAnnulled(_) => {}
    }
}

fn license_uri(number: &str) -> String {
    format!("{BASE}/licence/{}", escaped(number))
}

/// A number as a part of an address.
fn escaped(text: &str) -> String {
    let keeps = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    text.bytes()
        .map(|byte| {
            if keeps(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}
