//! The map of the house.
//!
//! ttplan looks at the live database and the upload directories of a web application, says in
//! what state they are, writes a plan that people sign, and runs exactly that signed plan.
//! The data flows one way:
//!
//! ```text
//! config -> observation -> diagnosis -> plan -> signatures -> run (journal) -> report -> undo
//!           (read only)    (pure)      (pure)   (detached)   (the only writer)
//! ```
pub mod actions;
pub mod analysis;
pub mod apply;
pub mod artifact;
pub mod catalogue;
pub mod cli;
pub mod config;
pub mod diagnose;
pub mod doctor;
pub mod engines;
pub mod error;
pub mod fault;
pub mod frameworks;
pub mod fs;
pub mod inspect;
pub mod live;
pub mod model;
pub mod offline;
pub mod openssh;
pub mod plan;
pub mod process;
pub mod record;
pub mod render;
pub mod rules;
pub mod stores;
pub mod trust;
