//! Where `-o FILE` lets a document go: into a new or a regular file, or to the standard output.

use std::path::Path;

use crate::error::{Error, Kind, Result};
use crate::fs::files;

/// What stands for the standard output.
const STANDARD: &str = "-";

/// Whether the document is to go to the standard output.
pub fn is_standard(path: Option<&Path>) -> bool {
    path.is_some_and(|path| path == Path::new(STANDARD))
}

/// Refuses a place where nothing can be written, before any work is done for it.
///
/// Errors: as [`files::check_place`].
pub fn check(path: Option<&Path>) -> Result<()> {
    match path {
        Some(path) if path != Path::new(STANDARD) => files::check_place(path),
        _ => Ok(()),
    }
}

/// The same for what only a file can hold.
///
/// Errors: `Kind::Usage` for the standard output.
pub fn check_file(path: &Path) -> Result<()> {
    if is_standard(Some(path)) {
        return Err(Error::new(Kind::Usage, "this cannot be written to the standard output")
            .because("it is read back, or gone on with later")
            .hint("name a file; `./-` for one that is called `-`"));
    }
    files::check_place(path)
}
