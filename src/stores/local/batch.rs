//! One file of a batch that is copied: how it gets its content, how it gets its name. Never decides
//! which files, nor in what order.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use rustix::fs::{self, Stat, Uid};
use rustix::io::Errno;

use crate::error::{Error, Result};
use crate::fs::root::{Plain, Root, is_plain, size};
use crate::model::files::uploads::FileFact;
use crate::stores::local::attributes::{
    OF_FILES, Own, Unkept, apply_attributes, keep_attributes, keep_time,
};
use crate::stores::local::copy_data::{Failed, transfer};
use crate::stores::local::directory_cache::Ends;
use crate::stores::local::durable::{Durability, point};
use crate::stores::local::errors::{stale, undone, unkept, unread};
use crate::stores::local::hash_cache::HashCache;
use crate::stores::local::scan::as_listed;
use crate::stores::local::temporary::{
    Names, has_same_content, place_file, place_link, place_over,
};
use crate::stores::store::{Copied, CopyAttributes};

/// The files of one call, each with what becomes of it.
pub(super) struct Batch<'a> {
    pub from: &'a Root,
    pub to: &'a Root,
    pub how: &'a CopyAttributes,
    pub memory: &'a HashCache,
    pub names: Names,
    pub files: Vec<(&'a FileFact, Copied)>,
    /// What each becomes: the same, unless it gets another name.
    pub copies: &'a [FileFact],
    /// What has the place of each; nothing where the places must be free.
    pub replaced: Option<&'a [FileFact]>,
    /// How each is made, once that is known.
    pub ways: Vec<OnceLock<Way>>,
    /// Whether sharing of blocks is still worth a try.
    pub shares: AtomicBool,
    /// Whether anything was written since the last sync.
    pub written: AtomicBool,
    /// The filesystem of the destination.
    pub device: Option<u64>,
    /// Who copies.
    pub me: Uid,
    /// The inodes that were met under one of several names.
    pub met: Mutex<HashSet<u64>>,
}

/// How a file gets to its place.
pub(super) enum Way {
    /// It lies there whole under its temporary name, as it was then.
    Copy(Stat),
    /// Its source is right and gets a second name.
    Link,
    /// The same, of a file that has another listed name. Each link shows on all of them: one after
    /// the other.
    LinkInTurn,
}

impl Batch<'_> {
    pub fn ends(&self) -> Ends<'_> {
        Ends::of(self.from, self.to)
    }

    /// Gets one file ready: sees to it that it may be linked, or copies it to its temporary name.
    pub fn fill(
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
        // A link is the very file, with bits that must not travel.
        let stays = own.mode & !OF_FILES == 0
            && !self.how.apart
            && self.how.mode.is_none_or(|mode| mode == own.mode)
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
        let dressed = || -> std::result::Result<Stat, Unkept> {
            let mut made = fs::fstat(&copy)?;
            let own = Own::of(&source.stat).within(OF_FILES);
            apply_attributes(&copy, &made, self.how, own)?;
            keep_attributes(&source.fd, &copy, self.how.mode.is_none())?;
            keep_time(&copy, &source.stat)?;
            durability.file(&copy, &made)?;
            (made.st_mtime, made.st_mtime_nsec) = (source.stat.st_mtime, source.stat.st_mtime_nsec);
            Ok(made)
        };
        dressed().map_err(|lost| unkept(&self.to.absolute(file.path()), lost, "write"))
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
    pub fn sync_again(
        &self,
        ends: &mut Ends<'_>,
        file: &FileFact,
        durability: &Durability,
    ) -> Result<()> {
        let seen = ends.to.look(file.path());
        let synced = seen.and_then(|seen| durability.listed(&mut ends.to, &seen, file.path()));
        synced.map_err(|errno| undone("sync", errno, &self.to.absolute(file.path())))
    }

    pub fn place_copy(
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
    pub fn link(&self, ends: &mut Ends<'_>, index: usize, file: &FileFact) -> Result<()> {
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
}
