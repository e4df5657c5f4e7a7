//! A fact as a row: what its record told, whole and in words, for writing down and for correcting.

use jiff::civil::Date;
use portbook_domain::{
    ApplicationSubmitted, CaseId, ClearedLine, CloseOutcome, ControlCode, ControlStatus, CountryCode,
    DeclarationNo, Digest, Element, Event, EventData, FieldPatch, HsCode, Lane, LicenseChange,
    LicenseGranted, LicenseKind, LicenseNo, PaperworkQueried, PortCode, QueryId, QueryStage, ShipmentOutcome,
    Text,
};
use serde::{Deserialize, Serialize};

use super::digits;
use crate::timeline::{RecordClass, nanoseconds_of};
use crate::view::Recorded;

/// What one record told, without what no question asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactRow {
    /// What the ledger made of the record.
    pub class: RecordClass,
    /// Leaf index of the original of a redelivery or conflict.
    pub refers_to: Option<u64>,
    /// Identity of the event, as the number its UUID stands for.
    #[serde(with = "digits::event")]
    pub event: u128,
    /// The case.
    pub case: CaseId,
    /// The port, after the alias table.
    pub port: PortCode,
    /// The port as its source wrote it.
    pub port_as_written: PortCode,
    /// When it happened, as claimed, in nanoseconds since 1970.
    pub occurred_at_ns: i64,
    /// When its source says it wrote it down.
    pub stated_at_ns: Option<i64>,
    /// Whether its source marked it as simulated.
    pub simulated: bool,
    /// What happened.
    pub told: ToldRow,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToldRow {
    /// An application was filed.
    Submitted {
        /// Country of destination.
        destination: CountryCode,
        /// Commitment to the applicant's identity.
        applicant: Option<Text>,
        /// Commitment to the end user's identity.
        end_user: Option<Digest>,
        /// Queue asked for.
        lane: Lane,
        /// Goods applied for.
        lines: Vec<GoodsRow>,
    },
    /// An application ended without a licence.
    Closed {
        /// How.
        outcome: CloseOutcome,
    },
    /// An authority asked.
    Queried {
        /// Which authority.
        stage: QueryStage,
        /// Round of questions.
        round: u16,
        /// Names the query within its case.
        query_id: QueryId,
        /// The challenged declaration.
        declaration_no: Option<DeclarationNo>,
        /// Last day of the answer.
        reply_due: Option<Date>,
    },
    /// The applicant answered.
    Answered {
        /// The query that is answered.
        query_id: QueryId,
        /// Whether the answer settles it.
        complete: bool,
    },
    /// A licence was granted.
    Granted {
        /// Its number.
        license_no: LicenseNo,
        /// Its kind.
        kind: Option<LicenseKind>,
        /// Number of declarations it may be used on.
        uses_allowed: Option<u32>,
        /// First day of validity.
        valid_from: Option<Date>,
        /// Last day of validity.
        valid_until: Date,
        /// Country of destination.
        destination: CountryCode,
        /// Ports the goods may leave through, as written.
        exit_ports: Vec<PortCode>,
        /// Queue it was handled in.
        lane: Lane,
        /// Goods granted.
        lines: Vec<GoodsRow>,
    },
    /// The state of a licence changed.
    Changed {
        /// Its number.
        license_no: LicenseNo,
        /// What changed.
        change: LicenseChange,
        /// When it takes effect, in nanoseconds since 1970.
        effective_at_ns: i64,
    },
    /// Goods were declared.
    Declared {
        /// Number of the declaration.
        declaration_no: DeclarationNo,
        /// Licence it is declared under.
        license_no: Option<LicenseNo>,
        /// Whether the goods are declared as controlled.
        control_status: ControlStatus,
        /// Country of destination.
        destination: Option<CountryCode>,
        /// Declared goods.
        lines: Vec<GoodsRow>,
    },
    /// Goods were released for export.
    Cleared {
        /// Number of the declaration.
        declaration_no: DeclarationNo,
        /// Licence it is cleared under.
        license_no: Option<LicenseNo>,
        /// Whether the goods are controlled.
        control_status: ControlStatus,
        /// Country of destination.
        destination: CountryCode,
        /// Cleared goods.
        lines: Vec<GoodsRow>,
        /// First halves of the SHA-256 digests of its documents.
        #[serde(with = "digits::documents")]
        documents: Vec<u128>,
    },
    /// A declaration ended, or a clearance was undone.
    ShipmentEnded {
        /// Number of the declaration.
        declaration_no: DeclarationNo,
        /// How.
        outcome: ShipmentOutcome,
        /// Grams that came back; absent means all.
        returned_g: Option<u64>,
    },
    /// Fields of another event of the case are corrected.
    Corrected {
        /// The corrected event.
        #[serde(with = "digits::event")]
        target: u128,
        /// What is corrected.
        patches: Vec<FieldPatch>,
    },
    /// Another event of the case did not happen.
    Annulled {
        /// The annulled event.
        #[serde(with = "digits::event")]
        target: u128,
    },
    /// A redelivery or a conflict: it adds no fact, whatever it tells.
    Repeated,
}

