//! What an answer rests on: facts up to a day, and the tables and policies they are judged by.

use std::collections::BTreeMap;

use jiff::civil::Date;
use portbook_domain::{CountryCode, Lane, Policy, PolicyError, PortCode, Reference, ShipmentOutcome};
use portbook_views::{CaseFacts, Cleared, Fact, FactAt, Facts, Goods, Granted, Name, Submitted, Told};

/// Facts, the day up to which they count, and what they are judged by.
#[derive(Debug)]
pub struct Grounds<'a> {
    /// The facts.
    pub facts: &'a Facts,
    /// Calendar, policies, countries, ports.
    pub reference: &'a Reference,
    /// Facts of later days are left out; what is open is as old as on this day.
    pub as_of: Date,
    /// Whether a word is a member of the European Union, beside the words.
    is_eu: Vec<bool>,
    /// Grams that came back after a reversal, by the leaf of the clearance.
    returned: BTreeMap<u64, u64>,
    /// Facts up to that day.
    pub count: u64,
    /// How many of them their source marked as simulated.
    pub simulated: u64,
}

/// What stands of one case on the day asked about.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The case.
    pub name: Name,
    /// Its application.
    pub submitted: &'a Fact,
    /// What was applied for.
    pub application: &'a Submitted,
    /// Its licence.
    pub granted: Option<(&'a Fact, &'a Granted)>,
    /// Its end without a licence; a licence counts more.
    pub closed: Option<&'a Fact>,
}

/// Name of the group that stands for the members of the European Union.
pub const EU: &str = "EU";

impl<'a> Grounds<'a> {
    /// Facts up to and including `as_of`; without it, up to the last day of any fact.
    #[must_use]
    pub fn new(facts: &'a Facts, reference: &'a Reference, as_of: Option<Date>) -> Self {
        // One pass for everything that needs all of them: they do not fit the processor's caches.
        let (mut last, mut count, mut simulated) = (None, 0, 0);
        let mut reversals = Vec::new();
        for fact in facts.iter() {
            last = last.max(Some(fact.day));
            if as_of.is_none_or(|as_of| fact.day <= as_of) {
                count += 1;
                simulated += u64::from(fact.simulated);
                reversals.extend(reversal(fact));
            }
        }
        let mut grounds = Self {
            facts,
            reference,
            as_of: as_of.or(last).unwrap_or(Date::ZERO),
            is_eu: Vec::new(),
            returned: BTreeMap::new(),
            count,
            simulated,
        };
        grounds.is_eu = facts
            .words()
            .map(|(_, text)| {
                let country = CountryCode::new(text).ok();
                let country = country.and_then(|code| reference.countries.get(&code));
                country.is_some_and(|country| country.is_eu27)
            })
            .collect();
        grounds.returned = grounds.returned_by_clearance(reversals);
        grounds
    }

