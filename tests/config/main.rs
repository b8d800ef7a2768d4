//! The stage `config` on real directories: what was said, where it is found, what it settles to.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod discovery;
mod errors;
mod host;
mod layers;
mod parts;
