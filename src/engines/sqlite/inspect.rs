//! A SQLite database that can be looked at and not changed: one snapshot for the life of the
//! object.

use crate::engines::database::{
    InspectedDatabase, OtherSessions, ReadDatabase, Requirement, RowQuery, Rows, TableContent,
};
use crate::engines::sqlite::connection::Connection;
use crate::engines::sqlite::place::DatabasePath;
use crate::engines::sqlite::snapshot::{self, Snapshot};
use crate::engines::sqlite::{ask, content, fitness, look, writers};
use crate::error::{Error, Kind, Result};
use crate::model::client_programs::ClientPrograms;
use crate::model::config::Access;

/// The database as it was when this was opened; `None` where there was none.
pub(super) struct SqliteSnapshot {
    snapshot: Option<Snapshot>,
    place: DatabasePath,
}

impl SqliteSnapshot {
    /// Opens the database that `access` names, or notes that it is absent.
    pub(super) fn open(access: &Access) -> Result<Self> {
        Self::at(DatabasePath::of(access)?)
    }

    /// Opens the database at a place.
    pub(super) fn at(place: DatabasePath) -> Result<Self> {
        Ok(Self { snapshot: snapshot::take(&place)?, place })
    }

    fn connection(&mut self) -> Result<&mut Connection> {
        match &mut self.snapshot {
            Some(snapshot) => Ok(&mut snapshot.connection),
            None => Err(absent(&self.place)),
        }
    }
}

impl ReadDatabase for SqliteSnapshot {
    fn look(&mut self) -> Result<InspectedDatabase> {
        match &mut self.snapshot {
            Some(snapshot) => {
                look::look(&mut snapshot.connection, &self.place).map_err(unreachable)
            }
            None => Ok(look::nothing(&self.place)),
        }
    }

    fn ask(&mut self, questions: &[RowQuery]) -> Result<Vec<Rows>> {
        ask::answer(self.connection()?, questions).map_err(unreachable)
    }

    fn writers(&mut self) -> Result<OtherSessions> {
        match &self.snapshot {
            Some(snapshot) => writers::of(&self.place, &snapshot.file),
            None => Ok(OtherSessions::None),
        }
    }

    fn fitness(&mut self, _: &ClientPrograms) -> Result<Vec<Requirement>> {
        Ok(fitness::of(&self.place))
    }

    fn content(&mut self) -> Result<Vec<TableContent>> {
        match &mut self.snapshot {
            Some(snapshot) => content::of_all(&mut snapshot.connection).map_err(unreachable),
            None => Ok(Vec::new()),
        }
    }
}

/// The error of whoever needs a database that is not there.
pub(super) fn absent(place: &DatabasePath) -> Error {
    Error::new(Kind::Unreachable, format!("there is no database `{}`", place.name()))
}

/// Whatever keeps one from looking: the database could not be looked at.
fn unreachable(error: Error) -> Error {
    error.of_kind(Kind::Unreachable)
}
