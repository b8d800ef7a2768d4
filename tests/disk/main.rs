//! The disk side of the live world on real, hostile trees: nothing outside a root is ever read or
//! written, nothing is replaced, and what is reported done is there, right and whole.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking and says what it skips"
)]

mod archives;
mod copying;
mod crashing;
mod directories;
mod hostile;
mod ignoring;
mod linking;
mod looking;
#[path = "../support/real.rs"]
mod real;
mod removing;
mod unprivileged;

mod tree;
