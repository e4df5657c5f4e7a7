//! What a fact tells, as bytes: a tag, then what this kind of fact states.

use portbook_domain::{
    CloseOutcome, ControlStatus, Lane, LicenseChange, LicenseKind, QueryStage, ShipmentOutcome,
};

use super::{Packed, Rest, code};
use crate::facts::fact::{Cleared, Declared, Granted, Queried, Submitted, Told};

/// Bytes of a fact's content: as many as the longest, a grant, takes. What is not used is zero.
pub(super) const BYTES: usize = 37;

const LANES: &[Lane] = &[Lane::Standard, Lane::Expedited];
const STAGES: &[QueryStage] = &[QueryStage::Licensing, QueryStage::Customs];
const KINDS: &[LicenseKind] = &[
    LicenseKind::Single,
    LicenseKind::General,
    LicenseKind::Certificate,
];
const CLOSINGS: &[CloseOutcome] = &[
    CloseOutcome::Refused,
    CloseOutcome::Returned,
    CloseOutcome::Withdrawn,
    CloseOutcome::Lapsed,
];
const CHANGES: &[LicenseChange] = &[
    LicenseChange::Suspended,
    LicenseChange::Reinstated,
    LicenseChange::Revoked,
    LicenseChange::Surrendered,
    LicenseChange::Replaced,
];
const STATUSES: &[ControlStatus] = &[
    ControlStatus::Controlled,
    ControlStatus::NotControlled,
    ControlStatus::DeterminedNotControlled,
    ControlStatus::Exempt,
];
const ENDINGS: &[ShipmentOutcome] = &[
    ShipmentOutcome::Rejected,
    ShipmentOutcome::Cancelled,
    ShipmentOutcome::Reversed,
];

impl Told {
    /// Appends it, as long as it is.
    pub(super) fn pack_into(&self, out: &mut Vec<u8>) {
        match self {
            Self::Submitted(it) => {
                out.push(1);
                it.destination.pack(out);
                it.applicant.pack(out);
                it.end_user.pack(out);
                out.push(code(LANES, &it.lane));
                it.lines.pack(out);
            }
            Self::Closed(outcome) => out.extend([2, code(CLOSINGS, outcome)]),
            Self::Queried(it) => {
                out.extend([3, code(STAGES, &it.stage)]);
                it.round.pack(out);
                it.query.pack(out);
                it.declaration.pack(out);
                it.reply_due.pack(out);
            }
            Self::Answered { query, complete } => {
                out.extend([4, u8::from(*complete)]);
                query.pack(out);
            }
            Self::Granted(it) => {
                out.push(5);
                it.pack_into(out);
            }
            Self::Changed {
                license,
                change,
                effective_at_ns,
            } => {
                out.extend([6, code(CHANGES, change)]);
                license.pack(out);
                effective_at_ns.pack(out);
            }
            Self::Declared(it) => {
                out.extend([7, code(STATUSES, &it.control_status)]);
                it.declaration.pack(out);
                it.license.pack(out);
                it.destination.pack(out);
                it.lines.pack(out);
            }
            Self::Cleared(it) => {
                out.extend([8, code(STATUSES, &it.control_status)]);
                it.declaration.pack(out);
                it.license.pack(out);
                it.destination.pack(out);
                it.lines.pack(out);
                it.documents.pack(out);
            }
            Self::ShipmentEnded {
                declaration,
                outcome,
                returned_g,
            } => {
                out.extend([9, code(ENDINGS, outcome)]);
                declaration.pack(out);
                returned_g.pack(out);
            }
        }
    }

    pub(super) fn read(rest: &mut Rest<'_>) -> Option<Self> {
        Some(match rest.byte()? {
            1 => Self::Submitted(Submitted {
                destination: rest.of()?,
                applicant: rest.of()?,
                end_user: rest.of()?,
                lane: rest.one_of(LANES)?,
                lines: rest.of()?,
            }),
            2 => Self::Closed(rest.one_of(CLOSINGS)?),
            3 => Self::Queried(Queried {
                stage: rest.one_of(STAGES)?,
                round: rest.of()?,
                query: rest.of()?,
                declaration: rest.of()?,
                reply_due: rest.of()?,
            }),
            4 => {
                let complete = rest.flag()?;
                let query = rest.of()?;
                Self::Answered { query, complete }
            }
            5 => Self::Granted(Granted::read(rest)?),
            6 => {
                let change = rest.one_of(CHANGES)?;
                Self::Changed {
                    license: rest.of()?,
                    change,
                    effective_at_ns: rest.of()?,
                }
            }
            7 => Self::Declared(Declared {
                control_status: rest.one_of(STATUSES)?,
                declaration: rest.of()?,
                license: rest.of()?,
                destination: rest.of()?,
                lines: rest.of()?,
            }),
            8 => Self::Cleared(Cleared {
                control_status: rest.one_of(STATUSES)?,
                declaration: rest.of()?,
                license: rest.of()?,
                destination: rest.of()?,
                lines: rest.of()?,
                documents: rest.of()?,
            }),
            9 => {
                let outcome = rest.one_of(ENDINGS)?;
                Self::ShipmentEnded {
                    declaration: rest.of()?,
                    outcome,
                    returned_g: rest.of()?,
                }
            }
            _ => return None,
        })
    }
}

