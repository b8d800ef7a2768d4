//! GROUND: the nouns. What the other rooms speak of: schemas, revisions, uploads,
//! observations, diagnoses, steps, plans, reports.
//!
//! No IO, no clock, no environment, no colour. Imports nothing of ours but `error`.
//! Whatever is written to disk or printed as JSON is one of these types.

pub mod archive;
pub mod catalogue;
pub mod config;
pub mod diagnosis;
pub mod dialect;
pub mod file_moves;
pub mod health;
pub mod history;
pub mod kept;
pub mod names;
pub mod observation;
pub mod offline;
pub mod path;
pub mod plan;
pub mod probe;
pub mod references;
pub mod report;
pub mod revisions;
pub mod rewriting;
pub mod risk;
pub mod schema;
pub mod shape;
pub mod site;
pub mod spelling;
pub mod step;
pub mod uploads;
pub mod variables;
pub mod verification;
pub mod wording;
