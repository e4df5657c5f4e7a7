//! Requests to the server and what can go wrong with one.

/// A request to the server that was not answered with what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// This identity may not publish on the subject of the request.
    #[error("permission denied for subject {subject}")]
    Denied {
        /// The refused subject.
        subject: String,
    },
    /// Nobody listens on the subject: JetStream is off, the stream or consumer is missing, or it has no leader.
    #[error("nobody answers on {subject}")]
    NoResponders {
        /// The subject asked.
        subject: String,
    },
    /// No answer in time, or the connection was lost while waiting for it.
    #[error("no answer on {subject} within {waited_ms} ms")]
    Unanswered {
        /// The subject asked.
        subject: String,
        /// How long was waited, in milliseconds.
        waited_ms: u64,
    },
    /// The server refused the request.
    #[error("the server refused {subject}: {description} (error {code})")]
    Refused {
        /// The subject asked.
        subject: String,
        /// JetStream's error code, for example 10071.
        code: u64,
        /// The server's own words.
        description: String,
    },
    /// The answer is not what the protocol says.
    #[error("the answer on {subject} is malformed: {rule}")]
    Malformed {
        /// The subject asked.
        subject: String,
        /// What it should have been.
        rule: &'static str,
    },
}
