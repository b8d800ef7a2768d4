//! Whether a file or directory can be believed to be the host's own: that nobody but root and the
//! running user could have written it, replaced it, or bent the way to it. The one check for all
//! that decides.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::error::{Error, Kind, Result};
use crate::fs::plain;
use crate::fs::way::{Links, Way, above};
use crate::model::names::FilePath;
use crate::model::text::shell_word;

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
    open_own(path).map(|_| ())
}

/// The same; returns the file, open to be read.
pub fn open_own(path: &Path) -> Result<File> {
    let shown = path.display();
    let unseen =
        |error| Error::new(Kind::Config, format!("`{shown}` cannot be looked at")).because(error);
    let seen = path.symlink_metadata().map_err(unseen)?;
    let real = path.canonicalize().map_err(unseen)?;
    if real != path {
        let error =
            Error::new(Kind::Refused, format!("`{shown}` is reached through a symbolic link"))
                .code("host_file_open")
                .about(path.display());
        return Err(error.hint(format!("name it by its own path: `{}`", real.display())));
    }
    if !seen.is_file() {
        return Err(Error::new(Kind::Refused, format!("`{shown}` is not a plain file"))
            .code("host_file_open")
            .about(shown));
    }
    let file = plain::open(path).map_err(unseen)?;
    let seen = file.metadata().map_err(unseen)?;
    judge(path, (seen.uid(), seen.mode()), false)?;
    check_directory(&above(&FilePath::new(path)), &Links::new())?;
    Ok(file)
}

/// Refuses a directory, there or not, unless all that there is of the way to it could be changed by
/// nobody but root and the running user. Links that the host has pinned are followed.
///
/// Errors: `Kind::Refused`.
pub fn check_directory(path: &FilePath, links: &Links) -> Result<()> {
    for passed in &Way::to(path, links)?.passed {
        judge(passed.path.as_path(), (passed.stat.st_uid, passed.stat.st_mode), true)?;
    }
    Ok(())
}

/// Whether nobody but root and the running user could change what lies at the end of a way, or what
/// lies there.
pub fn is_ours_alone(way: &Way) -> bool {
    let mut passed = way.passed.iter();
    passed.all(|passed| {
        judge(passed.path.as_path(), (passed.stat.st_uid, passed.stat.st_mode), true).is_ok()
    }) && way.passed.last().is_some_and(|last| last.stat.st_mode & WRITABLE_BY_OTHERS == 0)
}

fn judge(path: &Path, (owner, mode): (u32, u32), is_directory: bool) -> Result<()> {
    let shown = path.display();
    let word = shell_word(&path.to_string_lossy());
    let user = rustix::process::geteuid().as_raw();
    if owner != ROOT && owner != user {
        let message = format!(
            "`{shown}` belongs to user {owner}, neither to root nor to the running user {user}"
        );
        return Err(Error::new(Kind::Refused, message)
            .code("host_file_open")
            .about(shown)
            .hint(format!("chown root {word}")));
    }
    let sticky = is_directory && owner == ROOT && mode & STICKY != 0;
    if mode & WRITABLE_BY_OTHERS != 0 && !sticky {
        let message = format!("others than its owner may write to `{shown}`");
        return Err(Error::new(Kind::Refused, message)
            .code("host_file_open")
            .about(shown)
            .hint(format!("chmod go-w {word}")));
    }
    Ok(())
}
