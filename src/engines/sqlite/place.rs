//! Where the database is, and what can be known of it without SQLite: whether it is there,
//! whether it is a file, how it keeps its journal.

use std::fs::{File, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Access as Permission, AtFlags, CWD, accessat};

use crate::engines::sqlite::held::Held;
use crate::error::{Error, Kind, Result};
use crate::fs::plain;
use crate::model::config::Access;
use crate::model::names::FilePath;
use crate::model::observation::Identity;
use crate::model::text::shell_word;

/// Where SQLite keeps what it needs beside the database.
pub(super) const JOURNAL: &str = "-journal";
pub(super) const WAL: &str = "-wal";
pub(super) const SHARED_MEMORY: &str = "-shm";

/// The file of a database, there or not.
#[derive(Clone, Debug)]
pub(super) struct DatabasePath {
    /// Absolute; symbolic links resolved as far as the path exists, as SQLite does it.
    path: PathBuf,
    /// The same for messages and for SQLite, which wants UTF-8.
    name: String,
}

impl DatabasePath {
    /// The place that a configuration names.
    pub(super) fn of(access: &Access) -> Result<Self> {
        let path =
            access.database.path.as_ref().map(FilePath::as_path).filter(|path| path.is_absolute());
        Self::at(
            path.ok_or_else(|| {
                Error::new(Kind::Config, "the SQLite database has no absolute path")
            })?,
        )
    }

    /// The place at an absolute path.
    pub(super) fn at(path: &Path) -> Result<Self> {
        let path = resolved(path)?;
        match path.to_str() {
            Some(name) => Ok(Self { name: name.to_owned(), path }),
            None => Err(Error::new(
                Kind::Unreachable,
                format!("the path {path:?} is not UTF-8, which SQLite needs"),
            )),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What messages call the database.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The last part of the path.
    pub(super) fn file_name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }

    /// The directory the file is in.
    pub(super) fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    /// A companion of the file: its journal, its write-ahead log.
    pub(super) fn beside(&self, suffix: &str) -> PathBuf {
        PathBuf::from(format!("{}{suffix}", self.name))
    }

    /// Opens a companion, where there is one.
    ///
    /// Errors: `Kind::Unreachable` for what is no regular file: SQLite keeps nothing else there.
    pub(super) fn companion(&self, suffix: &str) -> Result<Option<File>> {
        let path = self.beside(suffix);
        match plain::open(&path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(cannot_look(&path, &error)),
        }
    }

    pub(super) fn identity(&self) -> Identity {
        Identity {
            engine: super::NAME.into(),
            name: self.file_name().into(),
            host: None,
            identity: self.name.clone(),
        }
    }

    /// What the file system says of the file; `None` where there is none.
    pub(super) fn metadata(&self) -> Result<Option<Metadata>> {
        let metadata = match self.path.metadata() {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(cannot_look(&self.path, &error)),
        };
        if metadata.is_file() {
            return Ok(Some(metadata));
        }
        let what = if metadata.is_dir() { "a directory" } else { "not a plain file" };
        Err(Error::new(
            Kind::Unreachable,
            format!("`{}` is {what}, not a SQLite database", self.name),
        )
        .hint("name the database file in the URL: sqlite:////absolute/path/to/file.db"))
    }

    /// Opens the file for reading, beside SQLite.
    pub(super) fn open(&self) -> Result<Option<Held>> {
        if self.metadata()?.is_none() {
            return Ok(None);
        }
        self.check_companions()?;
        match plain::open(&self.path).and_then(Held::new) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(cannot_look(&self.path, &error)),
        }
    }

    /// That SQLite's own files beside it are files: whoever owns the directory could have made one
    /// a pipe that nobody ever writes to, or a link to something without end.
    fn check_companions(&self) -> Result<()> {
        for suffix in [JOURNAL, WAL, SHARED_MEMORY] {
            let path = self.beside(suffix);
            if path.symlink_metadata().is_ok_and(|found| !found.is_file()) {
                let shown = path.display();
                return Err(Error::new(Kind::Unreachable, format!("`{shown}` is no regular file"))
                    .code("not_a_plain_file")
                    .about(shown)
                    .because("SQLite keeps what belongs to the database there, and only in a file")
                    .hint(format!("ls -l {}", shell_word(&path.to_string_lossy()))));
            }
        }
        Ok(())
    }

