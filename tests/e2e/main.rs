//! Stories: the real binary, a real nats-server, real files; everything is verified after every step that matters.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a story that cannot go on must stop and say where"
)]

mod accusation;
mod answers;
mod as_of;
#[cfg(feature = "cluster-tests")]
mod cluster;
mod contradiction;
#[cfg(feature = "crash")]
mod crash;
mod crooked;
mod evidence;
mod export;
mod forgery;
mod import;
mod kill;
mod manual;
mod monitor;
mod node;
mod outsider;
mod producers;
mod reading;
mod repair;
mod restore;
mod rollback;
mod serving;
mod signing;
mod speech;
mod standby;
mod storm;
mod stream;
mod subscriber;
mod tour;
mod views;
mod witness;
