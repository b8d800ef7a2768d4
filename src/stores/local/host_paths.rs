//! What surrounds the upload roots: whether a directory is there, where a program lies, how much
//! space is left. Writes nothing.

use std::ffi::OsStr;

use rustix::fs::{self, Access};
use rustix::io::Errno;

use crate::fs::root::Root;
use crate::model::files::uploads::RootState;
use crate::model::names::FilePath;
use crate::stores::local::scan::root_state;
use crate::stores::store::DirectoryState;

/// What is at a path where a directory should be. A symbolic link is none, as for a root.
pub(super) fn directory(path: &FilePath, modern: bool) -> DirectoryState {
    match Root::open(path, modern).and_then(|root| root.readable_directory(&FilePath::default())) {
        Ok(_) => DirectoryState::Present,
        Err(errno) => match root_state(errno) {
            RootState::Missing => DirectoryState::Missing,
            RootState::NotADirectory => DirectoryState::NotADirectory,
            RootState::Present | RootState::Unreadable => DirectoryState::Unreadable,
        },
    }
}

/// A program by its absolute path, or by its name along the absolute directories of `search`.
/// The path is given as it was found, links and all: the interpreter of a virtual environment
/// works only under its own path.
pub(super) fn program(name: &str, search: &str) -> Option<FilePath> {
    if name.contains('/') {
        return Some(FilePath::from(name))
            .filter(|path| path.as_bytes().starts_with(b"/") && is_program(path));
    }
    let directories =
        std::env::split_paths(OsStr::new(search)).filter(|directory| directory.is_absolute());
    directories.map(|directory| FilePath::from(directory.join(name))).find(is_program)
}

fn is_program(path: &FilePath) -> bool {
    path.as_path().is_file() && fs::access(path.as_path(), Access::EXEC_OK).is_ok()
}

/// Free space at `path` or the nearest directory above it that exists, in bytes; what the
/// filesystem reserves for root does not count.
pub(super) fn free_bytes(path: &FilePath) -> Option<u64> {
    for ancestor in path.as_path().ancestors() {
        match fs::statvfs(ancestor) {
            Err(Errno::NOENT | Errno::NOTDIR) => {}
            Err(_) => return None,
            Ok(space) => return Some(space.f_bavail.saturating_mul(space.f_frsize)),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_program_is_found_as_a_shell_would_but_only_in_absolute_directories() {
        let tree = tempfile::tempdir().unwrap();
        let at = |path: &str| tree.path().join(path);
        for directory in ["one", "two", "two/tool"] {
            std::fs::create_dir(at(directory)).unwrap();
        }
        for (path, mode) in [("one/tool", 0o644), ("one/other", 0o755)] {
            std::fs::write(at(path), "").unwrap();
            std::fs::set_permissions(at(path), PermissionsExt::from_mode(mode)).unwrap();
        }
        std::fs::create_dir(at("three")).unwrap();
        symlink(at("one/other"), at("three/tool")).unwrap();
        let search = format!(
            "relative::{}:{}:{}",
            at("one").display(),
            at("two").display(),
            at("three").display()
        );
        // Not executable, a directory, then a link to a program: found by the link's own path.
        assert_eq!(program("tool", &search), Some(FilePath::from(at("three/tool"))));
        assert_eq!(program("missing", &search), None);
        let absolute = at("one/other");
        assert_eq!(program(absolute.to_str().unwrap(), ""), Some(FilePath::from(&absolute)));
        assert_eq!(program(at("one/tool").to_str().unwrap(), &search), None);
        assert_eq!(program("./tool", &search), None);
        assert_eq!(program("", &search), None);
        assert_eq!(program("to\0ol", &search), None);
    }

    #[test]
    fn free_space_is_that_of_the_nearest_existing_directory() {
        let tree = tempfile::tempdir().unwrap();
        std::fs::write(tree.path().join("file"), "").unwrap();
        for below in ["", "not/yet/there", "file/below"] {
            assert!(
                free_bytes(&FilePath::from(tree.path().join(below))).is_some_and(|free| free > 0)
            );
        }
        assert_eq!(free_bytes(&FilePath::from("relative/path")), None);
    }
}
