//! What is particular to SQLite; what every engine keeps is in `tests/engines.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it skipped"
)]

#[path = "../ground/mod.rs"]
mod ground;
mod look;
mod objects;
#[path = "../support/real.rs"]
mod real;
mod real_data;
#[path = "../support/spelled.rs"]
mod spelled;
mod whole;
