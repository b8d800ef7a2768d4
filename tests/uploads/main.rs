//! Uploads as a whole: what the database says of files, and what becomes of both.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "tests stop where they stand, and say what they saw"
)]

mod conflicts;
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
