//! Engines against a real server: whole cases, races, repeats, crashes, strangers.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![expect(clippy::panic, reason = "a test stops at the first surprise")]
#![expect(clippy::indexing_slicing, reason = "a test stops at the first surprise")]

mod crash;
mod endpoint;
mod foreign;
mod life;
mod orders;
mod proxy;
mod race;
mod refusal;
mod repeat;
mod scene;
