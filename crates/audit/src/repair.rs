//! Corrections and annulments of one case: which of them take effect, and how its events read once they have.

use std::collections::BTreeMap;

use portbook_domain::{Event, EventData, FieldPatch, RecordAnnulled, RecordCorrected, Text};
use portbook_fold::{Book, lookup};
use portbook_ledger::{Chain, Index, Leaf, leaf_hash};
use portbook_store::{StoreReader, Verdict};
use portbook_views::Placement;
use portbook_wire::{Envelope, patched_event};

use crate::attestor::verdict_on;
use crate::question::{AsOf, QuestionError, RecordAt, Records, load, record};

/// A correction or annulment as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// Where it stands.
    pub place: Placement,
    /// Leaf index of what it repairs, if the case has that.
    pub target: Option<u64>,
    /// The fields it corrects; none for an annulment.
    pub patches: Option<Vec<FieldPatch>>,
    /// Why.
    pub reason: Text,
    /// Who asked for it.
    pub requested_by: Option<Text>,
    /// Who approved it.
    pub approved_by: Text,
    /// Why it takes no effect; none when it does.
    pub idle: Option<Idle>,
}

/// Why a repair takes no effect. It is recorded all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Idle {
    /// Nobody who may sign it did.
    #[error("its signature is {}", .0.word())]
    Unsupported(Verdict),
    /// One person alone.
    #[error("no second person approved it")]
    OnePerson,
    /// The case has no such event before it, or another record of it is meant.
    #[error("no earlier record of the case has that event id and leaf hash")]
    NoTarget,
    /// It stands in another port's timeline than what it repairs, where nobody would look for it.
    #[error("it stands in the chain {0}, what it repairs does not")]
    Elsewhere(Chain),
    /// An outside source repairs what is not its own.
    #[error("an outside source repairs its own events only")]
    NotItsOwn,
    /// An annulment stands for ever.
    #[error("an annulment is final")]
    Final,
    /// It was annulled, or what it repairs was.
    #[error("it or its target was annulled by leaf {0}")]
    Annulled(u64),
    /// The correction does not fit the event.
    #[error("{0}")]
    Unfit(String),
}

/// What repairs made of one event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// Leaf index of the annulment.
    pub annulled_by: Option<u64>,
    /// Leaf indexes of the corrections in force, in order.
    pub corrected_by: Vec<u64>,
    /// Body of the event as corrected, when it was.
    pub corrected: Option<Vec<u8>>,
}

/// The repairs of one case and what they amount to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Repairs {
    /// In the order of the ledger.
    pub repairs: Vec<Repair>,
    /// By the leaf index of the event; events as recorded are left out.
    pub standing: BTreeMap<u64, Standing>,
}

/// Events as corrected, where they stand.
pub type Corrected = Vec<(Placement, Event)>;

/// The repairs of the case called `case`, of those that `as_of` lets through.
///
/// # Errors
/// [`QuestionError`].
pub fn repairs(reader: &StoreReader, case: &str, as_of: &AsOf) -> Result<Repairs, QuestionError> {
    let indexes = reader.case_records(&lookup::of_case(case))?;
    repairs_among(reader, &load(reader, &indexes, as_of)?)
}

/// The repairs among the records of one case.
///
/// # Errors
/// [`QuestionError`].
pub fn repairs_among(reader: &StoreReader, records: &Records) -> Result<Repairs, QuestionError> {
    let mut found = Repairs::default();
    if !records.events.iter().any(|(_, _, event)| is_repair(&event.data)) {
        return Ok(found);
    }
    let book = reader.book()?;
    let mut judging = Judging {
        reader,
        book: &book,
        records,
    };
    for event in &records.events {
        if let Some(repair) = judging.repair_of(event)? {
            found.repairs.push(repair);
        }
    }
    found.settle_annulments();
    found.apply_corrections(&mut judging)?;
    Ok(found)
}

