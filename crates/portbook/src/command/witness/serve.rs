//! `portbook witness serve`: the witness as a server.

use std::sync::Arc;
use std::time::Duration;

use portbook_http::{Limits, serve};
use portbook_witness::endpoint;
use tokio::sync::watch;

use super::witness;
use crate::args::witness::ServeArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::kept_port::listen;
use crate::node::{interrupted, stopped};
use crate::session::Session;

/// How often a verifying witness looks at what its logs serve.
const READING_PERIOD: Duration = Duration::from_secs(1);

/// Serves until it is interrupted.
pub(super) fn run(session: &Session, args: &ServeArgs) -> Outcome {
    let witness = Arc::new(witness(session, &args.logs, args.verify)?);
    session.block_on(async {
        let hint = "--listen names another address";
        let (listener, address) = listen(session, "witness", args.listen, hint).await?;
        let url_file = session.home.root().join("witness.url");
        let url = format!("http://{address}");
        std::fs::write(&url_file, &url).map_err(|error| Failure::file("write", &url_file, &error))?;
        let how = if args.verify {
            "after reading every leaf"
        } else {
            "when the log has only grown"
        };
        session.speech.tell(format_args!(
            "{} cosigns on {url}, {how}",
            witness.verifier().id()
        ));
        let (stop, stop_seen) = watch::channel(false);
        let reading = witness.follow(READING_PERIOD, stopped(stop_seen.clone()));
        let serving = serve(
            listener,
            endpoint(Arc::clone(&witness)),
            Limits::default(),
            stopped(stop_seen),
        );
        let stopping = async {
            interrupted().await;
            stop.send_replace(true);
        };
        tokio::join!(reading, serving, stopping);
        std::fs::remove_file(&url_file).unwrap_or_default();
        Ok(Exit::Done)
    })
}
