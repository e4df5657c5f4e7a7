//! Flags of the commands on a shipment: `declare`, `clear`, `close-shipment`.

use clap::Args;
use portbook_domain::{
    ClearShipment, ClearedLine, CloseShipment, Command, ControlStatus, CountryCode, DeclarationNo,
    DeclareShipment, Digest, Grams, LicenseNo, PortCode, ShipmentOutcome, Text,
};

use super::Fields;
use super::evidence::EvidenceArgs;
use super::line::cleared_line;
use super::word::{kilograms, one_of};
use crate::failure::Failure;

pub(super) const STATUSES: &[ControlStatus] = &[
    ControlStatus::Controlled,
    ControlStatus::NotControlled,
    ControlStatus::DeterminedNotControlled,
    ControlStatus::Exempt,
];
pub(super) const OUTCOMES: &[ShipmentOutcome] = &[
    ShipmentOutcome::Rejected,
    ShipmentOutcome::Cancelled,
    ShipmentOutcome::Reversed,
];

/// Fields of `declare`.
#[derive(Debug, Args)]
pub(crate) struct DeclareFields {
    /// Number of the declaration
    #[arg(long, value_name = "NUMBER")]
    declaration_no: DeclarationNo,
    /// Port of declaration, UN/LOCODE
    #[arg(long)]
    port: PortCode,
    /// Licence the goods are declared under
    #[arg(long, value_name = "NUMBER")]
    license_no: Option<LicenseNo>,
    /// Whether the goods are declared as controlled
    #[arg(long, value_parser = one_of(STATUSES, ControlStatus::word))]
    control_status: ControlStatus,
    /// Country of final destination, ISO 3166-1 alpha-2
    #[arg(long, value_name = "COUNTRY")]
    destination: CountryCode,
    /// Goods: [NUMBER,]hs=…[,code=…][,element=…],kg=… (at most 3 decimal places) or g=…; repeatable
    #[arg(long = "line", value_name = "LINE", required = true, value_parser = cleared_line)]
    lines: Vec<ClearedLine>,
    /// Commitment to the consignee's identity: SHA-256, 64 lower-case hexadecimal digits
    #[arg(long, value_name = "SHA256")]
    consignee_commitment: Option<Digest>,
    /// Mode of transport
    #[arg(long, value_name = "TEXT")]
    transport_mode: Option<Text>,
}

/// Fields of `clear`.
#[derive(Debug, Args)]
pub(crate) struct ClearFields {
    /// Number of the declaration
    #[arg(long, value_name = "NUMBER")]
    declaration_no: DeclarationNo,
    /// Port of clearance, UN/LOCODE
    #[arg(long)]
    port: PortCode,
    /// Licence the goods are cleared under
    #[arg(long, value_name = "NUMBER")]
    license_no: Option<LicenseNo>,
    /// Whether the goods are controlled
    #[arg(long, value_parser = one_of(STATUSES, ControlStatus::word))]
    control_status: ControlStatus,
    /// Country of final destination, ISO 3166-1 alpha-2
    #[arg(long, value_name = "COUNTRY")]
    destination: CountryCode,
    /// Goods: [NUMBER,]hs=…[,code=…][,element=…],kg=… (at most 3 decimal places) or g=…; repeatable
    #[arg(long = "line", value_name = "LINE", required = true, value_parser = cleared_line)]
    lines: Vec<ClearedLine>,
    #[command(flatten)]
    evidence: EvidenceArgs,
}

/// Fields of `close-shipment`.
#[derive(Debug, Args)]
pub(crate) struct CloseFields {
    /// Number of the declaration
    #[arg(long, value_name = "NUMBER")]
    declaration_no: DeclarationNo,
    /// How it ends; a clearance is undone by `reversed`
    #[arg(long, value_parser = one_of(OUTCOMES, ShipmentOutcome::word))]
    outcome: ShipmentOutcome,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason_code: Text,
    /// Mass that came back after a reversal, in kilograms with at most 3 decimal places [default: all of it]
    #[arg(long = "returned-kg", value_name = "KG", value_parser = kilograms)]
    returned_g: Option<Grams>,
}

impl Fields for DeclareFields {
    const VERB: &'static str = "declare-shipment";

    fn command(&self) -> Result<Command, Failure> {
        Ok(Command::DeclareShipment(DeclareShipment {
            declaration_no: self.declaration_no.clone(),
            port: self.port.clone(),
            license_no: self.license_no.clone(),
            control_status: self.control_status,
            destination: self.destination.clone(),
            lines: self.lines.clone(),
            consignee_commitment: self.consignee_commitment.clone(),
            transport_mode: self.transport_mode.clone(),
        }))
    }
}

impl Fields for ClearFields {
    const VERB: &'static str = "clear-shipment";

    fn command(&self) -> Result<Command, Failure> {
        Ok(Command::ClearShipment(ClearShipment {
            declaration_no: self.declaration_no.clone(),
            port: self.port.clone(),
            license_no: self.license_no.clone(),
            control_status: self.control_status,
            destination: self.destination.clone(),
            lines: self.lines.clone(),
            evidence: self.evidence.gather()?,
        }))
    }
}

impl Fields for CloseFields {
    const VERB: &'static str = "close-shipment";

    fn command(&self) -> Result<Command, Failure> {
        Ok(Command::CloseShipment(CloseShipment {
            declaration_no: self.declaration_no.clone(),
            outcome: self.outcome,
            reason_code: self.reason_code.clone(),
            returned_g: self.returned_g,
        }))
    }
}
