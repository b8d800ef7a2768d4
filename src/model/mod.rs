//! GROUND: the nouns. What the other rooms speak of: schemas, revisions, uploads,
//! observations, diagnoses, steps, plans, reports.
//!
//! No IO, no clock, no environment, no colour. Imports nothing of ours but `error`.
//! Whatever is written to disk or printed as JSON is one of these types.

pub mod client_programs;
pub mod config;
pub mod database;
pub mod diagnosis;
pub mod files;
pub mod health;
pub mod host;
pub mod host_command;
pub mod host_profile;
pub mod host_proposal;
pub mod names;
pub mod observation;
pub mod path;
pub mod plan;
pub mod run;
pub mod text;
pub mod variables;
pub mod verification;
