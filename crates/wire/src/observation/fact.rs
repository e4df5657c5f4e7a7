//! From a row to the event it states: which columns each type has, and what they mean.

use jiff::Timestamp;
use portbook_domain::{
    ApplicationClosed, ApplicationLine, ApplicationSubmitted, ClearedLine, DeclarationNo, EventData, EventId,
    Evidence, Grams, GrantedLine, Lane, LicenseChanged, LicenseGranted, LicenseNo, PaperworkAnswered,
    PaperworkQueried, PortCode, QueryId, QueryStage, ShipmentCleared, ShipmentClosed, ShipmentDeclared, Text,
};
use serde::Deserialize;

use super::{
    Identity, Observation,
    cell::{Cell, Flaw, LineRule, checked, count, date, flag, moment, word},
    mass::{grams, kilograms},
    row::Row,
};

/// Longest id a file may give a fact, in bytes.
const EXTERNAL_ID_BYTES_MAX: usize = 128;

/// The types of observation files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FactType {
    ApplicationSubmitted,
    PaperworkQuery,
    PaperworkAnswer,
    LicenseGranted,
    LicenseChanged,
    ApplicationClosed,
    ShipmentDeclared,
    ShipmentCleared,
    ShipmentClosed,
}

impl FactType {
    const fn name(self) -> &'static str {
        match self {
            Self::ApplicationSubmitted => "application_submitted",
            Self::PaperworkQuery => "paperwork_query",
            Self::PaperworkAnswer => "paperwork_answer",
            Self::LicenseGranted => "license_granted",
            Self::LicenseChanged => "license_changed",
            Self::ApplicationClosed => "application_closed",
            Self::ShipmentDeclared => "shipment_declared",
            Self::ShipmentCleared => "shipment_cleared",
            Self::ShipmentClosed => "shipment_closed",
        }
    }
}

