//! What a hostile repository, environment or author tries, and that it gets nowhere: one file a
//! class. The real program as a child process; what counts is what is left behind.

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

mod host_word;
