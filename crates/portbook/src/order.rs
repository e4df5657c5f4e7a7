//! The command verbs: what is typed, turned into one checked order for one service.

mod application;
mod evidence;
mod given;
mod license;
mod line;
mod paperwork;
mod payload;
mod repair;
mod reply;
mod shipment;
#[cfg(test)]
mod tests;
mod word;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use portbook_domain::{CaseId, Command, CommandId, Order, ServiceName};
use uuid::Uuid;

use self::application::{RefuseFields, SubmitFields, WithdrawFields};
use self::given::Given;
use self::license::{ChangeFields, GrantFields};
use self::paperwork::{AnswerFields, QueryFields};
use self::repair::{AnnulFields, CorrectFields};
pub(crate) use self::reply::{print_reply, unanswered};
use self::shipment::{ClearFields, CloseFields, DeclareFields};
use crate::exit::Exit;
use crate::failure::Failure;

/// The verbs that ask a service for a decision.
#[derive(Debug, Subcommand)]
pub(crate) enum OrderArgs {
    /// File an application for an export licence
    Submit(Request<SubmitFields>),
    /// Take an application back
    Withdraw(Request<WithdrawFields>),
    /// Ask for more paperwork, as the licensing authority or as customs
    Query(Request<QueryFields>),
    /// Answer a query
    Answer(Request<AnswerFields>),
    /// Grant a licence
    Grant(Request<GrantFields>),
    /// End an application without a licence: refuse it, return it or let it lapse
    Refuse(Request<RefuseFields>),
    /// Suspend, reinstate, revoke, surrender or replace a licence
    ChangeLicense(Request<ChangeFields>),
    /// Declare goods for export
    Declare(Request<DeclareFields>),
    /// Release declared goods
    Clear(Request<ClearFields>),
    /// End a declaration, or undo its clearance
    CloseShipment(Request<CloseFields>),
    /// Correct fields of an earlier event
    Correct(Repair<CorrectFields>),
    /// State that an earlier event did not happen
    Annul(Repair<AnnulFields>),
}

/// What every command carries, and its fields as flags or as a file.
#[derive(Debug, Args)]
pub(crate) struct Request<F: Fields> {
    /// The case: 1 to 64 characters of A-Z a-z 0-9 _ -
    #[arg(long)]
    case: CaseId,
    /// Sent again with the same content, the same id gives the same answer [default: a new UUID]
    #[arg(long, value_name = "ID")]
    command_id: Option<CommandId>,
    /// When it happened, in RFC 3339 [default: when the service decides]
    #[arg(long, value_name = "TIME", value_parser = word::moment)]
    occurred_at: Option<Timestamp>,
    #[command(flatten)]
    given: Given<F>,
}

/// A request that any service accepts.
#[derive(Debug, Args)]
pub(crate) struct Repair<F: Fields> {
    #[command(flatten)]
    request: Request<F>,
    /// The service that states it
    #[arg(long, value_parser = word::one_of(ServiceName::ALL, ServiceName::name), default_value = "intake")]
    service: ServiceName,
}

/// The fields of one command as flags.
pub(crate) trait Fields: Args {
    /// The published verb of the command.
    const VERB: &'static str;

    /// The command. Reads the files whose digests it carries.
    fn command(&self) -> Result<Command, Failure>;
}

impl OrderArgs {
    /// The order that was typed. An id that is not given is drawn anew by every call.
    ///
    /// # Errors
    /// [`Exit::Usage`] when the fields break a rule of their grammar; [`Exit::InputOutput`] or [`Exit::Permission`] when a
    /// file cannot be read.
    pub(crate) fn order(&self) -> Result<Order, Failure> {
        match self {
            Self::Submit(request) => request.order(),
            Self::Withdraw(request) => request.order(),
            Self::Query(request) => request.order(),
            Self::Answer(request) => request.order(),
            Self::Grant(request) => request.order(),
            Self::Refuse(request) => request.order(),
            Self::ChangeLicense(request) => request.order(),
            Self::Declare(request) => request.order(),
            Self::Clear(request) => request.order(),
            Self::CloseShipment(request) => request.order(),
            Self::Correct(repair) => repair.request.order(),
            Self::Annul(repair) => repair.request.order(),
        }
    }

    /// The service that was chosen for a repair; the other commands have one service each.
    pub(crate) const fn service(&self) -> Option<ServiceName> {
        match self {
            Self::Correct(repair) => Some(repair.service),
            Self::Annul(repair) => Some(repair.service),
            Self::Submit(_)
            | Self::Withdraw(_)
            | Self::Query(_)
            | Self::Answer(_)
            | Self::Grant(_)
            | Self::Refuse(_)
            | Self::ChangeLicense(_)
            | Self::Declare(_)
            | Self::Clear(_)
            | Self::CloseShipment(_) => None,
        }
    }
}

impl<F: Fields> Request<F> {
    fn order(&self) -> Result<Order, Failure> {
        let command_id = match &self.command_id {
            Some(id) => id.clone(),
            None => CommandId::new(&Uuid::now_v7().to_string())
                .map_err(|error| Failure::of(Exit::Usage, &error))?,
        };
        let (case, occurred_at) = (self.case.clone(), self.occurred_at);
        match &self.given {
            Given::File(file) => payload::read(
                file,
                F::VERB,
                &payload::Head {
                    command_id,
                    case,
                    occurred_at,
                },
            ),
            Given::Flags(fields) => Ok(Order {
                command_id,
                case,
                occurred_at,
                command: fields.command()?,
            }),
        }
    }
}
