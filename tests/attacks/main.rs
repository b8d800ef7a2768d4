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

mod files_without_end;
mod foreign_files_in_errors;
mod host_word;
mod lists_beside_a_plan;
mod names_that_deceive;
mod plans_of_another_time;
mod plans_without_end;

mod backups;
mod beside;
mod files;
mod paths;
mod small_site;
mod state;
