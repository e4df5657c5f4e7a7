//! Values of fixed length: what tables of facts are written down as, so that reading them back costs little more than
//! copying.

mod told;

use jiff::civil::Date;

use super::CaseFacts;
use super::fact::{Fact, FactAt, Goods, Repeat, Span, Told};
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
    const BYTES: usize = 8 + 8 + 9 + 16 + 3 * 4 + 5 + 4 + 3 + told::BYTES;

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
        self.told.pack_into(out);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_such_value_are_refused() {
        assert_eq!(Name::unpack(&[0; 4]), None);
        assert_eq!(<Option<u32>>::unpack(&[2, 0, 0, 0, 0]), None);
        assert_eq!(Date::unpack(&[0xe9, 0x07, 2, 30]), None);
        assert_eq!(u64::unpack(&[0; 7]), None);
    }
}