    /// Opens the directory the file is in.
    pub(super) fn open_directory(&self) -> Result<File> {
        let shown = self.directory().display();
        File::open(self.directory()).map_err(|error| {
            Error::new(
                Kind::Unreachable,
                format!("the directory `{shown}` of the database cannot be looked at"),
            )
            .because(error)
            .hint(format!("make it, if it is missing: mkdir -p '{shown}'"))
        })
    }

    /// Whether this user may write to the file, or to its directory where there is no file.
    pub(super) fn is_ours(&self) -> bool {
        let path = if self.path.exists() { &self.path } else { self.directory() };
        accessat(CWD, path, Permission::WRITE_OK, AtFlags::EACCESS).is_ok()
    }

    /// Whether reading it in place would make or change files beside it.
    pub(super) fn leaves_traces(&self, file: &File) -> Result<bool> {
        let length = |file: &File| file.metadata().is_ok_and(|about| about.len() > 0);
        let journal = self.companion(JOURNAL)?.as_ref().is_some_and(length);
        let wal = self.companion(WAL)?.is_some();
        Ok(journal || wal || self.header(file)?.is_wal())
    }

    /// The head of the file as it is on disk at this moment.
    pub(super) fn header(&self, file: &File) -> Result<Header> {
        let mut bytes = [0; 100];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(cannot_look(&self.path, &error)),
            }
        }
        Ok(Header(bytes))
    }
}

/// The first 100 bytes of a database file:
/// <https://www.sqlite.org/fileformat.html#the_database_header>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header([u8; 100]);

impl Header {
    /// Whether the database is in WAL mode.
    pub(super) fn is_wal(&self) -> bool {
        self.0[18] == 2 || self.0[19] == 2
    }

    /// The counter that every transaction in rollback mode moves.
    pub(super) fn change_counter(&self) -> u32 {
        u32::from_be_bytes([self.0[24], self.0[25], self.0[26], self.0[27]])
    }
}

/// What changes with every write to a file, as far as its file system's clock can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileVersion {
    identity: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl FileVersion {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            identity: (metadata.dev(), metadata.ino()),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// When it was last written to, since 1970.
    pub(super) fn modified(&self) -> Duration {
        let (seconds, nanoseconds) = self.modified;
        Duration::new(seconds.try_into().unwrap_or(0), nanoseconds.try_into().unwrap_or(0))
    }
}

fn resolved(path: &Path) -> Result<PathBuf> {
    let missing = match path.canonicalize() {
        Ok(real) => return Ok(real),
        Err(error) if error.kind() == ErrorKind::NotFound => error,
        Err(error) => return Err(cannot_look(path, &error)),
    };
    if path.is_symlink() {
        return Err(cannot_look(path, &missing).because("it is a symbolic link to nothing"));
    }
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(cannot_look(path, &missing));
    };
    match directory.canonicalize() {
        Ok(real) => Ok(real.join(name)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(path.to_owned()),
        Err(error) => Err(cannot_look(path, &error)),
    }
}

fn cannot_look(path: &Path, error: &std::io::Error) -> Error {
    let path = path.display();
    Error::new(Kind::Unreachable, format!("the database file `{path}` cannot be looked at"))
        .because(error)
        .hint(format!("see its owner and mode: ls -l '{path}'"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_missing_file_or_directory_is_absent_and_a_link_to_nothing_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        assert_eq!(resolved(&folder.path().join("no.db")).unwrap(), real.join("no.db"));
        assert_eq!(
            resolved(Path::new("/nowhere/at/all.db")).unwrap(),
            Path::new("/nowhere/at/all.db")
        );
        symlink("gone.db", folder.path().join("link.db")).unwrap();
        assert_eq!(resolved(&folder.path().join("link.db")).unwrap_err().kind(), Kind::Unreachable);
        std::fs::write(folder.path().join("real.db"), "").unwrap();
        symlink("real.db", folder.path().join("good.db")).unwrap();
        assert_eq!(resolved(&folder.path().join("good.db")).unwrap(), real.join("real.db"));
        assert_eq!(
            resolved(&folder.path().join("real.db/x.db")).unwrap_err().kind(),
            Kind::Unreachable
        );
    }
}
