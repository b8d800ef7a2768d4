//! Copying one batch of listed files from root to root, verified and durable. Nothing is replaced that is not
//! listed to be, and a file has its name only when all of it is right and on disk.
//!
//! Look at every destination; copy to temporary names beside them, hashing; sync; rename; sync the
//! directories. An interruption at any point leaves temporary names and right files, nothing else.
//!
//! A file that is to stay as it is on the same filesystem is linked, after it was read: a name more for the
//! same content. Where blocks can be shared they are, since then no later change shows in both places.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use rustix::fd::OwnedFd;
use rustix::fs::{self, AtFlags, Stat};
use rustix::io::Errno;

use crate::error::{Error, Kind, Result};
use crate::live::disk::attributes::{Own, dress, keep_time, keep_user_attributes};
use crate::live::disk::directories::make_like;
use crate::live::disk::durable::{Durability, point, sync_directories};
use crate::live::disk::fill::{Filling, has_holes};
use crate::live::disk::memory::Memory;
use crate::live::disk::refusal::{stale, undone, unknown, unread};
use crate::live::disk::root::{Plain, Root, join, size, split};
use crate::live::disk::scan::{check, state};
use crate::live::disk::temporary::{Names, has_same_content, place_file, place_link, place_over};
use crate::live::{Copied, CopyHow, FileState, Onto};
use crate::model::names::{Digest, FilePath};
use crate::model::uploads::FileFact;

/// A batch is copied in so many parts.
const PARTS: usize = 4;

/// Filesystems that share no blocks between files: ext2 to ext4, and tmpfs. Numbers from the kernel's `magic.h`.
const NEVER_SHARED: [i64; 2] = [0xEF53, 0x0102_1994];

/// The files of one call, each with what becomes of it.
struct Batch<'a> {
    from: &'a Root,
    to: &'a Root,
    how: &'a CopyHow,
    memory: &'a Memory,
    names: Names,
    files: Vec<(&'a FileFact, Copied)>,
    /// What each becomes: the same, unless it gets another name.
    copies: &'a [FileFact],
    /// What has the place of each; nothing where the places must be free.
    replaced: Option<&'a [FileFact]>,
    /// How each is made, once that is known.
    ways: Vec<OnceLock<Way>>,
    /// Whether sharing of blocks is still worth a try.
    shares: AtomicBool,
    /// The filesystem of the destination.
    device: Option<u64>,
}

/// How a file gets to its place.
enum Way {
    /// It lies there whole under its temporary name, as it was then.
    Copy(Stat),
    /// Its source is right and gets a second name.
    Link,
}

pub(super) fn copy(
    from: &Root,
    to: &Root,
    files: &[FileFact],
    onto: Onto<'_>,
    how: &CopyHow,
    memory: &Memory,
) -> Result<Vec<Copied>> {
    check(files)?;
    let (copies, replaced) = match onto {
        Onto::Free => (Cow::Borrowed(files), None),
        Onto::ByContent => (Cow::Owned(files.iter().map(FileFact::by_content).collect()), None),
        Onto::Files(replaced) => (Cow::Borrowed(files), Some(replaced)),
    };
    let copies = &copies[..];
    let found = destinations(to, copies, replaced, memory)?;
    let files: Vec<_> = files.iter().zip(found.iter().copied()).collect();
    let ways = files.iter().map(|_| OnceLock::new()).collect();
    let here = to.directory(&FilePath::default()).and_then(|fd| Ok((fs::fstat(&fd)?, fs::fstatfs(&fd)?))).ok();
    let shares = here.as_ref().is_none_or(|(_, filesystem)| !NEVER_SHARED.contains(&filesystem.f_type));
    let device = here.map(|(stat, _)| stat.st_dev);
    let names = Names::new();
    let batch =
        Batch { from, to, how, memory, names, files, copies, replaced, ways, shares: AtomicBool::new(shares), device };
    let mut made = Vec::new();
    match batch.run(&mut made) {
        Ok(()) => Ok(found),
        Err(error) => {
            batch.clear(&made);
            Err(error)
        }
    }
}

