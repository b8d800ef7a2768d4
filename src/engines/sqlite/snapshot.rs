//! Opens a database so that looking at it leaves no trace: no file appears, no byte changes,
//! and nobody who writes has to wait for longer than a copy takes.
//!
//! SQLite itself would make a `-wal` and a `-shm` file, run a checkpoint, or roll a hot journal
//! back. So a database with a write-ahead log or a journal is copied file by file into a private
//! directory and read there; the copy is good when the file did not change while it was made. Any
//! other database is opened read-only. A small one is then copied through that connection, so that
//! its lock is given back at once; a large one is read in place within one read transaction,
//! which in rollback mode keeps writers waiting until the object is dropped.
//!
//! The private directory is made below `TMPDIR` with mode 0700 and removed with the object. Only a
//! kill leaves it behind.

use std::fs::{File, OpenOptions, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

use crate::engines::sqlite::connection::{Connection, OpenMode};
use crate::engines::sqlite::held::Held;
use crate::engines::sqlite::kept::KeptFile;
use crate::engines::sqlite::pages::Copying;
use crate::engines::sqlite::place::{DatabasePath, FileVersion, JOURNAL, WAL};
use crate::error::{Error, Kind, Result};
use crate::fs::plain;

/// How often to try again when the database is written to while it is copied.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(50);

/// Clocks of file systems tick this coarsely: of two writes within a tick only one is seen.
const TICK: Duration = Duration::from_millis(20);

/// Up to this many bytes a database in rollback mode is copied rather than read in place.
const SMALL: u64 = 64 << 20;

/// What a private copy is called in its directory.
const COPY: &str = "copy.db";

/// A database as it was at one moment, open for reading within one transaction.
pub(super) struct Snapshot {
    pub(super) connection: Connection,
    /// Removed when this is dropped.
    _directory: Option<TempDir>,
    /// The database file itself.
    pub(super) file: Held,
}

/// Takes a snapshot; `None` where there is no database.
///
/// Errors: `Kind::Unreachable`, transient where somebody else's writes were in the way.
pub(super) fn take(place: &DatabasePath) -> Result<Option<Snapshot>> {
    take_up_to(place, SMALL).map_err(|error| error.of_kind(Kind::Unreachable))
}

fn take_up_to(place: &DatabasePath, small: u64) -> Result<Option<Snapshot>> {
    for attempt in 0..TRIES {
        if attempt > 0 {
            sleep(PAUSE);
        }
        let Some(file) = place.open()? else { return Ok(None) };
        let taken = if place.leaves_traces(&file)? {
            copied(place, &file)?
        } else {
            in_place(place, &file, small)?
        };
        if let Some((connection, directory)) = taken {
            return Ok(Some(Snapshot { connection, _directory: directory, file }));
        }
    }
    let busy = format!("the database `{}` is being written to all the time", place.name());
    Err(Error::new(Kind::Unreachable, busy)
        .hint("stop the application, then run the command again")
        .transient())
}

type Taken = Option<(Connection, Option<TempDir>)>;

/// Copies the files; nothing when they changed meanwhile.
fn copied(place: &DatabasePath, file: &File) -> Result<Taken> {
    let before = State::of(place);
    if before.is_fresh() {
        return Ok(None);
    }
    let directory = private_directory(place)?;
    let copy = directory.path().join(COPY);
    copy_file(file, &copy)
        .and_then(|()| copy_companion(place, WAL, &copy))
        .and_then(|()| copy_companion(place, JOURNAL, &copy))
        .map_err(|error| cannot_copy(place, &directory, &error))?;
    if State::of(place) != before {
        return Ok(None);
    }
    let mut connection = Connection::open(&copy, place.name(), OpenMode::Private)?;
    read_lock(&mut connection)?;
    Ok(Some((connection, Some(directory))))
}

/// Opens it read-only; nothing when a journal appeared in between.
fn in_place(place: &DatabasePath, file: &File, small: u64) -> Result<Taken> {
    let mut connection = match Connection::open(place.path(), place.name(), OpenMode::Look) {
        Ok(connection) => connection,
        Err(_) if place.leaves_traces(file)? => return Ok(None),
        Err(error) => return Err(error),
    };
    match read_lock(&mut connection) {
        Err(_) if place.leaves_traces(file)? => return Ok(None),
        done => done?,
    }
    if file.metadata().is_ok_and(|metadata| metadata.len() <= small)
        && let Ok(copy) = copied_by_pages(place, &mut connection)
    {
        return Ok(Some(copy));
    }
    Ok(Some((connection, None)))
}

/// A copy of what the connection sees. Where none can be made, the original will do.
fn copied_by_pages(
    place: &DatabasePath,
    connection: &mut Connection,
) -> Result<(Connection, Option<TempDir>)> {
    let directory = private_directory(place)?;
    let path = directory.path().join(COPY);
    let new = KeptFile::create(&path)?;
    let mut copy = new.open()?;
    Copying::begin(connection, &mut copy)?.finish()?;
    drop(copy);
    let mut copy = Connection::open(&path, place.name(), OpenMode::Private)?;
    read_lock(&mut copy)?;
    new.leave();
    Ok((copy, Some(directory)))
}

/// Begins a transaction that reads; from here on only one state is seen.
fn read_lock(connection: &mut Connection) -> Result<()> {
    connection.run("BEGIN")?;
    connection.number("SELECT count(*) FROM main.sqlite_schema").map(|_| ())
}

/// What must not change while the files are copied.
///
/// A log may grow meanwhile: what is appended is either whole and committed, or it is no part of
/// the log for whoever opens the copy. Only when it begins anew, its header changes.
#[derive(PartialEq, Eq)]
struct State {
    database: Option<FileVersion>,
    journal: Option<FileVersion>,
    log: Option<[u8; LOG_HEADER]>,
}

/// The length of a log's header: <https://www.sqlite.org/fileformat.html#walformat>.
const LOG_HEADER: usize = 32;

impl State {
    fn of(place: &DatabasePath) -> Self {
        let print =
            |suffix| place.beside(suffix).symlink_metadata().ok().as_ref().map(FileVersion::of);
        let log = plain::open(&place.beside(WAL)).ok().map(|file| {
            let mut header = [0; LOG_HEADER];
            // A log that is shorter than its header is empty, and so is a header of zeros.
            let _ = file.read_exact_at(&mut header, 0);
            header
        });
        Self { database: print(""), journal: print(JOURNAL), log }
    }

    /// Whether a file was written so lately that another write would not show.
    fn is_fresh(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let age = |print: &FileVersion| now.checked_sub(print.modified());
        [&self.database, &self.journal]
            .into_iter()
            .flatten()
            .any(|print| age(print).is_some_and(|age| age < TICK))
    }
}

/// Shares the blocks where the file system can, copies the bytes where it cannot.
fn copy_file(mut from: &File, to: &Path) -> std::io::Result<()> {
    let mut copy = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    if rustix::fs::ioctl_ficlone(&copy, from).is_err() {
        std::io::copy(&mut from, &mut copy)?;
    }
    Ok(())
}

fn copy_companion(place: &DatabasePath, suffix: &str, copy: &Path) -> std::io::Result<()> {
    match plain::open(&place.beside(suffix)) {
        Ok(file) => copy_file(&file, &copy.with_file_name(format!("{COPY}{suffix}"))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn private_directory(place: &DatabasePath) -> Result<TempDir> {
    let private = Permissions::from_mode(0o700);
    tempfile::Builder::new().prefix("ttplan-look-").permissions(private).tempdir().map_err(
        |error| {
            Error::new(
                Kind::Unreachable,
                format!("no private copy of `{}` can be made to look at", place.name()),
            )
            .because(error)
            .hint("name a directory that can be written to: export TMPDIR=/var/tmp")
        },
    )
}

fn cannot_copy(place: &DatabasePath, directory: &TempDir, error: &std::io::Error) -> Error {
    let directory = directory.path().parent().unwrap_or(Path::new("/")).display();
    Error::new(
        Kind::Unreachable,
        format!("no private copy of `{}` can be made to look at", place.name()),
    )
    .because(error)
    .hint(format!(
        "see who may read it, and the free space: ls -l '{}'; df -h '{directory}'",
        place.name()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config::{Access, Database, Wait};
    use crate::model::names::Secret;

    fn place(path: &Path) -> DatabasePath {
        let database = Database {
            engine: "sqlite".into(),
            host: None,
            port: None,
            user: None,
            name: "x.db".into(),
            path: Some(path.into()),
            options: Default::default(),
            wait: Wait { attempts: 1, delay_seconds: 0, timeout_seconds: 1 },
        };
        DatabasePath::of(&Access {
            database,
            password: None,
            url: Secret::new("sqlite:///x.db"),
            path: Default::default(),
            programs: Default::default(),
        })
        .unwrap()
    }

    #[test]
    fn a_large_database_is_read_in_place_and_a_small_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        std::fs::write(&path, "").unwrap();
        let mut writer = Connection::open(&path, "x.db", OpenMode::Change).unwrap();
        writer.run("CREATE TABLE t (a)").unwrap();
        for (small, locked) in [(0, true), (SMALL, false)] {
            let snapshot = take_up_to(&place(&path), small).unwrap().unwrap();
            assert_eq!(snapshot._directory.is_none(), locked);
            assert_eq!(
                writer.run("INSERT INTO t VALUES (1)").is_err_and(|error| error.is_transient()),
                locked
            );
            drop(snapshot);
            writer.run("INSERT INTO t VALUES (1)").unwrap();
        }
    }

    #[test]
    fn a_private_copy_is_gone_with_its_snapshot() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        std::fs::write(&path, "").unwrap();
        let mut writer = Connection::open(&path, "x.db", OpenMode::Change).unwrap();
        writer.rows("PRAGMA journal_mode = WAL").unwrap();
        writer.run("CREATE TABLE t (a)").unwrap();
        let snapshot = take(&place(&path)).unwrap().unwrap();
        let copy = snapshot._directory.as_ref().unwrap().path().to_owned();
        assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        drop(snapshot);
        assert!(!copy.exists());
    }
}
