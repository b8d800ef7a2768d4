//! POSTGRESQL: one server-side database, looked at in one snapshot and changed in transactions of
//! our own, with `pg_dump` and `pg_restore` of the server's own version for faithful copies.
//!
//! Looking never writes, never waits long for a lock and leaves no setting behind. Changing never
//! cascades, and nothing lasts that was not committed.

mod apart;
mod archive;
mod ask;
mod backup;
mod change;
mod connect;
mod connection;
mod dialect;
mod fitness;
mod look;
mod program_places;
mod programs;
mod recover;
mod restore;
mod run_lock;
mod save;
mod script;
mod snapshot;
mod sql;
mod writer;
mod writers;

use std::path::Path;
use std::time::Duration;

use crate::engines::database::InspectedDatabase;
use crate::engines::database::OtherSessions;
use crate::engines::database::Requirement;
use crate::engines::database::RowQuery;
use crate::engines::database::Rows;
use crate::engines::database::TableContent;
use crate::engines::database::{
    Looking, MigrationDatabase, ReadDatabase, SavedCopy, WriteDatabase,
};
use crate::engines::dialect::Sql;
use crate::engines::engine::Engine;
use crate::engines::postgres::snapshot::PostgresSnapshot;
use crate::error::Result;
use crate::model::client_programs::ClientPrograms;
use crate::model::names::ObjectRef;
use crate::model::plan::step::SetRevisions;

/// The engine's name on its shelf.
const NAME: &str = "postgres";

/// PostgreSQL on the shelf.
pub const ENGINE: Engine = Engine {
    name: NAME,
    schemes: &["postgresql", "postgres"],
    dialect: &dialect::PostgresDialect,
    inspect: |access| Ok(Box::new(PostgresSnapshot::to_inspect(access)?)),
    change: |access| Ok(Box::new(PostgresSnapshot::to_change(access)?)),
};

impl ReadDatabase for PostgresSnapshot {
    fn look(&mut self) -> Result<InspectedDatabase> {
        self.sight()
    }

    fn ask(&mut self, questions: &[RowQuery]) -> Result<Vec<Rows>> {
        self.answers(questions)
    }

    fn writers(&mut self) -> Result<OtherSessions> {
        self.other_sessions()
    }

    fn fitness(&mut self, programs: &ClientPrograms) -> Result<Vec<Requirement>> {
        self.find_fitness(programs)
    }

    fn content(&mut self) -> Result<Vec<TableContent>> {
        self.fingerprints()
    }
}

impl WriteDatabase for PostgresSnapshot {
    fn lock(&mut self, wait: Duration) -> Result<()> {
        self.take_lock(wait)
    }

    fn begin(&mut self) -> Result<()> {
        self.begin_transaction()
    }

    fn commit(&mut self) -> Result<()> {
        self.commit_transaction()
    }

    fn rollback(&mut self) -> Result<()> {
        self.forget_transaction()
    }

    fn execute(&mut self, sql: &Sql) -> Result<u64> {
        self.within_transaction()?;
        self.main.execute(sql.text())
    }

    fn set_revisions(&mut self, set: &SetRevisions) -> Result<()> {
        self.set_recorded(set)
    }

    fn save_objects(&mut self, objects: &[ObjectRef], to: &Path) -> Result<SavedCopy> {
        self.save(objects, to)
    }

    fn restore_objects(&mut self, objects: &[ObjectRef], from: &Path) -> Result<()> {
        self.bring_back(objects, from)
    }

    fn quarantine(&mut self, object: &ObjectRef, _to: &Path) -> Result<Option<SavedCopy>> {
        self.put_into_quarantine(object).map(|()| None)
    }

    fn is_in_quarantine(&mut self, object: &ObjectRef) -> Result<Option<bool>> {
        self.quarantine_holds(object).map(Some)
    }

    fn unquarantine(&mut self, object: &ObjectRef, _from: &Path) -> Result<()> {
        self.take_out_of_quarantine(object)
    }

    fn backup_bytes(&mut self) -> Result<u64> {
        self.bytes_of_tables()
    }

    fn backup(&mut self, to: &Path) -> Result<SavedCopy> {
        self.back_up(to)
    }

    fn check_backup(&mut self, from: &Path) -> Result<SavedCopy> {
        self.read_backup(from)
    }

    fn restore_apart(
        &mut self,
        from: &Path,
        _scratch: &Path,
        look: &mut Looking<'_>,
    ) -> Result<()> {
        self.restore_beside(from, look)
    }

    fn restore_backup(&mut self, from: &Path) -> Result<()> {
        self.recover(from)
    }

    /// PostgreSQL migrates in place: a migration that fails is rolled back by its own transaction,
    /// or undone by the run's backup.
    fn prepare_migrations(&mut self, _scratch: &Path) -> Result<MigrationDatabase> {
        Ok(MigrationDatabase { url: self.url.clone() })
    }

    fn open_migrated(&mut self, _scratch: &Path) -> Result<Box<dyn ReadDatabase>> {
        Ok(Box::new(self.beside()?))
    }

    fn adopt_migrations(&mut self, _scratch: &Path) -> Result<()> {
        Ok(())
    }
}
