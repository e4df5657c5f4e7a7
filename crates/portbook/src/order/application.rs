//! Flags of the commands on an application: `submit`, `withdraw`, `refuse`.

use clap::Args;
use portbook_domain::{
    ApplicationLine, CloseApplication, CloseOutcome, ClosingOutcome, Command, CountryCode, Digest, Lane,
    LicenseKind, PortCode, SubmitApplication, Text, WithdrawApplication,
};

use super::Fields;
use super::evidence::EvidenceArgs;
use super::line::application_line;
use super::word::one_of;
use crate::failure::Failure;

pub(super) const KINDS: &[LicenseKind] = &[
    LicenseKind::Single,
    LicenseKind::General,
    LicenseKind::Certificate,
];
pub(super) const LANES: &[Lane] = &[Lane::Standard, Lane::Expedited];
pub(super) const CLOSINGS: &[ClosingOutcome] = &[
    ClosingOutcome::Refused,
    ClosingOutcome::Returned,
    ClosingOutcome::Lapsed,
];

/// Fields of `submit`.
#[derive(Debug, Args)]
pub(crate) struct SubmitFields {
    /// The applicant's own number for it
    #[arg(long, value_name = "TEXT")]
    external_ref: Option<Text>,
    /// Commitment to the applicant's identity: a salted digest, never a name in clear
    #[arg(long, value_name = "TEXT")]
    applicant: Text,
    /// Commitment to the end user's identity: SHA-256, 64 lower-case hexadecimal digits
    #[arg(long, value_name = "SHA256")]
    end_user_commitment: Option<Digest>,
    /// Declared use of the goods
    #[arg(long, value_name = "TEXT")]
    end_use: Option<Text>,
    /// Country of final destination, ISO 3166-1 alpha-2
    #[arg(long, value_name = "COUNTRY")]
    destination: CountryCode,
    /// Port the goods are to leave through, UN/LOCODE
    #[arg(long, value_name = "PORT")]
    exit_port: PortCode,
    /// Goods: NUMBER,hs=…,code=…,element=…[,form=…],kg=… (at most 3 decimal places) or g=…; repeatable
    #[arg(long = "line", value_name = "LINE", required = true, value_parser = application_line)]
    lines: Vec<ApplicationLine>,
    /// Kind of licence asked for
    #[arg(long, value_parser = one_of(KINDS, LicenseKind::word))]
    kind: LicenseKind,
    /// Queue asked for
    #[arg(long, value_parser = one_of(LANES, Lane::word), default_value = "standard")]
    lane: Lane,
    #[command(flatten)]
    evidence: EvidenceArgs,
}

/// Fields of `withdraw`.
#[derive(Debug, Args)]
pub(crate) struct WithdrawFields {
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason_code: Text,
    #[command(flatten)]
    evidence: EvidenceArgs,
}

/// Fields of `refuse`.
#[derive(Debug, Args)]
pub(crate) struct RefuseFields {
    /// How it ends
    #[arg(long, value_parser = one_of(CLOSINGS, closing_word), default_value = "refused")]
    outcome: ClosingOutcome,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason_code: Text,
    #[command(flatten)]
    evidence: EvidenceArgs,
}

/// The published word of how the licensing authority ends an application.
pub(super) fn closing_word(outcome: ClosingOutcome) -> &'static str {
    CloseOutcome::from(outcome).word()
}

impl Fields for SubmitFields {
    const VERB: &'static str = "submit-application";

    fn command(&self) -> Result<Command, Failure> {
        Ok(Command::SubmitApplication(SubmitApplication {
            external_ref: self.external_ref.clone(),
            applicant: self.applicant.clone(),
            end_user_commitment: self.end_user_commitment.clone(),
            end_use: self.end_use.clone(),
            destination: self.destination.clone(),
            exit_port: self.exit_port.clone(),
            lines: self.lines.clone(),
            kind: self.kind,
            lane: self.lane,
            evidence: self.evidence.gather()?,
        }))
    }
}

impl Fields for WithdrawFields {
    const VERB: &'static str = "withdraw-application";

    fn command(&self) -> Result<Command, Failure> {
        Ok(Command::WithdrawApplication(WithdrawApplication {
            reason_code: self.reason_code.clone(),
            evidence: self.evidence.gather()?,
        }))
    }
}

impl Fields for RefuseFields {
    const VERB: &'static str = "close-application";

    fn command(&self) -> Result<Command, Failure> {
        Ok(Command::CloseApplication(CloseApplication {
            outcome: self.outcome,
            reason_code: self.reason_code.clone(),
            evidence: self.evidence.gather()?,
        }))
    }
}
