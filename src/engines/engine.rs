//! The record that an engine puts on the shelf.

use crate::engines::database::{ReadDatabase, WriteDatabase};
use crate::engines::dialect::Dialect;
use crate::error::Result;
use crate::model::config::Access;

/// One kind of database.
pub struct Engine {
    /// Its name in configurations, observations and plans.
    pub name: &'static str,
    /// The URL schemes that mean it, without a driver (`postgresql` of `postgresql+psycopg2`).
    pub schemes: &'static [&'static str],
    pub dialect: &'static dyn Dialect,
    /// Opens it so that nothing can be changed.
    pub inspect: fn(&Access) -> Result<Box<dyn ReadDatabase>>,
    /// Opens it for a run.
    pub change: fn(&Access) -> Result<Box<dyn WriteDatabase>>,
}
