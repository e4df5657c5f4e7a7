//! Long work that can be watched and broken off: a bar, and Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::ProgressBar;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::node::interrupted;
use crate::session::Session;

/// Follows long work on behalf of the user.
#[derive(Debug)]
pub(crate) struct Following {
    bar: ProgressBar,
    interrupted: Arc<AtomicBool>,
}

impl Following {
    /// Begins: from here on Ctrl-C breaks off the work instead of the process.
    pub(crate) fn start(session: &Session, what: &'static str) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::of(Exit::InputOutput, &error))?;
        let flag = Arc::new(AtomicBool::new(false));
        let raised = Arc::clone(&flag);
        std::thread::spawn(move || {
            runtime.block_on(interrupted());
            raised.store(true, Ordering::Relaxed);
        });
        Ok(Self {
            bar: session.speech.bar(what, 0),
            interrupted: flag,
        })
    }

    /// Tells how far the work has come; `false` once it is to be broken off.
    pub(crate) fn go_on(&self, reached: u64, end: u64) -> bool {
        self.bar.set_length(end);
        self.bar.set_position(reached);
        !self.interrupted.load(Ordering::Relaxed)
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
