//! Migration frameworks: their scripts as graphs, and the Python they are written in.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it skipped"
)]

mod alembic_itself;
mod alembic_scripts;
mod python_against_cpython;
mod python_source;
#[path = "../support/real.rs"]
mod real;
