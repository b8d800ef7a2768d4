//! The files that copies are kept in: made new, readable by us alone, on disk when they are done,
//! gone when they are not.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::fault;
use crate::fs::{digest, plain};
use crate::model::names::Digest;

/// A file that is being written. Removed when it is dropped unfinished.
pub(crate) struct NewFile {
    path: PathBuf,
    file: File,
    /// Endings of files that a program may leave beside it; removed with it.
    beside: &'static [&'static str],
    finished: bool,
}

impl NewFile {
    /// Makes the file; a file or link of that name is an error and stays as it is.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        Self::with_others(path, &[])
    }

    /// The same, of a file that some program fills in its own way, with files of these endings
    /// beside it meanwhile.
    pub(crate) fn with_others(path: &Path, beside: &'static [&'static str]) -> Result<Self> {
        let file = fault::point("kept file: before it is made").and_then(|()| {
            OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
        });
        let file = file.map_err(|cause| trouble(path, "cannot be made", cause))?;
        Ok(Self { path: path.to_owned(), file, beside, finished: false })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file at its present position, for a program to write into.
    pub(crate) fn handle(&self) -> Result<File> {
        self.file.try_clone().map_err(|cause| trouble(&self.path, "cannot be written", cause))
    }

    /// Adds bytes behind all that was written.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let write = |file: &mut File| {
            file.seek(SeekFrom::End(0))?;
            fault::point("kept file: before bytes are added")?;
            std::io::Write::write_all(file, bytes)
        };
        write(&mut self.file).map_err(|cause| trouble(&self.path, "cannot be written", cause))
    }

    /// Brings the file and its name to disk.
    pub(crate) fn sync(&self) -> Result<()> {
        let directory = self
            .path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        fault::point("kept file: before it is synced")
            .and_then(|()| self.file.sync_all())
            .and_then(|()| File::open(directory)?.sync_all())
            .map_err(|cause| trouble(&self.path, "cannot be brought to disk", cause))
    }

    /// Keeps the file.
    pub(crate) fn keep(mut self) {
        self.finished = true;
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.finished {
            // A torn copy is worse than none; one that cannot be removed is refused when it is
            // read.
            for ending in [""].iter().chain(self.beside) {
                let mut path = self.path.clone().into_os_string();
                path.push(ending);
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

/// Opens a plain file for reading, and nothing that only leads to one.
pub(crate) fn open_plain(path: &Path) -> Result<File> {
    plain::open(path).map_err(|cause| trouble(path, "cannot be read", cause))
}

/// Size and SHA-256 of a whole file.
pub(crate) fn measure(file: &mut File, path: &Path) -> Result<(u64, Digest)> {
    file.seek(SeekFrom::Start(0))
        .and_then(|_| digest::of(file))
        .map_err(|cause| trouble(path, "cannot be read", cause))
}

fn trouble(path: &Path, what: &str, cause: std::io::Error) -> Error {
    if cause.kind() == std::io::ErrorKind::StorageFull {
        return Error::new(Kind::Failed, format!("the disk is full: `{}` {what}", path.display()))
            .hint("make room, or choose another place by `[backup] directory`");
    }
    Error::new(Kind::Failed, format!("`{}` {what}", path.display())).because(cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_new_file_is_ours_alone_and_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("copy");
        let mut new = NewFile::create(&path).unwrap();
        new.append(b"one").unwrap();
        new.append(b"two").unwrap();
        new.sync().unwrap();
        new.keep();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(NewFile::create(&path).is_err());
        let (size, digest) = measure(&mut open_plain(&path).unwrap(), &path).unwrap();
        assert_eq!((size, digest), (6, Digest::of("onetwo")));
    }

    #[test]
    fn an_unfinished_file_goes_and_a_link_is_neither_written_nor_read() {
        let folder = tempfile::tempdir().unwrap();
        let (path, target) = (folder.path().join("copy"), folder.path().join("target"));
        drop(NewFile::create(&path).unwrap());
        assert!(!path.exists());
        std::fs::write(&target, "precious").unwrap();
        symlink(&target, &path).unwrap();
        assert!(NewFile::create(&path).is_err());
        assert!(open_plain(&path).is_err());
        assert!(open_plain(folder.path()).is_err());
        assert_eq!(std::fs::read(&target).unwrap(), b"precious");
    }
}
