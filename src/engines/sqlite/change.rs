//! A SQLite database that can be changed: the connection, the lock of the run, the transaction.
//!
//! Opening it runs what every SQLite client runs: a hot journal is rolled back, and in WAL mode
//! the last one to close it writes the log back into the file.
//!
//! The lock of a run is a kernel lock (`flock`) on the database file itself: it works across
//! containers that share the volume, leaves no file, ends with the process, and is independent of
//! the POSIX locks that SQLite uses. A database that is not there has its directory locked instead.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::engines::database::{
    InspectedDatabase, Looking, MigrationDatabase, OtherSessions, ReadDatabase, Requirement,
    RowQuery, Rows, SavedCopy, TableContent, WriteDatabase,
};
use crate::engines::sqlite::connection::{Connection, OpenMode, SqlValue};
use crate::engines::sqlite::held::Held;
use crate::engines::sqlite::inspect::absent;
use crate::engines::sqlite::migrate::Prepared;
use crate::engines::sqlite::place::DatabasePath;
use crate::engines::sqlite::references::{self, Dangling};
use crate::engines::sqlite::{
    ask, backup, content, failure, fitness, kept, look, migrate, restore, save, statement, writers,
};
use crate::error::{Error, Kind, Result};
use crate::model::config::Access;
use crate::model::dialect::{qualified, quote};
use crate::model::host::ClientPrograms;
use crate::model::names::{ObjectRef, Secret};
use crate::model::plan::step::SetRevisions;

/// How long to wait between two looks at a lock that another run holds.
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// The database of a run.
pub(super) struct SqliteWriter {
    open: Option<Open>,
    /// Whether this run has the lock.
    locked: bool,
    /// The directory, where that is what is locked.
    directory: Option<File>,
    transaction: Option<Transaction>,
    /// A run of migrations that was prepared and not yet adopted.
    pub(super) prepared: Option<Prepared>,
    pub(super) place: DatabasePath,
    /// As the operator gave it.
    pub(super) url: Secret,
}

/// An open database. The connection is dropped before the file.
struct Open {
    connection: Connection,
    /// The database file itself, which carries the run's lock.
    file: Held,
}

/// An open transaction.
struct Transaction {
    /// What referred to nothing before it.
    dangling: Dangling,
    /// Whether something failed in it. SQLite may have forgotten it then by itself, and what came
    /// next would last at once; so nothing comes next but the end.
    spoilt: bool,
}

impl SqliteWriter {
    /// Opens the database that `access` names. One that is absent stays so.
    pub(super) fn open(access: &Access) -> Result<Self> {
        let place = DatabasePath::of(access)?;
        let url = access.url.clone();
        let mut opened = Self {
            open: None,
            locked: false,
            directory: None,
            transaction: None,
            prepared: None,
            place,
            url,
        };
        opened.connect()?;
        Ok(opened)
    }

    /// The connection and the file, if there is a database.
    pub(super) fn connect(&mut self) -> Result<Option<(&mut Connection, &Held)>> {
        if self.transaction.is_none() {
            self.let_go_of_another_file()?;
        }
        if self.open.is_none()
            && let Some(file) = self.place.open()?
        {
            self.lock_new(&file)?;
            self.opened(file)?;
        }
        Ok(self.open.as_mut().map(|open| (&mut open.connection, &open.file)))
    }

    /// Closes a file that is no longer the one at the place: somebody replaced or removed it.
    fn let_go_of_another_file(&mut self) -> Result<()> {
        if let Some(open) = &self.open
            && !self.place.metadata()?.is_some_and(|metadata| open.file.is(&metadata))
        {
            self.open = None;
        }
        Ok(())
    }

    /// Takes the run's lock, if this run has it, also on a file that was not there before.
    pub(super) fn lock_new(&self, file: &File) -> Result<()> {
        if self.locked { lock(file, &self.place, Duration::ZERO) } else { Ok(()) }
    }

