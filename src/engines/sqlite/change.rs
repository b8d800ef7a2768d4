//! A SQLite database that can be changed: the object given out. It only hands each act to the file
//! that does it, within the transaction of its `session`.

use std::path::Path;
use std::time::Duration;

use crate::engines::database::{
    InspectedDatabase, Looking, MigrationDatabase, OtherSessions, ReadDatabase, Requirement,
    RowQuery, Rows, SavedCopy, TableContent, WriteDatabase,
};
use crate::engines::sqlite::connection::{Connection, SqlValue};
use crate::engines::sqlite::migrate::Prepared;
use crate::engines::sqlite::session::Session;
use crate::engines::sqlite::{
    ask, backup, content, fitness, kept, look, migrate, restore, save, statement, writers,
};
use crate::error::{Error, Kind, Result};
use crate::model::client_programs::ClientPrograms;
use crate::model::config::Access;
use crate::model::dialect::{qualified, quote};
use crate::model::names::ObjectRef;
use crate::model::plan::step::SetRevisions;

/// The database of a run.
pub(super) struct SqliteWriter {
    session: Session,
    /// A run of migrations that was prepared and not yet adopted.
    prepared: Option<Prepared>,
}

impl SqliteWriter {
    /// Opens the database that `access` names. One that is absent stays so.
    pub(super) fn open(access: &Access) -> Result<Self> {
        Ok(Self { session: Session::open(access)?, prepared: None })
    }
}

impl ReadDatabase for SqliteWriter {
    fn look(&mut self) -> Result<InspectedDatabase> {
        let place = self.session.place.clone();
        match self.session.connect()? {
            Some(_) => self.session.reading(|connection| look::look(connection, &place)),
            None => Ok(look::nothing(&place)),
        }
    }

    fn ask(&mut self, questions: &[RowQuery]) -> Result<Vec<Rows>> {
        self.session.reading(|connection| ask::answer(connection, questions))
    }

    fn writers(&mut self) -> Result<OtherSessions> {
        let place = self.session.place.clone();
        match self.session.connect()? {
            Some((_, file)) => writers::of(&place, file),
            None => Ok(OtherSessions::None),
        }
    }

    fn fitness(&mut self, _: &ClientPrograms) -> Result<Vec<Requirement>> {
        Ok(fitness::of(&self.session.place))
    }

    fn content(&mut self) -> Result<Vec<TableContent>> {
        match self.session.connect()? {
            Some(_) => self.session.reading(content::of_all),
            None => Ok(Vec::new()),
        }
    }
}

impl WriteDatabase for SqliteWriter {
    fn lock(&mut self, wait: Duration) -> Result<()> {
        self.session.lock(wait)
    }

    fn begin(&mut self) -> Result<()> {
        self.session.begin()
    }

    fn commit(&mut self) -> Result<()> {
        self.session.commit()
    }

    fn rollback(&mut self) -> Result<()> {
        self.session.rollback()
    }

    fn execute(&mut self, sql: &str) -> Result<u64> {
        statement::check(sql)?;
        self.session.inside(|connection| {
            // For a statement that touches no rows, SQLite repeats the number of the one before it.
            let before = connection.number("SELECT total_changes()")?;
            let rows = connection.run(sql)?;
            let after = connection.number("SELECT total_changes()")?;
            Ok(if before == after { 0 } else { rows })
        })
    }

    fn set_revisions(&mut self, set: &SetRevisions) -> Result<()> {
        self.session.inside(|connection| set_revisions(connection, set))
    }

    fn save_objects(&mut self, objects: &[ObjectRef], to: &Path) -> Result<SavedCopy> {
        let place = self.session.place.clone();
        self.session.inside(|connection| save::save(connection, &place, objects, to))
    }

    fn restore_objects(&mut self, objects: &[ObjectRef], from: &Path) -> Result<()> {
        self.session.inside(|connection| restore::restore(connection, objects, from))
    }

