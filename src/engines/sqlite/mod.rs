//! SQLite: a database that is one file, with no server to ask.
//!
//! `place` knows where it is, `held` keeps its file open; `connection` talks to SQLite and
//! `failure` tells its errors. To look: `snapshot` opens it without a trace, `inspect` is the
//! object given out, and `look` (from `catalogue`, `ddl`, `dependencies`), `ask`, `content`,
//! `writers` do the work. To change: `change` is the object given out, over a `session` that has
//! `statement` and `references` to guard its transaction; `save` and `restore` (in the format of
//! `objects`) do single objects, `backup` and `migrate` the whole, both by `pages`, into `kept`
//! files.

use crate::engines::engine::Engine;

mod ask;
mod backup;
mod catalogue;
mod change;
mod connection;
mod content;
mod ddl;
mod dependencies;
mod dialect;
mod failure;
mod fitness;
mod held;
mod inspect;
mod kept;
mod look;
mod migrate;
mod objects;
mod pages;
mod place;
mod references;
mod relations;
mod restore;
mod save;
mod session;
mod snapshot;
mod writers;

/// Its name on the shelf.
const NAME: &str = "sqlite";

/// The schema that every database has.
const HOME: &str = "main";

/// Its record on the shelf.
pub static ENGINE: Engine = Engine {
    name: NAME,
    schemes: &["sqlite"],
    dialect: &dialect::SqliteDialect,
    inspect: |access| Ok(Box::new(inspect::SqliteSnapshot::open(access)?)),
    change: |access| Ok(Box::new(change::SqliteWriter::open(access)?)),
};
