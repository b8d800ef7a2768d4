//! Making and removing directories. One appears under its name only when its owner and mode are
//! right, and is on disk when it is reported.

use rustix::fd::OwnedFd;
use rustix::fs::{self, AtFlags, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::error::Result;
use crate::fs::permitted::Last;
use crate::fs::root::{Root, parts, split};
use crate::fs::way;
use crate::model::names::FilePath;
use crate::stores::local::attributes::{
    OF_DIRECTORIES, Own, Unkept, apply_attributes, keep_attributes,
};
use crate::stores::local::durable::point;
use crate::stores::local::errors::{check_mode, stale, undone, unkept, unread};
use crate::stores::local::temporary::{Names, is_temporary, place_directory};
use crate::stores::store::CopyAttributes;

const PASS: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
const READ: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
const NEW: Mode = Mode::RWXU;

/// Makes a directory at a plain absolute path and the missing ones above it, all with this mode
/// (0755 without) and owner; returns those made, outermost first. Nothing stays of a failure.
///
/// Without a `start`, links above are the operator's business and are followed; the directory
/// itself must not be one.
pub(super) fn make_directory(
    path: &FilePath,
    how: &CopyAttributes,
    modern: bool,
    start: Option<Last>,
) -> Result<Vec<FilePath>> {
    check_mode(how.mode, OF_DIRECTORIES)?;
    let start = start.map_or_else(|| start_of(path), Ok)?;
    let mut made = Vec::new();
    match make_all(start, how, modern, &mut made) {
        Ok(()) => Ok(made.into_iter().map(|(_, path)| path).collect()),
        Err(error) => {
            for (above, path) in made.iter().rev() {
                let _ = fs::unlinkat(above, parts(path).1, AtFlags::REMOVEDIR);
            }
            Err(error)
        }
    }
}

/// As far as there is a way; links are followed on it, but not at its end.
fn start_of(path: &FilePath) -> Result<Last> {
    let failed = |errno, at: &FilePath| undone("make directory", errno, at);
    let top = FilePath::from("/");
    let mut here = fs::open("/", PASS, Mode::empty()).map_err(|errno| failed(errno, &top))?;
    let (mut there, mut names) = (top, components(path));
    while let Some((end, name)) = names.next() {
        let so_far = FilePath::from_bytes(&path.as_bytes()[..end]);
        let guard = if so_far == *path { OFlags::NOFOLLOW } else { OFlags::empty() };
        match fs::openat(&here, name, PASS | guard, Mode::empty()) {
            Ok(next) => (here, there) = (next, so_far),
            Err(Errno::NOENT) => {
                let rest = [name].into_iter().chain(names.map(|(_, name)| name));
                return Ok((here, there, rest.map(<[u8]>::to_vec).collect()));
            }
            Err(errno) => return Err(failed(errno, &so_far)),
        }
    }
    Ok((here, there, Vec::new()))
}

/// Makes what is missing. It may be somebody else's at once: no link that he puts there is followed.
fn make_all(
    (mut here, mut there, missing): Last,
    how: &CopyAttributes,
    modern: bool,
    made: &mut Vec<(OwnedFd, FilePath)>,
) -> Result<()> {
    for name in missing {
        let so_far = there.join(&FilePath::from_bytes(&name[..]));
        let failed = |lost| unkept(&so_far, lost, "make directory");
        let undone = |errno: Errno| failed(errno.into());
        sweep(&here).map_err(undone)?;
        let new = make_one(&here, &name, how, None, modern).map_err(failed)?;
        let synced =
            fs::fsync(&new).and_then(|()| fs::fsync(fs::openat(&here, c".", READ, Mode::empty())?));
        made.push((std::mem::replace(&mut here, new), so_far.clone()));
        synced.map_err(undone)?;
        there = so_far;
    }
    Ok(())
}

/// Removes what an interruption left of a directory that was to be made here: nobody else looks
/// above a root.
fn sweep(here: &OwnedFd) -> rustix::io::Result<()> {
    for entry in fs::Dir::read_from(fs::openat(here, c".", READ, Mode::empty())?)? {
        let entry = entry?;
        if !is_temporary(entry.file_name().to_bytes()) {
            continue;
        }
        match fs::unlinkat(here, entry.file_name(), AtFlags::REMOVEDIR) {
            // A file, or one that is in use: not ours.
            Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// Every component with where it ends in the path.
fn components(path: &FilePath) -> impl Iterator<Item = (usize, &[u8])> {
    let mut end = 0;
    path.as_bytes().split(|byte| *byte == b'/').filter_map(move |name| {
        let from = end;
        end += name.len() + 1;
        (!name.is_empty()).then_some((from + name.len(), name))
    })
}

/// The directory that a new one is to be like, open where its lists can be read.
struct Model<'a> {
    stat: &'a Stat,
    fd: Option<&'a OwnedFd>,
}

/// Makes one directory like `model`, or with the usual mode and owner, and gives it its name last.
fn make_one(
    parent: &OwnedFd,
    name: &[u8],
    how: &CopyAttributes,
    model: Option<&Model<'_>>,
    modern: bool,
) -> std::result::Result<OwnedFd, Unkept> {
    let temporary = Names::new().name(0);
    point("disk: before a directory is made")?;
    fs::mkdirat(parent, &temporary[..], NEW)?;
    let make = || {
        let new = fs::openat(parent, &temporary[..], READ | OFlags::NOFOLLOW, Mode::empty())?;
        let now = fs::fstat(&new)?;
        let own = match model {
            // Its owner must be able to put files into it, now and later.
            Some(model) => {
                let own = Own::of(model.stat).within(OF_DIRECTORIES);
                Own { mode: own.mode | NEW.as_raw_mode(), ..own }
            }
            // A group that is passed on from above goes on being passed on.
            None => {
                let own = Own::of(&now);
                Own { mode: own.mode & Mode::SGID.as_raw_mode() | 0o755, ..own }
            }
        };
        apply_attributes(&new, &now, how, own)?;
        if let Some(source) = model.and_then(|model| model.fd) {
            keep_attributes(source, &new, how.mode.is_none())?;
        }
        point("disk: before a directory has its name")?;
        place_directory(parent, &temporary, name, modern)?;
        Ok(new)
    };
    let made = make();
    if made.is_err() {
        let _ = fs::unlinkat(parent, &temporary[..], AtFlags::REMOVEDIR);
    }
    made
}

/// Makes `path` below `to`, and the missing ones above it, each with the mode and owner of the same
/// directory below `from`; adds those it made to `made`. Their names are not synced here.
pub(super) fn make_like(
    from: &Root,
    to: &Root,
    path: &FilePath,
    owner: Option<(u32, u32)>,
    made: &mut Vec<FilePath>,
) -> Result<()> {
    if to.directory(path).is_ok() {
        return Ok(());
    }
    for (end, name) in components(path) {
        let so_far = FilePath::from_bytes(&path.as_bytes()[..end]);
        match to.directory(&so_far) {
            Ok(_) => continue,
            Err(Errno::NOENT) => {}
            Err(errno) => return Err(undone("make directory", errno, &to.absolute(&so_far))),
        }
        let source = from.absolute(&so_far);
        let model = match from.look(&so_far) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {
                return Err(stale(&source, "is no longer a directory"));
            }
            model => model.map_err(|errno| unread(errno, &source))?,
        };
        let (above, _) = split(&so_far);
        let failed = |lost| unkept(&to.absolute(&so_far), lost, "make directory");
        let above = to.directory(&above).map_err(|errno| failed(errno.into()))?;
        let fd = from.readable_directory(&so_far).ok();
        let model = Model { stat: &model, fd: fd.as_ref() };
        let how = CopyAttributes { owner, ..CopyAttributes::default() };
        make_one(&above, name, &how, Some(&model), to.is_modern()).map_err(failed)?;
        made.push(so_far);
    }
    Ok(())
}

/// The directory above a plain absolute path; none where it is not there.
pub(super) fn above(path: &FilePath) -> Result<Option<OwnedFd>> {
    match fs::open(way::above(path).as_path(), READ, Mode::empty()) {
        Err(Errno::NOENT) => Ok(None),
        above => above.map(Some).map_err(|errno| undone("remove directory", errno, path)),
    }
}

/// Removes an empty directory, whose name ends `path`, from the one `above` it, or what an
/// interruption left of its making; false where it is not empty or not there.
pub(super) fn remove_directory(path: &FilePath, above: Option<OwnedFd>) -> Result<bool> {
    let refused = |errno| undone("remove directory", errno, path);
    let (_, name) = split(path);
    if name.is_empty() {
        return Err(refused(Errno::BUSY));
    }
    let Some(above) = above else { return Ok(false) };
    let above = fs::openat(&above, c".", READ, Mode::empty()).map_err(refused)?;
    point("disk: before a directory is removed").map_err(refused)?;
    sweep(&above).map_err(refused)?;
    match fs::unlinkat(&above, name, AtFlags::REMOVEDIR) {
        Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST) => return Ok(false),
        removed => removed.map_err(refused)?,
    }
    fs::fsync(above).map_err(refused)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_say_where_they_end() {
        let path = FilePath::from("/data/up/a");
        let found: Vec<_> = components(&path).map(|(end, _)| &path.as_bytes()[..end]).collect();
        assert_eq!(found, [&b"/data"[..], b"/data/up", b"/data/up/a"]);
        let path = FilePath::from("a/b");
        let found: Vec<_> = components(&path).map(|(end, _)| &path.as_bytes()[..end]).collect();
        assert_eq!(found, [&b"a"[..], b"a/b"]);
        assert_eq!(components(&FilePath::from("/")).count(), 0);
    }
}
