//! The lock of a run on a root that it copies to: a kernel lock on the directory itself, so that
//! no file is left in it. It ends with the process and is seen by containers that share the volume.

use std::fs::File;
use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::fs::lock;
use crate::model::names::FilePath;

/// Takes the lock on a directory that is open; it is given back when the file is dropped.
///
/// Errors: `Kind::Locked` when another holds it after `wait`.
pub(super) fn take(directory: File, root: &FilePath, wait: Duration) -> Result<File> {
    let shown = root.to_text();
    let taken = lock::take(&directory, wait).map_err(|error| {
        Error::new(Kind::Unreachable, format!("`{shown}` cannot be locked")).because(error)
    })?;
    if taken {
        return Ok(directory);
    }
    Err(Error::new(Kind::Locked, format!("another run is copying to `{shown}`"))
        .hint("wait for it, or give `--lock-timeout 60s`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::local::LocalStore;

    #[test]
    fn one_run_at_a_time_and_no_file_left_behind() {
        let directory = tempfile::tempdir().unwrap();
        let (root, disk) = (FilePath::new(directory.path()), LocalStore::new());
        let held = disk.lock(&root, Duration::ZERO).unwrap();
        assert_eq!(disk.lock(&root, Duration::ZERO).unwrap_err().kind(), Kind::Locked);
        drop(held);
        assert!(disk.lock(&root, Duration::ZERO).unwrap().is_some());
        assert!(disk.lock(&root.join(&"missing".into()), Duration::ZERO).unwrap().is_none());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
