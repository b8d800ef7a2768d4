//! Scanning a root and comparing it with a list: what is there, by content. Writes nothing.

use rayon::prelude::*;
use rustix::fs::Stat;
use rustix::io::Errno;

use crate::error::{Error, Kind, Result};
use crate::fs::root::{Root, is_plain, join, parts, size};
use crate::model::files::uploads::{FileCircumstance, FileFact, Odd, OddKind, RootState, Tree};
use crate::model::names::FilePath;
use crate::stores::local::attributes::Own;
use crate::stores::local::directory_cache::DirectoryCache;
use crate::stores::local::hash_cache::HashCache;
use crate::stores::local::ignore::{self, Ignore, Verdict};
use crate::stores::local::temporary::is_temporary;
use crate::stores::local::walk::{Met, walk};
use crate::stores::store::FileState;

/// A file of patterns is written by hand; what is larger is something else.
const MOST_PATTERNS: u64 = 1024 * 1024;

/// So many files are hashed before their facts are put away: enough to keep all cores busy, few
/// enough that a million files never lie in memory twice.
const AT_ONCE: usize = 4096;

/// The paths of a root's files, sorted, before any of them is read.
struct Listing {
    files: Vec<FilePath>,
    odd: Vec<Odd>,
    ignored: u64,
    litter: Vec<FilePath>,
}

/// Walks the root once and hashes what it finds. A root that is itself a symbolic link is not
/// followed, since copies would end up elsewhere than the plan says: it is
/// [`RootState::NotADirectory`].
pub(super) fn scan(
    path: &FilePath,
    ignore: &[String],
    modern: bool,
) -> (Tree, Vec<FileCircumstance>) {
    let mut tree = Tree {
        root: path.clone(),
        state: RootState::Present,
        files: Vec::new(),
        odd: Vec::new(),
        ignored: 0,
        litter: Vec::new(),
    };
    let found = Root::open(path, modern).and_then(|root| Ok((list(&root, ignore)?, root)));
    let (listing, root) = match found {
        Ok(found) => found,
        Err(errno) => {
            tree.state = root_state(errno);
            return (tree, Vec::new());
        }
    };
    let sized = |path: FilePath| root.look(&path).ok().map(|stat| (path, size(&stat)));
    tree.litter = listing.litter.into_iter().filter_map(sized).collect();
    let (total, mut paths) = (listing.files.len(), listing.files.into_iter());
    (tree.files, tree.odd, tree.ignored) =
        (Vec::with_capacity(total), listing.odd, listing.ignored);
    let mut circumstances = Vec::with_capacity(total);
    while paths.len() > 0 {
        let some: Vec<FilePath> = paths.by_ref().take(AT_ONCE).collect();
        let read: Vec<_> =
            some.into_par_iter().map_init(|| DirectoryCache::new(&root), read).collect();
        for outcome in read {
            match outcome {
                Ok((fact, circumstance)) => {
                    tree.files.push(fact);
                    circumstances.push(circumstance);
                }
                Err(odd) => tree.odd.push(odd),
            }
        }
    }
    tree.odd.sort_unstable();
    (tree, circumstances)
}

fn list(root: &Root, patterns: &[String]) -> rustix::io::Result<Listing> {
    let mut listing =
        Listing { files: Vec::new(), odd: Vec::new(), ignored: 0, litter: Vec::new() };
    let mut ignore = Ignore::default();
    patterns.iter().for_each(|pattern| ignore.add(pattern.as_bytes()));
    if let Some(text) = patterns_in(root, &FilePath::default(), &mut listing.odd) {
        ignore.add(&text);
    }
    walk(root, |path, met| {
        let is_directory = met == Met::Directory;
        if met == Met::Plain && is_temporary(parts(&path).1) {
            listing.ignored += 1;
            return false;
        }
        match (ignore.verdict(path.as_bytes(), is_directory), met) {
            (Verdict::Ignored, _) => listing.ignored += 1,
            (Verdict::Litter, Met::Plain) => {
                listing.ignored += 1;
                listing.litter.push(path);
            }
            (_, Met::Directory) => {
                if let Some(text) = patterns_in(root, &path, &mut listing.odd) {
                    ignore.add_below(path.as_bytes(), &text);
                }
                return true;
            }
            (_, Met::Plain) => listing.files.push(path),
            (_, Met::Odd(what)) => listing.odd.push(Odd { path, what }),
        }
        false
    })?;
    listing.files.sort_unstable();
    listing.litter.sort_unstable();
    Ok(listing)
}

/// The patterns that stand in a directory, where it has any. A file of patterns that cannot be read
/// makes nothing ignored, and is told of.
fn patterns_in(root: &Root, directory: &FilePath, odd: &mut Vec<Odd>) -> Option<Vec<u8>> {
    let path = join(directory, ignore::FILE);
    let mut text = Vec::new();
    // Of a directory that nobody may enter the walk tells by itself, and nothing in it is read
    // anyhow.
    if matches!(root.look(&path), Err(Errno::ACCESS)) {
        return None;
    }
    let read = root.plain(&path).and_then(|plain| match plain {
        Some(plain) if size(&plain.stat) <= MOST_PATTERNS => plain.read_through(|piece| {
            text.extend_from_slice(piece);
            Ok(())
        }),
        _ => Ok(None),
    });
    match read {
        Ok(Some(_)) => Some(text),
        Err(Errno::NOENT) => None,
        Ok(None) | Err(_) => {
            odd.push(Odd { path, what: OddKind::Unreadable });
            None
        }
    }
}

