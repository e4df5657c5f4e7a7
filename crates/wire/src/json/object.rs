//! The members of an object, by name.

use std::borrow::Cow;
use std::vec;

use super::node::Node;

/// Room to begin with: few objects have more members, the envelope twice as many.
const MEMBERS_USUAL: usize = 8;

/// Members as they stand in the text, in one piece of memory: objects of events are small, read once and dropped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Object<'a> {
    members: Vec<Member<'a>>,
}

/// Name and value.
type Member<'a> = (Cow<'a, str>, Node<'a>);

impl<'a> Object<'a> {
    /// An object without members.
    pub(crate) const fn new() -> Self {
        Self { members: Vec::new() }
    }

    /// The value under `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&Node<'a>> {
        let at = self.place_of(name)?;
        self.members.get(at).map(|(_, value)| value)
    }

    /// Enters a member; gives its name back where there is one of that name already.
    pub(crate) fn enter(&mut self, name: Cow<'a, str>, value: Node<'a>) -> Result<(), Cow<'a, str>> {
        if self.place_of(&name).is_some() {
            return Err(name);
        }
        if self.members.is_empty() {
            self.members.reserve(MEMBERS_USUAL);
        }
        self.members.push((name, value));
        Ok(())
    }

    /// Takes the value under `name` out.
    pub(crate) fn remove(&mut self, name: &str) -> Option<Node<'a>> {
        let at = self.place_of(name)?;
        Some(self.members.remove(at).1)
    }

    /// Every member by name, whatever their order in the text: of several errors the same one is always told.
    pub(crate) fn by_name(&self) -> vec::IntoIter<&Member<'a>> {
        let mut sorted: Vec<&Member<'a>> = self.members.iter().collect();
        sorted.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        sorted.into_iter()
    }

    /// Where `name` stands. Names of one object are few, and mostly differ in length.
    fn place_of(&self, name: &str) -> Option<usize> {
        self.members.iter().position(|(known, _)| known == name)
    }
}