impl Repairs {
    /// The events of the case as they read with every repair that takes effect.
    #[must_use]
    pub fn corrected(&self, records: &Records) -> Corrected {
        let standing = |place: &Placement| self.standing.get(&place.index);
        let events = records.events.iter().filter_map(|(place, _, event)| {
            let Some(standing) = standing(place) else {
                return Some((*place, event.clone()));
            };
            if standing.annulled_by.is_some() {
                return None;
            }
            let corrected = standing.corrected.as_ref();
            let corrected = corrected.and_then(|body| portbook_wire::decode_event(body).ok());
            Some((
                *place,
                corrected.map_or_else(|| event.clone(), |(_, event)| event),
            ))
        });
        events.collect()
    }

    /// The repairs that are about the record at `leaf`.
    pub fn of(&self, leaf: u64) -> impl Iterator<Item = &Repair> {
        self.repairs
            .iter()
            .filter(move |repair| repair.target == Some(leaf))
    }

    fn settle_annulments(&mut self) {
        for repair in &self.repairs {
            if let (None, None, Some(target)) = (&repair.patches, &repair.idle, repair.target) {
                let standing = self.standing.entry(target).or_default();
                standing.annulled_by.get_or_insert(repair.place.index);
            }
        }
        let annulled = |leaf: u64| self.standing.get(&leaf).and_then(|standing| standing.annulled_by);
        for repair in &mut self.repairs {
            let by = annulled(repair.place.index).or_else(|| repair.target.and_then(annulled));
            if let (Some(by), None) = (by, &repair.idle)
                && by != repair.place.index
            {
                repair.idle = Some(Idle::Annulled(by));
            }
        }
    }

    fn apply_corrections(&mut self, judging: &mut Judging<'_>) -> Result<(), QuestionError> {
        for repair in &mut self.repairs {
            let (Some(patches), None, Some(target)) = (&repair.patches, &repair.idle, repair.target) else {
                continue;
            };
            let before = self
                .standing
                .get(&target)
                .and_then(|standing| standing.corrected.clone());
            let before = match before {
                Some(body) => body,
                None => judging.body_of(target)?,
            };
            match patched_event(&before, patches) {
                Ok((body, _, _)) => {
                    let standing = self.standing.entry(target).or_default();
                    standing.corrected_by.push(repair.place.index);
                    standing.corrected = Some(body);
                }
                Err(error) => repair.idle = Some(Idle::Unfit(error.to_string())),
            }
        }
        Ok(())
    }
}

struct Judging<'a> {
    reader: &'a StoreReader,
    book: &'a Book,
    records: &'a Records,
}

/// A repair's claims, whichever of the two it is.
struct Claims<'a> {
    event_id: &'a str,
    leaf_hash: &'a str,
    patches: Option<Vec<FieldPatch>>,
    reason: &'a Text,
    requested_by: &'a Option<Text>,
    approved_by: &'a Text,
}

