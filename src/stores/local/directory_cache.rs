//! Reaching many files below a root, one after the other. The directory of the last one is held for
//! the next, since listed files lie side by side: what is looked at or opened is then one name in a
//! directory that [`Root`] led to, and that name is never followed.

use rustix::fd::OwnedFd;
use rustix::fs::{self, AtFlags, Mode, OFlags, Stat};
use rustix::io::{Errno, Result};

use crate::fs::root::{GUARDED, NEW, Plain, READ, Root, is_plain, parts};
use crate::model::names::FilePath;

/// A hand that goes from file to file. To be kept for one batch at most: a directory that is
/// renamed meanwhile is still the one that is held.
pub(super) struct DirectoryCache<'a> {
    root: &'a Root,
    /// The directory's path, and its descriptor or why there is none.
    held: Option<(Vec<u8>, Result<OwnedFd>)>,
}

/// The two ends of a file's way, reached for.
pub(super) struct Ends<'a> {
    pub from: DirectoryCache<'a>,
    pub to: DirectoryCache<'a>,
}

impl<'a> Ends<'a> {
    pub fn of(from: &'a Root, to: &'a Root) -> Self {
        Self { from: DirectoryCache::new(from), to: DirectoryCache::new(to) }
    }
}

impl<'a> DirectoryCache<'a> {
    pub fn new(root: &'a Root) -> Self {
        Self { root, held: None }
    }

    /// The directory that the file lies in, and its name there.
    pub fn at<'p>(&mut self, path: &'p FilePath) -> Result<(&OwnedFd, &'p [u8])> {
        if !path.is_plain_relative() {
            return Err(Errno::INVAL);
        }
        let (above, name) = parts(path);
        let held = match self.held.take() {
            Some(held) if held.0 == above => held,
            _ => (above.to_vec(), self.root.directory(&FilePath::from_bytes(above))),
        };
        let (_, directory) = self.held.insert(held);
        Ok((directory.as_ref().map_err(|errno| *errno)?, name))
    }

    /// What is at `path`, without opening it.
    pub fn look(&mut self, path: &FilePath) -> Result<Stat> {
        let (directory, name) = self.at(path)?;
        fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// A hold on what is at `path`, whatever it is; good to look at and to give another name, not
    /// to read.
    pub fn entry(&mut self, path: &FilePath) -> Result<OwnedFd> {
        let (directory, name) = self.at(path)?;
        fs::openat(directory, name, OFlags::PATH | GUARDED, Mode::empty())
    }

    /// Opens what was just seen to be a plain file; `None` when it is one no longer.
    pub fn seen_plain(&mut self, path: &FilePath) -> Result<Option<Plain>> {
        let (directory, name) = self.at(path)?;
        let fd = fs::openat(directory, name, READ | GUARDED, Mode::empty())?;
        let stat = fs::fstat(&fd)?;
        Ok(is_plain(&stat).then_some(Plain { fd, stat }))
    }

    /// Makes an empty file beside `path` that is nobody else's, readable by this user alone.
    pub fn create_beside(&mut self, path: &FilePath, name: &[u8]) -> Result<OwnedFd> {
        let (directory, _) = self.at(path)?;
        fs::openat(directory, name, NEW | GUARDED, Mode::RUSR | Mode::WUSR)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_is_reached_is_what_the_root_leads_to() {
        let tree = tempfile::tempdir().unwrap();
        let at = |path: &str| tree.path().join(path);
        std::fs::create_dir_all(at("a/b")).unwrap();
        for path in ["f", "a/1", "a/2", "a/b/3"] {
            std::fs::write(at(path), path).unwrap();
        }
        symlink("1", at("a/link")).unwrap();
        symlink("a", at("up")).unwrap();
        for modern in [true, false] {
            let root = Root::open(&FilePath::from(tree.path()), modern).unwrap();
            let mut reach = DirectoryCache::new(&root);
            for path in [
                "a/1",
                "a/2",
                "a/b/3",
                "a/1",
                "f",
                "a/link",
                "a/b",
                "a/missing",
                "up/1",
                "f/x",
                "b/x",
                "a/2",
            ] {
                let path = FilePath::from(path);
                let (here, there) = (reach.look(&path), root.look(&path));
                assert_eq!(
                    here.ok().map(|stat| stat.st_ino),
                    there.ok().map(|stat| stat.st_ino),
                    "{path:?}"
                );
                let plain = reach.seen_plain(&path).ok().flatten();
                let opened = ["a/1", "a/2", "a/b/3", "f"].contains(&&*path.to_text());
                assert_eq!(plain.is_some(), opened, "{path:?}");
            }
            // A link is never followed, wherever it stands.
            assert!(matches!(reach.seen_plain(&FilePath::from("a/link")), Err(Errno::LOOP)));
            assert!(reach.look(&FilePath::from("up/1")).is_err());
        }
    }

    #[test]
    fn no_path_leads_out() {
        let tree = tempfile::tempdir().unwrap();
        std::fs::create_dir(tree.path().join("root")).unwrap();
        std::fs::write(tree.path().join("secret"), "").unwrap();
        let root = Root::open(&FilePath::from(tree.path().join("root")), true).unwrap();
        for path in ["../secret", "..", ".", "", "/etc/passwd", "a/../../secret", "a//b", "a\0b"] {
            assert_eq!(
                DirectoryCache::new(&root).look(&FilePath::from(path)).err(),
                Some(Errno::INVAL),
                "{path:?}"
            );
        }
    }

    #[test]
    fn a_directory_that_is_swapped_for_a_link_is_not_entered() {
        let tree = tempfile::tempdir().unwrap();
        let at = |path: &str| tree.path().join(path);
        std::fs::create_dir_all(at("root/a")).unwrap();
        std::fs::create_dir(at("elsewhere")).unwrap();
        let root = Root::open(&FilePath::from(at("root")), true).unwrap();
        let mut reach = DirectoryCache::new(&root);
        reach.at(&FilePath::from("a/f")).unwrap();
        std::fs::rename(at("root/a"), at("root/b")).unwrap();
        symlink(at("elsewhere"), at("root/a")).unwrap();
        // Held from before, or anew: never what the link names.
        reach.create_beside(&FilePath::from("a/f"), b"new").unwrap();
        assert!(at("root/b/new").exists() && !at("elsewhere/new").exists());
        assert!(DirectoryCache::new(&root).create_beside(&FilePath::from("a/f"), b"new").is_err());
    }
}
