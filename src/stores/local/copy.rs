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
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread;

use rayon::prelude::*;
use rustix::fd::OwnedFd;
use rustix::fs::{self, AtFlags};
use rustix::io::Errno;

use crate::error::{Error, Kind, Result};
use crate::fs::root::{Root, split};
use crate::model::files::uploads::FileFact;
use crate::model::names::FilePath;
use crate::stores::local::attributes::OF_FILES;
use crate::stores::local::batch::{Batch, Way};
use crate::stores::local::directories::make_like;
use crate::stores::local::directory_cache::DirectoryCache;
use crate::stores::local::durable::{Durability, sync_directories};
use crate::stores::local::errors::{check_mode, stale, undone, unknown};
use crate::stores::local::hash_cache::HashCache;
use crate::stores::local::scan::{check, states_below};
use crate::stores::local::temporary::Names;
use crate::stores::store::{Copied, CopyAttributes, FileState, Placement};

/// A batch is copied in parts of about so many bytes: enough for a sync to be worth its while, and
/// few enough for the disk to be busy from the beginning.
const PART: u64 = 64 << 20;

/// What making a file costs besides its bytes, in bytes.
const LEAST: u64 = 4096;

/// Filesystems that share no blocks between files: ext2 to ext4, and tmpfs. Numbers from the
/// kernel's `magic.h`.
const NEVER_SHARED: [i64; 2] = [0xEF53, 0x0102_1994];

pub(super) fn copy(
    from: &Root,
    to: &Root,
    files: &[FileFact],
    onto: Placement<'_>,
    how: &CopyAttributes,
    memory: &HashCache,
) -> Result<Vec<Copied>> {
    check(files)?;
    check_mode(how.mode, OF_FILES)?;
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
    /// Does everything; adds the directories it makes to `made`.
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
