//! Values of fixed length: what tables of facts are written down as, so that reading them back costs little more than
//! copying.

use jiff::civil::Date;
use portbook_domain::{
    CloseOutcome, ControlStatus, Lane, LicenseChange, LicenseKind, QueryStage, ShipmentOutcome,
};

use super::CaseFacts;
use super::fact::{Cleared, Declared, Fact, FactAt, Goods, Granted, Queried, Repeat, Span, Submitted, Told};
use super::names::Name;

/// A value of fixed length in bytes. Numbers are little-endian.
pub trait Packed: Sized {
    /// Its length.
    const BYTES: usize;

    /// Appends it.
    fn pack(&self, out: &mut Vec<u8>);

    /// Reads it from exactly as many bytes; none when they are no such value.
    fn unpack(bytes: &[u8]) -> Option<Self>;
}

/// Bytes of a fact's content: as many as the longest, a grant, takes. What is not used is zero.
const TOLD_BYTES: usize = 37;

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

/// What is left to read of a value.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn of<T: Packed>(&mut self) -> Option<T> {
        let (taken, rest) = self.0.split_at_checked(T::BYTES)?;
        self.0 = rest;
        T::unpack(taken)
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        all.get(usize::from(self.byte()?)).copied()
    }
}

/// The place of `value` in the list of all values.
fn code<T: PartialEq>(all: &[T], value: &T) -> u8 {
    let place = all.iter().position(|other| other == value);
    place
        .and_then(|place| u8::try_from(place).ok())
        .unwrap_or(u8::MAX)
}

macro_rules! packed_numbers {
    ($($number:ty),*) => {$(
        impl Packed for $number {
            const BYTES: usize = size_of::<$number>();

            fn pack(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn unpack(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self::from_le_bytes)
            }
        }
    )*};
}

packed_numbers!(u16, u32, u64, i64, u128);

/// A value or none, told apart by a byte before it.
impl<T: Packed> Packed for Option<T> {
    const BYTES: usize = 1 + T::BYTES;

    fn pack(&self, out: &mut Vec<u8>) {
        let end = out.len() + Self::BYTES;
        out.push(u8::from(self.is_some()));
        if let Some(value) = self {
            value.pack(out);
        }
        out.resize(end, 0);
    }

    fn unpack(bytes: &[u8]) -> Option<Self> {
        let (is_some, value) = bytes.split_first()?;
        match is_some {
            0 => Some(None),
            1 => T::unpack(value).map(Some),
            _ => None,
        }
    }
}

impl<A: Packed, B: Packed> Packed for (A, B) {
    const BYTES: usize = A::BYTES + B::BYTES;

    fn pack(&self, out: &mut Vec<u8>) {
        self.0.pack(out);
        self.1.pack(out);
    }

    fn unpack(bytes: &[u8]) -> Option<Self> {
        let (first, second) = bytes.split_at_checked(A::BYTES)?;
        Some((A::unpack(first)?, B::unpack(second)?))
    }
}

impl Packed for Name {
    const BYTES: usize = 4;

    fn pack(&self, out: &mut Vec<u8>) {
        self.number().pack(out);
    }

    fn unpack(bytes: &[u8]) -> Option<Self> {
        u32::unpack(bytes).and_then(Self::numbered)
    }
}

impl Packed for FactAt {
    const BYTES: usize = 4;

    fn pack(&self, out: &mut Vec<u8>) {
        self.number().pack(out);
    }

    fn unpack(bytes: &[u8]) -> Option<Self> {
        u32::unpack(bytes).and_then(Self::numbered)
    }
}

impl Packed for Date {
    const BYTES: usize = 4;

    fn pack(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.year().to_le_bytes());
        out.extend_from_slice(&self.month().to_le_bytes());
        out.extend_from_slice(&self.day().to_le_bytes());
    }

    fn unpack(bytes: &[u8]) -> Option<Self> {
        let [y0, y1, month, day] = bytes.try_into().ok()?;
        Self::new(
            i16::from_le_bytes([y0, y1]),
            i8::from_le_bytes([month]),
            i8::from_le_bytes([day]),
        )
        .ok()
    }
}

impl Packed for Span {
    const BYTES: usize = 6;

    fn pack(&self, out: &mut Vec<u8>) {
        self.at.pack(out);
        self.count.pack(out);
    }

    fn unpack(bytes: &[u8]) -> Option<Self> {
        let (at, count) = Packed::unpack(bytes)?;
        Some(Self { at, count })
    }
}

