//! Opens regular files and nothing else, without ever waiting: a pipe, a socket or a device that
//! somebody put in a file's place is an error at once. Never decides what a file is good for.

use std::fs::{File, OpenOptions};
use std::io::{Error, Read, Result};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// Opens the file that a person named; a link to it will do.
pub fn open_named(path: &Path) -> Result<File> {
    open_with(path, OFlags::empty())
}

/// Opens the file at `path` itself, and nothing that only leads to one: for what lies beside a file
/// that a person named, where others may have put it.
pub fn open(path: &Path) -> Result<File> {
    open_with(path, OFlags::NOFOLLOW)
}

/// Reads all of it, up to `most` bytes.
///
/// Errors: of the kind `FileTooLarge` where there is more.
pub fn read(file: File, most: u64) -> Result<Vec<u8>> {
    let too_large = || {
        let what = format!("it is larger than {most} bytes");
        Error::new(std::io::ErrorKind::FileTooLarge, what)
    };
    // Told before any of it is read; a file may still grow.
    if file.metadata()?.len() > most {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(too_large()) } else { Ok(bytes) }
}

fn open_with(path: &Path, also: OFlags) -> Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC | also;
    let flags = i32::try_from(flags.bits()).map_err(Error::other)?;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let about = file.metadata()?;
    if about.is_dir() {
        return Err(Error::other("it is a directory"));
    }
    if !about.is_file() {
        return Err(Error::other("it is not a regular file"));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    #[test]
    fn nothing_but_a_regular_file_is_opened_and_nobody_waits() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "text").unwrap();
        symlink(at("file"), at("link")).unwrap();
        symlink("/dev/zero", at("zero")).unwrap();
        let mode = rustix::fs::Mode::RUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), mode).unwrap();
        let _socket = UnixListener::bind(at("socket")).unwrap();
        std::fs::create_dir(at("directory")).unwrap();
        assert_eq!(read(open(&at("file")).unwrap(), 4).unwrap(), b"text");
        assert_eq!(read(open_named(&at("link")).unwrap(), 4).unwrap(), b"text");
        assert!(open(&at("link")).is_err());
        for name in ["zero", "pipe", "socket", "directory", "none"] {
            assert!(open(&at(name)).is_err(), "{name}");
            assert!(open_named(&at(name)).is_err(), "{name}");
        }
    }

    #[test]
    fn a_file_that_is_too_large_is_told_before_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sparse");
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let error = read(open(&path).unwrap(), 1 << 20).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::FileTooLarge);
        std::fs::write(&path, "12345").unwrap();
        assert!(read(open(&path).unwrap(), 4).is_err());
        assert_eq!(read(open(&path).unwrap(), 5).unwrap().len(), 5);
        // What says it is empty and is not: the kernel's own files.
        assert!(read(open_named(Path::new("/proc/self/status")).unwrap(), 4).is_err());
    }
}
