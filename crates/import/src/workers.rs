//! Threads that prepare lines and give way to whatever others wait for.

use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::{io, thread};

use tokio::sync::oneshot;

use crate::preparation::{Part, Preparation, Prepared};

/// By how much the priority is lowered. Publishing waits for the server, and the server may be on the same machine: signing
/// fills the time between, on every core, and must not push it aside.
const NICE: i32 = 10;

/// Prepares parts of a file on as many threads as there are cores. They end with it.
pub(crate) struct Workers {
    jobs: mpsc::Sender<Job>,
}

/// A part of a file, and who waits for it.
struct Job {
    part: Part,
    done: oneshot::Sender<Prepared>,
}

impl Workers {
    /// Starts the threads.
    pub(crate) fn start(preparation: &Preparation) -> io::Result<Self> {
        let (jobs, waiting) = mpsc::channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let count = thread::available_parallelism().map_or(1, NonZero::get);
        for _ in 0..count {
            let (preparation, waiting) = (preparation.clone(), Arc::clone(&waiting));
            let builder = thread::Builder::new().name("prepare".to_owned());
            builder.spawn(move || work(&preparation, &waiting))?;
        }
        Ok(Self { jobs })
    }

    /// Prepares a part. Nothing comes of it when a thread ended in a panic.
    pub(crate) fn prepare(&self, part: Part) -> oneshot::Receiver<Prepared> {
        let (done, prepared) = oneshot::channel();
        // Where nobody takes the job, `done` is dropped with it, and so whoever waits learns it.
        self.jobs.send(Job { part, done }).unwrap_or_default();
        prepared
    }
}

fn work(preparation: &Preparation, waiting: &Mutex<mpsc::Receiver<Job>>) {
    if let Err(error) = rustix::process::nice(NICE) {
        tracing::debug!(%error, "the priority of a thread could not be lowered");
    }
    while let Some(Job { part, done }) = next(waiting) {
        // An import that ended early waits for nothing any more.
        if done.send(preparation.prepare(part)).is_err() {
            return;
        }
    }
}

fn next(waiting: &Mutex<mpsc::Receiver<Job>>) -> Option<Job> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}