impl Row<'_> {
    pub(super) fn into_observation(mut self, line: u64) -> Result<Observation, Flaw> {
        let identity = self.identity()?;
        let type_: FactType = self.type_.need(|cell| word(cell))?;
        let case = self.case_id.need(checked)?;
        let occurred_at = self.occurred_at.need(moment)?;
        let recorded_at = self.recorded_at.take(moment)?;
        let port: PortCode = self.port.need(checked)?;
        let simulated = self.simulated.take(flag)?.unwrap_or(false);
        let data = self.take_data(type_, &port, occurred_at)?;
        self.finish(type_.name())?;
        Ok(Observation {
            line,
            identity,
            case,
            port,
            occurred_at,
            recorded_at,
            simulated,
            data,
        })
    }

    fn identity(&mut self) -> Result<Identity, Flaw> {
        if !self.event_id.is_filled() {
            return Ok(Identity::Content(self.content()));
        }
        self.event_id.need(|cell| {
            let text = cell.written();
            match EventId::new(text) {
                Ok(id) => Ok(Identity::Id(id)),
                Err(_) if (1..=EXTERNAL_ID_BYTES_MAX).contains(&text.len()) => {
                    Ok(Identity::External(text.to_owned()))
                }
                Err(_) => Err(cell.unlike("an id of 1 to 128 bytes")),
            }
        })
    }

    fn take_data(
        &mut self,
        type_: FactType,
        port: &PortCode,
        occurred_at: Timestamp,
    ) -> Result<EventData, Flaw> {
        Ok(match type_ {
            FactType::ApplicationSubmitted => EventData::ApplicationSubmitted(self.take_submitted(port)?),
            FactType::PaperworkQuery => EventData::PaperworkQueried(self.take_queried()?),
            FactType::PaperworkAnswer => EventData::PaperworkAnswered(self.take_answered()?),
            FactType::LicenseGranted => EventData::LicenseGranted(self.take_granted(port)?),
            FactType::LicenseChanged => EventData::LicenseChanged(self.take_changed(occurred_at)?),
            FactType::ApplicationClosed => EventData::ApplicationClosed(self.take_application_closed()?),
            FactType::ShipmentDeclared => EventData::ShipmentDeclared(self.take_declared(port)?),
            FactType::ShipmentCleared => EventData::ShipmentCleared(self.take_cleared(port)?),
            FactType::ShipmentClosed => EventData::ShipmentClosed(self.take_shipment_closed()?),
        })
    }

    fn take_submitted(&mut self, port: &PortCode) -> Result<ApplicationSubmitted, Flaw> {
        Ok(ApplicationSubmitted {
            external_ref: None,
            applicant: None,
            end_user_commitment: None,
            end_use: None,
            destination: self.destination.need(checked)?,
            exit_port: port.clone(),
            lines: vec![ApplicationLine {
                line: 1,
                hs: self.hs.need(checked)?,
                control_code: self.control_code.need(checked)?,
                element: self.element.need(checked)?,
                form: None,
                net_mass_g: self.need_mass()?,
            }],
            kind: None,
            lane: self.need_lane()?,
            evidence: self.take_evidence()?,
        })
    }

    fn take_queried(&mut self) -> Result<PaperworkQueried, Flaw> {
        let (stage, round, declaration_no) = self.take_query()?;
        Ok(PaperworkQueried {
            query_id: QueryId::of_round(stage, declaration_no.as_ref(), round),
            stage,
            round,
            authority: self.authority.need(checked)?,
            reason: self.reason.need(checked)?,
            notice_no: None,
            declaration_no,
            reply_due: self.reply_due.take(date)?,
        })
    }

    fn take_answered(&mut self) -> Result<PaperworkAnswered, Flaw> {
        let (stage, round, declaration_no) = self.take_query()?;
        Ok(PaperworkAnswered {
            query_id: QueryId::of_round(stage, declaration_no.as_ref(), round),
            answered_by: None,
            evidence: self.take_evidence()?,
            complete: true,
        })
    }

    fn take_granted(&mut self, port: &PortCode) -> Result<LicenseGranted, Flaw> {
        Ok(LicenseGranted {
            license_no: self.license_no.need(checked)?,
            kind: None,
            uses_allowed: self.uses_allowed.take(count)?,
            valid_from: self.valid_from.take(date)?,
            valid_until: self.valid_until.need(date)?,
            destination: self.destination.need(checked)?,
            exit_ports: vec![port.clone()],
            lines: vec![GrantedLine {
                line: 1,
                hs: self.hs.need(checked)?,
                control_code: self.control_code.need(checked)?,
                element: self.element.need(checked)?,
                granted_g: self.need_mass()?,
            }],
            lane: self.need_lane()?,
            authority: self.authority.take(checked)?,
            evidence: self.take_evidence()?,
        })
    }

    fn take_changed(&mut self, occurred_at: Timestamp) -> Result<LicenseChanged, Flaw> {
        Ok(LicenseChanged {
            license_no: self.license_no.need(checked)?,
            change: self.outcome.need(|cell| word(cell))?,
            effective_at: occurred_at,
            reason_code: self.reason.take(checked)?,
            replaced_by: None,
        })
    }

    fn take_application_closed(&mut self) -> Result<ApplicationClosed, Flaw> {
        Ok(ApplicationClosed {
            outcome: self.outcome.need(|cell| word(cell))?,
            reason_code: self.reason.take(checked)?,
            evidence: self.take_evidence()?,
        })
    }

    fn take_declared(&mut self, port: &PortCode) -> Result<ShipmentDeclared, Flaw> {
        let license_no = self.license_no.take(checked)?;
        Ok(ShipmentDeclared {
            declaration_no: self.declaration_no.need(checked)?,
            port: port.clone(),
            control_status: self.control_status.need(|cell| word(cell))?,
            destination: self.destination.take(checked)?,
            lines: self.take_goods(license_no.as_ref())?,
            license_no,
            consignee_commitment: None,
            transport_mode: None,
        })
    }

    fn take_cleared(&mut self, port: &PortCode) -> Result<ShipmentCleared, Flaw> {
        let license_no = self.license_no.take(checked)?;
        Ok(ShipmentCleared {
            declaration_no: self.declaration_no.need(checked)?,
            port: port.clone(),
            control_status: self.control_status.need(|cell| word(cell))?,
            destination: self.destination.need(checked)?,
            lines: self.take_goods(license_no.as_ref())?,
            license_no,
            evidence: self.take_evidence()?,
        })
    }

    fn take_shipment_closed(&mut self) -> Result<ShipmentClosed, Flaw> {
        Ok(ShipmentClosed {
            declaration_no: self.declaration_no.need(checked)?,
            outcome: self.outcome.need(|cell| word(cell))?,
            reason_code: self.reason.take(checked)?,
            returned_g: self.take_mass()?,
        })
    }

    /// What a query and its answer agree on: a case has one query per stage, declaration and round.
    fn take_query(&mut self) -> Result<(QueryStage, u16, Option<DeclarationNo>), Flaw> {
        let stage = self.stage.need(|cell| word(cell))?;
        Ok((stage, self.round.need(count)?, self.declaration_no.take(checked)?))
    }

    /// Goods of a shipment. Their line is that of the licence; without a licence there is none to name.
    fn take_goods(&mut self, license_no: Option<&LicenseNo>) -> Result<Vec<ClearedLine>, Flaw> {
        Ok(vec![ClearedLine {
            line: license_no.map(|_| 1),
            hs: self.hs.need(checked)?,
            control_code: self.control_code.take(checked)?,
            element: self.element.take(checked)?,
            cleared_g: self.need_mass()?,
        }])
    }

    fn need_lane(&mut self) -> Result<Lane, Flaw> {
        Ok(if self.expedited.need(flag)? {
            Lane::Expedited
        } else {
            Lane::Standard
        })
    }

    fn need_mass(&mut self) -> Result<Grams, Flaw> {
        self.take_mass()?
            .ok_or_else(|| self.qty_kg.flaw(LineRule::Missing))
    }

    fn take_mass(&mut self) -> Result<Option<Grams>, Flaw> {
        if self.qty_kg.is_filled() && self.qty_g.is_filled() {
            return Err(self.qty_g.flaw(LineRule::MassTwice));
        }
        let from_kilograms = self.qty_kg.take(kilograms)?;
        Ok(from_kilograms.or(self.qty_g.take(grams)?))
    }

    fn take_evidence(&mut self) -> Result<Vec<Evidence>, Flaw> {
        let evidence = self.doc_digest.take(|cell| {
            let kind = checked::<Text>(&Cell::Text("document".into()))?;
            Ok(Evidence {
                kind,
                sha256: checked(cell)?,
                size: None,
                media_type: None,
            })
        })?;
        Ok(evidence.into_iter().collect())
    }
}
