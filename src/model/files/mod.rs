//! GROUND: files that were uploaded, and what names them. Never opens one.

pub mod archive;
pub mod location;
pub mod reference_text;
pub mod references;
pub mod rewriting;
pub mod uploads;
