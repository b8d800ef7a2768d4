//! Safe opening: whatever lies below a root is reached from the root's own descriptor, and no
//! symbolic link, `..` or directory swapped meanwhile leads out of it. Nothing in this room
//! may open what is below a root by its absolute path.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{self, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::{Errno, Result};

use crate::fs::way::{Key, key};
use crate::model::names::FilePath;

/// What the kernel is told about every path below a root.
const BENEATH: ResolveFlags =
    ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

/// Every descriptor: no link at the end of the path, none inherited by a command.
pub(crate) const GUARDED: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC);

/// To read, without waiting for the other end of a pipe and without gaining a terminal.
pub(crate) const READ: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// To pass through or to look at, which needs no right to read.
const PASS: OFlags = OFlags::PATH.union(OFlags::DIRECTORY);

/// A new file, to be written and read back; whatever has the name already is an error.
pub(crate) const NEW: OFlags = OFlags::RDWR.union(OFlags::CREATE).union(OFlags::EXCL);

/// A directory below which everything is opened safely.
pub struct Root {
    fd: OwnedFd,
    path: FilePath,
    modern: bool,
    /// Directories that are not entered, by whatever name: what ttplan itself relies on.
    forbidden: Arc<BTreeSet<Key>>,
}

/// A plain file, open for reading, as it was when it was opened.
pub struct Plain {
    pub fd: OwnedFd,
    pub stat: Stat,
}

impl Root {
    /// Opens the directory at a plain absolute path. What lies above it is the operator's business:
    /// links there are followed; the root itself must be a directory and not a link. `modern`
    /// permits system calls that old kernels and strict sandboxes lack; where they turn out to be
    /// missing, others are used.
    pub fn open(path: &FilePath, modern: bool) -> Result<Self> {
        let fd = fs::open(path.as_path(), PASS | GUARDED, Mode::empty())?;
        Ok(Self::at(fd, path, modern, Arc::default()))
    }

    /// The same below a directory that was opened, which `path` is to be called; the `forbidden`
    /// ones are not entered.
    pub fn at(fd: OwnedFd, path: &FilePath, modern: bool, forbidden: Arc<BTreeSet<Key>>) -> Self {
        let modern =
            modern && fs::openat2(&fd, c".", PASS | GUARDED, Mode::empty(), BENEATH).is_ok();
        Self { fd, path: path.clone(), modern, forbidden }
    }

    /// Whether the newer system calls may be tried.
    pub fn is_modern(&self) -> bool {
        self.modern
    }

    /// The absolute path of what is at `path`; for messages only.
    pub fn absolute(&self, path: &FilePath) -> FilePath {
        if path.as_bytes().is_empty() { self.path.clone() } else { self.path.join(path) }
    }

    /// The one way down. The empty path is the root itself; any other must be plain and relative.
    fn open_below(&self, path: &FilePath, flags: OFlags, mode: Mode) -> Result<OwnedFd> {
        if path.as_bytes().is_empty() {
            return fs::openat(&self.fd, c".", flags | GUARDED, mode);
        }
        if !path.is_plain_relative() {
            return Err(Errno::INVAL);
        }
        if self.modern {
            match fs::openat2(&self.fd, path.as_bytes(), flags | GUARDED, mode, BENEATH) {
                // Longer than the kernel takes at once; a shorter way may still lead there.
                Err(Errno::NAMETOOLONG) => {}
                opened => return opened,
            }
        }
        self.walk_to(path, flags, mode)
    }

    /// The same without `openat2`: one component after the other, none of them a link.
    fn walk_to(&self, path: &FilePath, flags: OFlags, mode: Mode) -> Result<OwnedFd> {
        let (above, name) = split(path);
        let mut here: Option<OwnedFd> = None;
        for component in
            above.as_bytes().split(|byte| *byte == b'/').filter(|component| !component.is_empty())
        {
            let from = here.as_ref().map_or(self.fd.as_fd(), AsFd::as_fd);
            here = Some(fs::openat(from, component, PASS | GUARDED, Mode::empty())?);
        }
        let from = here.as_ref().map_or(self.fd.as_fd(), AsFd::as_fd);
        fs::openat(from, name, flags | GUARDED, mode)
    }

    /// What is at `path`, without opening it.
    pub fn look(&self, path: &FilePath) -> Result<Stat> {
        fs::fstat(self.open_below(path, OFlags::PATH, Mode::empty())?)
    }

    /// The directory at `path`, to reach what is in it.
    ///
    /// Errors: `XDEV` for one that is forbidden.
    pub fn directory(&self, path: &FilePath) -> Result<OwnedFd> {
        self.enter(path, PASS)
    }

    /// The directory at `path`, to list or sync it.
    pub fn readable_directory(&self, path: &FilePath) -> Result<OwnedFd> {
        self.enter(path, READ | OFlags::DIRECTORY)
    }

    fn enter(&self, path: &FilePath, flags: OFlags) -> Result<OwnedFd> {
        let fd = self.open_below(path, flags, Mode::empty())?;
        if !self.forbidden.is_empty() && self.forbidden.contains(&key(&fs::fstat(&fd)?)) {
            return Err(Errno::XDEV);
        }
        Ok(fd)
    }

    /// The file at `path`; `None` when it is not a plain one, which is found out without opening
    /// it.
    pub fn plain(&self, path: &FilePath) -> Result<Option<Plain>> {
        if !is_plain(&self.look(path)?) {
            return Ok(None);
        }
        let fd = self.open_below(path, READ, Mode::empty())?;
        let stat = fs::fstat(&fd)?;
        Ok(is_plain(&stat).then_some(Plain { fd, stat }))
    }