impl Packed for CaseFacts {
    const BYTES: usize = 4 * <Option<FactAt>>::BYTES;

    fn pack(&self, out: &mut Vec<u8>) {
        for at in [self.newest, self.submitted, self.granted, self.closed] {
            at.pack(out);
        }
    }

    fn unpack(bytes: &[u8]) -> Option<Self> {
        let mut rest = Rest(bytes);
        Some(Self {
            newest: rest.of()?,
            submitted: rest.of()?,
            granted: rest.of()?,
            closed: rest.of()?,
        })
    }
}

impl Packed for Goods {
    const BYTES: usize = 8 + 4 + 3 * 5 + 3;

    fn pack(&self, out: &mut Vec<u8>) {
        self.grams.pack(out);
        self.hs.pack(out);
        self.control_code.pack(out);
        self.element.pack(out);
        self.form.pack(out);
        self.line.pack(out);
    }

    fn unpack(bytes: &[u8]) -> Option<Self> {
        let mut rest = Rest(bytes);
        Some(Self {
            grams: rest.of()?,
            hs: rest.of()?,
            control_code: rest.of()?,
            element: rest.of()?,
            form: rest.of()?,
            line: rest.of()?,
        })
    }
}

impl Packed for Repeat {
    const BYTES: usize = 8 + 9 + 1 + 8 + 9 + 1 + 16 + 3 * 4;

    fn pack(&self, out: &mut Vec<u8>) {
        self.leaf.pack(out);
        self.refers_to.pack(out);
        out.push(u8::from(self.is_conflict));
        self.occurred_at_ns.pack(out);
        self.stated_at_ns.pack(out);
        out.push(u8::from(self.simulated));
        out.extend_from_slice(&self.event);
        self.case.pack(out);
        self.port.pack(out);
        self.port_as_written.pack(out);
    }

    fn unpack(bytes: &[u8]) -> Option<Self> {
        let mut rest = Rest(bytes);
        Some(Self {
            leaf: rest.of()?,
            refers_to: rest.of()?,
            is_conflict: rest.flag()?,
            occurred_at_ns: rest.of()?,
            stated_at_ns: rest.of()?,
            simulated: rest.flag()?,
            event: rest.array()?,
            case: rest.of()?,
            port: rest.of()?,
            port_as_written: rest.of()?,
        })
    }
}

impl Packed for Fact {
    const BYTES: usize = 8 + 8 + 9 + 16 + 3 * 4 + 5 + 4 + 3 + TOLD_BYTES;

    fn pack(&self, out: &mut Vec<u8>) {
        let end = out.len() + Self::BYTES;
        self.leaf.pack(out);
        self.occurred_at_ns.pack(out);
        self.stated_at_ns.pack(out);
        out.extend_from_slice(&self.event);
        self.case.pack(out);
        self.port.pack(out);
        self.port_as_written.pack(out);
        self.next_of_case.pack(out);
        self.day.pack(out);
        out.extend([self.simulated, self.stands, self.is_copy].map(u8::from));
        self.told.pack(out);
        out.resize(end, 0);
    }

    fn unpack(bytes: &[u8]) -> Option<Self> {
        let mut rest = Rest(bytes);
        Some(Self {
            leaf: rest.of()?,
            occurred_at_ns: rest.of()?,
            stated_at_ns: rest.of()?,
            event: rest.array()?,
            case: rest.of()?,
            port: rest.of()?,
            port_as_written: rest.of()?,
            next_of_case: rest.of()?,
            day: rest.of()?,
            simulated: rest.flag()?,
            stands: rest.flag()?,
            is_copy: rest.flag()?,
            told: Told::read(&mut rest)?,
        })
    }
}

impl Told {
    fn pack(&self, out: &mut Vec<u8>) {
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

    fn read(rest: &mut Rest<'_>) -> Option<Self> {
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
    use super::*;

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
    fn bytes_that_are_no_such_value_are_refused() {
        assert_eq!(Name::unpack(&[0; 4]), None);
        assert_eq!(<Option<u32>>::unpack(&[2, 0, 0, 0, 0]), None);
        assert_eq!(Date::unpack(&[0xe9, 0x07, 2, 30]), None);
        assert_eq!(u64::unpack(&[0; 7]), None);
        let mut told = Vec::new();
        Told::Closed(CloseOutcome::Lapsed).pack(&mut told);
        told[1] = 4;
        assert_eq!(Told::read(&mut Rest(&told)), None);
    }
}
