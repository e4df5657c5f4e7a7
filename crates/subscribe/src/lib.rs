//! The verified feed for Rust services: typed events with their place in the ledger, checked and resumable.
//!
//! Every event comes once and in order while the subscription lives, also across outages of the server. Keep
//! [`Subscription::next_leaf`] beside what you make of the events, in one transaction: a subscription opened from there goes
//! on where you were, and no event has been worked on twice.

mod subscription;
mod verified;

pub use portbook_bus::{Bus, BusOptions, ConnectError, FeedError, FeedFilter, Identity, Login};
pub use portbook_domain::{Event, EventData, PortCode};
pub use portbook_wire::feed::FeedPlace;
pub use portbook_wire::{DecodeError, Envelope, TypeName};

pub use subscription::{SubscribeError, Subscription};
pub use verified::{Mismatch, Verified};
