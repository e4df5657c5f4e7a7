//! Every way in which evidence can be wrong, on the real verifier and on the one in Python: exit code and check for each.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "attacks on test data"
)]

mod archives;
mod every_byte;
mod logs;
mod notes;
mod proofs;
mod records;
mod scene;
mod state;
