//! From rows to compact facts, and back.

use std::borrow::Cow;
use std::fmt::Debug;
use std::str::FromStr;

use portbook_domain::{
    CaseId, ControlCode, CountryCode, DeclarationNo, Digest, Element, LicenseNo, PortCode, Text,
};

use super::Facts;
use super::fact::{Cleared, Declared, Fact, Goods, Granted, Queried, Repeat, Span, Submitted, Told};
use super::names::{Name, Names};
use super::row::{FactRow, GoodsRow, ToldRow};
use crate::timeline::RecordClass;

impl Facts {
    /// Every record as it was recorded, by leaf.
    pub fn rows(&self) -> impl Iterator<Item = (u64, Cow<'_, FactRow>)> {
        let facts = self.all.iter().filter(|fact| !fact.is_copy).map(Written::Fact);
        let repeats = self.repeats.iter().map(Written::Repeat);
        let repairs = self
            .repairs
            .records
            .iter()
            .map(|(leaf, row)| Written::Repair(*leaf, row));
        let mut all: Vec<Written<'_>> = facts.chain(repeats).chain(repairs).collect();
        all.sort_unstable_by_key(Written::leaf);
        all.into_iter().map(|written| match written {
            Written::Fact(fact) => (fact.leaf, Cow::Owned(self.row_of(fact))),
            Written::Repeat(repeat) => (repeat.leaf, Cow::Owned(self.row_of_repeat(repeat))),
            Written::Repair(leaf, row) => (leaf, Cow::Borrowed(row)),
        })
    }

    pub(super) fn row_of(&self, fact: &Fact) -> FactRow {
        FactRow {
            class: RecordClass::Event,
            refers_to: None,
            event: fact.event(),
            case: kept(self.cases.text(fact.case)),
            port: kept(self.words.text(fact.port)),
            port_as_written: kept(self.words.text(fact.port_as_written)),
            occurred_at_ns: fact.occurred_at_ns,
            stated_at_ns: fact.stated_at_ns,
            simulated: fact.simulated,
            told: self.written(&fact.told),
        }
    }

    fn row_of_repeat(&self, repeat: &Repeat) -> FactRow {
        let port: PortCode = kept(self.words.text(repeat.port));
        let case: CaseId = kept(self.cases.text(repeat.case));
        FactRow {
            class: if repeat.is_conflict {
                RecordClass::Conflict
            } else {
                RecordClass::Redelivery
            },
            refers_to: repeat.refers_to,
            event: u128::from_be_bytes(repeat.event),
            case,
            port,
            port_as_written: kept(self.words.text(repeat.port_as_written)),
            occurred_at_ns: repeat.occurred_at_ns,
            stated_at_ns: repeat.stated_at_ns,
            simulated: repeat.simulated,
            told: ToldRow::Repeated,
        }
    }

    /// The compact form of a row's content; none for what adds no fact.
    pub(super) fn compact(&mut self, told: &ToldRow) -> Option<Told> {
        Some(match told {
            ToldRow::Submitted {
                destination,
                applicant,
                end_user,
                lane,
                lines,
            } => Told::Submitted(Submitted {
                destination: self.words.keep(destination.as_str()),
                applicant: keep(&mut self.words, applicant.as_ref().map(Text::as_str)),
                end_user: keep(&mut self.words, end_user.as_ref().map(Digest::as_str)),
                lane: *lane,
                lines: self.keep_goods(lines),
            }),
            ToldRow::Closed { outcome } => Told::Closed(*outcome),
            ToldRow::Queried {
                stage,
                round,
                query_id,
                declaration_no,
                reply_due,
            } => Told::Queried(Queried {
                stage: *stage,
                round: *round,
                query: self.words.keep(query_id.as_str()),
                declaration: keep(
                    &mut self.declarations,
                    declaration_no.as_ref().map(DeclarationNo::as_str),
                ),
                reply_due: *reply_due,
            }),
            ToldRow::Answered { query_id, complete } => Told::Answered {
                query: self.words.keep(query_id.as_str()),
                complete: *complete,
            },
            ToldRow::Granted { .. } => self.compact_grant(told)?,
            ToldRow::Changed {
                license_no,
                change,
                effective_at_ns,
            } => Told::Changed {
                license: self.licenses.keep(license_no.as_str()),
                change: *change,
                effective_at_ns: *effective_at_ns,
            },
            ToldRow::Declared { .. } | ToldRow::Cleared { .. } => self.compact_shipment(told)?,
            ToldRow::ShipmentEnded {
                declaration_no,
                outcome,
                returned_g,
            } => Told::ShipmentEnded {
                declaration: self.declarations.keep(declaration_no.as_str()),
                outcome: *outcome,
                returned_g: *returned_g,
            },
            ToldRow::Corrected { .. } | ToldRow::Annulled { .. } | ToldRow::Repeated => return None,
        })
    }

