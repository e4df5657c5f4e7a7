//! Flags of the commands on a licence: `grant`, `change-license`.

use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;
use portbook_domain::{
    ChangeLicense, Command, CountryCode, GrantLicense, GrantedLine, Lane, LicenseChange, LicenseKind,
    LicenseNo, PortCode, Text,
};

use super::Fields;
use super::application::{KINDS, LANES};
use super::evidence::EvidenceArgs;
use super::line::granted_line;
use super::word::{day, moment, one_of};
use crate::failure::Failure;

pub(super) const CHANGES: &[LicenseChange] = &[
    LicenseChange::Suspended,
    LicenseChange::Reinstated,
    LicenseChange::Revoked,
    LicenseChange::Surrendered,
    LicenseChange::Replaced,
];

/// Fields of `grant`.
#[derive(Debug, Args)]
pub(crate) struct GrantFields {
    /// Number of the licence
    #[arg(long, value_name = "NUMBER")]
    license_no: LicenseNo,
    /// Its kind
    #[arg(long, value_parser = one_of(KINDS, LicenseKind::word))]
    kind: LicenseKind,
    /// Number of declarations it may be used on [default: 1 for a single licence, else no limit]
    #[arg(long, value_name = "N")]
    uses_allowed: Option<u32>,
    /// First day of validity, YYYY-MM-DD
    #[arg(long, value_name = "DAY", value_parser = day)]
    valid_from: Date,
    /// Last day of validity, YYYY-MM-DD
    #[arg(long, value_name = "DAY", value_parser = day)]
    valid_until: Date,
    /// Country of final destination, ISO 3166-1 alpha-2
    #[arg(long, value_name = "COUNTRY")]
    destination: CountryCode,
    /// Port the goods may leave through, UN/LOCODE; repeatable
    #[arg(long = "exit-port", value_name = "PORT")]
    exit_ports: Vec<PortCode>,
    /// Goods: NUMBER,hs=…,code=…,element=…,kg=… (at most 3 decimal places) or g=…; repeatable
    #[arg(long = "line", value_name = "LINE", required = true, value_parser = granted_line)]
    lines: Vec<GrantedLine>,
    /// Queue it was handled in
    #[arg(long, value_parser = one_of(LANES, Lane::word), default_value = "standard")]
    lane: Lane,
    /// The granting authority
    #[arg(long, value_name = "TEXT")]
    authority: Text,
    #[command(flatten)]
    evidence: EvidenceArgs,
}

/// Fields of `change-license`.
#[derive(Debug, Args)]
pub(crate) struct ChangeFields {
    /// Number of the licence
    #[arg(long, value_name = "NUMBER")]
    license_no: LicenseNo,
    /// What changes
    #[arg(long, value_parser = one_of(CHANGES, LicenseChange::word))]
    change: LicenseChange,
    /// When it takes effect, in RFC 3339
    #[arg(long, value_name = "TIME", value_parser = moment)]
    effective_at: Timestamp,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason_code: Text,
    /// The licence that stands in its place, for --change replaced
    #[arg(long, value_name = "NUMBER")]
    replaced_by: Option<LicenseNo>,
}

impl Fields for GrantFields {
    const VERB: &'static str = "grant-license";

    fn command(&self) -> Result<Command, Failure> {
        Ok(Command::GrantLicense(GrantLicense {
            license_no: self.license_no.clone(),
            kind: self.kind,
            uses_allowed: self.uses_allowed,
            valid_from: self.valid_from,
            valid_until: self.valid_until,
            destination: self.destination.clone(),
            exit_ports: self.exit_ports.clone(),
            lines: self.lines.clone(),
            lane: self.lane,
            authority: self.authority.clone(),
            evidence: self.evidence.gather()?,
        }))
    }
}

impl Fields for ChangeFields {
    const VERB: &'static str = "change-license";

    fn command(&self) -> Result<Command, Failure> {
        Ok(Command::ChangeLicense(ChangeLicense {
            license_no: self.license_no.clone(),
            change: self.change,
            effective_at: self.effective_at,
            reason_code: self.reason_code.clone(),
            replaced_by: self.replaced_by.clone(),
        }))
    }
}
