//! Writing our papers so that a reader sees the whole of the old or the whole of the new, and
//! reading them with an upper bound.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::fault;
use crate::fs::plain;

/// No paper of ours is larger than this; a larger file is something else.
pub const LARGEST: u64 = 1 << 30;

/// Turns an IO error on one of our papers into our own.
pub fn told(doing: &str, path: &Path, error: &std::io::Error) -> Error {
    let told =
        Error::new(Kind::Failed, format!("cannot {doing} `{}`", path.display())).because(error);
    match error.kind() {
        std::io::ErrorKind::NotFound => told.hint("check the path"),
        std::io::ErrorKind::PermissionDenied => told.hint("run as the user who owns it"),
        std::io::ErrorKind::StorageFull => told.hint("free some space there and run again"),
        _ => told,
    }
}

/// Reads a whole paper that a person named, or that lies where only we write.
///
/// Errors: for what is no regular file, and for what is too large to be a paper of ours.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    plain::open_named(path)
        .and_then(|file| plain::read(file, LARGEST))
        .map_err(|error| told("read", path, &error))
}

/// Reads what lies beside a paper, where others may have put it: a regular file itself, of `most`
/// bytes.
///
/// Errors: as [`read`]; none where nothing is there.
pub fn read_beside(path: &Path, most: u64) -> Result<Option<Vec<u8>>> {
    match plain::open(path).and_then(|file| plain::read(file, most)) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(told("read", path, &error)),
    }
}

/// Whether an existing file may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    Replace,
    Refuse,
}

/// Refuses to write where something else than a regular file is: a paper in the place of a device, a
/// pipe or a link would take that away from everybody.
///
/// Errors: `Kind::Refused`.
pub fn check_place(path: &Path) -> Result<()> {
    match path.symlink_metadata() {
        Ok(there) if !there.is_file() => {
            let shown = path.display();
            Err(Error::new(Kind::Refused, format!("`{shown}` is there and is not a regular file"))
                .code("not_a_plain_file")
                .about(&shown)
                .because("nothing is written into or in place of such a thing")
                .hint("name a new file, or `-` for the standard output where the command takes it"))
        }
        _ => Ok(()),
    }
}

/// A paper that is being written, under a temporary name beside its place. Gone when it is dropped
/// unplaced.
pub struct Draft {
    temporary: tempfile::NamedTempFile,
    path: PathBuf,
}

impl Draft {
    /// Begins one; `mode` is the file's permission bits.
    ///
    /// Errors: as [`check_place`] besides.
    pub fn begin(path: &Path, mode: u32) -> Result<Self> {
        check_place(path)?;
        let temporary = tempfile::Builder::new()
            .prefix(".ttplan-")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))
            .tempfile_in(directory_of(path));
        let begun = temporary.and_then(|temporary| {
            fault::point("paper: before it is written")?;
            Ok(Self { temporary, path: path.to_owned() })
        });
        begun.map_err(|error| told("write", path, &error))
    }

    /// Writes more of it.
    pub fn add(&mut self, bytes: &[u8]) -> Result<()> {
        self.write_all(bytes).map_err(|error| told("write", &self.path, &error))
    }

    /// Syncs it, puts it in place and syncs the directory.
    pub fn place(self, existing: Existing) -> Result<()> {
        let Self { temporary, path } = self;
        let failed = |error: &std::io::Error| told("write", &path, error);
        let synced = temporary
            .as_file()
            .sync_all()
            .and_then(|()| fault::point("paper: before it has its name"));
        synced.map_err(|error| failed(&error))?;
        match existing {
            Existing::Replace => temporary.persist(&path).map_err(|error| failed(&error.error))?,
            Existing::Refuse => temporary.persist_noclobber(&path).map_err(|error| {
                let told = failed(&error.error);
                if error.error.kind() == std::io::ErrorKind::AlreadyExists {
                    told.hint("remove it first, or choose another name")
                } else {
                    told
                }
            })?,
        };
        sync_directory(directory_of(&path))
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.temporary.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.temporary.flush()
    }
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Writes a whole paper: to a temporary name beside it, synced, then put in place, then the
/// directory synced. `mode` is the file's permission bits.
pub fn write(path: &Path, bytes: &[u8], mode: u32, existing: Existing) -> Result<()> {
    let mut draft = Draft::begin(path, mode)?;
    draft.add(bytes)?;
    draft.place(existing)
}

