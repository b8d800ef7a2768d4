//! Runs of the real program that die, are stopped or meet an error, at every place where they
//! change something; what is left is then gone on with, and the end has to be that of an
//! undisturbed run.
//!
//! Bounded here; in full with `TTPLAN_CRASH=full` (`just crash`). The points are those of
//! `src/fault.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests may fail"
)]

#[path = "../ground/mod.rs"]
mod ground;

mod canaries;
mod faults;
mod polite;
mod purging;
mod replays;
mod restarts;
mod scenarios;
mod site;
mod together;
mod world;
