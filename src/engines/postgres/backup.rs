//! Backing up the whole database, and reading a backup in full.

use std::path::Path;

use super::archive::Archive;
use crate::engines::database::SavedCopy;
use crate::engines::postgres::snapshot::{PostgresSnapshot, TransactionState};
use crate::error::{Error, Kind, Result};
use crate::fs::new_file::{NewFile, measure, open_plain};
use crate::model::names::ObjectRef;

/// How long `pg_dump` waits for a lock: only somebody who is dropping or altering a table keeps it
/// waiting.
const DUMP_LOCK_WAIT_MS: u32 = 30_000;

/// Every table whose rows a backup has to hold.
const TABLES_OF_BACKUP: &str = "
    SELECT n.nspname, c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')";

/// What tables and large objects hold. Indexes are no part of a backup.
const BYTES: &str = "
    SELECT coalesce(sum(pg_table_size(c.oid)), 0)::bigint
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm')
      AND (n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' OR c.oid = 'pg_largeobject'::regclass)";

impl PostgresSnapshot {
    /// How much all rows take on the server's disk.
    pub(super) fn bytes_of_tables(&mut self) -> Result<u64> {
        let bytes = self.read_value(BYTES)?.and_then(|text| text.parse().ok());
        bytes.ok_or_else(|| {
            Error::new(Kind::Failed, "the server does not say how large the database is")
        })
    }

    /// Writes a backup of everything in the database, the quarantine included, as one snapshot
    /// shows it, and holds every table's rows in it against that snapshot.
    pub(super) fn back_up(&mut self, to: &Path) -> Result<SavedCopy> {
        if self.state != TransactionState::Idle {
            return Err(Error::new(Kind::Failed, "a backup is asked for inside a transaction"));
        }
        self.main.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        self.state = TransactionState::Open;
        let kept = self.write_backup(to);
        let forgotten = self.forget_transaction();
        let kept = kept?;
        forgotten?;
        Ok(kept)
    }

    fn write_backup(&mut self, to: &Path) -> Result<SavedCopy> {
        let new = NewFile::create(to)?;
        let snapshot = self.export_snapshot()?;
        let mut dump = self.programs()?.dump(&self.target)?;
        dump.arg(format!("--snapshot={snapshot}"));
        dump.arg(format!("--lock-wait-timeout={DUMP_LOCK_WAIT_MS}"));
        dump.run_into(new.handle()?)
            .map_err(|error| error.because(format!("it wrote to `{}`", to.display())))?;
        new.sync()?;
        let kept = self.read_backup(to)?;
        let rows = self.read(TABLES_OF_BACKUP)?.into_iter().flatten();
        let tables: Vec<ObjectRef> = rows
            .filter_map(|row| {
                let mut names = row.into_iter().flatten();
                Some(ObjectRef::table(names.next()?, names.next()?))
            })
            .collect();
        self.compare(&kept.tables, &tables)?;
        new.keep();
        Ok(kept)
    }

    /// Reads a backup to its end: its list, every row, and its hash.
    pub(super) fn read_backup(&mut self, from: &Path) -> Result<SavedCopy> {
        let mut file = open_plain(from)?;
        let (bytes, sha256) = measure(&mut file, from)?;
        let mut archive = Archive::new(file, self.programs()?);
        let tables = archive.rows().map_err(|error| {
            error.under(format!("the backup `{}` cannot be read in full", from.display()))
        })?;
        Ok(SavedCopy { bytes, sha256, tables })
    }
}