    /// Opens the database, whose file is `file`.
    pub(super) fn opened(&mut self, file: Held) -> Result<()> {
        let mut connection =
            Connection::open(self.place.path(), self.place.name(), OpenMode::Change)?;
        // Whatever is wrong with the file shows here rather than in the middle of a run.
        connection.number("SELECT count(*) FROM main.sqlite_schema")?;
        self.open = Some(Open { connection, file });
        Ok(())
    }

    /// The connection to a database that has to be there.
    pub(super) fn connection(&mut self) -> Result<&mut Connection> {
        let missing = absent(&self.place);
        self.connect()?.map(|(connection, _)| connection).ok_or(missing)
    }

    /// Reads within one transaction: the one that is open, or one of its own.
    fn reading<T>(&mut self, read: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        if self.transaction.is_some() {
            return read(self.connection()?);
        }
        let connection = self.connection()?;
        connection.run("BEGIN")?;
        let answer = read(connection);
        let ended = connection.run("ROLLBACK");
        answer.and_then(|answer| ended.map(|_| answer))
    }

    /// Works inside the open transaction.
    fn inside<T>(&mut self, work: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        let refused = |why| Err(Error::new(Kind::Failed, why));
        match &self.transaction {
            None => return refused("a change outside of a transaction is refused"),
            Some(transaction) if transaction.spoilt => {
                return refused("a change is refused in a transaction in which another one failed");
            }
            Some(_) => {}
        }
        let done = work(self.connection()?);
        if let (Err(_), Some(transaction)) = (&done, &mut self.transaction) {
            transaction.spoilt = true;
        }
        done
    }

    /// Refuses what must not happen inside a transaction.
    fn outside(&self) -> Result<()> {
        match &self.transaction {
            Some(_) => {
                Err(Error::new(Kind::Failed, "a transaction is open that has to be ended first"))
            }
            None => Ok(()),
        }
    }
}

/// Takes the lock of a run on `file`.
///
/// Errors: `Kind::Locked` when another holds it after `wait`.
fn lock(file: &File, place: &DatabasePath, wait: Duration) -> Result<()> {
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if begun.elapsed() < wait => sleep(LOCK_PAUSE.min(wait)),
            Err(TryLockError::WouldBlock) => {
                let held = format!("another run of ttplan holds the lock on `{}`", place.name());
                return Err(Error::new(Kind::Locked, held)
                    .hint("wait for it to end, then run the command again"));
            }
            Err(TryLockError::Error(error)) => {
                return Err(Error::new(
                    Kind::Failed,
                    format!("`{}` cannot be locked", place.name()),
                )
                .because(error));
            }
        }
    }
}

impl ReadDatabase for SqliteWriter {
    fn look(&mut self) -> Result<InspectedDatabase> {
        let place = self.place.clone();
        match self.connect()? {
            Some(_) => self.reading(|connection| look::look(connection, &place)),
            None => Ok(look::nothing(&place)),
        }
    }

    fn ask(&mut self, questions: &[RowQuery]) -> Result<Vec<Rows>> {
        self.reading(|connection| ask::answer(connection, questions))
    }

    fn writers(&mut self) -> Result<OtherSessions> {
        let place = self.place.clone();
        match self.connect()? {
            Some((_, file)) => writers::of(&place, file),
            None => Ok(OtherSessions::None),
        }
    }

    fn fitness(&mut self, _: &ClientPrograms) -> Result<Vec<Requirement>> {
        Ok(fitness::of(&self.place))
    }

    fn content(&mut self) -> Result<Vec<TableContent>> {
        match self.connect()? {
            Some(_) => self.reading(content::of_all),
            None => Ok(Vec::new()),
        }
    }
}

impl WriteDatabase for SqliteWriter {
    fn lock(&mut self, wait: Duration) -> Result<()> {
        let place = self.place.clone();
        match self.connect()? {
            Some((_, file)) => lock(file, &place, wait)?,
            None => {
                let directory = place.open_directory()?;
                lock(&directory, &place, wait)?;
                self.directory = Some(directory);
            }
        }
        self.locked = true;
        Ok(())
    }

