//! Copying one batch of listed files from root to root, verified and durable. Nothing is ever
//! replaced, and a file has its name only when all of it is right and on disk.
//!
//! Look at every destination; copy to temporary names beside them, hashing; sync; rename; sync the
//! directories. An interruption at any point leaves temporary names and right files, nothing else.

use std::collections::BTreeSet;

use rayon::prelude::*;
use rustix::fd::OwnedFd;
use rustix::fs::{self, AtFlags};
use rustix::io::{self, Errno};

use crate::error::Result;
use crate::live::disk::attributes::{Own, dress, keep_time, keep_user_attributes};
use crate::live::disk::directories::make_like;
use crate::live::disk::durable::{Durability, point, sync_directories};
use crate::live::disk::refusal::{stale, undone, unknown, unread};
use crate::live::disk::root::{Plain, Root, join, size, split};
use crate::live::disk::scan::{check, state};
use crate::live::disk::temporary::{Names, place_file};
use crate::live::{Copied, CopyHow, FileState};
use crate::model::names::{Digest, FilePath};
use crate::model::uploads::FileFact;

/// A batch is copied in so many parts.
const PARTS: usize = 4;

/// The files of one call, each with what becomes of it.
struct Batch<'a> {
    from: &'a Root,
    to: &'a Root,
    how: &'a CopyHow,
    names: Names,
    files: Vec<(&'a FileFact, Copied)>,
}

pub(super) fn copy(from: &Root, to: &Root, files: &[FileFact], how: &CopyHow) -> Result<Vec<Copied>> {
    check(files)?;
    let found = destinations(to, files)?;
    let files = files.iter().zip(found.iter().copied()).collect();
    let batch = Batch { from, to, how, names: Names::new(), files };
    let mut made = Vec::new();
    match batch.run(&mut made) {
        Ok(()) => Ok(found),
        Err(error) => {
            batch.clear(&made);
            Err(error)
        }
    }
}

/// Where every file is to go nothing may be, or the very same content.
fn destinations(to: &Root, files: &[FileFact]) -> Result<Vec<Copied>> {
    let states: Vec<FileState> = files.par_iter().map(|file| state(to, file)).collect();
    let outcome = |(file, state): (&FileFact, &FileState)| {
        let path = to.absolute(file.path());
        match state {
            FileState::Missing => Ok(Copied::Made),
            FileState::Same => Ok(Copied::Already),
            FileState::Differs => Err(stale(&path, "is there already, with another content")),
            FileState::NotAFile => Err(stale(&path, "cannot be made: something else is there or above it")),
            FileState::Unreadable => Err(unknown(&path)),
        }
    };
    files.iter().zip(&states).map(outcome).collect()
}

