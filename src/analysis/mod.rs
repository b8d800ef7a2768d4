//! FLOOR 3: what follows from the facts by mere reading. Judges nothing, proposes nothing.

pub mod commands;
pub mod context;
pub mod drop_order;
pub mod reference_resolution;
pub mod schema_comparison;
pub mod upload_comparison;
