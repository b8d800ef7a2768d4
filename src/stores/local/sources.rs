//! Reading a directory of sources whole. What is read here is pinned in plans and run later, so
//! anything that could later be something else (a link, a pipe) is refused.

use crate::error::{Error, Kind, Result};
use crate::fs::root::{Root, size, split};
use crate::model::files::uploads::OddKind;
use crate::model::names::FilePath;
use crate::stores::local::errors::unread;
use crate::stores::local::walk::{Met, walk};
use crate::stores::store::ScriptFile;

/// A source is written by hand; what is larger is something else.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Every plain file below a directory, sorted by path, without byte code, caches and directories
/// whose name begins with a dot.
pub(super) fn sources(directory: &FilePath, modern: bool) -> Result<Vec<ScriptFile>> {
    let root = Root::open(directory, modern).map_err(|errno| unread(errno, directory))?;
    let (mut paths, mut odd) = (Vec::new(), Vec::new());
    walk(&root, |path, met| {
        let (_, name) = split(&path);
        match met {
            Met::Directory => return name != b"__pycache__" && !name.starts_with(b"."),
            Met::Plain if name.ends_with(b".pyc") => {}
            Met::Plain => paths.push(path),
            Met::Odd(what) => odd.push((path, what)),
        }
        false
    })
    .map_err(|errno| unread(errno, directory))?;
    odd.sort_unstable();
    if let Some((path, what)) = odd.first() {
        return Err(refused(&root.absolute(path), *what));
    }
    paths.sort_unstable();
    paths.into_iter().map(|path| source(&root, path)).collect()
}

fn source(root: &Root, path: FilePath) -> Result<ScriptFile> {
    let absolute = root.absolute(&path);
    let plain = root.plain(&path).map_err(|errno| unread(errno, &absolute))?;
    let Some(plain) = plain else { return Err(refused(&absolute, OddKind::Changing)) };
    if size(&plain.stat) > LARGEST {
        let message = format!("`{}` is larger than any source may be", absolute.to_text());
        return Err(
            Error::new(Kind::Failed, message).because(format!("the limit is {LARGEST} bytes"))
        );
    }
    let mut content = Vec::new();
    let digest = plain.read_through(|piece| {
        content.extend_from_slice(piece);
        Ok(())
    });
    match digest.map_err(|errno| unread(errno, &absolute))? {
        Some(_) => Ok(ScriptFile { path, content }),
        None => Err(refused(&absolute, OddKind::Changing)),
    }
}

fn refused(path: &FilePath, what: OddKind) -> Error {
    let kind = match what {
        OddKind::Unreadable | OddKind::Changing => Kind::Unreachable,
        OddKind::Symlink | OddKind::Fifo | OddKind::Socket | OddKind::Device => Kind::Failed,
    };
    Error::new(kind, format!("`{}` cannot be read as a source", path.to_text()))
        .because(format!("it is a {}", what.words()))
        .because("what is pinned must be what runs")
}