impl Batch<'_> {
    /// Does everything; adds the directories it makes to `made`.
    fn run(&self, made: &mut Vec<FilePath>) -> Result<()> {
        let unsynced = |errno| undone("sync", errno, &self.to.absolute(&FilePath::default()));
        let durability = Durability::of(self.to, self.files.len()).map_err(unsynced)?;
        let mut touched: BTreeSet<FilePath> = self.files.iter().map(|(file, _)| split(file.path()).0).collect();
        for directory in &touched {
            make_like(self.from, self.to, directory, self.how.owner, made)?;
        }
        touched.extend(made.iter().map(|directory| split(directory).0));

        // While one part gets to disk the next is copied: neither the disk nor the processors wait.
        let count = self.files.len().div_ceil(PARTS).max(1);
        for first in (0..self.files.len()).step_by(count) {
            let sync_last = || if first == 0 { Ok(()) } else { durability.all() };
            let (synced, filled) = rayon::join(sync_last, || self.fill_part(first, count, &durability));
            synced.map_err(unsynced)?;
            filled?;
        }
        durability.all().map_err(unsynced)?;

        self.place()?;
        sync_directories(self.to, &touched).map_err(unsynced)
    }

    /// Copies so many files from the first on, as far as there are any.
    fn fill_part(&self, first: usize, count: usize, durability: &Durability) -> Result<()> {
        let part = self.files.par_iter().enumerate().skip(first).take(count);
        part.try_for_each(|(index, (file, outcome))| match outcome {
            Copied::Made => self.fill(index, file, durability),
            Copied::Already => self.sync_again(file, durability),
        })
    }

    /// Where a file lies until the whole batch is on disk.
    fn temporary(&self, index: usize, file: &FileFact) -> FilePath {
        join(&split(file.path()).0, &self.names.name(index))
    }

    /// Copies one file to its temporary name.
    fn fill(&self, index: usize, file: &FileFact, durability: &Durability) -> Result<()> {
        let source = self.open_listed(file)?;
        let unwritten = |errno| undone("write", errno, &self.to.absolute(file.path()));
        let copy = point("disk: before a copy").and_then(|()| self.to.create(&self.temporary(index, file)));
        let copy = copy.map_err(unwritten)?;
        let digest = self.transfer(&source, &copy, file)?;
        if digest != Some(file.sha256()) {
            return Err(stale(&self.from.absolute(file.path()), "has not the listed content"));
        }
        keep_user_attributes(&source.fd, &copy)
            .and_then(|()| dress(&copy, self.how, Own::of(&source.stat)))
            .and_then(|()| keep_time(&copy, &source.stat))
            .and_then(|()| durability.file(&copy))
            .map_err(unwritten)
    }

    fn open_listed(&self, file: &FileFact) -> Result<Plain> {
        let path = || self.from.absolute(file.path());
        match self.from.plain(file.path()) {
            Ok(Some(plain)) if size(&plain.stat) == file.size() => Ok(plain),
            Ok(Some(_)) => Err(stale(&path(), "has not the listed size")),
            Ok(None) | Err(Errno::NOTDIR | Errno::LOOP) => Err(stale(&path(), "is no longer a plain file")),
            Err(Errno::NOENT) => Err(stale(&path(), "is no longer there")),
            Err(errno) => Err(unread(errno, &path())),
        }
    }

    /// Moves the content over and says what it was; `None` when it changed meanwhile.
    ///
    /// Where the filesystem can, the copy shares the source's blocks, and what is hashed is the copy. Any
    /// other way to make a copy without writing all of it belongs here too.
    fn transfer(&self, source: &Plain, copy: &OwnedFd, file: &FileFact) -> Result<Option<Digest>> {
        let unread = |errno| unread(errno, &self.from.absolute(file.path()));
        if fs::ioctl_ficlone(copy, &source.fd).is_ok() {
            let cloned = copy.try_clone().and_then(|fd| Ok(Plain { stat: fs::fstat(&fd)?, fd }));
            let digest = cloned.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO));
            return digest.and_then(|clone| clone.digest()).map_err(unread);
        }
        let mut full = None;
        let read = source.read_through(|piece| write_all(copy, piece).inspect_err(|errno| full = Some(*errno)));
        read.map_err(|errno| match full {
            Some(errno) => undone("write", errno, &self.to.absolute(file.path())),
            None => unread(errno),
        })
    }

    /// A file that is there already may be the work of a run that was cut off before it was on disk.
    fn sync_again(&self, file: &FileFact, durability: &Durability) -> Result<()> {
        let synced = self.to.plain(file.path()).and_then(|plain| match plain {
            Some(plain) => durability.file(&plain.fd),
            None => Err(Errno::NOENT),
        });
        synced.map_err(|errno| undone("sync", errno, &self.to.absolute(file.path())))
    }

    /// Gives every copy its name. One that appeared there meanwhile stays, and the rest is not placed.
    fn place(&self) -> Result<()> {
        self.files.par_iter().enumerate().try_for_each(|(index, (file, outcome))| match outcome {
            Copied::Made => self.place_one(index, file),
            Copied::Already => Ok(()),
        })
    }

    fn place_one(&self, index: usize, file: &FileFact) -> Result<()> {
        let (above, name) = split(file.path());
        let placed = self
            .to
            .directory(&above)
            .and_then(|directory| place_file(&directory, &self.names.name(index), name, self.to.is_modern()));
        let path = || self.to.absolute(file.path());
        placed.map_err(|errno| match errno {
            Errno::EXIST => stale(&path(), "appeared while its copy was made"),
            errno => undone("write", errno, &path()),
        })
    }

    /// Takes away what a failed batch leaves: temporary files, and directories with nothing in them.
    fn clear(&self, made: &[FilePath]) {
        let unlink = |path: &FilePath, flags| {
            let (above, name) = split(path);
            let _ = self.to.directory(&above).and_then(|directory| fs::unlinkat(directory, name, flags));
        };
        for (index, (file, _)) in self.files.iter().enumerate() {
            unlink(&self.temporary(index, file), AtFlags::empty());
        }
        for directory in made.iter().rev() {
            unlink(directory, AtFlags::REMOVEDIR);
        }
    }
}

fn write_all(fd: &OwnedFd, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        point("disk: before bytes are written")?;
        match io::write(fd, bytes) {
            Ok(0) => return Err(Errno::IO),
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// Opens the two roots of a copy.
pub(super) fn roots(from: &FilePath, to: &FilePath, modern: bool) -> Result<(Root, Root)> {
    let open = |path| Root::open(path, modern);
    let from_root = open(from).map_err(|errno| match errno {
        Errno::NOENT | Errno::NOTDIR => stale(from, "is no longer a directory"),
        errno => unread(errno, from),
    })?;
    let to_root = open(to).map_err(|errno| undone("write into", errno, to))?;
    Ok((from_root, to_root))
}
