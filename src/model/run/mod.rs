//! GROUND: what becomes of a plan: a run's report and a host's history. Never reads a directory.

pub mod history;
pub mod report;