    fn quarantine(&mut self, object: &ObjectRef, to: &Path) -> Result<Option<SavedCopy>> {
        let Some(drop) = super::ENGINE.dialect.drop_object(object) else {
            return Err(Error::new(
                Kind::Failed,
                format!("{object} cannot be quarantined by itself"),
            ));
        };
        let kept = self.save_objects(std::slice::from_ref(object), to)?;
        self.execute(&drop)?;
        Ok(Some(kept))
    }

    fn is_in_quarantine(&mut self, _object: &ObjectRef) -> Result<Option<bool>> {
        Ok(None)
    }

    fn unquarantine(&mut self, object: &ObjectRef, from: &Path) -> Result<()> {
        self.restore_objects(std::slice::from_ref(object), from)
    }

    fn backup_bytes(&mut self) -> Result<u64> {
        let Some((connection, _)) = self.session.connect()? else { return Ok(0) };
        let pages = connection
            .number("PRAGMA page_count")?
            .saturating_mul(connection.number("PRAGMA page_size")?);
        Ok(u64::try_from(pages).unwrap_or(0))
    }

    fn backup(&mut self, to: &Path) -> Result<SavedCopy> {
        self.session.outside()?;
        backup::backup(&self.session.place, to)
    }

    fn check_backup(&mut self, from: &Path) -> Result<SavedCopy> {
        kept::read_back(from)
    }

    fn restore_apart(&mut self, from: &Path, scratch: &Path, look: &mut Looking<'_>) -> Result<()> {
        look(&mut backup::restore_to(from, &scratch.join("restored.db"))?)
    }

    fn restore_backup(&mut self, from: &Path) -> Result<()> {
        self.session.outside()?;
        backup::restore(&mut self.session, from)
    }

    fn prepare_migrations(&mut self, scratch: &Path) -> Result<MigrationDatabase> {
        self.session.outside()?;
        let (database, prepared) = migrate::prepare(&mut self.session, scratch)?;
        self.prepared = Some(prepared);
        Ok(database)
    }

    fn open_migrated(&mut self, scratch: &Path) -> Result<Box<dyn ReadDatabase>> {
        Ok(Box::new(migrate::open(&self.session, scratch)?))
    }

    fn adopt_migrations(&mut self, scratch: &Path) -> Result<()> {
        self.session.outside()?;
        let Some(prepared) = self.prepared else {
            return Err(Error::new(Kind::Failed, "there are no prepared migrations to adopt"));
        };
        migrate::adopt(&mut self.session, scratch, prepared)?;
        self.prepared = None;
        Ok(())
    }
}

fn set_revisions(connection: &mut Connection, set: &SetRevisions) -> Result<()> {
    let (table, column) = (qualified(&set.table.schema, &set.table.name), quote(&set.column));
    let stale = |why: String| {
        Error::new(
            Kind::Stale,
            "the recorded revisions are not as they were when the plan was made",
        )
        .code("revisions_differ")
        .because(why)
    };
    let rows =
        connection.rows(&format!("SELECT t.{column} FROM {table} AS t")).map_err(|error| {
            match error.kind() {
                Kind::Failed => stale(error.to_string()),
                _ => error,
            }
        })?;
    let mut recorded: Vec<Option<String>> = rows.iter().map(|row| row.optional(0)).collect();
    let mut expected: Vec<Option<String>> = set.from.iter().cloned().map(Some).collect();
    recorded.sort();
    expected.sort();
    if recorded != expected {
        return Err(stale(format!(
            "{} has {} instead of {}",
            set.table,
            listed(&recorded),
            listed(&expected)
        )));
    }
    connection.run(&format!("DELETE FROM {table}"))?;
    for revision in &set.to {
        let value = SqlValue::Text(revision.clone().into_bytes());
        connection.run_with(&format!("INSERT INTO {table} ({column}) VALUES (?)"), &[value])?;
    }
    Ok(())
}

fn listed(revisions: &[Option<String>]) -> String {
    let names: Vec<String> =
        revisions.iter().map(|id| format!("`{}`", id.as_deref().unwrap_or("null"))).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