    /// Every fact up to the day, in no order that means anything.
    pub fn all(&self) -> impl Iterator<Item = &'a Fact> {
        let as_of = self.as_of;
        self.facts.iter().filter(move |fact| fact.day <= as_of)
    }

    /// Every case with an application.
    pub fn cases(&self) -> impl Iterator<Item = Case<'a>> {
        self.facts
            .cases()
            .filter_map(|(name, case)| self.case(name, case))
    }

    fn case(&self, name: Name, case: &CaseFacts) -> Option<Case<'a>> {
        let (submitted, application) = self.facts.submission(case)?;
        if submitted.day > self.as_of {
            return None;
        }
        let granted = self
            .facts
            .grant(case.granted)
            .filter(|(fact, _)| fact.day <= self.as_of);
        let closed = case.closed.and_then(|at: FactAt| self.facts.get(at));
        let closed = closed.filter(|fact| fact.day <= self.as_of && granted.is_none());
        Some(Case {
            name,
            submitted,
            application,
            granted,
            closed,
        })
    }

    /// The grant of every licence number.
    pub fn licenses(&self) -> impl Iterator<Item = (&'a Fact, &'a Granted)> {
        self.facts.grants().filter(|(fact, _)| fact.day <= self.as_of)
    }

    /// The grant of a licence number.
    #[must_use]
    pub fn license(&self, license: Name) -> Option<(&'a Fact, &'a Granted)> {
        self.facts
            .grant_of(license)
            .filter(|(fact, _)| fact.day <= self.as_of)
    }

    /// Every clearance.
    pub fn clearances(&self) -> impl Iterator<Item = (&'a Fact, &'a Cleared)> {
        self.facts.clearances().filter(|(fact, _)| fact.day <= self.as_of)
    }

    /// Grams of a clearance line by line, less what came back after a reversal.
    pub fn cleared_lines(&self, fact: &Fact, cleared: &Cleared) -> impl Iterator<Item = (&'a Goods, u64)> {
        let mut back = self.returned.get(&fact.leaf).copied().unwrap_or(0);
        self.facts.goods(cleared.lines).iter().map(move |goods| {
            let taken = back.min(goods.grams);
            back -= taken;
            (goods, goods.grams - taken)
        })
    }

    /// Grams of a clearance, less what came back after a reversal.
    #[must_use]
    pub fn cleared_g(&self, fact: &Fact, cleared: &Cleared) -> u64 {
        self.cleared_lines(fact, cleared)
            .fold(0, |sum, (_, grams)| sum.saturating_add(grams))
    }

    /// Grams of some lines.
    #[must_use]
    pub fn grams(&self, lines: portbook_views::Span) -> u64 {
        let goods = self.facts.goods(lines).iter();
        goods.fold(0, |sum, goods| sum.saturating_add(goods.grams))
    }

    /// `EU` for a member of the European Union, otherwise the country itself.
    #[must_use]
    pub fn group_of(&self, country: Name) -> &'a str {
        if self.is_eu.get(country.at()).copied().unwrap_or(false) {
            EU
        } else {
            self.facts.word(country)
        }
    }

    /// Queue of a case: that of its licence, or the one applied for.
    #[must_use]
    pub fn lane_of(case: &Case<'_>) -> Lane {
        case.granted
            .map_or(case.application.lane, |(_, granted)| granted.lane)
    }

    /// Working days after `from` up to and including `to`; none where the calendar of a year is not published.
    #[must_use]
    pub fn working_days(&self, from: Date, to: Date) -> Option<u32> {
        self.reference.calendar.working_days_between(from, to).ok()
    }

    /// The policy in force on a day, or the first one there is for days before it.
    ///
    /// # Errors
    /// [`PolicyError::NoneInForce`] when there is no policy at all.
    pub fn policy(&self, day: Date) -> Result<&'a Policy, PolicyError> {
        let policies = &self.reference.policies;
        policies
            .in_force(day)
            .or_else(|error| policies.iter().next().ok_or(error))
    }

    /// Whether UN/LOCODE has a port.
    #[must_use]
    pub fn is_port(&self, port: Name) -> bool {
        PortCode::new(self.facts.word(port)).is_ok_and(|code| self.reference.ports.contains(&code))
    }

    /// Reversals name a declaration; its clearances in the same case give back grams in the order they happened.
    fn returned_by_clearance(&self, reversals: Vec<((Name, Name), u64)>) -> BTreeMap<u64, u64> {
        let mut by_declaration: BTreeMap<(Name, Name), u64> = BTreeMap::new();
        for (declaration, grams) in reversals {
            let sum = by_declaration.entry(declaration).or_default();
            *sum = sum.saturating_add(grams);
        }
        let mut returned = BTreeMap::new();
        for ((case, declaration), mut rest) in by_declaration {
            let mut clearances: Vec<(&Fact, u64)> = self
                .facts
                .of_case(case)
                .filter(|fact| fact.day <= self.as_of)
                .filter_map(|fact| {
                    if let Told::Cleared(it) = &fact.told
                        && it.declaration == declaration
                    {
                        Some((fact, self.grams(it.lines)))
                    } else {
                        None
                    }
                })
                .collect();
            clearances.sort_unstable_by_key(|(fact, _)| fact.moment());
            for (fact, grams) in clearances {
                let back = rest.min(grams);
                rest -= back;
                returned.insert(fact.leaf, back);
            }
        }
        returned
    }
}

/// The case and declaration that a fact reverses, and how many grams came back.
fn reversal(fact: &Fact) -> Option<((Name, Name), u64)> {
    if let Told::ShipmentEnded {
        declaration,
        outcome: ShipmentOutcome::Reversed,
        returned_g,
    } = &fact.told
    {
        Some(((fact.case, *declaration), returned_g.unwrap_or(u64::MAX)))
    } else {
        None
    }
}