/// What the failure to open or list a root says about it.
pub(super) fn root_state(errno: Errno) -> RootState {
    match errno {
        Errno::NOENT => RootState::Missing,
        Errno::NOTDIR | Errno::LOOP => RootState::NotADirectory,
        _ => RootState::Unreadable,
    }
}

/// One file that was met as a plain one.
fn read(
    reach: &mut DirectoryCache<'_>,
    path: FilePath,
) -> Result<(FileFact, FileCircumstance), Odd> {
    let read = reach.seen_plain(&path).and_then(|plain| match plain {
        Some(plain) => Ok(plain.digest()?.map(|digest| (digest, plain.stat))),
        None => Ok(None),
    });
    match read {
        Ok(Some((digest, stat))) => Ok((FileFact(path, size(&stat), digest), circumstance(&stat))),
        // Gone, or something else by now: what was a file a moment ago is changing.
        Ok(None) | Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO) => {
            Err(Odd { path, what: OddKind::Changing })
        }
        Err(_) => Err(Odd { path, what: OddKind::Unreadable }),
    }
}

fn circumstance(stat: &Stat) -> FileCircumstance {
    let Own { mode, owner: (uid, gid) } = Own::of(stat);
    let mtime = i128::from(stat.st_mtime) * 1_000_000_000 + i128::from(stat.st_mtime_nsec);
    let nearest = if mtime < 0 { i64::MIN } else { i64::MAX };
    FileCircumstance { mode: mode as u16, uid, gid, mtime: i64::try_from(mtime).unwrap_or(nearest) }
}

/// How each listed file is found below `root`, in the order of the list.
///
/// Errors: a path is not plain and relative.
pub(super) fn states(
    root: rustix::io::Result<Root>,
    files: &[FileFact],
    memory: &HashCache,
) -> Result<Vec<FileState>> {
    check(files)?;
    let everywhere = match root {
        Ok(root) => return Ok(states_below(&root, files, memory)),
        Err(errno) => match root_state(errno) {
            RootState::Missing => FileState::Missing,
            RootState::NotADirectory => FileState::NotAFile,
            RootState::Present | RootState::Unreadable => FileState::Unreadable,
        },
    };
    Ok(vec![everywhere; files.len()])
}

/// How each file of a list that was checked is found.
pub(super) fn states_below(root: &Root, files: &[FileFact], memory: &HashCache) -> Vec<FileState> {
    files
        .par_iter()
        .map_init(|| DirectoryCache::new(root), |reach, file| state(reach, file, memory))
        .collect()
}

/// Refuses a list with a path that could mean something outside a root.
pub(super) fn check(files: &[FileFact]) -> Result<()> {
    match files.iter().find(|file| !file.path().is_plain_relative()) {
        Some(file) => {
            let path = file.path().to_text();
            Err(Error::new(
                Kind::Failed,
                format!("`{path}` is listed but is not a plain relative path"),
            ))
        }
        None => Ok(()),
    }
}

/// How one listed file is found. A file of another size is never read, and neither is one that is
/// known.
fn state(reach: &mut DirectoryCache<'_>, file: &FileFact, memory: &HashCache) -> FileState {
    match reach.look(file.path()) {
        Ok(stat) if !is_plain(&stat) => FileState::NotAFile,
        Ok(stat) if size(&stat) != file.size() => FileState::Differs,
        Ok(stat) if memory.knows(&stat, file.sha256()) => FileState::Same,
        Ok(_) => content_state(reach, file, memory),
        Err(Errno::NOENT) => FileState::Missing,
        Err(Errno::NOTDIR | Errno::LOOP) => FileState::NotAFile,
        Err(_) => FileState::Unreadable,
    }
}

/// A file of a list as it lies there; `None` where it has not the listed content.
pub(super) fn as_listed(
    reach: &mut DirectoryCache<'_>,
    file: &FileFact,
    memory: &HashCache,
) -> rustix::io::Result<Option<Stat>> {
    let seen = reach.look(file.path())?;
    if !is_plain(&seen) || size(&seen) != file.size() {
        return Ok(None);
    }
    if memory.knows(&seen, file.sha256()) {
        return Ok(Some(seen));
    }
    let Some(plain) = reach.seen_plain(file.path())? else { return Ok(None) };
    Ok((plain.digest()? == Some(file.sha256())).then_some(plain.stat))
}

fn content_state(reach: &mut DirectoryCache<'_>, file: &FileFact, memory: &HashCache) -> FileState {
    let read = reach.seen_plain(file.path()).and_then(|plain| match plain {
        Some(plain) => Ok(plain.digest()?.inspect(|digest| memory.has_read(&plain.stat, *digest))),
        None => Ok(None),
    });
    match read {
        Ok(Some(digest)) if digest == file.sha256() => FileState::Same,
        Ok(Some(_)) => FileState::Differs,
        // It changed while it was read: nothing certain can be said of it.
        Ok(None) | Err(_) => FileState::Unreadable,
    }
}
