//! A real try at writing: a file under a temporary name of ours, written, synced and taken away
//! again.

use rustix::fs::{self, AtFlags};
use rustix::io;

use crate::error::Result;
use crate::fs::root::{Root, join};
use crate::model::names::FilePath;
use crate::stores::local::errors::undone;
use crate::stores::local::temporary::Names;

/// Writes a file into a directory and takes it away again.
///
/// Errors: whatever keeps this user from it.
pub fn try_writing(directory: &FilePath) -> Result<()> {
    let failed = |errno| undone("write into", errno, directory);
    let root = Root::open(directory, true).map_err(failed)?;
    let (inside, name) =
        (root.directory(&FilePath::default()).map_err(failed)?, Names::new().name(0));
    let file = root.create(&join(&FilePath::default(), &name)).map_err(failed)?;
    let written = io::write(&file, b"ttplan doctor").and_then(|_| fs::fsync(&file));
    let removed = fs::unlinkat(&inside, &name, AtFlags::empty());
    written.and(removed).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_try_leaves_nothing_and_fails_where_nothing_can_be_written() {
        let directory = tempfile::tempdir().unwrap();
        try_writing(&FilePath::from(directory.path())).unwrap();
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
        for path in ["/proc", "/proc/self/fd", "/not/there"] {
            assert!(try_writing(&FilePath::from(path)).is_err(), "{path}");
        }
    }
}
