//! FLOOR 1: our own papers on disk: plans, signatures, observations, journals, the state
//! directory.
//!
//! Strict reading, atomic writing, appending with fsync, refusals of versions that this
//! program does not know. Nothing here knows what a paper means, and nothing here meets the
//! live database or the upload directories.

pub mod document;
pub mod history;
pub mod journal;
pub mod json;
pub mod sidecar;
pub mod state;
