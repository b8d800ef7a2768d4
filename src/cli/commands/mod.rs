//! One file for each command.

pub mod apply;
pub mod backup;
pub mod catalogue;
pub mod completions;
pub mod demo;
pub mod doctor;
pub mod explain;
pub mod history;
pub mod init;
pub mod inspect;
pub mod man;
pub mod plan;
pub mod purge;
pub mod quarantine;
pub mod restore;
pub mod revisions;
pub mod schema;
pub mod show;
pub mod sign;
pub mod status;
pub mod trust;
pub mod undo;
pub mod uploads;
pub mod verify;
