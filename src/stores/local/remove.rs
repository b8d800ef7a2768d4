//! Removing: listed files that still have the listed content, and what an interrupted copy left.
//! Nothing whose content is not known is ever removed.

use std::collections::BTreeSet;

use rayon::prelude::*;
use rustix::fs::{self, AtFlags};
use rustix::io::Errno;

use crate::error::Result;
use crate::fs::root::{Root, is_same, parts, size, split};
use crate::model::files::uploads::FileFact;
use crate::model::names::FilePath;
use crate::stores::local::directory_cache::DirectoryCache;
use crate::stores::local::durable::{point, sync_directories};
use crate::stores::local::errors::{undone, unread};
use crate::stores::local::hash_cache::HashCache;
use crate::stores::local::scan::{as_listed, check};
use crate::stores::local::temporary::{is_exchanged, is_temporary};
use crate::stores::local::walk::{Met, walk};

/// Removes listed files that still have the listed content; directories stay. Returns how many were
/// removed.
pub(super) fn remove(root: &Root, files: &[FileFact], memory: &HashCache) -> Result<u64> {
    check(files)?;
    let removed = files.par_iter().map_init(
        || DirectoryCache::new(root),
        |reach, file| remove_file(root, reach, file, memory),
    );
    let removed: Vec<bool> = removed.collect::<Result<_>>()?;
    let gone = || files.iter().zip(&removed).filter(|(_, removed)| **removed);
    let touched: BTreeSet<FilePath> = gone().map(|(file, _)| split(file.path()).0).collect();
    sync(root, &touched)?;
    Ok(gone().count() as u64)
}

/// Whether the file was removed. It is unlinked only as the very file that was read.
fn remove_file(
    root: &Root,
    reach: &mut DirectoryCache<'_>,
    file: &FileFact,
    memory: &HashCache,
) -> Result<bool> {
    let absolute = || root.absolute(file.path());
    let read = match as_listed(reach, file, memory) {
        Ok(Some(read)) => read,
        Ok(None) | Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(false),
        Err(errno) => return Err(unread(errno, &absolute())),
    };
    let removed = reach.at(file.path()).and_then(|(directory, name)| {
        let now = fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if !is_same(&now, &read) {
            return Ok(false);
        }
        point("disk: before a file is removed")?;
        fs::unlinkat(directory, name, AtFlags::empty()).map(|()| true)
    });
    removed.map_err(|errno| undone("remove", errno, &absolute()))
}

/// Removes whatever has a temporary name of ours: plain files, and directories with nothing in
/// them. Directories that this user cannot list are passed over.
pub(super) fn sweep(root: &Root) -> Result<u64> {
    let mut found = Vec::new();
    walk(root, |path, met| {
        let is_ours = is_temporary(parts(&path).1);
        match met {
            Met::Plain if is_ours => found.push((path, AtFlags::empty())),
            Met::Directory if is_ours => found.push((path, AtFlags::REMOVEDIR)),
            Met::Directory => return true,
            Met::Plain | Met::Odd(_) => {}
        }
        false
    })
    .map_err(|errno| unread(errno, &root.absolute(&FilePath::default())))?;
    let (mut removed, mut touched) = (0, BTreeSet::new());
    for (path, flags) in found {
        let (above, name) = split(&path);
        match root.directory(&above).and_then(|directory| fs::unlinkat(directory, name, flags)) {
            Ok(()) => removed += 1,
            Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST) => continue,
            Err(errno) => return Err(undone("remove", errno, &root.absolute(&path))),
        }
        touched.insert(above);
    }
    sync(root, &touched)?;
    Ok(removed)
}

/// What replacing files has left beside their places when it died; `None` for what is no plain
/// file.
pub(super) fn exchanged(root: &Root) -> Result<Vec<(FilePath, Option<FileFact>)>> {
    let mut paths = Vec::new();
    walk(root, |path, met| {
        let is_left = is_exchanged(split(&path).1);
        if is_left {
            paths.push(path);
        }
        met == Met::Directory && !is_left
    })
    .map_err(|errno| unread(errno, &root.absolute(&FilePath::default())))?;
    let fact = |path: FilePath| {
        let read = |errno| unread(errno, &root.absolute(&path));
        let Some(plain) = root.plain(&path).map_err(read)? else { return Ok((path, None)) };
        let digest = plain.digest().map_err(read)?;
        let fact = digest.map(|sha256| FileFact(path.clone(), size(&plain.stat), sha256));
        Ok((path, fact))
    };
    paths.into_iter().map(fact).collect()
}

fn sync(root: &Root, directories: &BTreeSet<FilePath>) -> Result<()> {
    sync_directories(root, directories)
        .map_err(|errno| undone("sync", errno, &root.absolute(&FilePath::default())))
}
