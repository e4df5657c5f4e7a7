//! Record against message: the ledger compared with the stream it was made from.

use portbook_audit::record;
use portbook_bus::{Identity, Log};
use portbook_projector::{check_anchor, difference};
use portbook_store::StoreReader;
use portbook_wire::subject::STREAM_LEDGER;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::node::Server;
use crate::session::Session;

/// Messages compared with the stream at a time.
const COMPARED_TOGETHER: usize = 1000;

/// What comparing with the stream found.
#[derive(Debug)]
pub(super) struct Compared {
    pub(super) messages: u64,
    pub(super) differs: Option<Differs>,
}

/// The first record that differs.
#[derive(Debug)]
pub(super) struct Differs {
    pub(super) index: u64,
    pub(super) field: &'static str,
}

/// Compares every record with its message, on a server of our own where none is running.
pub(super) async fn compare_with_stream(
    session: &Session,
    reader: &StoreReader,
    size: u64,
) -> Result<Compared, Failure> {
    let server = Server::reachable(session).await?;
    let compared = compare_all(session, &server, reader, size).await;
    let stopped = server.stop().await;
    let compared = compared?;
    stopped.map(|()| compared)
}

async fn compare_all(
    session: &Session,
    server: &Server,
    reader: &StoreReader,
    size: u64,
) -> Result<Compared, Failure> {
    let bus = server.address().connect(session, Identity::Auditor).await?;
    // In this order: a ledger that is being written is never ahead of its stream.
    let book = reader.book()?;
    let identity = bus.stream_identity_from(STREAM_LEDGER, book.size()).await?;
    let log = Log::ledger(&bus);
    check_anchor(&log, &identity, &book)
        .await
        .map_err(|error| Failure::of(Exit::LedgerFault, &error))?;
    let bar = session.speech.bar("comparing", size);
    let mut compared = 0;
    while compared < size {
        let messages = log.read_from(compared + 1, COMPARED_TOGETHER).await?;
        for message in messages {
            if compared == size {
                break;
            }
            let leaf = portbook_ledger::Index::new(compared)
                .map(|index| record(reader, index))
                .transpose()?;
            let field = match &leaf {
                Some(leaf) => difference(&leaf.leaf()?, &message),
                None => Some("index"),
            };
            if let Some(field) = field {
                bar.finish_and_clear();
                return Ok(Compared {
                    messages: compared,
                    differs: Some(Differs {
                        index: compared,
                        field,
                    }),
                });
            }
            compared += 1;
        }
        bar.set_position(compared);
    }
    bar.finish_and_clear();
    bus.close().await;
    Ok(Compared {
        messages: compared,
        differs: None,
    })
}
