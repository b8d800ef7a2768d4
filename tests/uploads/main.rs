//! Uploads as a whole: what the database says of files, and what becomes of both.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test may stop where it stands")]

mod doctor;
#[path = "../ground/mod.rs"]
mod ground;
mod killing;
#[path = "../support/real.rs"]
mod real;
mod real_data;
mod releasing;
mod rewriting;
mod site;
