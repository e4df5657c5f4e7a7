//! For tests: a real nats-server, temporary ledgers, builders and check_ledger.

pub mod nats;
