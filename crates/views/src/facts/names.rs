//! Texts kept once: each has a number, which is what facts hold.

use std::hash::{DefaultHasher, Hasher};
use std::num::NonZeroU32;

/// Number of a text. Equal texts of one table have equal numbers; nothing else is to be read out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(NonZeroU32);

impl Name {
    /// The place of what is known about this text in a table that runs beside the texts.
    #[must_use]
    pub fn at(self) -> usize {
        usize::try_from(self.0.get() - 1).unwrap_or(usize::MAX)
    }
}

/// Texts by number, and numbers by text, in about ten bytes beside each text.
///
/// Numbers follow the order in which texts came. They never leave the process, and nothing is listed by them.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    text: String,
    /// Where each text ends.
    ends: Vec<usize>,
    /// The text at each place of an open-addressed table, whose length is a power of 2.
    places: Vec<Option<Name>>,
}

impl Names {
    /// The text with this number.
    pub(super) fn text(&self, name: Name) -> &str {
        let at = name.at();
        let start = at
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .copied()
            .unwrap_or(0);
        let end = self.ends.get(at).copied().unwrap_or(start);
        self.text.get(start..end).unwrap_or_default()
    }

    /// How many texts there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Every number.
    pub(super) fn iter(&self) -> impl Iterator<Item = Name> + use<> {
        let count = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        (1..=count).filter_map(NonZeroU32::new).map(Name)
    }

    /// The number of `text`, if it is known.
    pub(super) fn find(&self, text: &str) -> Option<Name> {
        self.places.get(self.place_of(text)?).copied().flatten()
    }

    /// The number of `text`, which is kept from now on.
    pub(super) fn keep(&mut self, text: &str) -> Name {
        if self.ends.len() >= self.places.len() / 4 * 3 {
            self.widen();
        }
        if let Some(known) = self.find(text) {
            return known;
        }
        self.text.push_str(text);
        self.ends.push(self.text.len());
        let count = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        let name = Name(NonZeroU32::new(count).unwrap_or(NonZeroU32::MAX));
        self.settle(name);
        name
    }

    fn settle(&mut self, name: Name) {
        let place = self.place_of(self.text(name));
        if let Some(place) = place.and_then(|place| self.places.get_mut(place)) {
            *place = Some(name);
        }
    }

    /// The place where `text` stands, or where it would stand; none in a table without places.
    fn place_of(&self, text: &str) -> Option<usize> {
        let mask = self.places.len().checked_sub(1)?;
        let mut hasher = DefaultHasher::new();
        hasher.write(text.as_bytes());
        let mut place = usize::try_from(hasher.finish() & u64::try_from(mask).unwrap_or(u64::MAX)).ok()?;
        loop {
            match self.places.get(place).copied().flatten() {
                Some(name) if self.text(name) != text => place = (place + 1) & mask,
                Some(_) | None => return Some(place),
            }
        }
    }

    fn widen(&mut self) {
        self.places = vec![None; self.places.len().saturating_mul(2).max(16)];
        for name in self.iter() {
            self.settle(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_its_number() {
        let mut names = Names::default();
        let kept: Vec<Name> = (0..5000).map(|n| names.keep(&format!("case-{n}"))).collect();
        for (n, name) in kept.iter().enumerate() {
            let text = format!("case-{n}");
            assert_eq!(names.keep(&text), *name);
            assert_eq!(names.find(&text), Some(*name));
            assert_eq!(names.text(*name), text);
        }
        assert_eq!(names.len(), 5000);
        assert_eq!(names.find("case-5000"), None);
        assert_eq!(Names::default().find(""), None);
    }
}
