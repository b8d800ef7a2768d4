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
mod programs;
mod recover;
mod restore;
mod run_lock;
mod save;
mod script;
mod snapshot;
mod writers;

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use crate::engines::Engine;
use crate::engines::postgres::snapshot::Postgres;
use crate::error::Result;
use crate::live::Fitness;
use crate::live::Question;
use crate::live::Rows;
use crate::live::Sight;
use crate::live::TableContent;
use crate::live::Writers;
use crate::live::{ChangeDatabase, InspectDatabase, Kept, Looking, Workplace};
use crate::model::names::ObjectRef;
use crate::model::plan::step::SetRevisions;

/// The engine's name on its shelf.
const NAME: &str = "postgres";

/// PostgreSQL on the shelf.
pub const ENGINE: Engine = Engine {
    name: NAME,
    schemes: &["postgresql", "postgres"],
    dialect: &dialect::PostgresDialect,
    inspect: |access| Ok(Box::new(Postgres::to_inspect(access)?)),
    change: |access| Ok(Box::new(Postgres::to_change(access)?)),
};

impl InspectDatabase for Postgres {
    fn look(&mut self) -> Result<Sight> {
        self.sight()
    }

    fn ask(&mut self, questions: &[Question]) -> Result<Vec<Rows>> {
        self.answers(questions)
    }

    fn writers(&mut self) -> Result<Writers> {
        self.other_sessions()
    }

    fn fitness(&mut self, path: &OsStr) -> Result<Vec<Fitness>> {
        self.find_fitness(path)
    }

    fn content(&mut self) -> Result<Vec<TableContent>> {
        self.fingerprints()
    }
}

impl ChangeDatabase for Postgres {
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

    fn execute(&mut self, sql: &str) -> Result<u64> {
        self.execute_one(sql)
    }

    fn set_revisions(&mut self, set: &SetRevisions) -> Result<()> {
        self.replace_revisions(set)
    }

    fn save_objects(&mut self, objects: &[ObjectRef], to: &Path) -> Result<Kept> {
        self.save(objects, to)
    }

    fn restore_objects(&mut self, objects: &[ObjectRef], from: &Path) -> Result<()> {
        self.bring_back(objects, from)
    }

    fn quarantine(&mut self, object: &ObjectRef, _to: &Path) -> Result<Option<Kept>> {
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

    fn backup(&mut self, to: &Path) -> Result<Kept> {
        self.back_up(to)
    }

    fn check_backup(&mut self, from: &Path) -> Result<Kept> {
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
    fn prepare_migrations(&mut self, _scratch: &Path) -> Result<Workplace> {
        Ok(Workplace { url: self.url.clone() })
    }

    fn open_migrated(&mut self, _scratch: &Path) -> Result<Box<dyn InspectDatabase>> {
        Ok(Box::new(self.beside()?))
    }

    fn adopt_migrations(&mut self, _scratch: &Path) -> Result<()> {
        Ok(())
    }
}