/// Where every file is to go nothing may be, or what it replaces, or the very same content.
fn destinations(to: &Root, files: &[FileFact], replaced: Option<&[FileFact]>, memory: &Memory) -> Result<Vec<Copied>> {
    if replaced.is_some_and(|old| !old.iter().map(FileFact::path).eq(files.iter().map(FileFact::path))) {
        return Err(Error::new(Kind::Refused, "the files to be replaced are not those that have the names of the new"));
    }
    let states: Vec<FileState> = files.par_iter().map(|file| state(to, file, memory)).collect();
    let outcome = |(index, (file, found)): (usize, (&FileFact, &FileState))| {
        let path = to.absolute(file.path());
        let old = replaced.and_then(|old| old.get(index));
        match found {
            FileState::Missing if replaced.is_some() => Err(stale(&path, "is to be replaced and is not there")),
            FileState::Missing => Ok(Copied::Made),
            FileState::Same => Ok(Copied::Already),
            FileState::Differs if old.is_some_and(|old| state(to, old, memory) == FileState::Same) => Ok(Copied::Made),
            FileState::Differs => Err(stale(&path, "is there already, with another content")),
            FileState::NotAFile => Err(stale(&path, "cannot be made: something else is there or above it")),
            FileState::Unreadable => Err(unknown(&path)),
        }
    };
    files.iter().zip(&states).enumerate().map(outcome).collect()
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
            Copied::Already => self.sync_again(&self.copies[index], durability),
        })
    }

    /// Where a file lies until the whole batch is on disk.
    fn temporary(&self, index: usize, file: &FileFact) -> FilePath {
        join(&split(file.path()).0, &self.names.name(index))
    }

    /// Gets one file ready: reads it for a link, or copies it to its temporary name.
    fn fill(&self, index: usize, file: &FileFact, durability: &Durability) -> Result<()> {
        let source = self.open_listed(file)?;
        let way = if self.can_be_linked(&source, file)? {
            let synced = durability.file(&source.fd);
            synced.map_err(|errno| undone("sync", errno, &self.from.absolute(file.path())))?;
            Way::Link
        } else {
            Way::Copy(self.fill_copy(&source, index, file, durability)?)
        };
        // Each index is filled once.
        let _ = self.ways[index].set(way);
        Ok(())
    }

    /// Whether a link would be all that a copy is to be. Where nothing else speaks against it, that is after
    /// the file was read.
    fn can_be_linked(&self, source: &Plain, file: &FileFact) -> Result<bool> {
        let own = Own::of(&source.stat);
        let stays =
            self.how.mode.is_none_or(|mode| mode == own.mode) && self.how.owner.is_none_or(|to| to == own.owner);
        // Kernels refuse links to what is not one's own; root may.
        let me = rustix::process::geteuid();
        let is_mine = me.is_root() || me.as_raw() == source.stat.st_uid;
        if !stays
            || !is_mine
            || self.replaced.is_some()
            || self.device != Some(source.stat.st_dev)
            || self.shares.load(Ordering::Relaxed)
        {
            return Ok(false);
        }
        if !self.memory.knows(&source.stat, file.sha256()) {
            let path = || self.from.absolute(file.path());
            match source.digest().map_err(|errno| unread(errno, &path()))? {
                Some(digest) if digest == file.sha256() => self.memory.has_read(&source.stat, digest),
                _ => return Err(stale(&path(), "has not the listed content")),
            }
        }
        // One that was changed a moment ago is not known even now, and is copied.
        Ok(self.memory.knows(&source.stat, file.sha256()))
    }

    /// Copies one file to its temporary name; says how it lies there.
    fn fill_copy(&self, source: &Plain, index: usize, file: &FileFact, durability: &Durability) -> Result<Stat> {
        let unwritten = |errno| undone("write", errno, &self.to.absolute(file.path()));
        let copy = point("disk: before a copy").and_then(|()| self.to.create(&self.temporary(index, file)));
        let (copy, digest) = self.transfer(source, copy.map_err(unwritten)?, file)?;
        if digest != Some(file.sha256()) {
            return Err(stale(&self.from.absolute(file.path()), "has not the listed content"));
        }
        keep_user_attributes(&source.fd, &copy)
            .and_then(|()| dress(&copy, self.how, Own::of(&source.stat)))
            .and_then(|()| keep_time(&copy, &source.stat))
            .and_then(|()| durability.file(&copy))
            .and_then(|()| fs::fstat(&copy))
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
    fn transfer(&self, source: &Plain, copy: OwnedFd, file: &FileFact) -> Result<(OwnedFd, Option<Digest>)> {
        let unread = |errno| unread(errno, &self.from.absolute(file.path()));
        let shares = || match fs::ioctl_ficlone(&copy, &source.fd) {
            Ok(()) => true,
            Err(_) => {
                self.shares.store(false, Ordering::Relaxed);
                false
            }
        };
        if self.shares.load(Ordering::Relaxed) && shares() {
            let cloned = copy.try_clone().and_then(|fd| Ok(Plain { stat: fs::fstat(&fd)?, fd }));
            let digest = cloned.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO));
            let digest = digest.and_then(|clone| clone.digest()).map_err(unread)?;
            return Ok((copy, digest));
        }
        let mut full = None;
        let mut filling = Filling::new(copy, has_holes(&source.stat));
        let read = source.read_through(|piece| filling.add(piece).inspect_err(|errno| full = Some(*errno)));
        let read = read.and_then(|digest| {
            let filled = filling.end().inspect_err(|errno| full = Some(*errno))?;
            Ok((filled, digest))
        });
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
        self.files.par_iter().enumerate().try_for_each(|(index, (file, _))| match self.ways[index].get() {
            Some(Way::Copy(made)) => self.place_copy(index, file, made),
            Some(Way::Link) => self.link(index, file),
            None => Ok(()),
        })
    }

    fn place_copy(&self, index: usize, file: &FileFact, made: &Stat) -> Result<()> {
        let copy = &self.copies[index];
        let (above, name) = split(copy.path());
        let temporary = self.names.name(index);
        let (modern, old) = (self.to.is_modern(), self.replaced.map(|old| &old[index]));
        let placed = self.to.directory(&above).and_then(|directory| match old {
            None => place_file(&directory, &temporary, name, modern),
            Some(old) => self
                .is_as_listed(old)?
                .map_or(Err(Errno::EXIST), |old| place_over(&directory, &temporary, name, &old, modern)),
        });
        placed.map_err(|errno| self.unplaced(errno, copy))?;
        if let Ok(now) = self.to.look(copy.path())
            && has_same_content(made, &now)
        {
            self.memory.has_made(&now, file.sha256());
        }
        Ok(())
    }

    /// How a file lies that is to be replaced, while it is still the one that is listed.
    fn is_as_listed(&self, old: &FileFact) -> Result<Option<Stat>, Errno> {
        let Some(plain) = self.to.plain(old.path())? else { return Ok(None) };
        let is_known = self.memory.knows(&plain.stat, old.sha256());
        let is_same = size(&plain.stat) == old.size() && (is_known || plain.digest()? == Some(old.sha256()));
        Ok(is_same.then_some(plain.stat))
    }

    /// Gives the very file that was read its second name; where that cannot be, it is copied after all.
    fn link(&self, index: usize, file: &FileFact) -> Result<()> {
        let copy = &self.copies[index];
        let (above, name) = split(copy.path());
        let (source, before) = self.look_at_source(file)?;
        let linked = self.to.directory(&above).and_then(|directory| place_link(&source, &directory, name));
        match linked {
            Ok(()) => {
                if let Ok(now) = fs::fstat(&source)
                    && has_same_content(&before, &now)
                {
                    self.memory.has_made(&now, file.sha256());
                }
                Ok(())
            }
            Err(errno @ (Errno::EXIST | Errno::NOSPC | Errno::DQUOT)) => Err(self.unplaced(errno, copy)),
            Err(_) => {
                let plain = self.open_listed(file)?;
                let made = self.fill_copy(&plain, index, file, &Durability::each())?;
                self.place_copy(index, file, &made)
            }
        }
    }

    /// The source of a link, as it was when it was read.
    fn look_at_source(&self, file: &FileFact) -> Result<(OwnedFd, Stat)> {
        let path = || self.from.absolute(file.path());
        let seen = self.from.entry(file.path()).and_then(|fd| Ok((fs::fstat(&fd)?, fd)));
        let (stat, fd) = seen.map_err(|errno| unread(errno, &path()))?;
        if !self.memory.knows(&stat, file.sha256()) {
            return Err(stale(&path(), "was changed while it was copied"));
        }
        Ok((fd, stat))
    }

    fn unplaced(&self, errno: Errno, file: &FileFact) -> Error {
        let path = self.to.absolute(file.path());
        match errno {
            Errno::EXIST => stale(&path, "appeared or changed while its copy was made"),
            errno => undone("write", errno, &path),
        }
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
