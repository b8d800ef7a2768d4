//! Puts a site together: an engine's database and the disk, to be looked at or to be changed.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::engines::{self, Engine};
use crate::error::{Error, Kind, Result};
use crate::live::{
    Change, ChangeDatabase, ChangeFiles, Command, Exit, Fitness, Inspect, InspectDatabase,
    InspectFiles, Question, Rows, Sight, TableContent, Writers,
};
use crate::model::config::{Access, Wait};
use crate::model::names::FilePath;
use crate::process;
use crate::stores::local::{Disk, lock};

struct Site<D: ?Sized> {
    disk: Disk,
    database: Box<D>,
    locks: Vec<File>,
}

impl<D: ?Sized> Site<D> {
    fn new(database: Box<D>) -> Self {
        Self { disk: Disk::new(), database, locks: Vec::new() }
    }
}

impl Inspect for Site<dyn InspectDatabase> {
    fn database(&mut self) -> &mut dyn InspectDatabase {
        self.database.as_mut()
    }
    fn files(&mut self) -> &mut dyn InspectFiles {
        &mut self.disk
    }
    fn both(&mut self) -> (&mut dyn InspectDatabase, &mut (dyn InspectFiles + Send)) {
        (self.database.as_mut(), &mut self.disk)
    }
}

impl Inspect for Site<dyn ChangeDatabase> {
    fn database(&mut self) -> &mut dyn InspectDatabase {
        self.database.as_mut()
    }
    fn files(&mut self) -> &mut dyn InspectFiles {
        &mut self.disk
    }
    fn both(&mut self) -> (&mut dyn InspectDatabase, &mut (dyn InspectFiles + Send)) {
        (self.database.as_mut(), &mut self.disk)
    }
}

impl Change for Site<dyn ChangeDatabase> {
    fn change_database(&mut self) -> &mut dyn ChangeDatabase {
        self.database.as_mut()
    }
    fn change_files(&mut self) -> &mut dyn ChangeFiles {
        &mut self.disk
    }
    fn lock_root(&mut self, root: &FilePath, wait: Duration) -> Result<()> {
        self.locks.extend(lock::lock(root, wait)?);
        Ok(())
    }
    fn run(&mut self, command: &Command, log: &Path) -> Result<Exit> {
        process::run(command, log)
    }
}

/// Opens a site to be looked at.
///
/// Errors: `Kind::Unreachable` after the configured tries.
pub fn open_to_inspect(access: &Access) -> Result<Box<dyn Inspect>> {
    let engine = engine(access)?;
    let database = patiently(access.database.wait, || (engine.inspect)(access))?;
    Ok(Box::new(Site::new(database)))
}

/// Opens a site to be changed.
///
/// Errors: `Kind::Unreachable` after the configured tries.
pub fn open_to_change(access: &Access) -> Result<Box<dyn Change>> {
    let engine = engine(access)?;
    let database = patiently(access.database.wait, || (engine.change)(access))?;
    Ok(Box::new(Site::new(database)))
}

/// A place where only files can be looked at.
pub fn open_files_to_inspect() -> Box<dyn Inspect> {
    let database: Box<dyn InspectDatabase> = Box::new(NoDatabase);
    Box::new(Site::new(database))
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

impl InspectDatabase for NoDatabase {
    fn look(&mut self) -> Result<Sight> {
        Self::refuse()
    }
    fn ask(&mut self, _: &[Question]) -> Result<Vec<Rows>> {
        Self::refuse()
    }
    fn writers(&mut self) -> Result<Writers> {
        Self::refuse()
    }
    fn fitness(&mut self, _: &OsStr) -> Result<Vec<Fitness>> {
        Self::refuse()
    }
    fn content(&mut self) -> Result<Vec<TableContent>> {
        Self::refuse()
    }
}
