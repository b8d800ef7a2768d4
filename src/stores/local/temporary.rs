//! Temporary names: what is being made lies beside its place under a name of ours, and gets its
//! own name whole and at once. Whatever an interruption leaves under such a name is worthless.
//!
//! Not so what a file that is replaced leaves beside its place: that may be what nobody has a copy
//! of, and has a name of another form, which nothing here takes away.

use std::hash::{BuildHasher, RandomState};

use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{self, AtFlags, RenameFlags, Stat};
use rustix::io::{Errno, Result};

use crate::fs::root::is_same;
use crate::stores::local::durable::point;

const BEFORE: &[u8] = b".ttplan-";
const AFTER: &[u8] = b"-part";
const AFTER_EXCHANGE: &[u8] = b"-swap";
const DIGITS: usize = 24;

/// The temporary names of one batch; no other batch uses them.
pub(super) struct Names {
    batch: u64,
}

impl Names {
    pub fn new() -> Self {
        // The standard library seeds its hashers from the kernel's random numbers.
        Self { batch: RandomState::new().hash_one(0) }
    }

    /// The name of the batch's entry with this index.
    pub fn name(&self, index: usize) -> Vec<u8> {
        let digits = format!("{:016x}{:08x}", self.batch, index as u32);
        [BEFORE, digits.as_bytes(), AFTER].concat()
    }
}

/// Whether a name is exactly of the form that [`Names`] gives.
pub(super) fn is_temporary(name: &[u8]) -> bool {
    has_form(name, AFTER)
}

/// Whether a name is of the form that what is replaced has beside its place.
pub(super) fn is_exchanged(name: &[u8]) -> bool {
    has_form(name, AFTER_EXCHANGE)
}