    fn compact_grant(&mut self, told: &ToldRow) -> Option<Told> {
        let ToldRow::Granted {
            license_no,
            kind,
            uses_allowed,
            valid_from,
            valid_until,
            destination,
            exit_ports,
            lane,
            lines,
        } = told
        else {
            return None;
        };
        let ports = exit_ports
            .iter()
            .map(|port| self.words.keep(port.as_str()))
            .collect();
        Some(Told::Granted(Granted {
            license: self.licenses.keep(license_no.as_str()),
            kind: *kind,
            uses_allowed: *uses_allowed,
            valid_from: *valid_from,
            valid_until: *valid_until,
            destination: self.words.keep(destination.as_str()),
            exit_ports: append(&mut self.exit_ports, ports),
            lane: *lane,
            lines: self.keep_goods(lines),
        }))
    }

    fn compact_shipment(&mut self, told: &ToldRow) -> Option<Told> {
        if let ToldRow::Declared {
            declaration_no,
            license_no,
            control_status,
            destination,
            lines,
        } = told
        {
            return Some(Told::Declared(Declared {
                declaration: self.declarations.keep(declaration_no.as_str()),
                license: keep(&mut self.licenses, license_no.as_ref().map(LicenseNo::as_str)),
                control_status: *control_status,
                destination: keep(&mut self.words, destination.as_ref().map(CountryCode::as_str)),
                lines: self.keep_goods(lines),
            }));
        }
        let ToldRow::Cleared {
            declaration_no,
            license_no,
            control_status,
            destination,
            lines,
            documents,
        } = told
        else {
            return None;
        };
        Some(Told::Cleared(Cleared {
            declaration: self.declarations.keep(declaration_no.as_str()),
            license: keep(&mut self.licenses, license_no.as_ref().map(LicenseNo::as_str)),
            control_status: *control_status,
            destination: self.words.keep(destination.as_str()),
            lines: self.keep_goods(lines),
            documents: append(&mut self.documents, documents.clone()),
        }))
    }

    fn keep_goods(&mut self, lines: &[GoodsRow]) -> Span {
        let words = &mut self.words;
        let goods = lines.iter().map(|line| Goods {
            grams: line.grams,
            hs: words.keep(line.hs.as_str()),
            control_code: keep(words, line.control_code.as_ref().map(ControlCode::as_str)),
            element: keep(words, line.element.as_ref().map(Element::as_str)),
            form: keep(words, line.form.as_ref().map(Text::as_str)),
            line: line.line,
        });
        let goods = goods.collect();
        append(&mut self.goods, goods)
    }

