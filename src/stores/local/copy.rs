//! Copying one batch of listed files from root to root, verified and durable. Nothing is replaced
//! that is not listed to be, and a file has its name only when all of it is right and on disk.
//!
//! Look at every destination; copy to temporary names beside them, hashing; sync; rename; sync the
//! directories. An interruption at any point leaves temporary names and right files, nothing else.
//!
//! A file that is to stay as it is on the same filesystem is linked, after it was read: a name more
//! for the same content. Where blocks can be shared they are, since then no later change shows in
//! both places.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

use rayon::prelude::*;
use rustix::fd::OwnedFd;
use rustix::fs::{self, AtFlags, Stat, Uid};
use rustix::io::Errno;

use crate::error::{Error, Kind, Result};
use crate::fs::root::{Plain, Root, is_plain, size, split};
use crate::model::files::uploads::FileFact;
use crate::model::names::FilePath;
use crate::stores::local::attributes::{Own, apply_attributes, keep_time, keep_user_attributes};
use crate::stores::local::copy_data::{Failed, transfer};
use crate::stores::local::directories::make_like;
use crate::stores::local::directory_cache::{DirectoryCache, Ends};
use crate::stores::local::durable::{Durability, point, sync_directories};
use crate::stores::local::errors::{stale, undone, unknown, unread};
use crate::stores::local::hash_cache::HashCache;
use crate::stores::local::scan::{as_listed, check, states_below};
use crate::stores::local::temporary::{
    Names, has_same_content, place_file, place_link, place_over,
};
use crate::stores::store::{Copied, CopyAttributes, FileState, Placement};

/// A batch is copied in parts of about so many bytes: enough for a sync to be worth its while, and
/// few enough for the disk to be busy from the beginning.
const PART: u64 = 64 << 20;

/// What making a file costs besides its bytes, in bytes.
const LEAST: u64 = 4096;

/// Filesystems that share no blocks between files: ext2 to ext4, and tmpfs. Numbers from the
/// kernel's `magic.h`.
const NEVER_SHARED: [i64; 2] = [0xEF53, 0x0102_1994];

/// The files of one call, each with what becomes of it.
struct Batch<'a> {
    from: &'a Root,
    to: &'a Root,
    how: &'a CopyAttributes,
    memory: &'a HashCache,
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
    /// Whether anything was written since the last sync.
    written: AtomicBool,
    /// The filesystem of the destination.
    device: Option<u64>,
    /// Who copies.
    me: Uid,
    /// The inodes that were met under one of several names.
    met: Mutex<HashSet<u64>>,
}

/// How a file gets to its place.
enum Way {
    /// It lies there whole under its temporary name, as it was then.
    Copy(Stat),
    /// Its source is right and gets a second name.
    Link,
    /// The same, of a file that has another listed name. Each link shows on all of them: one after
    /// the other.
    LinkInTurn,
}

