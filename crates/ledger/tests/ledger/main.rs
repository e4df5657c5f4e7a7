//! The ledger's bytes and proofs against documented vectors, other implementations, and attackers.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod audit;
mod book;
mod codec;
mod fraud;
mod heads;
mod notes;
mod oracles;
mod tree;
mod vectors;
