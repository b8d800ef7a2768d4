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
use std::io::{BufReader, ErrorKind, Read, Write};
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
    let before = State::of(place)?;
    if before.is_fresh() {
        return Ok(None);
    }
    let directory = private_directory(place)?;
    let copy = directory.path().join(COPY);
    let beside = |suffix: &str| copy.with_file_name(format!("{COPY}{suffix}"));
    let (log, journal) = (place.companion(WAL)?, place.companion(JOURNAL)?);
    copy_file(file, &copy)
        .and_then(|()| log.map_or(Ok(()), |log| copy_log(&log, &beside(WAL))))
        .and_then(|()| journal.map_or(Ok(()), |journal| copy_file(&journal, &beside(JOURNAL))))
        .map_err(|error| cannot_copy(place, &directory, &error))?;
    if State::of(place)? != before {
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
    fn of(place: &DatabasePath) -> Result<Self> {
        let print = |suffix| place.beside(suffix).metadata().ok().as_ref().map(FileVersion::of);
        let log = place.companion(WAL)?.map(|file| {
            let mut header = [0; LOG_HEADER];
            // A log that is shorter than its header is empty, and so is a header of zeros.
            let _ = file.read_exact_at(&mut header, 0);
            header
        });
        Ok(Self { database: print(""), journal: print(JOURNAL), log })
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

/// Copies a log as far as it is one: what SQLite would read of it, whatever lies behind that.
fn copy_log(from: &File, to: &Path) -> std::io::Result<()> {
    let mut copy = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    let mut reader = BufReader::new(from);
    let mut header = [0; LOG_HEADER];
    if !filled(&mut reader, &mut header)? {
        return Ok(());
    }
    copy.write_all(&header)?;
    let page = u32::from_be_bytes([header[8], header[9], header[10], header[11]]);
    let (magic, salts) = (&header[..4], &header[16..24]);
    let is_log = [LOG_MAGIC, LOG_MAGIC + 1].iter().any(|ours| ours.to_be_bytes() == *magic);
    if !is_log || !page.is_power_of_two() || page > LARGEST_PAGE {
        return Ok(());
    }
    let mut frame = vec![0; FRAME_HEADER + page as usize];
    while filled(&mut reader, &mut frame)? && frame[8..16] == *salts {
        copy.write_all(&frame)?;
    }
    Ok(())
}

/// What a log begins with, and how long the header of each of its frames is.
const LOG_MAGIC: u32 = 0x377f_0682;
const FRAME_HEADER: usize = 24;
const LARGEST_PAGE: u32 = 65536;

/// Whether there was enough to fill it.
fn filled(reader: &mut impl Read, into: &mut [u8]) -> std::io::Result<bool> {
    match reader.read_exact(into) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
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
    fn of_a_log_only_its_frames_are_copied() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("x.db"), "").unwrap();
        let mut writer = Connection::open(&at("x.db"), "x.db", OpenMode::Change).unwrap();
        writer.rows("PRAGMA journal_mode = WAL").unwrap();
        writer.run("CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)").unwrap();
        let log = at("x.db-wal");
        let real = std::fs::read(&log).unwrap();
        copy_log(&File::open(&log).unwrap(), &at("copy")).unwrap();
        assert!(std::fs::read(at("copy")).unwrap() == real);
        // What follows, as far as it goes, is no part of it.
        let longer = File::options().write(true).open(&log).unwrap();
        longer.set_len(1 << 40).unwrap();
        copy_log(&File::open(&log).unwrap(), &at("bounded")).unwrap();
        assert!(std::fs::read(at("bounded")).unwrap() == real);
        longer.set_len(real.len() as u64).unwrap();
        File::create(at("zeros")).unwrap().set_len(1 << 40).unwrap();
        copy_log(&File::open(at("zeros")).unwrap(), &at("nothing")).unwrap();
        assert_eq!(at("nothing").metadata().unwrap().len(), LOG_HEADER as u64);
        let mut snapshot = take(&place(&at("x.db"))).unwrap().unwrap();
        assert_eq!(snapshot.connection.number("SELECT count(*) FROM t").unwrap(), 2);
    }

    #[test]
    fn what_is_no_regular_file_beside_a_database_is_told_at_once() {
        for suffix in [WAL, JOURNAL] {
            for sort in ["pipe", "zero", "socket", "directory", "another database's"] {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("x.db");
                std::fs::write(&path, "").unwrap();
                Connection::open(&path, "x.db", OpenMode::Change)
                    .and_then(|mut new| new.run("CREATE TABLE t (a)"))
                    .unwrap();
                let beside = folder.path().join(format!("x.db{suffix}"));
                let mut socket = None;
                match sort {
                    "pipe" => {
                        let mode = rustix::fs::Mode::RUSR;
                        rustix::fs::mkfifoat(rustix::fs::CWD, &beside, mode).unwrap();
                    }
                    "zero" => std::os::unix::fs::symlink("/dev/zero", &beside).unwrap(),
                    "socket" => {
                        socket = Some(std::os::unix::net::UnixListener::bind(&beside).unwrap());
                    }
                    "directory" => std::fs::create_dir(&beside).unwrap(),
                    _ => std::os::unix::fs::symlink(&path, &beside).unwrap(),
                }
                let error = take(&place(&path)).err().unwrap();
                assert_eq!(error.kind(), Kind::Unreachable, "{suffix} {sort}: {error}");
                drop(socket);
            }
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