/// One line of goods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoodsRow {
    /// Number of the line, where stated.
    pub line: Option<u16>,
    /// Commodity code.
    pub hs: HsCode,
    /// Control-list entry.
    pub control_code: Option<ControlCode>,
    /// Controlled element.
    pub element: Option<Element>,
    /// Form of the goods.
    pub form: Option<Text>,
    /// Grams.
    pub grams: u64,
}

impl FactRow {
    pub(super) fn of(recorded: &Recorded<'_>) -> Self {
        let Event {
            case,
            id,
            occurred_at,
            data,
        } = recorded.event;
        Self {
            class: recorded.class,
            refers_to: recorded.refers_to,
            event: number_of(id.as_str()),
            case: case.clone(),
            port: recorded.port.clone(),
            port_as_written: recorded.port_as_written.clone(),
            occurred_at_ns: nanoseconds_of(*occurred_at),
            stated_at_ns: recorded.source_recorded_at.map(nanoseconds_of),
            simulated: recorded.simulated,
            told: match recorded.class {
                RecordClass::Event => ToldRow::of(data),
                RecordClass::Redelivery
                | RecordClass::Conflict
                | RecordClass::Quarantine
                | RecordClass::Control => ToldRow::Repeated,
            },
        }
    }

    /// Whether it speaks of another event instead of adding a fact.
    #[must_use]
    pub const fn is_repair(&self) -> bool {
        matches!(self.told, ToldRow::Corrected { .. } | ToldRow::Annulled { .. })
    }
}

impl ToldRow {
    fn of(data: &EventData) -> Self {
        match data {
            EventData::ApplicationSubmitted(it) => Self::submitted(it),
            EventData::ApplicationClosed(it) => Self::Closed { outcome: it.outcome },
            EventData::PaperworkQueried(it) => Self::queried(it),
            EventData::PaperworkAnswered(it) => Self::Answered {
                query_id: it.query_id.clone(),
                complete: it.complete,
            },
            EventData::LicenseGranted(it) => Self::granted(it),
            EventData::LicenseChanged(it) => Self::Changed {
                license_no: it.license_no.clone(),
                change: it.change,
                effective_at_ns: nanoseconds_of(it.effective_at),
            },
            EventData::ShipmentDeclared(it) => Self::Declared {
                declaration_no: it.declaration_no.clone(),
                license_no: it.license_no.clone(),
                control_status: it.control_status,
                destination: it.destination.clone(),
                lines: it.lines.iter().map(GoodsRow::cleared).collect(),
            },
            EventData::ShipmentCleared(it) => Self::Cleared {
                declaration_no: it.declaration_no.clone(),
                license_no: it.license_no.clone(),
                control_status: it.control_status,
                destination: it.destination.clone(),
                lines: it.lines.iter().map(GoodsRow::cleared).collect(),
                documents: it
                    .evidence
                    .iter()
                    .map(|it| number_of(it.sha256.as_str()))
                    .collect(),
            },
            EventData::ShipmentClosed(it) => Self::ShipmentEnded {
                declaration_no: it.declaration_no.clone(),
                outcome: it.outcome,
                returned_g: it.returned_g.map(portbook_domain::Grams::get),
            },
            EventData::RecordCorrected(it) => Self::Corrected {
                target: number_of(it.target_event_id.as_str()),
                patches: it.field_patches.clone(),
            },
            EventData::RecordAnnulled(it) => Self::Annulled {
                target: number_of(it.target_event_id.as_str()),
            },
        }
    }

    fn submitted(it: &ApplicationSubmitted) -> Self {
        let lines = it.lines.iter().map(|line| GoodsRow {
            line: Some(line.line),
            hs: line.hs.clone(),
            control_code: Some(line.control_code.clone()),
            element: Some(line.element.clone()),
            form: line.form.clone(),
            grams: line.net_mass_g.get(),
        });
        Self::Submitted {
            destination: it.destination.clone(),
            applicant: it.applicant.clone(),
            end_user: it.end_user_commitment.clone(),
            lane: it.lane,
            lines: lines.collect(),
        }
    }

    fn queried(it: &PaperworkQueried) -> Self {
        Self::Queried {
            stage: it.stage,
            round: it.round,
            query_id: it.query_id.clone(),
            declaration_no: it.declaration_no.clone(),
            reply_due: it.reply_due,
        }
    }

