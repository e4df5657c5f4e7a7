//! What a clearance and its licence both state, side by side.

use portbook_domain::PortCode;
use portbook_views::{Cleared, Fact, Goods, Granted, Name, Submitted};

use super::{Finding, Rule, license_text};
use crate::grounds::Grounds;

pub(super) const RULES: &[Rule] = &[
    Rule::ElementMismatch,
    Rule::PortMismatch,
    Rule::ExporterMismatch,
    Rule::EndUserMismatch,
];

/// What can be compared of a clearance and its licence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Aspect {
    Destination,
    ControlCode,
    Element,
    Port,
    Exporter,
    EndUser,
}

/// A clearance, and the licence it names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair<'a> {
    fact: &'a Fact,
    cleared: &'a Cleared,
    grant: &'a Fact,
    granted: &'a Granted,
}

/// What one aspect came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Compared {
    /// One side does not state it.
    NotStated,
    /// Both state the same.
    Same,
    /// What the clearance states, and what the licence does.
    Differs(String, String),
}

impl Aspect {
    pub(crate) const ALL: &[Self] = &[
        Self::Destination,
        Self::ControlCode,
        Self::Element,
        Self::Port,
        Self::Exporter,
        Self::EndUser,
    ];

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Destination => "destination",
            Self::ControlCode => "control_code",
            Self::Element => "element",
            Self::Port => "port",
            Self::Exporter => "exporter",
            Self::EndUser => "end_user",
        }
    }
}

/// Every clearance under a licence that was granted.
pub(crate) fn pairs<'a>(grounds: &Grounds<'a>) -> impl Iterator<Item = Pair<'a>> {
    grounds.clearances().filter_map(|(fact, cleared)| {
        let (grant, granted) = grounds.license(cleared.license?)?;
        Some(Pair {
            fact,
            cleared,
            grant,
            granted,
        })
    })
}

/// Differences that may have a good reason.
pub(super) fn find(grounds: &Grounds<'_>) -> Vec<Finding> {
    let aspects = [Aspect::Element, Aspect::Port, Aspect::Exporter, Aspect::EndUser];
    let mut found = Vec::new();
    for pair in pairs(grounds) {
        for (aspect, rule) in aspects.iter().zip(RULES) {
            if let Compared::Differs(cleared, licensed) = pair.compare(grounds, *aspect) {
                let license = license_text(grounds, pair.granted.license);
                let evidence = format!("cleared {} {cleared}, {license} has {licensed}", aspect.word());
                let finding = Finding::of(grounds, *rule, pair.fact, evidence);
                found.push(finding.resting_on([pair.grant.leaf]));
            }
        }
    }
    found
}

impl Pair<'_> {
    pub(crate) fn compare(&self, grounds: &Grounds<'_>, aspect: Aspect) -> Compared {
        let word = |name: Name| grounds.facts.word(name).to_owned();
        match aspect {
            Aspect::Destination => {
                let (cleared, licensed) = (self.cleared.destination, self.granted.destination);
                of_both(Some(cleared), Some(licensed), word)
            }
            Aspect::ControlCode => self.lines(grounds, |goods| goods.control_code),
            Aspect::Element => self.lines(grounds, |goods| goods.element),
            Aspect::Port => self.port(grounds),
            Aspect::Exporter => self.parties(grounds, |it| it.applicant),
            Aspect::EndUser => self.parties(grounds, |it| it.end_user),
        }
    }

    fn lines(&self, grounds: &Grounds<'_>, of: impl Fn(&Goods) -> Option<Name>) -> Compared {
        let stated = |goods: &[Goods]| goods.iter().any(|line| of(line).is_some());
        let cleared = grounds.facts.goods(self.cleared.lines);
        if !stated(cleared) || !stated(grounds.facts.goods(self.granted.lines)) {
            return Compared::NotStated;
        }
        match other_line(grounds, self.cleared, self.granted, of) {
            None => Compared::Same,
            Some((cleared, licensed)) => Compared::Differs(cleared, licensed),
        }
    }

    /// Ports are compared after the alias table, as everywhere.
    fn port(&self, grounds: &Grounds<'_>) -> Compared {
        let named = grounds.facts.exit_ports(self.granted.exit_ports);
        if named.is_empty() {
            return Compared::NotStated;
        }
        let word = |name: &Name| grounds.facts.word(*name);
        let here = word(&self.fact.port);
        let is_here = |name: &Name| {
            let written = word(name);
            let code = PortCode::new(written).ok();
            let port = code.map(|code| grounds.reference.aliases.normalize(&code).clone());
            written == here || port.is_some_and(|port| port.as_str() == here)
        };
        if named.iter().any(is_here) {
            return Compared::Same;
        }
        let named: Vec<&str> = named.iter().map(word).collect();
        Compared::Differs(here.to_owned(), named.join(", "))
    }

    /// Clearances name no party: that of their case stands for them, and in the licence's own case it is the licence's.
    fn parties(&self, grounds: &Grounds<'_>, of: impl Fn(&Submitted) -> Option<Name>) -> Compared {
        if self.fact.case == self.grant.case {
            return Compared::Same;
        }
        let party = |fact: &Fact| {
            let case = grounds.facts.case(fact.case);
            let (_, submitted) = grounds.facts.submission(&case)?;
            of(submitted)
        };
        of_both(party(self.fact), party(self.grant), |name| {
            grounds.facts.word(name).to_owned()
        })
    }
}

fn of_both(cleared: Option<Name>, licensed: Option<Name>, text: impl Fn(Name) -> String) -> Compared {
    match cleared.zip(licensed) {
        None => Compared::NotStated,
        Some((cleared, licensed)) if cleared == licensed => Compared::Same,
        Some((cleared, licensed)) => Compared::Differs(text(cleared), text(licensed)),
    }
}

/// The first line whose control code is not that of the licence: its code, and what the licence has.
pub(super) fn other_item(
    grounds: &Grounds<'_>,
    cleared: &Cleared,
    granted: &Granted,
) -> Option<(String, String)> {
    other_line(grounds, cleared, granted, |goods| goods.control_code)
}

/// The first line that states something else than the licence: what it states, and what the licence does. A line that
/// names its line of the licence is compared with that one, another with all of them. A line that states nothing differs
/// from nothing.
fn other_line(
    grounds: &Grounds<'_>,
    cleared: &Cleared,
    granted: &Granted,
    of: impl Fn(&Goods) -> Option<Name>,
) -> Option<(String, String)> {
    let allowed = grounds.facts.goods(granted.lines);
    grounds.facts.goods(cleared.lines).iter().find_map(|goods| {
        let told = of(goods)?;
        let numbered = allowed
            .iter()
            .any(|line| goods.line.is_some() && line.line == goods.line);
        let mut comparable = allowed.iter().filter(|line| !numbered || line.line == goods.line);
        if comparable.any(|line| of(line) == Some(told)) {
            return None;
        }
        let names: Vec<&str> = allowed
            .iter()
            .filter_map(&of)
            .map(|name| grounds.facts.word(name))
            .collect();
        Some((grounds.facts.word(told).to_owned(), names.join(", ")))
    })
}
