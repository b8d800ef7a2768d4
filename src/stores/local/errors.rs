//! What the kernel refuses, in our voice: the path, the reason, and what to do about it.
//! Errors of this room are made here and in no other way; none of them shows a file's content.

use std::io;
use std::path::Path;

use rustix::io::Errno;

use crate::error::{Error, Kind, Result};
use crate::model::names::FilePath;
use crate::stores::local::attributes::Unkept;

/// Something that was to be read could not be.
pub(super) fn unread(errno: Errno, path: &FilePath) -> Error {
    told(Kind::Unreachable, "read", errno, path)
}

/// Something could not be done: `act` is the verb, as in `write` or `make directory`.
pub(super) fn undone(mv: &str, errno: Errno, path: &FilePath) -> Error {
    told(Kind::Failed, mv, errno, path)
}

/// What is at `path` is not what the plan says.
pub(super) fn stale(path: &FilePath, how: &str) -> Error {
    Error::new(Kind::Stale, format!("`{}` {how}", path.to_text()))
        .code("files_differ")
        .about(path.to_text())
}

/// It cannot be found out whether what is at `path` is what is listed.
pub(super) fn unknown(path: &FilePath) -> Error {
    Error::new(
        Kind::Unreachable,
        format!("cannot compare `{}` with what is listed", path.to_text()),
    )
    .because("it cannot be read, or was written to meanwhile")
    .hint(format!("ls -l {}", quoted(path)))
}

/// Refuses a mode with other bits than these.
pub(super) fn check_mode(mode: Option<u32>, bits: u32) -> Result<()> {
    match mode.filter(|mode| mode & !bits != 0) {
        None => Ok(()),
        Some(mode) => {
            Err(Error::new(Kind::Refused, format!("nothing is given the mode {mode:04o}"))
                .because(format!("only the bits {bits:04o} may be set")))
        }
    }
}

/// What was made at `path` lost something on the way, and so there is none.
pub(super) fn unkept(path: &FilePath, lost: Unkept, doing: &str) -> Error {
    let kept = |what: String, why: &str, hint: &str| {
        Error::new(Kind::Failed, format!("`{}` cannot have {what}", path.to_text()))
            .code("attribute_not_kept")
            .about(path.to_text())
            .because(why.to_owned())
            .hint(hint.to_owned())
    };
    match lost {
        Unkept::Failed(errno) => undone(doing, errno, path),
        Unkept::Owner((user, group)) => kept(
            format!("the owner {user}:{group} of its source"),
            "this user may not give files away, or its filesystem has no owners",
            "run as root, or say `owner = \"USER:GROUP\"` for this upload",
        ),
        Unkept::Mode(mode) => kept(
            format!("the mode {mode:04o}"),
            "its filesystem keeps other modes",
            "say `mode = \"MODE\"` for this upload, as its filesystem gives it",
        ),
        Unkept::Attribute(name) => kept(
            format!("the attribute `{name}` of its source"),
            "its filesystem has no such attributes, or this user may not set it",
            "move to a filesystem that has them, or take the attribute away: setfattr -x, setfacl -b",
        ),
        Unkept::Time => kept(
            "the modification time of its source".to_owned(),
            "its filesystem keeps other times",
            "move to a filesystem that keeps them",
        ),
    }
}

fn told(kind: Kind, mv: &str, errno: Errno, path: &FilePath) -> Error {
    let error = Error::new(kind, format!("cannot {mv} `{}`", path.to_text()));
    let path = quoted(path);
    match errno {
        Errno::NOSPC => {
            error.because("no space is left on its filesystem").hint(format!("df -h {path}"))
        }
        Errno::DQUOT => error.because("the disk quota of this user is used up").hint("quota -s"),
        Errno::ROFS => {
            error.because("its filesystem is mounted read-only").hint(format!("findmnt -T {path}"))
        }
        Errno::ACCESS | Errno::PERM => {
            error.because("this user may not do that").hint(format!("id && namei -l {path}"))
        }
        Errno::NOENT => error.because("it is not there"),
        Errno::EXIST => error.because("something is there already").hint(format!("ls -ld {path}")),
        Errno::XDEV => error
            .because("ttplan's own state directory lies there by another name")
            .hint(format!("findmnt -T {path}")),
        Errno::LOOP => error.because("a symbolic link is in the way, and none is followed"),
        Errno::NOTDIR => {
            error.because("something that is not a directory, or a symbolic link, is in the way")
        }
        other => error.because(other),
    }
}

/// The path as one word for a shell.
fn quoted(path: &FilePath) -> String {
    format!("'{}'", path.to_text().replace('\'', r"'\''"))
}

/// The same for an error of a file that is read or written through the standard library.
pub(super) fn io_error(doing: &str, path: &Path, error: &io::Error) -> Error {
    match Errno::from_io_error(error) {
        Some(errno) => undone(doing, errno, &FilePath::new(path)),
        None => {
            Error::new(Kind::Failed, format!("cannot {doing} `{}`", path.display())).because(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_why_and_what_to_do() {
        let error = undone("write", Errno::NOSPC, &FilePath::from("/data/o'hara"));
        assert_eq!(
            error.to_string(),
            "cannot write `/data/o'hara`: no space is left on its filesystem"
        );
        assert_eq!(error.hints(), [r"df -h '/data/o'\''hara'"]);
        assert_eq!(error.kind(), Kind::Failed);
        assert_eq!(unread(Errno::ACCESS, &FilePath::from("/x")).kind(), Kind::Unreachable);
    }

    #[test]
    fn every_refusal_a_full_or_closed_disk_gives_has_a_hint() {
        for errno in [Errno::NOSPC, Errno::DQUOT, Errno::ROFS, Errno::ACCESS, Errno::PERM] {
            assert_eq!(undone("write", errno, &FilePath::from("/x")).hints().len(), 1, "{errno:?}");
        }
    }
}
