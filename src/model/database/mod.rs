//! GROUND: what a database holds, neutral to engine and framework: schemas, their shapes, the
//! catalogue of shapes, the graph of revisions. No connection, no SQL but quoted names.

pub mod catalogue;
pub mod column_type;
pub mod names;
pub mod offline;
pub mod revision_status;
pub mod revisions;
pub mod schema;
pub mod shape;
pub mod version_table;