/// Copies a paper, as a stream: it may be larger than memory should be.
pub fn copy(from: &Path, to: &Path, mode: u32, existing: Existing) -> Result<()> {
    let mut file = plain::open(from).map_err(|error| told("read", from, &error))?;
    let mut draft = Draft::begin(to, mode)?;
    let mut piece = vec![0; 1 << 16];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return draft.place(existing),
            Ok(read) => draft.add(&piece[..read])?,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(told("read", from, &error)),
        }
    }
}

/// Makes the entries of a directory durable.
pub fn sync_directory(directory: &Path) -> Result<()> {
    fault::point("directory: before it is synced")
        .and_then(|()| File::open(directory)?.sync_all())
        .map_err(|error| told("sync", directory, &error))
}

/// Creates a new file that only its owner may read; never follows a link, never reuses a file.
pub fn create_private(path: &Path) -> Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| told("create", path, &error))
}

/// Makes a directory that only its owner may enter, if it is not there.
pub fn private_directory(path: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let made = fault::point("private directory: before it is made");
    match made.and_then(|()| fs::DirBuilder::new().mode(0o700).create(path)) {
        Ok(()) => path.parent().map_or(Ok(()), sync_directory),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(told("make the directory", path, &error)),
    }
}

/// An empty directory that only its owner may enter: whatever lay there is gone.
pub fn fresh_directory(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(told("empty", path, &error))
        }
        _ => private_directory(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paper_is_replaced_whole_or_refused_and_leaves_nothing_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.json");
        write(&path, b"one", 0o600, Existing::Refuse).unwrap();
        assert!(write(&path, b"two", 0o600, Existing::Refuse).is_err());
        assert_eq!(read(&path).unwrap(), b"one");
        write(&path, b"two", 0o644, Existing::Replace).unwrap();
        assert_eq!(read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_a_new_or_a_regular_file_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        std::os::unix::fs::symlink("/dev/null", at("link")).unwrap();
        std::os::unix::fs::symlink("nowhere", at("dangling")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), rustix::fs::Mode::RUSR).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        for name in ["link", "dangling", "pipe", "socket", ""] {
            let error = write(&at(name), b"x", 0o600, Existing::Replace).unwrap_err();
            assert_eq!(error.kind(), Kind::Refused, "{name}");
        }
        assert!(write(Path::new("/dev/null"), b"x", 0o600, Existing::Replace).is_err());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 4);
        write(&at("new"), b"x", 0o600, Existing::Replace).unwrap();
    }

    #[test]
    fn a_copy_is_whole_and_a_draft_that_is_given_up_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let [from, to] = ["a", "b"].map(|name| directory.path().join(name));
        let content: Vec<u8> = (0..=255).cycle().take((1 << 16) * 2 + 17).collect();
        write(&from, &content, 0o600, Existing::Refuse).unwrap();
        copy(&from, &to, 0o600, Existing::Refuse).unwrap();
        assert_eq!(read(&to).unwrap(), content);
        assert!(copy(&from, &to, 0o600, Existing::Refuse).is_err());
        let mut draft = Draft::begin(&directory.path().join("c"), 0o600).unwrap();
        draft.add(b"half").unwrap();
        drop(draft);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_private_file_is_new_and_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        create_private(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(create_private(&path).is_err());
        std::os::unix::fs::symlink("/etc/passwd", directory.path().join("link")).unwrap();
        assert!(create_private(&directory.path().join("link")).is_err());
    }
}
