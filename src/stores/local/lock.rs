//! The lock of a run on a root that it copies to: a kernel lock on the directory itself, so that
//! no file is left in it. It ends with the process and is seen by containers that share the volume.

use std::fs::File;
use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::fs::lock::take;
use crate::model::names::FilePath;
use crate::stores::local::errors;

/// Takes the lock; it is given back when the file is dropped. `None` where there is no such root.
///
/// Errors: `Kind::Locked` when another holds it after `wait`.
pub fn lock(root: &FilePath, wait: Duration) -> Result<Option<File>> {
    let unread = |error: &std::io::Error| match rustix::io::Errno::from_io_error(error) {
        Some(errno) => errors::unread(errno, root),
        None => Error::new(Kind::Unreachable, format!("`{}` cannot be opened", root.to_text()))
            .because(error),
    };
    let file = match File::open(root.as_path()) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unread(&error)),
    };
    if take(&file, wait).map_err(|error| unread(&error))? {
        return Ok(Some(file));
    }
    let held = format!("another run is copying to `{}`", root.to_text());
    Err(Error::new(Kind::Locked, held).hint("wait for it, or give `--lock-timeout 60s`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_at_a_time_and_no_file_left_behind() {
        let directory = tempfile::tempdir().unwrap();
        let root = FilePath::new(directory.path());
        let held = lock(&root, Duration::ZERO).unwrap();
        assert_eq!(lock(&root, Duration::ZERO).unwrap_err().kind(), Kind::Locked);
        drop(held);
        assert!(lock(&root, Duration::ZERO).unwrap().is_some());
        assert!(lock(&root.join(&"missing".into()), Duration::ZERO).unwrap().is_none());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
