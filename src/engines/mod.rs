//! SHELF: one file or folder per database engine, one line each in [`ALL`].
//!
//! An engine is a record of functions without state. A contract suite (`tests/engines.rs`)
//! runs on every engine of the shelf.

use crate::error::Result;
use crate::live::{ChangeDatabase, InspectDatabase};
use crate::model::config::Access;
use crate::model::dialect::Dialect;

pub mod postgres;
pub mod sqlite;

/// All engines.
pub const ALL: &[&Engine] = &[&postgres::ENGINE, &sqlite::ENGINE];

/// One kind of database.
pub struct Engine {
    /// Its name in configurations, observations and plans.
    pub name: &'static str,
    /// The URL schemes that mean it, without a driver (`postgresql` of `postgresql+psycopg2`).
    pub schemes: &'static [&'static str],
    pub dialect: &'static dyn Dialect,
    /// Opens it so that nothing can be changed.
    pub inspect: fn(&Access) -> Result<Box<dyn InspectDatabase>>,
    /// Opens it for a run.
    pub change: fn(&Access) -> Result<Box<dyn ChangeDatabase>>,
}

/// The engine of that name.
pub fn by_name(name: &str) -> Option<&'static Engine> {
    ALL.iter().copied().find(|engine| engine.name == name)
}

/// The engine that a URL scheme means; a driver after `+` does not matter.
pub fn by_scheme(scheme: &str) -> Option<&'static Engine> {
    let plain = scheme.split('+').next().unwrap_or(scheme).to_ascii_lowercase();
    ALL.iter().copied().find(|engine| engine.schemes.contains(&plain.as_str()))
}