impl Granted {
    fn pack_into(&self, out: &mut Vec<u8>) {
        let kind = self.kind.map_or(u8::MAX, |kind| code(KINDS, &kind));
        out.extend([kind, code(LANES, &self.lane)]);
        self.license.pack(out);
        self.uses_allowed.pack(out);
        self.valid_from.pack(out);
        self.valid_until.pack(out);
        self.destination.pack(out);
        self.exit_ports.pack(out);
        self.lines.pack(out);
    }

    fn read(rest: &mut Rest<'_>) -> Option<Self> {
        let kind = match rest.byte()? {
            u8::MAX => None,
            code => Some(*KINDS.get(usize::from(code))?),
        };
        let lane = rest.one_of(LANES)?;
        Some(Self {
            license: rest.of()?,
            kind,
            uses_allowed: rest.of()?,
            valid_from: rest.of()?,
            valid_until: rest.of()?,
            destination: rest.of()?,
            exit_ports: rest.of()?,
            lane,
            lines: rest.of()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::Date;

    use super::*;
    use crate::facts::fact::{Fact, FactAt, Span};
    use crate::facts::names::Name;

    fn name(number: u32) -> Name {
        Name::numbered(number).unwrap()
    }

    fn every_told() -> Vec<Told> {
        let day = Date::new(2025, 5, 27).unwrap();
        let span = Span { at: 70_000, count: 3 };
        let mut told = vec![
            Told::Submitted(Submitted {
                destination: name(1),
                applicant: Some(name(2)),
                end_user: Some(name(17)),
                lane: Lane::Expedited,
                lines: span,
            }),
            Told::Queried(Queried {
                stage: QueryStage::Customs,
                round: 4,
                query: name(3),
                declaration: None,
                reply_due: Some(day),
            }),
            Told::Answered {
                query: name(4),
                complete: true,
            },
            Told::Granted(Granted {
                license: name(5),
                kind: Some(LicenseKind::General),
                uses_allowed: Some(u32::MAX),
                valid_from: Some(day),
                valid_until: Date::MAX,
                destination: name(6),
                exit_ports: span,
                lane: Lane::Standard,
                lines: span,
            }),
            Told::Declared(Declared {
                declaration: name(7),
                license: None,
                control_status: ControlStatus::Exempt,
                destination: Some(name(8)),
                lines: span,
            }),
            Told::Cleared(Cleared {
                declaration: name(9),
                license: Some(name(10)),
                control_status: ControlStatus::Controlled,
                destination: name(11),
                lines: span,
                documents: span,
            }),
        ];
        told.extend(CLOSINGS.iter().copied().map(Told::Closed));
        told.extend(CHANGES.iter().map(|change| Told::Changed {
            license: name(12),
            change: *change,
            effective_at_ns: i64::MIN,
        }));
        told.extend(ENDINGS.iter().map(|outcome| Told::ShipmentEnded {
            declaration: name(13),
            outcome: *outcome,
            returned_g: Some(u64::MAX),
        }));
        told
    }

    #[test]
    fn a_fact_comes_back_as_it_was_whatever_it_tells() {
        for told in every_told() {
            let fact = Fact {
                leaf: u64::MAX,
                occurred_at_ns: -1,
                stated_at_ns: Some(i64::MAX),
                event: [7; 16],
                case: name(u32::MAX),
                port: name(14),
                port_as_written: name(15),
                next_of_case: FactAt::numbered(16),
                day: Date::MIN,
                simulated: true,
                stands: false,
                is_copy: true,
                told,
            };
            let mut bytes = Vec::new();
            fact.pack(&mut bytes);
            assert_eq!(bytes.len(), Fact::BYTES);
            assert_eq!(Fact::unpack(&bytes), Some(fact), "{told:?}");
            assert_eq!(Fact::unpack(&bytes[1..]), None);
        }
    }

    #[test]
    fn a_code_that_no_value_has_is_refused() {
        let mut told = Vec::new();
        Told::Closed(CloseOutcome::Lapsed).pack_into(&mut told);
        told[1] = 4;
        assert_eq!(Told::read(&mut Rest(&told)), None);
    }
}
