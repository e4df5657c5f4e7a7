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

    pub(super) const fn number(self) -> u32 {
        self.0.get()
    }

    pub(super) fn numbered(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self)
    }
}

/// Texts by number, and numbers by text, in about ten bytes beside each text.
///
/// Numbers follow the order in which texts came. They mean something beside these texts only, and nothing is listed by them.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    text: String,
    /// Where each text ends.
    ends: Vec<u32>,
    /// The text at each place of an open-addressed table, whose length is a power of 2. Texts that were read back have no
    /// places before another is kept: who only asks does not need them.
    places: Vec<Option<Name>>,
}

impl Names {
    /// The texts, one behind the other, and where each ends.
    pub(super) fn written(&self) -> (&str, &[u32]) {
        (&self.text, &self.ends)
    }

    /// What was written.
    pub(super) fn read_back(text: String, ends: Vec<u32>) -> Self {
        Self {
            text,
            ends,
            places: Vec::new(),
        }
    }

    /// The text with this number.
    pub(super) fn text(&self, name: Name) -> &str {
        let at = name.at();
        let start = at
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .copied()
            .unwrap_or(0);
        let end = self.ends.get(at).copied().unwrap_or(start);
        let place = |end: u32| usize::try_from(end).unwrap_or(usize::MAX);
        self.text.get(place(start)..place(end)).unwrap_or_default()
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
        if self.places.is_empty() {
            return self.iter().find(|name| self.text(*name) == text);
        }
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
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
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
        let wanted = self.ends.len().saturating_add(1).saturating_mul(2);
        self.places = vec![None; wanted.next_power_of_two().max(16)];
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
        let (text, ends) = names.written();
        let mut again = Names::read_back(text.to_owned(), ends.to_vec());
        assert_eq!(again.find("case-4999"), Some(kept[4999]));
        assert_eq!(again.find("case-5000"), None);
        let next = again.keep("case-5000");
        assert_eq!((again.text(next), again.len()), ("case-5000", 5001));
        assert_eq!(again.keep("case-17"), kept[17]);
        assert_eq!(Names::default().find(""), None);
    }
}
