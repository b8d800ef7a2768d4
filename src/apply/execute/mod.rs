//! The only code that changes a site: one file for each group of moves. Composes nothing and
//! decides nothing.

pub mod command;
pub mod discard_saved;
pub mod prove_backup;
pub mod release;
pub mod replace;
pub mod rows;