fn has_form(name: &[u8], after: &[u8]) -> bool {
    let digits = name.strip_prefix(BEFORE).and_then(|rest| rest.strip_suffix(after));
    digits.is_some_and(|digits| {
        digits.len() == DIGITS
            && digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Gives a file its name within its directory. Errors: `EXIST` where something has the name.
pub(super) fn place_file(
    directory: &OwnedFd,
    temporary: &[u8],
    name: &[u8],
    modern: bool,
) -> Result<()> {
    point("disk: before a file has its name")?;
    match rename_new(directory, temporary, name, modern) {
        Err(Errno::INVAL | Errno::NOSYS) => {
            fs::linkat(directory, temporary, directory, name, AtFlags::empty())?;
            fs::unlinkat(directory, temporary, AtFlags::empty())
        }
        renamed => renamed,
    }?;
    point("disk: after a file has its name")
}

/// Gives a file the name that another has, which is gone then. Errors: `EXIST` where that is
/// another by now than the one that was seen. Beside the place the two have a name that no sweeping
/// takes away: should this die between the exchange and the look at what came out, it may be what
/// somebody wrote at that very moment.
pub(super) fn place_over(
    directory: &OwnedFd,
    temporary: &[u8],
    name: &[u8],
    seen: &Stat,
    modern: bool,
) -> Result<()> {
    let is_seen = |name: &[u8]| {
        let now = fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(has_same_content(seen, &now))
    };
    let aside = [temporary.strip_suffix(AFTER).unwrap_or(temporary), AFTER_EXCHANGE].concat();
    rename_or_move(directory, temporary, &aside, modern)?;
    point("disk: before a file is replaced")?;
    let swap = || match modern {
        true => fs::renameat_with(directory, &aside, directory, name, RenameFlags::EXCHANGE),
        false => Err(Errno::NOSYS),
    };
    let (replaced, is_ours) = match swap() {
        Ok(()) if is_seen(&aside)? => {
            point("disk: before what was replaced is removed")?;
            (fs::unlinkat(directory, &aside, AtFlags::empty()), false)
        }
        // Put back at once: nobody has read of it what was not there before.
        Ok(()) => {
            let back = swap();
            (back.and(Err(Errno::EXIST)), back.is_ok())
        }
        Err(Errno::INVAL | Errno::NOSYS) => {
            let replaced = match is_seen(name) {
                Ok(true) => fs::renameat(directory, &aside, directory, name),
                Ok(false) => Err(Errno::EXIST),
                Err(errno) => Err(errno),
            };
            (replaced, replaced.is_err())
        }
        Err(errno) => (Err(errno), true),
    };
    if is_ours {
        rename_or_move(directory, &aside, temporary, modern)?;
    }
    replaced.and_then(|()| point("disk: after a file is replaced"))
}

fn rename_or_move(directory: &OwnedFd, from: &[u8], to: &[u8], modern: bool) -> Result<()> {
    match rename_new(directory, from, to, modern) {
        Err(Errno::INVAL | Errno::NOSYS) => fs::renameat(directory, from, directory, to),
        renamed => renamed,
    }
}

/// Whether this is the same file with the same content, whatever became of its name.
pub(super) fn has_same_content(before: &Stat, after: &Stat) -> bool {
    let marks = |stat: &Stat| (stat.st_size, stat.st_mtime, stat.st_mtime_nsec);
    is_same(before, after) && marks(before) == marks(after)
}

/// Gives a file that is held a further name in a directory, and no other file that has its old name
/// by now. Errors: `EXIST` where something has the name; `NOENT` where there is no `/proc`.
pub(super) fn place_link(held: &OwnedFd, directory: &OwnedFd, name: &[u8]) -> Result<()> {
    point("disk: before a file has its name")?;
    match fs::linkat(held, c"", directory, name, AtFlags::EMPTY_PATH) {
        // Kernels before 6.10 let only a mighty user link what he holds; everybody may go through
        // `/proc`.
        Err(Errno::NOENT) => {
            let through = format!("/proc/self/fd/{}", held.as_raw_fd());
            fs::linkat(fs::CWD, through, directory, name, AtFlags::SYMLINK_FOLLOW)
        }
        linked => linked,
    }?;
    point("disk: after a file has its name")
}

/// Gives a directory its name. Without the newer system call an empty directory that appeared
/// there at this very moment would be replaced, and nothing else.
pub(super) fn place_directory(
    directory: &OwnedFd,
    temporary: &[u8],
    name: &[u8],
    modern: bool,
) -> Result<()> {
    rename_or_move(directory, temporary, name, modern)
}

fn rename_new(directory: &OwnedFd, temporary: &[u8], name: &[u8], modern: bool) -> Result<()> {
    if !modern {
        return Err(Errno::NOSYS);
    }
    fs::renameat_with(directory, temporary, directory, name, RenameFlags::NOREPLACE)
}

#[cfg(test)]
mod tests {
    use crate::fs::root::Root;
    use crate::model::names::FilePath;

    use super::*;

    #[test]
    fn our_names_are_known_again_and_no_others() {
        let names = Names::new();
        assert!(is_temporary(&names.name(0)) && is_temporary(&names.name(usize::MAX)));
        assert_ne!(names.name(0), names.name(1));
        assert_ne!(names.name(0), Names::new().name(0));
        for name in [
            ".ttplan-part",
            ".ttplan--part",
            ".ttplan-notes-part",
            ".ttplan-0123456789abcdef0123456G-part",
        ] {
            assert!(!is_temporary(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn neither_way_of_placing_replaces_anything() {
        for modern in [true, false] {
            let tree = tempfile::tempdir().unwrap();
            let at = |name: &str| tree.path().join(name);
            std::fs::write(at("new"), "new").unwrap();
            std::fs::write(at("old"), "old").unwrap();
            std::fs::create_dir_all(at("directory")).unwrap();
            let root = Root::open(&FilePath::from(tree.path()), true).unwrap();
            let directory = root.directory(&FilePath::default()).unwrap();
            assert_eq!(place_file(&directory, b"new", b"old", modern), Err(Errno::EXIST));
            assert!(place_directory(&directory, b"directory", b"old", modern).is_err());
            assert_eq!(std::fs::read(at("old")).unwrap(), b"old");
            assert_eq!(place_file(&directory, b"new", b"placed", modern), Ok(()));
            assert_eq!(place_directory(&directory, b"directory", b"made", modern), Ok(()));
            assert!(!at("new").exists() && !at("directory").exists());
            assert_eq!(std::fs::read(at("placed")).unwrap(), b"new");
            assert!(at("made").is_dir());
        }
    }

    #[test]
    fn only_the_file_that_was_seen_is_replaced() {
        for modern in [true, false] {
            let tree = tempfile::tempdir().unwrap();
            let at = |name: &str| tree.path().join(name);
            std::fs::write(at("seen"), "old").unwrap();
            std::fs::write(at("other"), "other").unwrap();
            std::fs::write(at("new"), "new").unwrap();
            let root = Root::open(&FilePath::from(tree.path()), true).unwrap();
            let directory = root.directory(&FilePath::default()).unwrap();
            let seen = fs::stat(at("seen")).unwrap();
            assert_eq!(place_over(&directory, b"new", b"other", &seen, modern), Err(Errno::EXIST));
            assert_eq!(
                (std::fs::read(at("other")).unwrap(), std::fs::read(at("new")).unwrap()),
                (b"other".into(), b"new".into())
            );
            assert_eq!(place_over(&directory, b"new", b"gone", &seen, modern), Err(Errno::NOENT));
            assert_eq!(place_over(&directory, b"new", b"seen", &seen, modern), Ok(()));
            assert_eq!(std::fs::read(at("seen")).unwrap(), b"new");
            assert!(!at("new").exists());
        }
    }

    #[test]
    fn what_comes_out_of_an_exchange_has_a_name_that_is_never_swept() {
        let tree = tempfile::tempdir().unwrap();
        let root = Root::open(&FilePath::from(tree.path()), true).unwrap();
        let temporary = String::from_utf8(Names::new().name(3)).unwrap();
        let aside = temporary.replace("-part", "-swap");
        assert!(is_exchanged(aside.as_bytes()) && !is_temporary(aside.as_bytes()));
        assert!(!is_exchanged(temporary.as_bytes()));
        for (name, text) in [(&temporary, "worthless"), (&aside, "the only copy")] {
            std::fs::write(tree.path().join(name), text).unwrap();
        }
        assert_eq!(crate::stores::local::remove::sweep(&root).unwrap(), 1);
        let left = crate::stores::local::remove::exchanged(&root).unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].1.as_ref().unwrap().size(), 13);
    }
}