    /// Makes an empty file that is nobody else's, readable by this user alone.
    pub fn create(&self, path: &FilePath) -> Result<OwnedFd> {
        self.open_below(path, NEW, Mode::RUSR | Mode::WUSR)
    }
}

/// The directory that a relative path lies in (empty for the root), and its name there.
pub(crate) fn split(path: &FilePath) -> (FilePath, &[u8]) {
    let (above, name) = parts(path);
    (FilePath::from_bytes(above), name)
}

/// The same, of nothing but the path's own bytes.
pub(crate) fn parts(path: &FilePath) -> (&[u8], &[u8]) {
    let bytes = path.as_bytes();
    match bytes.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (&[], bytes),
    }
}

/// The relative path of `name` in a directory (empty for the root).
pub(crate) fn join(directory: &FilePath, name: &[u8]) -> FilePath {
    let directory = directory.as_bytes();
    if directory.is_empty() {
        return FilePath::from_bytes(name);
    }
    FilePath::from_bytes([directory, b"/", name].concat())
}

/// Whether this is a plain file.
pub(crate) fn is_plain(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

/// Whether both are one and the same file.
pub(crate) fn is_same(one: &Stat, other: &Stat) -> bool {
    (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
}

/// Its size in bytes.
pub(crate) fn size(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::os::unix::fs::{MetadataExt, symlink};
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    /// A tree with every sort of way out, and the inodes that lie inside it.
    fn trap(directory: &Path) -> HashSet<u64> {
        let root = directory.join("root");
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        std::fs::create_dir(directory.join("secret")).unwrap();
        std::fs::write(directory.join("secret/f"), "secret").unwrap();
        std::fs::write(root.join("f"), "inside").unwrap();
        std::fs::write(root.join("a/b/f"), "inside").unwrap();
        symlink("/etc", root.join("etc")).unwrap();
        symlink("../secret", root.join("up")).unwrap();
        symlink("../../secret/f", root.join("a/l")).unwrap();
        symlink("b", root.join("a/inner")).unwrap();
        symlink("/proc/self/root", root.join("a/b/magic")).unwrap();
        let inside = ["", "f", "a", "a/b", "a/b/f"];
        inside.iter().map(|path| root.join(path).symlink_metadata().unwrap().ino()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_path_opens_anything_outside_its_root(
            parts in prop::collection::vec(
                prop::sample::select(vec!["..", ".", "", "f", "a", "b", "l", "etc", "up", "inner", "magic", "passwd", "secret"]),
                0..7,
            ),
            absolute: bool,
        ) {
            // One tree for all cases; looking at it does not change it.
            static TREE: std::sync::OnceLock<(tempfile::TempDir, HashSet<u64>)> = std::sync::OnceLock::new();
            let (directory, inside) = TREE.get_or_init(|| {
                let directory = tempfile::tempdir().unwrap();
                let inside = trap(directory.path());
                (directory, inside)
            });
            let path = FilePath::from(format!("{}{}", if absolute { "/" } else { "" }, parts.join("/")));
            for modern in [true, false] {
                let root = Root::open(&FilePath::from(directory.path().join("root")), modern).unwrap();
                if let Ok(Some(plain)) = root.plain(&path) {
                    prop_assert!(inside.contains(&plain.stat.st_ino), "{path:?} was opened");
                }
                if let Ok(fd) = root.readable_directory(&path) {
                    prop_assert!(inside.contains(&fs::fstat(fd).unwrap().st_ino), "{path:?} was opened");
                }
            }
        }
    }

    #[test]
    fn both_ways_down_open_the_same() {
        let directory = tempfile::tempdir().unwrap();
        trap(directory.path());
        let root = FilePath::from(directory.path().join("root"));
        for path in ["f", "a/b/f", "a/l", "up/f", "a/inner/f", "missing", "f/x"].map(FilePath::from)
        {
            let opened =
                [true, false].map(|modern| Root::open(&root, modern).unwrap().plain(&path));
            let inodes = opened.map(|found| found.ok().flatten().map(|plain| plain.stat.st_ino));
            assert_eq!(inodes[0], inodes[1], "{path:?}");
            assert_eq!(inodes[0].is_some(), ["f", "a/b/f"].contains(&path.to_text().as_ref()));
        }
    }

    #[test]
    fn a_path_longer_than_the_kernel_takes_is_still_reached() {
        let directory = tempfile::tempdir().unwrap();
        let root = Root::open(&FilePath::from(directory.path()), true).unwrap();
        let name = "d".repeat(255);
        let mut path = FilePath::default();
        for _ in 0..20 {
            let (above, below) = (root.directory(&path).unwrap(), name.as_bytes());
            fs::mkdirat(above, below, Mode::RWXU).unwrap();
            path = join(&path, below);
        }
        let file = join(&path, b"f");
        assert!(file.as_bytes().len() > 4096);
        drop(root.create(&file).unwrap());
        assert!(root.plain(&file).unwrap().is_some());
    }

    #[test]
    fn a_root_that_is_a_link_is_not_opened() {
        let directory = tempfile::tempdir().unwrap();
        symlink("/etc", directory.path().join("link")).unwrap();
        let opened = Root::open(&FilePath::from(directory.path().join("link")), true);
        assert!(matches!(opened, Err(Errno::NOTDIR)));
    }

    #[test]
    fn splitting_and_joining_are_each_other_s_inverse() {
        for path in ["f", "a/f", "a/b/f"].map(FilePath::from) {
            let (above, name) = split(&path);
            assert_eq!(join(&above, name), path);
        }
    }
}
