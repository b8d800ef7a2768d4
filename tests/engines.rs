//! The contract that every engine of the shelf keeps, whatever it is made of. What is particular
//! to one engine is tested beside, in a file of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod contract;
mod ground;
#[path = "support/spelled.rs"]
mod spelled;
