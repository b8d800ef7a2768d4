//! What a run holds of a SQLite database: the connection, the lock of the run, the transaction.
//! Never knows what is changed in it.
//!
//! Opening it runs what every SQLite client runs: a hot journal is rolled back, and in WAL mode
//! the last one to close it writes the log back into the file.
//!
//! The lock of a run is a kernel lock (`flock`) on the database file itself: it works across
//! containers that share the volume, leaves no file, ends with the process, and is independent of
//! the POSIX locks that SQLite uses. A database that is not there has its directory locked instead.

use std::fs::File;
use std::time::Duration;

use crate::engines::sqlite::connection::{Connection, OpenMode};
use crate::engines::sqlite::failure;
use crate::engines::sqlite::held::Held;
use crate::engines::sqlite::inspect::absent;
use crate::engines::sqlite::place::DatabasePath;
use crate::engines::sqlite::references::{self, Dangling};
use crate::error::{Error, Kind, Result};
use crate::fs::lock::take;
use crate::model::config::Access;
use crate::model::names::Secret;

/// What a run holds of its database.
pub(super) struct Session {
    open: Option<Open>,
    /// Whether this run has the lock.
    locked: bool,
    /// The directory, where that is what is locked.
    directory: Option<File>,
    transaction: Option<Transaction>,
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

impl Session {
    /// Opens the database that `access` names. One that is absent stays so.
    pub(super) fn open(access: &Access) -> Result<Self> {
        let place = DatabasePath::of(access)?;
        let url = access.url.clone();
        let mut opened =
            Self { open: None, locked: false, directory: None, transaction: None, place, url };
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
    pub(super) fn reading<T>(
        &mut self,
        read: impl FnOnce(&mut Connection) -> Result<T>,
    ) -> Result<T> {
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
    pub(super) fn inside<T>(
        &mut self,
        work: impl FnOnce(&mut Connection) -> Result<T>,
    ) -> Result<T> {
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
    pub(super) fn outside(&self) -> Result<()> {
        match &self.transaction {
            Some(_) => {
                Err(Error::new(Kind::Failed, "a transaction is open that has to be ended first"))
            }
            None => Ok(()),
        }
    }

    /// Takes the lock of the run.
    pub(super) fn lock(&mut self, wait: Duration) -> Result<()> {
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

    /// Begins a transaction that can change things.
    pub(super) fn begin(&mut self) -> Result<()> {
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

    /// Makes what was changed last, unless something refers to nothing now that did not before.
    pub(super) fn commit(&mut self) -> Result<()> {
        let now = self.inside(references::dangling)?;
        let Some(transaction) = &self.transaction else { return Ok(()) };
        now.no_worse_than(&transaction.dangling)?;
        let connection = self.connection()?;
        failure::patiently(|| connection.run("COMMIT"))?;
        self.transaction = None;
        Ok(())
    }

    /// Forgets what was changed.
    pub(super) fn rollback(&mut self) -> Result<()> {
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
}

/// Takes the lock of a run on `file`.
///
/// Errors: `Kind::Locked` when another holds it after `wait`.
fn lock(file: &File, place: &DatabasePath, wait: Duration) -> Result<()> {
    let cannot = || Error::new(Kind::Failed, format!("`{}` cannot be locked", place.name()));
    if take(file, wait).map_err(|error| cannot().because(error))? {
        return Ok(());
    }
    let held = format!("another run of ttplan holds the lock on `{}`", place.name());
    Err(Error::new(Kind::Locked, held).hint("wait for it to end, then run the command again"))
}
