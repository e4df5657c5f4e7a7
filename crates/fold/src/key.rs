//! Producers' keys, and what each of them may sign at which place of the ledger.

/// A key that signs events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProducerKey {
    /// Its public half.
    pub public_key: [u8; 32],
    /// The source it signs for.
    pub source: String,
    /// Whether that source reports what it saw; otherwise it decides for an authority.
    pub observes: bool,
    /// Types of event it may sign, as `<entity>.<verb>`; empty means every type.
    pub event_types: Vec<String>,
    /// Start of its validity by the stream's clock, nanoseconds since 1970.
    pub valid_from_ns: i128,
    /// End of its validity by the stream's clock, nanoseconds since 1970.
    pub valid_until_ns: i128,
    /// Leaf index of its registration; it is in force for later leaves.
    pub registered: u64,
    /// The key that took over from it.
    pub superseded: Option<Superseded>,
    /// Its revocation.
    pub revoked: Option<Revoked>,
}

/// A key that another has taken over from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superseded {
    /// Leaf index of the rotation.
    pub leaf: u64,
    /// The key that took over.
    pub by: [u8; 8],
    /// Until when both are good, by the stream's clock, nanoseconds since 1970.
    pub until_ns: i128,
}

/// A key that is no longer to be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// Leaf index of the revocation; the key is not in force for later leaves.
    pub leaf: u64,
    /// What it signed before that leaf, but from this time on, is contested. Nanoseconds since 1970.
    pub contested_from_ns: i128,
}

/// Where a signed message stands, as far as the rules for keys look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occasion {
    /// Leaf index of its record.
    pub index: u64,
    /// The stream's timestamp of it, nanoseconds since 1970.
    pub recorded_at_ns: u64,
}

/// Why a key's signature does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotEntitled {
    /// It signs for another source.
    Source,
    /// It may not sign this type of event.
    Type,
    /// It is not valid yet, no longer valid, or another took over from it.
    Time,
    /// It was revoked before.
    Revoked,
}

impl ProducerKey {
    /// Whether the key was in force for `source` there: registered before, valid, not revoked.
    ///
    /// # Errors
    /// The first rule that stands against it.
    pub fn in_force(&self, source: &str, at: Occasion) -> Result<(), NotEntitled> {
        let time = i128::from(at.recorded_at_ns);
        if source != self.source {
            return Err(NotEntitled::Source);
        }
        if self
            .revoked
            .as_ref()
            .is_some_and(|revoked| revoked.leaf < at.index)
        {
            return Err(NotEntitled::Revoked);
        }
        // What was recorded before a rotation was signed in good time, whatever the clock said.
        let superseded = self
            .superseded
            .as_ref()
            .is_some_and(|superseded| superseded.leaf < at.index && superseded.until_ns <= time);
        let valid = (self.valid_from_ns..self.valid_until_ns).contains(&time);
        if superseded || !valid || at.index <= self.registered {
            return Err(NotEntitled::Time);
        }
        Ok(())
    }

    /// Whether the key could sign an event of `source` and `type_name` there.
    ///
    /// # Errors
    /// The first rule that stands against it.
    pub fn entitled(&self, source: &str, type_name: &str, at: Occasion) -> Result<(), NotEntitled> {
        if source == self.source && !self.may_sign(type_name) {
            return Err(NotEntitled::Type);
        }
        self.in_force(source, at)
    }

    /// The leaf of the revocation that contests what the key signed there.
    #[must_use]
    pub fn contested_by(&self, at: Occasion) -> Option<u64> {
        let revoked = self.revoked.as_ref()?;
        let contested = at.index < revoked.leaf && i128::from(at.recorded_at_ns) >= revoked.contested_from_ns;
        contested.then_some(revoked.leaf)
    }

    fn may_sign(&self, type_name: &str) -> bool {
        self.event_types.is_empty() || self.event_types.iter().any(|allowed| allowed == type_name)
    }
}
