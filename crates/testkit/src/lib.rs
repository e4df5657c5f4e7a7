//! For tests: a real nats-server, temporary ledgers, builders and a check of the whole ledger.

pub mod cluster;
pub mod ledger;
pub mod nats;
pub mod operator;