pub(super) fn copy(
    from: &Root,
    to: &Root,
    files: &[FileFact],
    onto: Placement<'_>,
    how: &CopyAttributes,
    memory: &HashCache,
) -> Result<Vec<Copied>> {
    check(files)?;
    let (copies, replaced) = match onto {
        Placement::NewName => (Cow::Borrowed(files), None),
        Placement::ContentName => {
            (Cow::Owned(files.iter().map(FileFact::by_content).collect()), None)
        }
        Placement::Replace(replaced) => (Cow::Borrowed(files), Some(replaced)),
    };
    let copies = &copies[..];
    let found = destinations(to, copies, replaced, memory)?;
    let files: Vec<_> = files.iter().zip(found.iter().copied()).collect();
    let ways = files.iter().map(|_| OnceLock::new()).collect();
    let here = to
        .directory(&FilePath::default())
        .and_then(|fd| Ok((fs::fstat(&fd)?, fs::fstatfs(&fd)?)))
        .ok();
    let shares =
        here.as_ref().is_none_or(|(_, filesystem)| !NEVER_SHARED.contains(&filesystem.f_type));
    let device = here.map(|(stat, _)| stat.st_dev);
    let (names, me) = (Names::new(), rustix::process::geteuid());
    let (shares, written) = (AtomicBool::new(shares), AtomicBool::new(false));
    let met = Mutex::default();
    let batch = Batch {
        from,
        to,
        how,
        memory,
        names,
        files,
        copies,
        replaced,
        ways,
        shares,
        written,
        device,
        me,
        met,
    };
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
fn destinations(
    to: &Root,
    files: &[FileFact],
    replaced: Option<&[FileFact]>,
    memory: &HashCache,
) -> Result<Vec<Copied>> {
    if replaced
        .is_some_and(|old| !old.iter().map(FileFact::path).eq(files.iter().map(FileFact::path)))
    {
        return Err(Error::new(
            Kind::Refused,
            "the files to be replaced are not those that have the names of the new",
        ));
    }
    let states = states_below(to, files, memory);
    let is_there =
        |old: &FileFact| states_below(to, std::slice::from_ref(old), memory) == [FileState::Same];
    let outcome = |(index, (file, found)): (usize, (&FileFact, &FileState))| {
        let path = to.absolute(file.path());
        let old = replaced.and_then(|old| old.get(index));
        match found {
            FileState::Missing if replaced.is_some() => {
                Err(stale(&path, "is to be replaced and is not there"))
            }
            FileState::Missing => Ok(Copied::Created),
            FileState::Same => Ok(Copied::Already),
            FileState::Differs if old.is_some_and(is_there) => Ok(Copied::Created),
            FileState::Differs => Err(stale(&path, "is there already, with another content")),
            FileState::NotAFile => {
                Err(stale(&path, "cannot be made: something else is there or above it"))
            }
            FileState::Unreadable => Err(unknown(&path)),
        }
    };
    files.iter().zip(&states).enumerate().map(outcome).collect()
}

impl Batch<'_> {
    /// StatementKind everything; adds the directories it makes to `made`.
    fn run(&self, made: &mut Vec<FilePath>) -> Result<()> {
        let unsynced = |errno| undone("sync", errno, &self.to.absolute(&FilePath::default()));
        let durability = Durability::of(self.to, self.files.len()).map_err(unsynced)?;
        let mut touched: BTreeSet<FilePath> =
            self.files.iter().map(|(file, _)| split(file.path()).0).collect();
        for directory in &touched {
            make_like(self.from, self.to, directory, self.how.owner, made)?;
        }
        touched.extend(made.iter().map(|directory| split(directory).0));

        // While one part gets to disk the next is copied: neither the disk nor the processors wait.
        let mut first = 0;
        while first < self.files.len() {
            let count = self.part(first);
            let written = self.written.swap(false, Ordering::Relaxed);
            thread::scope(|scope| {
                // Not on a thread of the pool: it would wait there in place of copying.
                let last = written
                    .then(|| thread::Builder::new().spawn_scoped(scope, || durability.all()));
                let filled = self.fill_part(first, count, &durability);
                let synced = match last {
                    Some(Ok(last)) => last.join().unwrap_or(Err(Errno::IO)),
                    Some(Err(_)) => durability.all(),
                    None => Ok(()),
                };
                synced.map_err(unsynced).and(filled)
            })?;
            first += count;
        }
        durability.all().map_err(unsynced)?;

        self.place()?;
        sync_directories(self.to, &touched).map_err(unsynced)
    }

    /// How many files from this one on are one part.
    fn part(&self, first: usize) -> usize {
        let mut bytes: u64 = 0;
        let small = self.files[first..].iter().take_while(|(file, _)| {
            let fits = bytes < PART;
            bytes = bytes.saturating_add(file.size().max(LEAST));
            fits
        });
        small.count()
    }

    /// Copies so many files from the first on, as far as there are any.
    fn fill_part(&self, first: usize, count: usize, durability: &Durability) -> Result<()> {
        let part = self.files.par_iter().enumerate().skip(first).take(count);
        part.try_for_each_init(
            || self.ends(),
            |ends, (index, (file, outcome))| match outcome {
                Copied::Created => self.fill(ends, index, file, durability),
                Copied::Already => self.sync_again(ends, &self.copies[index], durability),
            },
        )
    }

    fn ends(&self) -> Ends<'_> {
        Ends::of(self.from, self.to)
    }

    /// Gets one file ready: sees to it that it may be linked, or copies it to its temporary name.
    fn fill(
        &self,
        ends: &mut Ends<'_>,
        index: usize,
        file: &FileFact,
        durability: &Durability,
    ) -> Result<()> {
        let seen = self.look_at_listed(ends, file)?;
        let way = if self.can_be_linked(ends, &seen, file)? {
            let synced = durability.listed(&mut ends.from, &seen, file.path());
            synced.map_err(|errno| undone("sync", errno, &self.from.absolute(file.path())))?;
            if seen.st_nlink > 1 && self.is_met(&seen) { Way::LinkInTurn } else { Way::Link }
        } else {
            Way::Copy(self.fill_copy(ends, index, file, durability)?)
        };
        // Each index is filled once.
        let _ = self.ways[index].set(way);
        Ok(())
    }

    /// Whether a file was met before in this batch, under another name.
    fn is_met(&self, seen: &Stat) -> bool {
        !self.met.lock().unwrap_or_else(PoisonError::into_inner).insert(seen.st_ino)
    }

    /// Whether a link would be all that a copy is to be. Where nothing else speaks against it, that
    /// is after the file was read.
    fn can_be_linked(&self, ends: &mut Ends<'_>, seen: &Stat, file: &FileFact) -> Result<bool> {
        let own = Own::of(seen);
        let stays = self.how.mode.is_none_or(|mode| mode == own.mode)
            && self.how.owner.is_none_or(|to| to == own.owner);
        // Kernels refuse links to what is not one's own; root may.
        let is_mine = self.me.is_root() || self.me.as_raw() == seen.st_uid;
        if !stays
            || !is_mine
            || self.replaced.is_some()
            || self.device != Some(seen.st_dev)
            || self.shares.load(Ordering::Relaxed)
        {
            return Ok(false);
        }
        if self.memory.knows(seen, file.sha256()) {
            return Ok(true);
        }
        let source = self.open_listed(ends, file)?;
        let path = || self.from.absolute(file.path());
        match source.digest().map_err(|errno| unread(errno, &path()))? {
            Some(digest) if digest == file.sha256() => self.memory.has_read(&source.stat, digest),
            _ => return Err(stale(&path(), "has not the listed content")),
        }
        // One that was changed a moment ago is not known even now, and is copied.
        Ok(self.memory.knows(&source.stat, file.sha256()))
    }

    /// Copies one file to its temporary name; says how it lies there.
    fn fill_copy(
        &self,
        ends: &mut Ends<'_>,
        index: usize,
        file: &FileFact,
        durability: &Durability,
    ) -> Result<Stat> {
        let unwritten = |errno| undone("write", errno, &self.to.absolute(file.path()));
        let source = self.open_listed(ends, file)?;
        let (temporary, path) = (self.names.name(index), self.copies[index].path());
        let copy =
            point("disk: before a copy").and_then(|()| ends.to.create_beside(path, &temporary));
        self.written.store(true, Ordering::Relaxed);
        let filled = transfer(&source, copy.map_err(unwritten)?, &self.shares);
        let (copy, digest) = filled.map_err(|failed| match failed {
            Failed::Reading(errno) => unread(errno, &self.from.absolute(file.path())),
            Failed::Writing(errno) => unwritten(errno),
        })?;
        if digest != Some(file.sha256()) {
            return Err(stale(&self.from.absolute(file.path()), "has not the listed content"));
        }
        let dressed = || {
            let mut made = fs::fstat(&copy)?;
            keep_user_attributes(&source.fd, &copy)?;
            apply_attributes(&copy, &made, self.how, Own::of(&source.stat))?;
            keep_time(&copy, &source.stat)?;
            durability.file(&copy, &made)?;
            (made.st_mtime, made.st_mtime_nsec) = (source.stat.st_mtime, source.stat.st_mtime_nsec);
            Ok(made)
        };
        dressed().map_err(unwritten)
    }

    /// What is listed, as it lies there now.
    fn look_at_listed(&self, ends: &mut Ends<'_>, file: &FileFact) -> Result<Stat> {
        let path = || self.from.absolute(file.path());
        match ends.from.look(file.path()) {
            Ok(stat) if !is_plain(&stat) => Err(stale(&path(), "is no longer a plain file")),
            Ok(stat) if size(&stat) != file.size() => {
                Err(stale(&path(), "has not the listed size"))
            }
            looked => looked.map_err(|errno| self.unlisted(errno, file)),
        }
    }

    fn open_listed(&self, ends: &mut Ends<'_>, file: &FileFact) -> Result<Plain> {
        let path = || self.from.absolute(file.path());
        match ends.from.seen_plain(file.path()) {
            Ok(Some(plain)) if size(&plain.stat) == file.size() => Ok(plain),
            Ok(Some(_)) => Err(stale(&path(), "has not the listed size")),
            Ok(None) => Err(stale(&path(), "is no longer a plain file")),
            Err(errno) => Err(self.unlisted(errno, file)),
        }
    }

    fn unlisted(&self, errno: Errno, file: &FileFact) -> Error {
        let path = self.from.absolute(file.path());
        match errno {
            Errno::NOTDIR | Errno::LOOP | Errno::NXIO => stale(&path, "is no longer a plain file"),
            Errno::NOENT => stale(&path, "is no longer there"),
            errno => unread(errno, &path),
        }
    }

    /// A file that is there already may be the work of a run that was cut off before it was on
    /// disk.
    fn sync_again(
        &self,
        ends: &mut Ends<'_>,
        file: &FileFact,
        durability: &Durability,
    ) -> Result<()> {
        let seen = ends.to.look(file.path());
        let synced = seen.and_then(|seen| durability.listed(&mut ends.to, &seen, file.path()));
        synced.map_err(|errno| undone("sync", errno, &self.to.absolute(file.path())))
    }

    /// Gives every copy its name. One that appeared there meanwhile stays, and the rest is not
    /// placed.
    fn place(&self) -> Result<()> {
        self.files.par_iter().enumerate().try_for_each_init(
            || self.ends(),
            |ends, (index, (file, _))| match self.ways[index].get() {
                Some(Way::Copy(made)) => self.place_copy(ends, index, file, made),
                Some(Way::Link) => self.link(ends, index, file),
                Some(Way::LinkInTurn) | None => Ok(()),
            },
        )?;
        let mut ends = self.ends();
        let mut rest = self.files.iter().zip(&self.ways).enumerate();
        rest.try_for_each(|(index, ((file, _), way))| match way.get() {
            Some(Way::LinkInTurn) => self.link(&mut ends, index, file),
            _ => Ok(()),
        })
    }

    fn place_copy(
        &self,
        ends: &mut Ends<'_>,
        index: usize,
        file: &FileFact,
        made: &Stat,
    ) -> Result<()> {
        let copy = &self.copies[index];
        let (temporary, modern) = (self.names.name(index), self.to.is_modern());
        let placed =
            match self.replaced.map(|old| as_listed(&mut ends.to, &old[index], self.memory)) {
                None => ends
                    .to
                    .at(copy.path())
                    .and_then(|(there, name)| place_file(there, &temporary, name, modern)),
                Some(Ok(Some(old))) => ends
                    .to
                    .at(copy.path())
                    .and_then(|(there, name)| place_over(there, &temporary, name, &old, modern)),
                Some(Ok(None)) => Err(Errno::EXIST),
                Some(Err(errno)) => Err(errno),
            };
        placed.map_err(|errno| self.unplaced(errno, copy))?;
        if let Ok(now) = ends.to.look(copy.path())
            && has_same_content(made, &now)
        {
            self.memory.has_made(&now, file.sha256());
        }
        Ok(())
    }

    /// Gives the very file that was read its second name; where that cannot be, it is copied after
    /// all.
    fn link(&self, ends: &mut Ends<'_>, index: usize, file: &FileFact) -> Result<()> {
        let copy = &self.copies[index];
        let held = ends.from.entry(file.path()).and_then(|fd| Ok((fs::fstat(&fd)?, fd)));
        let (before, source) = held.map_err(|errno| self.unlisted(errno, file))?;
        // What was touched since it was read may be another content, or the same file under another
        // listed name.
        let linked = match self.memory.knows(&before, file.sha256()) {
            true => ends
                .to
                .at(copy.path())
                .and_then(|(directory, name)| place_link(&source, directory, name)),
            false => Err(Errno::STALE),
        };
        match linked {
            Ok(()) => {
                if let Ok(now) = fs::fstat(&source)
                    && has_same_content(&before, &now)
                {
                    self.memory.has_linked(&before, &now, file.sha256());
                }
                Ok(())
            }
            Err(errno @ (Errno::EXIST | Errno::NOSPC | Errno::DQUOT)) => {
                Err(self.unplaced(errno, copy))
            }
            Err(_) => {
                self.look_at_listed(ends, file)?;
                let made = self.fill_copy(ends, index, file, &Durability::each())?;
                self.place_copy(ends, index, file, &made)
            }
        }
    }

    fn unplaced(&self, errno: Errno, file: &FileFact) -> Error {
        let path = self.to.absolute(file.path());
        match errno {
            Errno::EXIST => stale(&path, "appeared or changed while its copy was made"),
            errno => undone("write", errno, &path),
        }
    }

    /// Takes away what a failed batch leaves: temporary files, and directories with nothing in
    /// them.
    fn clear(&self, made: &[FilePath]) {
        let mut reach = DirectoryCache::new(self.to);
        for (index, file) in self.copies.iter().enumerate() {
            let unlink = |directory: &OwnedFd| {
                fs::unlinkat(directory, self.names.name(index), AtFlags::empty())
            };
            let _ = reach.at(file.path()).and_then(|(directory, _)| unlink(directory));
        }
        for path in made.iter().rev() {
            let (above, name) = split(path);
            let _ = self
                .to
                .directory(&above)
                .and_then(|above| fs::unlinkat(above, name, AtFlags::REMOVEDIR));
        }
    }
}
