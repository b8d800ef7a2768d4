//! Whole-database copies out and in, page by page through SQLite's backup interface: the copy is
//! consistent while others write, and what is put back becomes visible in one transaction.
//!
//! The journal mode is a property of the file and stays what it was when the content is replaced.

use std::fs::File;
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::Path;

use rustix::fs::{CWD, Mode, RenameFlags, fchmod, renameat_with};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::engines::database::SavedCopy;
use crate::engines::sqlite::connection::{Connection, OpenMode};
use crate::engines::sqlite::failure;
use crate::engines::sqlite::held::Held;
use crate::engines::sqlite::inspect::SqliteSnapshot;
use crate::engines::sqlite::kept::{self, KeptFile, name_of};
use crate::engines::sqlite::pages::Copying;
use crate::engines::sqlite::place::DatabasePath;
use crate::engines::sqlite::session::Session;
use crate::error::{Error, Kind, Result};
use crate::fault;

/// Writes a backup to the new file `to`. An absent database gives an empty one.
pub(super) fn backup(place: &DatabasePath, to: &Path) -> Result<SavedCopy> {
    let file = KeptFile::create(to)?;
    if place.metadata()?.is_some() {
        copy_to(place, &file)?;
    }
    let kept = file.finish()?;
    file.leave();
    Ok(kept)
}

/// Copies the database to a new file, letting others write meanwhile.
pub(super) fn copy_to(place: &DatabasePath, file: &KeptFile) -> Result<()> {
    let mut source = Connection::open(place.path(), place.name(), OpenMode::Look)?;
    let mut copy = file.open()?;
    Copying::begin(&mut source, &mut copy)?.finish_politely()
}

/// Puts back what a backup holds. Where there is no database, an empty backup leaves it so.
pub(super) fn restore(session: &mut Session, from: &Path) -> Result<()> {
    let kept = kept::read_back(from)?;
    if kept.bytes == 0 && session.place.metadata()?.is_none() {
        return Ok(());
    }
    let mut source = Connection::open(from, name_of(from)?, OpenMode::Sealed)?;
    put(session, &mut source, |_| Ok(()))
}

/// Restores a backup into the new file `to`, and opens that to be looked at.
pub(super) fn restore_to(from: &Path, to: &Path) -> Result<SqliteSnapshot> {
    let kept = kept::read_back(from)?;
    if kept.bytes > 0 {
        let file = KeptFile::create(to)?;
        let mut source = Connection::open(from, name_of(from)?, OpenMode::Sealed)?;
        Copying::begin(&mut source, &mut file.open()?)?.finish()?;
        file.leave();
    }
    SqliteSnapshot::at(DatabasePath::at(to)?)
}

/// Replaces all of the database by all of `source` in one transaction, or creates it. `check`
/// runs when nobody else can write any more.
///
/// Errors: `Kind::Locked` when somebody else does not let go of the database.
pub(super) fn put(
    session: &mut Session,
    source: &mut Connection,
    check: impl FnOnce(&mut Session) -> Result<()>,
) -> Result<()> {
    if session.connect()?.is_none() {
        return create(session, source);
    }
    let mut target =
        Connection::open(session.place.path(), session.place.name(), OpenMode::Change)?;
    let mut copying = Copying::begin(source, &mut target)?;
    failure::patiently(|| copying.lock())?;
    check(session)?;
    copying.finish()
}

/// Makes the database file, complete from the first moment on, and opens it.
fn create(session: &mut Session, source: &mut Connection) -> Result<()> {
    let place = session.place.clone();
    let directory = place.open_directory()?;
    let path = place.directory().join(format!(".{}.ttplan-new", place.file_name()));
    // Left by a run that was killed. The lock of the run keeps others from using it.
    let _ = std::fs::remove_file(&path);
    let new = KeptFile::create(&path)?;
    let mut copy = new.open()?;
    Copying::begin(source, &mut copy)?.finish()?;
    drop(copy);
    new.finish()?;
    let cannot = |error: std::io::Error| {
        Error::new(Kind::Failed, format!("the database `{}` cannot be created", place.name()))
            .because(error)
    };
    let file = File::open(&path).and_then(Held::new).map_err(cannot)?;
    fit_in(&file, &directory).map_err(cannot)?;
    // The lock is taken before anybody else can see the file.
    session.lock_new(&file)?;
    fault::point("new database: before it has its name").map_err(cannot)?;
    match renameat_with(CWD, &path, CWD, place.path(), RenameFlags::NOREPLACE) {
        Ok(()) => new.leave(),
        Err(Errno::EXIST) => {
            return Err(Error::new(
                Kind::Stale,
                format!("the database `{}` was created meanwhile", place.name()),
            ));
        }
        Err(error) => return Err(cannot(error.into())),
    }
    fault::point("new database: after it has its name").map_err(cannot)?;
    directory.sync_all().map_err(cannot)?;
    session.opened(file)
}

/// Makes a new file one of its directory: readable and writable for those for whom the directory
/// is, but never writable for all. Root gives it to the directory's owner, for the application to
/// use.
fn fit_in(file: &File, directory: &File) -> std::io::Result<()> {
    let metadata = directory.metadata()?;
    if geteuid().is_root() {
        fchown(file, Some(metadata.uid()), Some(metadata.gid()))?;
    }
    fchmod(file, Mode::from_raw_mode(metadata.mode() & 0o664 | 0o600))?;
    file.sync_all()
}
