//! For tests: a real nats-server, temporary ledgers, builders and a check of the whole ledger.

pub mod nats;
