//! Takes a file in from a directory in which others may write, and puts one out there: in between it
//! lies where only we write, so that what was read is what is used.

use std::fs::{File, OpenOptions};
use std::io::{Error, Result};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, RenameFlags, linkat, openat, renameat_with, unlinkat,
};
use rustix::io::Errno;

use crate::fs::plain;

const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Gives the file at `from`, once opened, a name of ours, or copies it: `to` is then a file that
/// nobody else can write into or replace.
pub fn take_in(from: &Path, to: &Path) -> Result<()> {
    let mut file = plain::open(from)?;
    let about = file.metadata()?;
    let is_ours = about.uid() == rustix::process::geteuid().as_raw()
        && about.mode() & WRITABLE_BY_OTHERS == 0
        && about.nlink() == 1;
    let opened = format!("/proc/self/fd/{}", file.as_raw_fd());
    if is_ours && linkat(CWD, opened, CWD, to, AtFlags::SYMLINK_FOLLOW).is_ok() {
        return Ok(());
    }
    let mut copy = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    if rustix::fs::ioctl_ficlone(&copy, &file).is_err() {
        std::io::copy(&mut file, &mut copy)?;
    }
    copy.sync_all()
}

/// Moves the file at `from`, where only we write, to that name in a directory, on disk when this
/// returns. Replaces nothing.
pub fn put_out(from: &Path, directory: impl AsFd, name: &str) -> Result<()> {
    let directory = directory.as_fd();
    match renameat_with(CWD, from, directory, name, RenameFlags::NOREPLACE) {
        Ok(()) => {}
        Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS) => {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            let made = openat(directory, name, flags, Mode::RUSR | Mode::WUSR)?;
            let mut copy = File::from(made);
            let copied = plain::open(from)
                .and_then(|mut file| std::io::copy(&mut file, &mut copy))
                .and_then(|_| copy.sync_all());
            if let Err(error) = copied {
                // A torn copy is worse than none.
                let _ = unlinkat(directory, name, AtFlags::empty());
                return Err(error);
            }
            std::fs::remove_file(from)?;
        }
        Err(errno) => return Err(errno.into()),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(directory, c".", flags, Mode::empty()).and_then(rustix::fs::fsync).map_err(Error::from)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn what_was_taken_in_is_not_changed_by_what_lies_there_later() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (name, mode) in [("ours", 0o600), ("open", 0o666)] {
            std::fs::write(at(name), "right").unwrap();
            std::fs::set_permissions(at(name), PermissionsExt::from_mode(mode)).unwrap();
            let held = OpenOptions::new().write(true).open(at(name)).unwrap();
            let to = at(&format!("{name}-in"));
            take_in(&at(name), &to).unwrap();
            std::fs::write(at("other"), "wrong").unwrap();
            std::fs::rename(at("other"), at(name)).unwrap();
            if mode == 0o666 {
                std::os::unix::fs::FileExt::write_all_at(&held, b"wrong", 0).unwrap();
            }
            assert_eq!(std::fs::read(&to).unwrap(), b"right");
            assert!(take_in(&at(name), &to).is_err(), "nothing is replaced");
        }
        symlink(at("ours"), at("link")).unwrap();
        assert!(take_in(&at("link"), &at("link-in")).is_err());
    }

    #[test]
    fn what_is_put_out_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("out")).unwrap();
        std::fs::write(at("file"), "x").unwrap();
        let out = File::open(at("out")).unwrap();
        put_out(&at("file"), &out, "a").unwrap();
        assert!(!at("file").exists());
        std::fs::write(at("file"), "y").unwrap();
        assert!(put_out(&at("file"), &out, "a").is_err());
        assert_eq!(std::fs::read(at("out/a")).unwrap(), b"x");
    }
}
