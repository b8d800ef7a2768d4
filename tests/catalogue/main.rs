//! What schema an application has after each revision, and finding a live schema among them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests say what they see"
)]

use ttplan::artifact::document::read_catalogue;
use ttplan::model::database::catalogue::Catalogue;

#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/real.rs"]
mod real;

mod independent;
mod leave_one_out;
mod mutations;

const ENGINES: [&str; 2] = ["postgres", "sqlite"];

/// The catalogue that comes with the profile, and how many bytes it takes.
fn shipped(engine: &str) -> (Catalogue, usize) {
    let path = format!("src/config/profiles/timetracker-{engine}.json.zst");
    let bytes = std::fs::read(&path).unwrap();
    (read_catalogue(&path, &bytes).unwrap(), bytes.len())
}
