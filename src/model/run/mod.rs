//! GROUND: what becomes of a plan: the entries of a run's journal and their fold, its
//! report, a host's history. Never reads a directory.

pub mod history;
pub mod journal;
pub mod report;
pub mod run_state;