    fn granted(it: &LicenseGranted) -> Self {
        let lines = it.lines.iter().map(|line| GoodsRow {
            line: Some(line.line),
            hs: line.hs.clone(),
            control_code: Some(line.control_code.clone()),
            element: Some(line.element.clone()),
            form: None,
            grams: line.granted_g.get(),
        });
        Self::Granted {
            license_no: it.license_no.clone(),
            kind: it.kind,
            uses_allowed: it.uses_allowed,
            valid_from: it.valid_from,
            valid_until: it.valid_until,
            destination: it.destination.clone(),
            exit_ports: it.exit_ports.clone(),
            lane: it.lane,
            lines: lines.collect(),
        }
    }
}

impl GoodsRow {
    fn cleared(line: &ClearedLine) -> Self {
        Self {
            line: line.line,
            hs: line.hs.clone(),
            control_code: line.control_code.clone(),
            element: line.element.clone(),
            form: None,
            grams: line.cleared_g.get(),
        }
    }
}

/// The number that the first 32 hexadecimal digits of a text stand for: a UUID whole, a digest by its first half.
///
/// Half a SHA-256 still takes 2^64 trials for two documents that share it, and whoever made such a pair would be found
/// to have used "one document" twice.
pub(super) fn number_of(text: &str) -> u128 {
    halves_of(text.as_bytes()).map_or_else(
        || {
            let digits = text.chars().filter_map(|digit| digit.to_digit(16));
            digits
                .take(32)
                .fold(0, |number, digit| number << 4 | u128::from(digit))
        },
        |[high, low]| u128::from(high) << 64 | u128::from(low),
    )
}

/// The two halves of [`number_of`] where the text is of one of the usual forms: a UUID, or digits alone.
fn halves_of(text: &[u8]) -> Option<[u64; 2]> {
    let mut digits = [0; 32];
    if text.get(8) == Some(&b'-') {
        // Digits of a UUID, without the hyphens.
        for (from, to) in [
            (0..8, 0..8),
            (9..13, 8..12),
            (14..18, 12..16),
            (19..23, 16..20),
            (24..36, 20..32),
        ] {
            digits.get_mut(to)?.copy_from_slice(text.get(from)?);
        }
        let hyphens = [13, 18, 23];
        if text.len() != 36 || hyphens.iter().any(|at| text.get(*at) != Some(&b'-')) {
            return None;
        }
    } else {
        digits = *text.first_chunk()?;
    }
    let (high, low) = digits.split_first_chunk()?;
    Some([sixteen_digits(*high)?, sixteen_digits(low.try_into().ok()?)?])
}

/// The number that sixteen hexadecimal digits stand for, worked out for all of them at once.
fn sixteen_digits(text: [u8; 16]) -> Option<u64> {
    const ONES: u128 = u128::MAX / 255;
    if !text.iter().fold(true, |all, b| all & b.is_ascii_hexdigit()) {
        return None;
    }
    let text = u128::from_be_bytes(text);
    // A letter has bit 6, and its low half counts from 1, not from 10.
    let digits = (text & (ONES * 0x0f)) + ((text >> 6) & ONES) * 9;
    // Neighbours move together, then pairs of them, and so on.
    let two = (digits | digits >> 4) & (u128::MAX / 0xffff * 0xff);
    let four = (two | two >> 8) & (u128::MAX / 0xffff_ffff * 0xffff);
    let eight = (four | four >> 16) & (u128::MAX / 0xffff_ffff_ffff_ffff * 0xffff_ffff);
    let all = (eight | eight >> 32) & u128::from(u64::MAX);
    u64::try_from(all).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digit_by_digit(text: &str) -> u128 {
        let digits = text.chars().filter_map(|digit| digit.to_digit(16));
        digits
            .take(32)
            .fold(0, |number, digit| number << 4 | u128::from(digit))
    }

    #[test]
    fn the_number_of_a_text_is_that_of_its_digits() {
        let digest = "31cec06ea16be5390b7e8187dad01443a757937a7c21ed426ff1d8074426cd13";
        assert_eq!(number_of(digest), 0x31ce_c06e_a16b_e539_0b7e_8187_dad0_1443);
        let uuid = "4d422a90-d509-5eed-ade9-c9dbd190bcb7";
        assert_eq!(number_of(uuid), 0x4d42_2a90_d509_5eed_ade9_c9db_d190_bcb7);
        for text in [
            digest,
            uuid,
            "",
            "7",
            "4d422a90-d509-5eed-ade9-c9dbd190bcb",
            "0123456789ABCDEFabcdef0123456789",
        ] {
            for at in 0..text.len() {
                for other in ["g", "-", "F", "0"] {
                    let mut changed = text.to_owned();
                    changed.replace_range(at..=at, other);
                    assert_eq!(number_of(&changed), digit_by_digit(&changed), "{changed}");
                    assert_eq!(
                        number_of(&text[..at]),
                        digit_by_digit(&text[..at]),
                        "{}",
                        &text[..at]
                    );
                }
            }
        }
    }
}