    fn written(&self, told: &Told) -> ToldRow {
        match told {
            Told::Submitted(it) => ToldRow::Submitted {
                destination: self.kept_word(it.destination),
                applicant: it.applicant.map(|name| self.kept_word(name)),
                end_user: it.end_user.map(|name| self.kept_word(name)),
                lane: it.lane,
                lines: self.written_goods(it.lines),
            },
            Told::Closed(outcome) => ToldRow::Closed { outcome: *outcome },
            Told::Queried(it) => ToldRow::Queried {
                stage: it.stage,
                round: it.round,
                query_id: self.kept_word(it.query),
                declaration_no: it.declaration.map(|name| kept(self.declarations.text(name))),
                reply_due: it.reply_due,
            },
            Told::Answered { query, complete } => ToldRow::Answered {
                query_id: self.kept_word(*query),
                complete: *complete,
            },
            Told::Granted(it) => self.written_grant(it),
            Told::Changed {
                license,
                change,
                effective_at_ns,
            } => ToldRow::Changed {
                license_no: kept(self.licenses.text(*license)),
                change: *change,
                effective_at_ns: *effective_at_ns,
            },
            Told::Declared(it) => ToldRow::Declared {
                declaration_no: kept(self.declarations.text(it.declaration)),
                license_no: it.license.map(|name| kept(self.licenses.text(name))),
                control_status: it.control_status,
                destination: it.destination.map(|name| self.kept_word(name)),
                lines: self.written_goods(it.lines),
            },
            Told::Cleared(it) => ToldRow::Cleared {
                declaration_no: kept(self.declarations.text(it.declaration)),
                license_no: it.license.map(|name| kept(self.licenses.text(name))),
                control_status: it.control_status,
                destination: self.kept_word(it.destination),
                lines: self.written_goods(it.lines),
                documents: it.documents.of(&self.documents).to_vec(),
            },
            Told::ShipmentEnded {
                declaration,
                outcome,
                returned_g,
            } => ToldRow::ShipmentEnded {
                declaration_no: kept(self.declarations.text(*declaration)),
                outcome: *outcome,
                returned_g: *returned_g,
            },
        }
    }

    fn written_grant(&self, it: &Granted) -> ToldRow {
        let ports = it.exit_ports.of(&self.exit_ports).iter();
        ToldRow::Granted {
            license_no: kept(self.licenses.text(it.license)),
            kind: it.kind,
            uses_allowed: it.uses_allowed,
            valid_from: it.valid_from,
            valid_until: it.valid_until,
            destination: self.kept_word(it.destination),
            exit_ports: ports.map(|name| self.kept_word(*name)).collect(),
            lane: it.lane,
            lines: self.written_goods(it.lines),
        }
    }

    fn written_goods(&self, lines: Span) -> Vec<GoodsRow> {
        let goods = lines.of(&self.goods).iter().map(|it| GoodsRow {
            line: it.line,
            hs: self.kept_word(it.hs),
            control_code: it.control_code.map(|name| self.kept_word(name)),
            element: it.element.map(|name| self.kept_word(name)),
            form: it.form.map(|name| self.kept_word(name)),
            grams: it.grams,
        });
        goods.collect()
    }

    fn kept_word<T: FromStr<Err: Debug>>(&self, name: Name) -> T {
        kept(self.words.text(name))
    }
}

/// A record, wherever it is kept.
enum Written<'a> {
    Fact(&'a Fact),
    Repeat(&'a Repeat),
    Repair(u64, &'a FactRow),
}

impl Written<'_> {
    const fn leaf(&self) -> u64 {
        match self {
            Self::Fact(fact) => fact.leaf,
            Self::Repeat(repeat) => repeat.leaf,
            Self::Repair(leaf, _) => *leaf,
        }
    }
}

/// What a kept text was before it was kept.
#[expect(clippy::expect_used, reason = "only texts that passed their grammar are kept")]
fn kept<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse()
        .expect("a kept text follows the grammar it was kept under")
}

fn keep(names: &mut Names, text: Option<&str>) -> Option<Name> {
    text.map(|text| names.keep(text))
}

fn append<T>(table: &mut Vec<T>, entries: Vec<T>) -> Span {
    let span = Span {
        at: u32::try_from(table.len()).unwrap_or(u32::MAX),
        count: u16::try_from(entries.len()).unwrap_or(u16::MAX),
    };
    table.extend(entries);
    span
}
