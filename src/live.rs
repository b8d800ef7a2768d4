//! FLOOR 2: opens a site, to be looked at or to be changed.
//!
//! [`LiveReader`] can look and has nothing to change with; [`LiveWriter`] can do both and is given
//! to `apply` alone. No finding, no plan, no command line is known here. Nothing here prints, reads
//! the environment or exits.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engines;
use crate::engines::database::{
    InspectedDatabase, OtherSessions, ReadDatabase, Requirement, RowQuery, Rows, TableContent,
    WriteDatabase,
};
use crate::engines::engine::Engine;
use crate::error::{Error, Kind, Result};
use crate::fs::permitted::{OpenPlace, PermittedRoots, Purpose};
use crate::model::client_programs::ClientPrograms;
use crate::model::config::{Access, Wait};
use crate::model::names::FilePath;
use crate::process;
use crate::process::command::{Command, Exit};
use crate::stores::local::LocalStore;
use crate::stores::store::{ReadStore, WriteStore};

/// A live site that can be looked at and not changed.
pub trait LiveReader {
    fn database(&mut self) -> &mut dyn ReadDatabase;
    fn files(&mut self) -> &mut dyn ReadStore;
    /// Both, to look at them at the same time: the files from another thread.
    fn both(&mut self) -> (&mut dyn ReadDatabase, &mut (dyn ReadStore + Send));
}

/// A live site that can be changed. Only `apply` holds one.
pub trait LiveWriter: LiveReader {
    fn change_database(&mut self) -> &mut dyn WriteDatabase;
    fn change_files(&mut self) -> &mut dyn WriteStore;
    /// Goes to a place as far as it is there, and remembers which directory it is.
    /// Errors: `Kind::Refused` where a run may not go there, or another one lies there by now.
    fn check_place(&self, path: &FilePath, purpose: Purpose) -> Result<()>;
    /// Opens the directory at a place.
    /// Errors: as [`LiveWriter::check_place`], and where it is not there.
    fn open_place(&self, path: &FilePath, purpose: Purpose) -> Result<OpenPlace>;
    /// Takes the lock that every run of ttplan takes on a root that it copies to, and keeps it
    /// until this object is dropped. A root that is not there yet has nothing to lock.
    /// Errors: `Kind::Locked` when another run holds it after `wait`.
    fn lock_root(&mut self, root: &FilePath, wait: Duration) -> Result<()>;
    /// Runs a command of the application to its end, its output going to `log`.
    fn run(&mut self, command: &Command, log: &Path) -> Result<Exit>;
}

struct Site<D: ?Sized> {
    disk: LocalStore,
    database: Box<D>,
    locks: Vec<File>,
}

impl<D: ?Sized> Site<D> {
    fn new(database: Box<D>, disk: LocalStore) -> Self {
        Self { disk, database, locks: Vec::new() }
    }
}

impl LiveReader for Site<dyn ReadDatabase> {
    fn database(&mut self) -> &mut dyn ReadDatabase {
        self.database.as_mut()
    }
    fn files(&mut self) -> &mut dyn ReadStore {
        &mut self.disk
    }
    fn both(&mut self) -> (&mut dyn ReadDatabase, &mut (dyn ReadStore + Send)) {
        (self.database.as_mut(), &mut self.disk)
    }
}

impl LiveReader for Site<dyn WriteDatabase> {
    fn database(&mut self) -> &mut dyn ReadDatabase {
        self.database.as_mut()
    }
    fn files(&mut self) -> &mut dyn ReadStore {
        &mut self.disk
    }
    fn both(&mut self) -> (&mut dyn ReadDatabase, &mut (dyn ReadStore + Send)) {
        (self.database.as_mut(), &mut self.disk)
    }
}

impl LiveWriter for Site<dyn WriteDatabase> {
    fn change_database(&mut self) -> &mut dyn WriteDatabase {
        self.database.as_mut()
    }
    fn change_files(&mut self) -> &mut dyn WriteStore {
        &mut self.disk
    }
    fn check_place(&self, path: &FilePath, purpose: Purpose) -> Result<()> {
        self.disk.check_place(path, purpose)
    }
    fn open_place(&self, path: &FilePath, purpose: Purpose) -> Result<OpenPlace> {
        self.disk.open_place(path, purpose)
    }
    fn lock_root(&mut self, root: &FilePath, wait: Duration) -> Result<()> {
        self.locks.extend(self.disk.lock(root, wait)?);
        Ok(())
    }
    fn run(&mut self, command: &Command, log: &Path) -> Result<Exit> {
        process::run(command, log)
    }
}

/// Opens a site to be looked at.
///
/// Errors: `Kind::Unreachable` after the configured tries.
pub fn open_to_inspect(access: &Access) -> Result<Box<dyn LiveReader>> {
    let engine = engine(access)?;
    let database = patiently(access.database.wait, || (engine.inspect)(access))?;
    Ok(Box::new(Site::new(database, LocalStore::new())))
}

/// Opens a site to be changed, its files only where the host permits it.
///
/// Errors: `Kind::Unreachable` after the configured tries.
pub fn open_to_change(access: &Access, roots: PermittedRoots) -> Result<Box<dyn LiveWriter>> {
    let engine = engine(access)?;
    let database = patiently(access.database.wait, || (engine.change)(access))?;
    Ok(Box::new(Site::new(database, LocalStore::new().within(Arc::new(roots)))))
}

/// A place where only files can be looked at.
pub fn open_files_to_inspect() -> Box<dyn LiveReader> {
    let database: Box<dyn ReadDatabase> = Box::new(NoDatabase);
    Box::new(Site::new(database, LocalStore::new()))
}

fn engine(access: &Access) -> Result<&'static Engine> {
    let name = &access.database.engine;
    engines::by_name(name)
        .ok_or_else(|| Error::new(Kind::Config, format!("there is no database engine `{name}`")))
}

/// Tries again while the database is only starting. A wrong password is wrong at once.
fn patiently<T>(wait: Wait, mut open: impl FnMut() -> Result<T>) -> Result<T> {
    let until = Instant::now() + Duration::from_secs(wait.timeout_seconds);
    let mut tries = 1;
    loop {
        match open() {
            Err(error)
                if error.is_transient() && tries < wait.attempts && Instant::now() < until =>
            {
                let left = until.saturating_duration_since(Instant::now());
                std::thread::sleep(Duration::from_secs(wait.delay_seconds).min(left));
                tries += 1;
            }
            Err(error) if tries > 1 => {
                return Err(error.because(format!("it was tried {tries} times")));
            }
            outcome => return outcome,
        }
    }
}

/// Stands where no database was to be looked at; whoever asks it anything is told so.
struct NoDatabase;

impl NoDatabase {
    fn refuse<T>() -> Result<T> {
        Err(Error::new(Kind::Unreachable, "the database was not to be looked at"))
    }
}

impl ReadDatabase for NoDatabase {
    fn look(&mut self) -> Result<InspectedDatabase> {
        Self::refuse()
    }
    fn ask(&mut self, _: &[RowQuery]) -> Result<Vec<Rows>> {
        Self::refuse()
    }
    fn writers(&mut self) -> Result<OtherSessions> {
        Self::refuse()
    }
    fn fitness(&mut self, _: &ClientPrograms) -> Result<Vec<Requirement>> {
        Self::refuse()
    }
    fn content(&mut self) -> Result<Vec<TableContent>> {
        Self::refuse()
    }
}
