//! What a licence allowed, what was cleared on it and what is left, per line and in whole grams.

use std::collections::BTreeMap;

use jiff::civil::Date;
use portbook_domain::{
    ClearedLine, CountryCode, DeclarationNo, EventData, Grams, GrantedLine, LicenseChange, LicenseGranted,
    LicenseNo, ShipmentOutcome,
};

/// Whether a licence can be used, as far as events tell it; expiry is a matter of the date asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LicenseStatus {
    /// Nothing that carries this number grants it.
    Unknown,
    /// Granted and not changed since.
    Active,
    /// Suspended and not reinstated.
    Suspended,
    /// Revoked, surrendered or replaced.
    Ended(LicenseChange),
}

/// Balance of one line of a licence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalanceLine {
    /// Goods granted.
    pub granted: GrantedLine,
    /// Grams cleared, reversals taken off.
    pub cleared_g: u64,
}

impl BalanceLine {
    /// Grams left; negative when more was cleared than granted.
    #[must_use]
    pub fn left_g(&self) -> i128 {
        i128::from(self.granted.granted_g.get()) - i128::from(self.cleared_g)
    }
}

/// Balance of a licence over all cases that used its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LicenseBalance {
    /// Number of the licence.
    pub license_no: LicenseNo,
    /// Whether it can be used.
    pub status: LicenseStatus,
    /// Country of destination it was granted for.
    pub destination: Option<CountryCode>,
    /// First day of validity, where stated.
    pub valid_from: Option<Date>,
    /// Last day of validity.
    pub valid_until: Option<Date>,
    /// Balance per line.
    pub lines: Vec<BalanceLine>,
    /// Grams cleared on this number that fit no line of it.
    pub unmatched_g: u64,
    /// Declarations that cleared goods on it, with the grams per line still standing.
    pub uses: BTreeMap<DeclarationNo, Vec<(Option<usize>, u64)>>,
    /// Leaf indexes of the records it rests on.
    pub records: Vec<u64>,
}

impl LicenseBalance {
    fn new(license_no: LicenseNo) -> Self {
        Self {
            license_no,
            status: LicenseStatus::Unknown,
            destination: None,
            valid_from: None,
            valid_until: None,
            lines: Vec::new(),
            unmatched_g: 0,
            uses: BTreeMap::new(),
            records: Vec::new(),
        }
    }

    /// The balance of `license_no` by events in ledger order.
    ///
    /// Observed clearances may be recorded before the grant they rest on, so the grant is looked for first. The first
    /// grant of a number stays in force; a second one is a finding, not an amendment.
    #[must_use]
    pub fn of<'a>(license_no: LicenseNo, events: impl Iterator<Item = (u64, &'a EventData)> + Clone) -> Self {
        let mut balance = Self::new(license_no);
        let grant = events
            .clone()
            .find_map(|(_, data)| grant_of(&balance.license_no, data));
        if let Some(grant) = grant {
            balance.open(grant);
        }
        for (index, data) in events {
            if balance.enter(data) {
                balance.records.push(index);
            }
        }
        balance
    }

    fn open(&mut self, grant: &LicenseGranted) {
        self.status = LicenseStatus::Active;
        self.destination = Some(grant.destination.clone());
        self.valid_from = grant.valid_from;
        self.valid_until = Some(grant.valid_until);
        self.lines = grant
            .lines
            .iter()
            .map(|line| BalanceLine {
                granted: line.clone(),
                cleared_g: 0,
            })
            .collect();
    }

    /// Enters one event; `false` when it is about another licence.
    fn enter(&mut self, data: &EventData) -> bool {
        match data {
            EventData::LicenseGranted(it) => it.license_no == self.license_no,
            EventData::LicenseChanged(it) if it.license_no == self.license_no => {
                self.status = match it.change {
                    LicenseChange::Suspended => LicenseStatus::Suspended,
                    LicenseChange::Reinstated => LicenseStatus::Active,
                    ended @ (LicenseChange::Revoked
                    | LicenseChange::Surrendered
                    | LicenseChange::Replaced) => LicenseStatus::Ended(ended),
                };
                true
            }
            EventData::ShipmentCleared(it) if it.license_no.as_ref() == Some(&self.license_no) => {
                self.clear(&it.declaration_no, &it.lines);
                true
            }
            EventData::ShipmentClosed(it) if it.outcome == ShipmentOutcome::Reversed => {
                self.reverse(&it.declaration_no, it.returned_g.map(Grams::get))
            }
            EventData::LicenseChanged(_)
            | EventData::ShipmentCleared(_)
            | EventData::ShipmentClosed(_)
            | EventData::ApplicationSubmitted(_)
            | EventData::ApplicationClosed(_)
            | EventData::PaperworkQueried(_)
            | EventData::PaperworkAnswered(_)
            | EventData::ShipmentDeclared(_)
            | EventData::RecordCorrected(_)
            | EventData::RecordAnnulled(_) => false,
        }
    }

    /// Grams cleared on this number, reversals taken off.
    #[must_use]
    pub fn cleared_g(&self) -> u64 {
        self.lines
            .iter()
            .map(|line| line.cleared_g)
            .fold(self.unmatched_g, u64::saturating_add)
    }

    /// Grams granted.
    #[must_use]
    pub fn granted_g(&self) -> u64 {
        self.lines
            .iter()
            .map(|line| line.granted.granted_g.get())
            .fold(0, u64::saturating_add)
    }

    fn clear(&mut self, declaration_no: &DeclarationNo, cleared: &[ClearedLine]) {
        let mut entered: Vec<(Option<usize>, u64)> = Vec::new();
        for goods in cleared {
            let grams = goods.cleared_g.get();
            let line = self.line_of(goods);
            self.add(line, grams);
            entered.push((line, grams));
        }
        self.uses
            .entry(declaration_no.clone())
            .or_default()
            .extend(entered);
    }

    fn line_of(&self, goods: &ClearedLine) -> Option<usize> {
        self.lines.iter().position(|line| match goods.line {
            Some(number) => line.granted.line == number,
            None => goods.control_code.as_ref() == Some(&line.granted.control_code),
        })
    }

    fn add(&mut self, line: Option<usize>, grams: u64) {
        match line.and_then(|at| self.lines.get_mut(at)) {
            Some(line) => line.cleared_g = line.cleared_g.saturating_add(grams),
            None => self.unmatched_g = self.unmatched_g.saturating_add(grams),
        }
    }

    fn take_off(&mut self, line: Option<usize>, grams: u64) {
        match line.and_then(|at| self.lines.get_mut(at)) {
            Some(line) => line.cleared_g = line.cleared_g.saturating_sub(grams),
            None => self.unmatched_g = self.unmatched_g.saturating_sub(grams),
        }
    }

    fn reverse(&mut self, declaration_no: &DeclarationNo, returned_g: Option<u64>) -> bool {
        let Some(entered) = self.uses.remove(declaration_no) else {
            return false;
        };
        let mut rest = returned_g.unwrap_or(u64::MAX);
        let mut standing = Vec::new();
        for (line, grams) in entered {
            let back = grams.min(rest);
            rest -= back;
            self.take_off(line, back);
            if back < grams {
                standing.push((line, grams - back));
            }
        }
        if !standing.is_empty() {
            self.uses.insert(declaration_no.clone(), standing);
        }
        true
    }
}

fn grant_of<'a>(license_no: &LicenseNo, data: &'a EventData) -> Option<&'a LicenseGranted> {
    if let EventData::LicenseGranted(it) = data
        && it.license_no == *license_no
    {
        Some(it)
    } else {
        None
    }
}
