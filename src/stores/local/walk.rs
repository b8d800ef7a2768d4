//! Walking a root: every entry below it once, met by name and sort, never followed and never
//! opened unless it is a directory.

use rustix::fd::OwnedFd;
use rustix::fs::{self, AtFlags, Dir, FileType};
use rustix::io::{Errno, Result};

use crate::fs::root::{Root, join};
use crate::model::files::uploads::OddKind;
use crate::model::names::FilePath;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Met {
    Plain,
    Directory,
    Odd(OddKind),
}

/// Calls `visit` for everything below `root`, in no order; a directory is entered where it says so.
/// A directory that turns out to be unreadable is visited once more, as [`OddKind::Unreadable`].
///
/// Holds the paths of the directories that are still ahead, and one open directory.
///
/// Errors: the root itself cannot be read; nothing is then known of its content.
pub(super) fn walk(root: &Root, mut visit: impl FnMut(FilePath, Met) -> bool) -> Result<()> {
    let mut ahead = vec![FilePath::default()];
    while let Some(directory) = ahead.pop() {
        let walked = root.readable_directory(&directory).and_then(|fd| {
            entries(fd, |name, met| {
                let path = join(&directory, name);
                if met != Met::Directory {
                    visit(path, met);
                } else if visit(path.clone(), met) {
                    ahead.push(path);
                }
            })
        });
        match walked {
            Ok(()) => {}
            Err(errno) if directory.as_bytes().is_empty() => return Err(errno),
            Err(Errno::NOENT) => {}
            Err(_) => {
                visit(directory, Met::Odd(OddKind::Unreadable));
            }
        }
    }
    Ok(())
}

fn entries(directory: OwnedFd, mut each: impl FnMut(&[u8], Met)) -> Result<()> {
    let mut directory = Dir::new(directory)?;
    while let Some(entry) = directory.read() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        let kind = match entry.file_type() {
            // Not every filesystem tells the sort with the name.
            FileType::Unknown => {
                match fs::statat(directory.fd()?, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                    Err(Errno::NOENT) => continue,
                    Err(_) => FileType::Unknown,
                }
            }
            kind => kind,
        };
        each(name, met(kind));
    }
    Ok(())
}

fn met(kind: FileType) -> Met {
    match kind {
        FileType::RegularFile => Met::Plain,
        FileType::Directory => Met::Directory,
        FileType::Symlink => Met::Odd(OddKind::Symlink),
        FileType::Fifo => Met::Odd(OddKind::Fifo),
        FileType::Socket => Met::Odd(OddKind::Socket),
        FileType::CharacterDevice | FileType::BlockDevice => Met::Odd(OddKind::Device),
        FileType::Unknown => Met::Odd(OddKind::Unreadable),
    }
}
