//! What one client may take: time, bytes and connections.

use std::time::Duration;

/// Bounds that no client can go beyond, whatever it sends or leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; one more is answered 503 and closed.
    pub connections_max: usize,
    /// How long the head of a request may take, counted from the connection or the previous answer: an idle connection is
    /// closed after this time as well.
    pub header_timeout: Duration,
    /// How long the body of a request may take to arrive, how long an answer may take to begin, and how long a client
    /// may leave an answer unread.
    pub request_timeout: Duration,
    /// Largest body of a request in bytes.
    pub body_bytes_max: usize,
    /// How long answers under way may take once the server is to stop.
    pub shutdown_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 256,
            header_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
            body_bytes_max: 64 << 10,
            shutdown_timeout: Duration::from_secs(3),
        }
    }
}
