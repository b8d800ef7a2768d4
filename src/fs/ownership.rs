//! Whether a file can be believed to be the host's own: that nobody but root and the running
//! user could have written it, replaced it, or bent the way to it.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::error::{Error, Kind, Result};

const WRITABLE_BY_OTHERS: u32 = 0o022;
const STICKY: u32 = 0o1000;
const ROOT: u32 = 0;

/// Refuses the file `path`, an absolute path, unless it is a plain file that is reached without a
/// symbolic link, it and every directory above it belong to root or the running user, and
/// nobody else may write to any of them. A directory of root's in which all may write is
/// permitted if it is sticky, like `/tmp`: others cannot touch there what is not theirs.
///
/// Errors: `Kind::Config` when it cannot be looked at, `Kind::Refused` when it cannot be believed.
pub fn check_ownership(path: &Path) -> Result<()> {
    let shown = path.display();
    let unseen =
        |error| Error::new(Kind::Config, format!("`{shown}` cannot be looked at")).because(error);
    let file = path.symlink_metadata().map_err(unseen)?;
    let real = path.canonicalize().map_err(unseen)?;
    if real != path {
        let error =
            Error::new(Kind::Refused, format!("`{shown}` is reached through a symbolic link"))
                .code("host_file_open")
                .about(path.display());
        return Err(error.hint(format!("name it by its own path: `{}`", real.display())));
    }
    if !file.is_file() {
        return Err(Error::new(Kind::Refused, format!("`{shown}` is not a plain file"))
            .code("host_file_open")
            .about(path.display()));
    }
    judge(path, &file)?;
    for directory in path.ancestors().skip(1) {
        judge(directory, &directory.symlink_metadata().map_err(unseen)?)?;
    }
    Ok(())
}

fn judge(path: &Path, seen: &Metadata) -> Result<()> {
    let shown = path.display();
    let user = rustix::process::geteuid().as_raw();
    if seen.uid() != ROOT && seen.uid() != user {
        let message = format!(
            "`{shown}` belongs to user {}, neither to root nor to the running user {user}",
            seen.uid()
        );
        return Err(Error::new(Kind::Refused, message)
            .code("host_file_open")
            .about(path.display())
            .hint(format!("chown root {shown}")));
    }
    let sticky = seen.is_dir() && seen.uid() == ROOT && seen.mode() & STICKY != 0;
    if seen.mode() & WRITABLE_BY_OTHERS != 0 && !sticky {
        let message = format!("others than its owner may write to `{shown}`");
        return Err(Error::new(Kind::Refused, message)
            .code("host_file_open")
            .about(path.display())
            .hint(format!("chmod go-w {shown}")));
    }
    Ok(())
}