impl Judging<'_> {
    fn repair_of(
        &mut self,
        (place, envelope, event): &(Placement, Envelope, Event),
    ) -> Result<Option<Repair>, QuestionError> {
        let Some(claims) = claims_of(&event.data) else {
            return Ok(None);
        };
        let target = self.target_of(place, &claims)?;
        let idle = self.idleness(place, envelope, &claims, target)?;
        Ok(Some(Repair {
            place: *place,
            target: target.map(|(target, _, _)| target.index),
            patches: claims.patches,
            reason: claims.reason.clone(),
            requested_by: claims.requested_by.clone(),
            approved_by: claims.approved_by.clone(),
            idle,
        }))
    }

    fn idleness(
        &self,
        place: &Placement,
        envelope: &Envelope,
        claims: &Claims<'_>,
        target: Option<&(Placement, Envelope, Event)>,
    ) -> Result<Option<Idle>, QuestionError> {
        let found = self.leaf(place.index)?;
        let index = Index::new(place.index).ok_or(QuestionError::NoLeaf { index: place.index })?;
        let verdict = verdict_on(self.reader, self.book, index, &found.bytes)?;
        if verdict != Verdict::Valid {
            return Ok(Some(Idle::Unsupported(verdict)));
        }
        if claims
            .requested_by
            .as_ref()
            .is_none_or(|person| person == claims.approved_by)
        {
            return Ok(Some(Idle::OnePerson));
        }
        let Some((target_place, of_target, event)) = target else {
            return Ok(Some(Idle::NoTarget));
        };
        let chain = chain_of(&found)?;
        if chain_of(&self.leaf(target_place.index)?)? != chain {
            return Ok(chain.map(Idle::Elsewhere));
        }
        let decides = envelope.source.as_str().starts_with("urn:portbook:svc:");
        if !decides && envelope.source != of_target.source {
            return Ok(Some(Idle::NotItsOwn));
        }
        let is_final = matches!(event.data, EventData::RecordAnnulled(_));
        Ok((is_final && claims.patches.is_none()).then_some(Idle::Final))
    }

    /// The earlier record of the case that the claims name by id and by leaf hash.
    fn target_of(
        &self,
        place: &Placement,
        claims: &Claims<'_>,
    ) -> Result<Option<&(Placement, Envelope, Event)>, QuestionError> {
        let earlier = self
            .records
            .events
            .iter()
            .filter(|(at, _, event)| at.index < place.index && event.id.as_str() == claims.event_id);
        for candidate in earlier {
            if leaf_hash(&self.leaf(candidate.0.index)?.bytes).to_hex() == claims.leaf_hash {
                return Ok(Some(candidate));
            }
        }
        Ok(None)
    }

    fn body_of(&self, leaf: u64) -> Result<Vec<u8>, QuestionError> {
        match self.leaf(leaf)?.leaf()? {
            Leaf::Record(record) => Ok(record.body.to_vec()),
            Leaf::Seal(_) => Err(QuestionError::NoLeaf { index: leaf }),
        }
    }

    fn leaf(&self, leaf: u64) -> Result<RecordAt, QuestionError> {
        record(
            self.reader,
            Index::new(leaf).ok_or(QuestionError::NoLeaf { index: leaf })?,
        )
    }
}

fn chain_of(found: &RecordAt) -> Result<Option<Chain>, QuestionError> {
    match found.leaf()? {
        Leaf::Record(record) => Ok(Some(record.chain)),
        Leaf::Seal(_) => Ok(None),
    }
}

/// Whether an event is about another record.
pub(crate) const fn is_repair(data: &EventData) -> bool {
    matches!(data, EventData::RecordCorrected(_) | EventData::RecordAnnulled(_))
}

fn claims_of(data: &EventData) -> Option<Claims<'_>> {
    match data {
        EventData::RecordCorrected(RecordCorrected {
            target_event_id,
            target_leaf,
            field_patches,
            reason,
            requested_by,
            approved_by,
        }) => Some(Claims {
            event_id: target_event_id.as_str(),
            leaf_hash: target_leaf.as_str(),
            patches: Some(field_patches.clone()),
            reason,
            requested_by,
            approved_by,
        }),
        EventData::RecordAnnulled(RecordAnnulled {
            target_event_id,
            target_leaf,
            reason,
            requested_by,
            approved_by,
        }) => Some(Claims {
            event_id: target_event_id.as_str(),
            leaf_hash: target_leaf.as_str(),
            patches: None,
            reason,
            requested_by,
            approved_by,
        }),
        EventData::ApplicationSubmitted(_)
        | EventData::ApplicationClosed(_)
        | EventData::PaperworkQueried(_)
        | EventData::PaperworkAnswered(_)
        | EventData::LicenseGranted(_)
        | EventData::LicenseChanged(_)
        | EventData::ShipmentDeclared(_)
        | EventData::ShipmentCleared(_)
        | EventData::ShipmentClosed(_) => None,
    }
}
