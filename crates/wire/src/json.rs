//! The one reader of JSON: strict, borrowed, and independent of any library's release.
//!
//! Whether a message becomes an event record is decided by this reader for ever, and two machines must agree about it.
//! A general parser takes duplicate names, rounds decimals, and changes its limits and features with its version.

mod direct;
mod lexer;
mod node;
mod object;
mod typed;

pub(crate) use direct::{Direct, Spelled, Spelling};
pub(crate) use lexer::Lexer;
pub use lexer::SyntaxError;
pub use node::{JsonError, JsonRule};
pub(crate) use node::{Node, text_of};
pub(crate) use object::Object;
pub(crate) use typed::{Typed, from_node};

#[cfg(test)]
mod tests;
