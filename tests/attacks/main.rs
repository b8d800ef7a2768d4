//! What insiders, hostile owners of files and databases, and careless systems in between try: each
//! class of attacks in a file, each refused by its code or without effect.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it skipped"
)]

#[path = "../ground/mod.rs"]
mod ground;
#[path = "../e2e/site.rs"]
mod site;

mod refusal;

mod names_that_deceive;
