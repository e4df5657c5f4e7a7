//! `/log/…`: the ledger and every port's own log as C2SP tlog-tiles, and the heads of seals.

use std::sync::Arc;

use portbook_evidence::{Evidence, EvidenceError, LogName, Media, Resource};
use portbook_http::{
    HeaderMap, HeaderValue, IntoResponse, Problem, Response, Router, State, StatusCode, Uri, header, routing,
};
use portbook_ledger::{Size, sha256, tree::TileId};
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use crate::cosigning::Watched;

/// Where everything below is.
const PREFIX: &str = "/log/";

#[derive(Debug, Clone)]
struct Mounted {
    evidence: Arc<Evidence>,
    /// What is signed and waits for cosignatures: witnesses that verify need its leaves before it is published.
    signed_size: Option<watch::Receiver<Option<portbook_projector::SignedNote>>>,
}

/// Serves the log that `evidence` gives.
pub(crate) fn log(evidence: Arc<Evidence>, watched: Option<&Watched>) -> Router {
    let mounted = Mounted {
        evidence,
        signed_size: watched.map(|watched| watched.signed.clone()),
    };
    Router::new()
        .route("/log/{*path}", routing::get(resource))
        .with_state(mounted)
}

async fn resource(State(mounted): State<Mounted>, uri: Uri, headers: HeaderMap) -> Response {
    // The path as it was sent: each thing has one spelling, and an encoded one is another.
    let path = uri.path().strip_prefix(PREFIX).unwrap_or_default().to_owned();
    if uri.query().is_some() {
        return Problem::not_found().into_response();
    }
    let found = spawn_blocking(move || mounted.find(&path)).await;
    match found {
        Ok(Ok(Some(resource))) => answer(resource, &headers),
        Ok(Ok(None)) => Problem::not_found().into_response(),
        Ok(Err(error)) => {
            tracing::error!(%error, "evidence could not be given");
            Problem::busy("this evidence cannot be given now", 5).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "looking for evidence ended unexpectedly");
            Problem::busy("this evidence cannot be given now", 5).into_response()
        }
    }
}

impl Mounted {
    fn find(&self, path: &str) -> Result<Option<Resource>, EvidenceError> {
        let published = self.evidence.resource(path)?;
        let (None, Some(signed), Ok(tile)) = (&published, &self.signed_size, TileId::parse(path)) else {
            return Ok(published);
        };
        let size = signed.borrow().as_ref().map_or(Size::ZERO, |signed| signed.size);
        let bytes = self.evidence.tile(LogName::Ledger, size, tile)?;
        Ok(bytes.map(|bytes| Resource {
            bytes,
            media: Media::Octets,
            immutable: true,
        }))
    }
}

fn answer(resource: Resource, headers: &HeaderMap) -> Response {
    let tag = format!(
        "\"{}\"",
        sha256(&[&resource.bytes]).to_hex().get(..32).unwrap_or_default()
    );
    let known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .any(|asked| names(asked, &tag));
    let common = [
        (header::CACHE_CONTROL, resource.cache_control().to_owned()),
        (header::ETAG, tag),
    ];
    if known {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let kind = [(header::CONTENT_TYPE, resource.content_type())];
    (common, kind, resource.bytes).into_response()
}

/// Whether a list of entity tags has this one.
fn names(asked: &HeaderValue, tag: &str) -> bool {
    let asked = asked.to_str().unwrap_or_default();
    asked
        .split(',')
        .map(str::trim)
        .any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}