    fn begin(&mut self) -> Result<()> {
        self.outside()?;
        // SQLite would quietly begin a transaction that can only read.
        if !self.place.is_ours() {
            return Err(failure::read_only(self.place.name()));
        }
        let connection = self.connection()?;
        failure::patiently(|| connection.run("BEGIN IMMEDIATE"))?;
        match references::dangling(connection) {
            Ok(dangling) => {
                self.transaction = Some(Transaction { dangling, spoilt: false });
                Ok(())
            }
            Err(error) => connection.run("ROLLBACK").and(Err(error)),
        }
    }

    fn commit(&mut self) -> Result<()> {
        let now = self.inside(references::dangling)?;
        let Some(transaction) = &self.transaction else { return Ok(()) };
        now.no_worse_than(&transaction.dangling)?;
        let connection = self.connection()?;
        failure::patiently(|| connection.run("COMMIT"))?;
        self.transaction = None;
        Ok(())
    }

    fn rollback(&mut self) -> Result<()> {
        if self.transaction.take().is_none() {
            return Ok(());
        }
        // An error may have ended it already (a full disk does), and then there is nothing to
        // forget.
        match self.connection()?.run("ROLLBACK") {
            Err(error) if error.kind() == Kind::Failed => Ok(()),
            done => done.map(|_| ()),
        }
    }

    fn execute(&mut self, sql: &str) -> Result<u64> {
        statement::check(sql)?;
        self.inside(|connection| {
            // For a statement that touches no rows, SQLite repeats the number of the one before it.
            let before = connection.number("SELECT total_changes()")?;
            let rows = connection.run(sql)?;
            let after = connection.number("SELECT total_changes()")?;
            Ok(if before == after { 0 } else { rows })
        })
    }

    fn set_revisions(&mut self, set: &SetRevisions) -> Result<()> {
        self.inside(|connection| set_revisions(connection, set))
    }

    fn save_objects(&mut self, objects: &[ObjectRef], to: &Path) -> Result<SavedCopy> {
        let place = self.place.clone();
        self.inside(|connection| save::save(connection, &place, objects, to))
    }

    fn restore_objects(&mut self, objects: &[ObjectRef], from: &Path) -> Result<()> {
        self.inside(|connection| restore::restore(connection, objects, from))
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
        let Some((connection, _)) = self.connect()? else { return Ok(0) };
        let pages = connection
            .number("PRAGMA page_count")?
            .saturating_mul(connection.number("PRAGMA page_size")?);
        Ok(u64::try_from(pages).unwrap_or(0))
    }

    fn backup(&mut self, to: &Path) -> Result<SavedCopy> {
        self.outside()?;
        backup::backup(&self.place, to)
    }

    fn check_backup(&mut self, from: &Path) -> Result<SavedCopy> {
        kept::read_back(from)
    }

    fn restore_apart(&mut self, from: &Path, scratch: &Path, look: &mut Looking<'_>) -> Result<()> {
        look(&mut backup::restore_to(from, &scratch.join("restored.db"))?)
    }

    fn restore_backup(&mut self, from: &Path) -> Result<()> {
        self.outside()?;
        backup::restore(self, from)
    }

    fn prepare_migrations(&mut self, scratch: &Path) -> Result<MigrationDatabase> {
        self.outside()?;
        migrate::prepare(self, scratch)
    }

    fn open_migrated(&mut self, scratch: &Path) -> Result<Box<dyn ReadDatabase>> {
        Ok(Box::new(migrate::open(self, scratch)?))
    }

    fn adopt_migrations(&mut self, scratch: &Path) -> Result<()> {
        self.outside()?;
        migrate::adopt(self, scratch)
    }
}

fn set_revisions(connection: &mut Connection, set: &SetRevisions) -> Result<()> {
    let (table, column) = (qualified(&set.table.schema, &set.table.name), quote(&set.column));
    let stale = |why: String| {
        Error::new(
            Kind::Stale,
            "the recorded revisions are not as they were when the plan was made",
        )
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
