//! Flags of the commands on paperwork: `query`, `answer`.

use clap::Args;
use jiff::civil::Date;
use portbook_domain::{AnswerQuery, Command, DeclarationNo, QueryId, QueryStage, RaiseQuery, Text};

use super::Fields;
use super::evidence::EvidenceArgs;
use super::word::{day, one_of};
use crate::failure::Failure;

pub(super) const STAGES: &[QueryStage] = &[QueryStage::Licensing, QueryStage::Customs];

/// Fields of `query`.
#[derive(Debug, Args)]
pub(crate) struct QueryFields {
    /// Who asks: the licensing authority about the application, or customs about a declaration
    #[arg(long, value_parser = one_of(STAGES, QueryStage::word))]
    stage: QueryStage,
    /// Names the query [default: licensing-<round> or customs-<declaration number>-<round>]
    #[arg(long, value_name = "ID")]
    query_id: Option<QueryId>,
    /// The asking authority
    #[arg(long, value_name = "TEXT")]
    authority: Text,
    /// What is asked
    #[arg(long, value_name = "TEXT")]
    reason: Text,
    /// Number of the customs challenge notice
    #[arg(long, value_name = "NUMBER")]
    notice_no: Option<Text>,
    /// Declaration that is challenged; customs must name one
    #[arg(long, value_name = "NUMBER")]
    declaration_no: Option<DeclarationNo>,
    /// Last day of the answer, YYYY-MM-DD [default: what the policy in force gives]
    #[arg(long, value_name = "DAY", value_parser = day)]
    reply_due: Option<Date>,
}

/// Fields of `answer`.
#[derive(Debug, Args)]
pub(crate) struct AnswerFields {
    /// The query that is answered
    #[arg(long, value_name = "ID")]
    query_id: QueryId,
    /// Commitment to who answered: a salted digest, never a name in clear
    #[arg(long, value_name = "TEXT")]
    answered_by: Option<Text>,
    /// The answer does not settle the query yet
    #[arg(long)]
    partial: bool,
    #[command(flatten)]
    evidence: EvidenceArgs,
}

impl Fields for QueryFields {
    const VERB: &'static str = "raise-query";

    fn command(&self) -> Result<Command, Failure> {
        Ok(Command::RaiseQuery(RaiseQuery {
            stage: self.stage,
            query_id: self.query_id.clone(),
            authority: self.authority.clone(),
            reason: self.reason.clone(),
            notice_no: self.notice_no.clone(),
            declaration_no: self.declaration_no.clone(),
            reply_due: self.reply_due,
        }))
    }
}

impl Fields for AnswerFields {
    const VERB: &'static str = "answer-query";

    fn command(&self) -> Result<Command, Failure> {
        Ok(Command::AnswerQuery(AnswerQuery {
            query_id: self.query_id.clone(),
            answered_by: self.answered_by.clone(),
            evidence: self.evidence.gather()?,
            complete: !self.partial,
        }))
    }
}
