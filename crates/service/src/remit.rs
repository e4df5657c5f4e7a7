//! What a service answers for: the commands it takes and the events it may state.

use portbook_domain::{EventData, EventKind, ServiceName};

use crate::{clearance, intake, licensing, paperwork};

/// The commands and events of one service.
#[derive(Debug, Clone, Copy)]
pub struct Remit {
    /// The service.
    pub service: ServiceName,
    /// Commands it takes, one endpoint each.
    pub verbs: &'static [&'static str],
    /// Event types its key may sign.
    pub kinds: &'static [EventKind],
    /// What of these types belongs to another service all the same.
    pub(crate) is_foreign: fn(&EventData) -> bool,
}

impl Remit {
    /// The remit of a service.
    #[must_use]
    pub const fn of(service: ServiceName) -> &'static Self {
        match service {
            ServiceName::Intake => &intake::REMIT,
            ServiceName::Paperwork => &paperwork::REMIT,
            ServiceName::Licensing => &licensing::REMIT,
            ServiceName::Clearance => &clearance::REMIT,
        }
    }

    /// Whether the service may state this event.
    #[must_use]
    pub fn may_state(&self, data: &EventData) -> bool {
        self.kinds.contains(&data.kind()) && !(self.is_foreign)(data)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use portbook_domain::{
        ApplicationClosed, CloseOutcome, Command, PaperworkQueried, QueryId, QueryStage, Text,
    };

    use super::*;

    fn closed(outcome: CloseOutcome) -> EventData {
        EventData::ApplicationClosed(ApplicationClosed {
            outcome,
            reason_code: None,
            evidence: Vec::new(),
        })
    }

    fn queried(stage: QueryStage) -> EventData {
        EventData::PaperworkQueried(PaperworkQueried {
            query_id: QueryId::of_round(stage, None, 1),
            stage,
            round: 1,
            authority: Text::new("MOFCOM").unwrap(),
            reason: Text::new("end user unclear").unwrap(),
            notice_no: None,
            declaration_no: None,
            reply_due: None,
        })
    }

    #[test]
    fn what_two_services_have_a_word_for_belongs_to_one() {
        for (data, owner) in [
            (closed(CloseOutcome::Withdrawn), ServiceName::Intake),
            (closed(CloseOutcome::Refused), ServiceName::Licensing),
            (closed(CloseOutcome::Returned), ServiceName::Licensing),
            (closed(CloseOutcome::Lapsed), ServiceName::Licensing),
            (queried(QueryStage::Licensing), ServiceName::Paperwork),
            (queried(QueryStage::Customs), ServiceName::Clearance),
        ] {
            let may_state = |service: &&ServiceName| Remit::of(**service).may_state(&data);
            let owners: Vec<_> = ServiceName::ALL.iter().filter(may_state).collect();
            assert_eq!(owners, [&owner], "{data:?}");
        }
    }

    #[test]
    fn every_command_and_every_event_has_a_service() {
        let remits = || ServiceName::ALL.iter().map(|service| Remit::of(*service));
        let verbs: BTreeSet<&str> = remits().flat_map(|remit| remit.verbs).copied().collect();
        assert_eq!(verbs, Command::NAMES.iter().copied().collect());
        let kinds: BTreeSet<EventKind> = remits().flat_map(|remit| remit.kinds).copied().collect();
        assert_eq!(kinds, EventKind::ALL.iter().copied().collect());
        for remit in remits() {
            assert_eq!(Remit::of(remit.service).verbs, remit.verbs);
        }
    }
}
