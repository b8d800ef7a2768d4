//! Bringing things to disk. Nothing counts as done before what is written here has returned.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use rayon::prelude::*;
use rustix::fd::OwnedFd;
use rustix::fs::{self, Stat};
use rustix::io::{Errno, Result};

use crate::fault;
use crate::fs::root::Root;
use crate::model::names::FilePath;
use crate::stores::local::directory_cache::DirectoryCache;

/// Up to so many things are synced one by one. On a quiet ext4 `syncfs` costs as much as two
/// `fsync`s (0.2 ms to 0.6 ms each) and grows far slower, but it also waits for whatever others
/// have written.
const FEW: usize = 4;

/// Filesystems on which `syncfs` brings data, names and the device's own cache to disk: ext2 to
/// ext4, XFS, Btrfs, F2FS and tmpfs. Numbers from the kernel's `magic.h`. All others (network,
/// FUSE, overlays) are synced one by one: some of them take `syncfs` and do nothing.
const SYNCED_WHOLE: [i64; 5] = [0xEF53, 0x5846_5342, 0x9123_683E, 0xF2F5_2010, 0x0102_1994];

/// How a number of things below one root gets to disk: each by itself, or all at once.
pub(super) struct Durability {
    /// The filesystem, opened before anything is written, since it tells only of later errors.
    whole: Option<(OwnedFd, Stat)>,
}

impl Durability {
    /// To be made before the things are written.
    pub fn of(root: &Root, count: usize) -> Result<Self> {
        if count <= FEW || !root.is_modern() || !syncfs_tells_of_errors() {
            return Ok(Self { whole: None });
        }
        let fd = root.readable_directory(&FilePath::default())?;
        let (stat, known) = (fs::fstat(&fd)?, SYNCED_WHOLE.contains(&fs::fstatfs(&fd)?.f_type));
        Ok(Self { whole: known.then_some((fd, stat)) })
    }

    /// Everything by itself, whatever the filesystem.
    pub fn each() -> Self {
        Self { whole: None }
    }

    /// Whether [`all`](Self::all) is going to bring this to disk: another filesystem may be
    /// mounted below the root.
    fn covers(&self, stat: &Stat) -> bool {
        self.whole.as_ref().is_some_and(|(_, whole)| whole.st_dev == stat.st_dev)
    }

    /// Whether a file has to be synced by itself.
    pub fn is_left_out(&self, stat: &Stat) -> Result<bool> {
        point("disk: before a file is synced")?;
        Ok(!self.covers(stat))
    }

    /// Syncs a written file now, unless that comes with all.
    pub fn file(&self, fd: &OwnedFd, stat: &Stat) -> Result<()> {
        if self.is_left_out(stat)? { fs::fsync(fd) } else { Ok(()) }
    }

    /// The same of a file that was just seen below a root, and is opened only where that is needed.
    pub fn listed(
        &self,
        reach: &mut DirectoryCache<'_>,
        seen: &Stat,
        path: &FilePath,
    ) -> Result<()> {
        if !self.is_left_out(seen)? {
            return Ok(());
        }
        let plain = reach.seen_plain(path)?.ok_or(Errno::NOENT)?;
        fs::fsync(&plain.fd)
    }

    /// Syncs the names in a directory now, unless that comes with all.
    pub fn directory(&self, root: &Root, path: &FilePath) -> Result<()> {
        point("disk: before names are synced")?;
        if self.covers(&root.look(path)?) {
            Ok(())
        } else {
            fs::fsync(root.readable_directory(path)?)
        }
    }

    /// Syncs everything that was not synced by itself.
    pub fn all(&self) -> Result<()> {
        self.whole.as_ref().map_or(Ok(()), |(fd, _)| fs::syncfs(fd))
    }
}

/// A point of [`fault`], in the kernel's words.
pub(super) fn point(what: &str) -> Result<()> {
    fault::point(what).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
}

/// Brings the names in these directories below a root to disk.
pub(super) fn sync_directories(root: &Root, directories: &BTreeSet<FilePath>) -> Result<()> {
    let durability = Durability::of(root, directories.len())?;
    directories.par_iter().try_for_each(|directory| durability.directory(root, directory))?;
    durability.all()
}

/// Whether the kernel is 5.8 or newer: before, `syncfs` returned well where writing had failed.
fn syncfs_tells_of_errors() -> bool {
    static TELLS: OnceLock<bool> = OnceLock::new();
    *TELLS.get_or_init(|| {
        std::fs::read_to_string("/proc/sys/kernel/osrelease")
            .is_ok_and(|release| is_at_least(&release, (5, 8)))
    })
}

/// Whether a kernel release such as `5.10.0-28-amd64` is this version or a later one.
fn is_at_least(release: &str, version: (u32, u32)) -> bool {
    let mut numbers =
        release.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse::<u32>().ok());
    let (Some(Some(major)), Some(Some(minor))) = (numbers.next(), numbers.next()) else {
        return false;
    };
    (major, minor) >= version
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_releases_compare_by_number() {
        assert!(is_at_least("5.10.0-28-amd64\n", (5, 8)));
        assert!(is_at_least("6.1", (5, 8)));
        assert!(!is_at_least("5.4.0-generic", (5, 8)));
        assert!(!is_at_least("4.18.0-553.el8", (5, 8)));
        assert!(!is_at_least("unknown", (5, 8)));
    }

    #[test]
    fn few_things_are_synced_one_by_one_and_nothing_is_covered_then() {
        let directory = tempfile::tempdir().unwrap();
        let root = Root::open(&FilePath::from(directory.path()), true).unwrap();
        let stat = root.look(&FilePath::default()).unwrap();
        assert!(!Durability::of(&root, FEW).unwrap().covers(&stat));
        let old = Root::open(&FilePath::from(directory.path()), false).unwrap();
        assert!(!Durability::of(&old, FEW + 1).unwrap().covers(&stat));
    }

    #[test]
    fn another_filesystem_is_never_covered() {
        let directory = tempfile::tempdir().unwrap();
        let root = Root::open(&FilePath::from(directory.path()), true).unwrap();
        let elsewhere = fs::stat("/proc").unwrap();
        assert!(!Durability::of(&root, 1000).unwrap().covers(&elsewhere));
    }
}
