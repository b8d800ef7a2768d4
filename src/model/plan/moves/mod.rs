//! SHELF: the moves, one file for each act.

pub mod run;
