//! Unpacks an archive: each of its directories under a temporary name first, and under its own only
//! when the whole archive has been read and everything is on disk.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;

use rustix::fd::OwnedFd;
use rustix::fs::{self, AtFlags, Mode, Timespec};
use rustix::io::Errno;

use crate::error::{Error, Kind, Result};
use crate::fs::root::{Root, split};
use crate::model::files::archive::Manifest;
use crate::model::files::uploads::FileFact;
use crate::model::names::FilePath;
use crate::stores::local::absolute;
use crate::stores::local::archive::members::Lies;
use crate::stores::local::archive::progress::Watch;
use crate::stores::local::archive::read::{Taker, read};
use crate::stores::local::attributes::{OF_DIRECTORIES, OF_FILES, Own, apply_as_may, set_time};
use crate::stores::local::copy_data::DataWriter;
use crate::stores::local::directories::make_directory;
use crate::stores::local::durable::{Durability, point};
use crate::stores::local::errors::{undone, unread};
use crate::stores::local::hash_cache::HashCache;
use crate::stores::local::host_paths::free_bytes;
use crate::stores::local::scan;
use crate::stores::local::temporary::{Names, is_temporary, place_directory};
use crate::stores::local::walk::{Met, walk};
use crate::stores::store::CopyAttributes;
use crate::stores::store::FileState;

/// What filesystems have at their top by themselves.
const OWN: &[u8] = b"lost+found";

/// So many files come that they are synced all at once, where that can be.
const MANY: usize = usize::MAX;

/// What became of an archive that was unpacked.
#[derive(Clone, Debug)]
pub struct Unpacked {
    pub manifest: Manifest,
    /// Those of its directories that were there already, with the same files.
    pub already: Vec<String>,
    /// How many files and directories could not be given their owner and mode.
    pub not_kept: u64,
}

/// Unpacks an archive into the directory `to`, which is made where it is missing and must hold
/// nothing but directories that this archive has brought, whole and unchanged.
///
/// Errors: `Kind::Verification` where the archive is not sound; nothing of it is in `to` then.
pub fn unpack(archive: &Path, to: &FilePath, watch: Watch<'_>) -> Result<Unpacked> {
    absolute(to)?;
    let mut unpacking = Unpacking {
        to: to.clone(),
        names: Names::new(),
        open: None,
        parts: BTreeMap::new(),
        already: Vec::new(),
        lies: BTreeMap::new(),
        coming: None,
        made: Vec::new(),
        not_kept: Cell::new(0),
    };
    match read(archive, &mut unpacking, watch) {
        Ok(manifest) => {
            let not_kept = unpacking.not_kept.get();
            Ok(Unpacked { manifest, already: unpacking.already, not_kept })
        }
        Err(error) => {
            unpacking.clear();
            Err(error)
        }
    }
}

/// The directory with what was made of it.
struct Open {
    root: Root,
    durability: Durability,
}

struct Unpacking {
    to: FilePath,
    names: Names,
    open: Option<Open>,
    /// The temporary names of the parts that are unpacked, by their own.
    parts: BTreeMap<String, Vec<u8>>,
    already: Vec<String>,
    /// How directories are to lie at the end, by their temporary paths.
    lies: BTreeMap<FilePath, Lies>,
    /// The file that comes now, and how it is to lie.
    coming: Option<(DataWriter, Lies)>,
    made: Vec<FilePath>,
    /// How many files and directories have not the owner and mode that the archive says.
    not_kept: Cell<u64>,
}

impl Unpacking {
    fn open(&self) -> Result<&Open> {
        self.open.as_ref().ok_or_else(|| Error::new(Kind::Failed, "nothing was begun"))
    }

    fn failed(&self, errno: Errno) -> Error {
        undone("write into", errno, &self.to)
    }

    /// Where something of the archive is made; none where it is there already.
    fn temporary(&self, path: &FilePath) -> Option<FilePath> {
        let bytes = path.as_bytes();
        let end = bytes.iter().position(|byte| *byte == b'/').unwrap_or(bytes.len());
        let part = std::str::from_utf8(&bytes[..end]).ok()?;
        Some(FilePath::from_bytes([&self.parts.get(part)?[..], &bytes[end..]].concat()))
    }

    /// Makes the missing directories of a temporary path.
    fn make_directories(&self, path: &FilePath) -> Result<()> {
        let root = &self.open()?.root;
        if root.directory(path).is_ok() {
            return Ok(());
        }
        let above = path
            .as_path()
            .ancestors()
            .filter(|above| !above.as_os_str().is_empty())
            .map(FilePath::new);
        let mut missing: Vec<FilePath> = above.collect();
        missing.reverse();
        for directory in missing {
            let (above, name) = split(&directory);
            let made =
                root.directory(&above).and_then(|above| fs::mkdirat(above, name, Mode::RWXU));
            match made {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(self.failed(errno)),
            }
        }
        Ok(())
    }

    /// Gives every directory its owner, mode and time, syncs, and gives every part its name.
    fn finish(&self, open: &Open) -> rustix::io::Result<()> {
        for (directory, lies) in self.lies.iter().rev() {
            let fd = open.root.readable_directory(directory)?;
            // Its owner must be able to put files into it, now and later.
            let own = Own { mode: lies.own.mode | Mode::RWXU.as_raw_mode(), ..lies.own };
            self.lie(&fd, &Lies { own, ..*lies }, OF_DIRECTORIES)?;
            open.durability.directory(&open.root, directory)?;
        }
        open.durability.all()?;
        let top = open.root.readable_directory(&FilePath::default())?;
        for (name, temporary) in &self.parts {
            point("archive: before a directory has its name")?;
            place_directory(&top, temporary, name.as_bytes(), open.root.is_modern())?;
        }
        fs::fsync(top)
    }

    /// Gives what was made its owner and, of its mode, the bits of `most`; nobody gets set-id
    /// programs out of an archive. What this user may not give is counted.
    fn lie(&self, fd: &OwnedFd, lies: &Lies, most: u32) -> rustix::io::Result<()> {
        if !apply_as_may(fd, &fs::fstat(fd)?, lies.own.within(most))? {
            self.not_kept.set(self.not_kept.get() + 1);
        }
        // A time that no clock shows.
        let tv_sec = i64::try_from(lies.mtime).unwrap_or(0);
        set_time(fd, Timespec { tv_sec, tv_nsec: 0 })
    }

    /// Takes away whatever was made.
    fn clear(&mut self) {
        if let Some(open) = &self.open {
            for temporary in self.parts.values() {
                let _ = clear(&open.root, temporary);
            }
        }
        for directory in self.made.iter().rev() {
            let _ = fs::unlinkat(fs::CWD, directory.as_path(), AtFlags::REMOVEDIR);
        }
    }
}

/// Removes a directory of ours with all that is in it.
fn clear(root: &Root, name: &[u8]) -> rustix::io::Result<()> {
    let inside = Root::open(&root.absolute(&FilePath::from_bytes(name)), root.is_modern())?;
    let (mut files, mut directories) = (Vec::new(), vec![]);
    walk(&inside, |path, met| {
        let is_directory = met == Met::Directory;
        if is_directory {
            directories.push(path);
        } else {
            files.push(path);
        }
        is_directory
    })?;
    // A directory sorts before what is in it.
    directories.sort_unstable();
    let files = files.iter().map(|path| (path, AtFlags::empty()));
    for (path, flags) in
        files.chain(directories.iter().rev().map(|path| (path, AtFlags::REMOVEDIR)))
    {
        let (above, name) = split(path);
        fs::unlinkat(inside.directory(&above)?, name, flags)?;
    }
    fs::unlinkat(root.directory(&FilePath::default())?, name, AtFlags::REMOVEDIR)
}

/// The names at the top of a directory.
fn top(root: &Root) -> rustix::io::Result<Vec<(Vec<u8>, bool)>> {
    let mut found = Vec::new();
    walk(root, |path, met| {
        found.push((path.as_bytes().to_vec(), met == Met::Directory));
        false
    })?;
    found.sort_unstable();
    Ok(found)
}

/// Whether a directory holds exactly these files, which are listed with its name before their
/// paths.
fn holds(root: &FilePath, name: &str, listed: &BTreeMap<FilePath, FileFact>) -> Result<bool> {
    let opened = Root::open(root, true).map_err(|errno| unread(errno, root))?;
    let mut found = Vec::new();
    walk(&opened, |path, met| {
        if met != Met::Directory {
            found.push(path);
        }
        met == Met::Directory
    })
    .map_err(|errno| unread(errno, root))?;
    found.sort_unstable();
    let prefix = [name.as_bytes(), b"/"].concat();
    let mine = listed.values().filter_map(|file| {
        let rest = file.path().as_bytes().strip_prefix(&prefix[..])?;
        Some(FileFact(FilePath::from_bytes(rest), file.size(), file.sha256()))
    });
    let mine: Vec<FileFact> = mine.collect();
    if !found.iter().eq(mine.iter().map(FileFact::path)) {
        return Ok(false);
    }
    let states = scan::states(Ok(opened), &mine, &HashCache::new())?;
    Ok(states.iter().all(|state| *state == FileState::Same))
}

impl Taker for Unpacking {
    fn begin(&mut self, manifest: &Manifest, files: &BTreeMap<FilePath, FileFact>) -> Result<()> {
        self.made = make_directory(&self.to, &CopyAttributes::default(), true, None)?;
        let root = Root::open(&self.to, true).map_err(|errno| self.failed(errno))?;
        for (name, is_directory) in top(&root).map_err(|errno| unread(errno, &self.to))? {
            let part = manifest.roots.iter().find(|part| part.name.as_bytes() == name);
            if is_directory && is_temporary(&name) {
                // What a restore that was killed has left.
                clear(&root, &name).map_err(|errno| self.failed(errno))?;
            } else if let Some(part) = part.filter(|_| is_directory)
                && holds(&self.to.join(&FilePath::new(&part.name)), &part.name, files)?
            {
                self.already.push(part.name.clone());
            } else if name != OWN {
                let name = FilePath::from_bytes(name);
                let message =
                    format!("`{}` is not empty: there is `{}`", self.to.to_text(), name.to_text());
                return Err(Error::new(Kind::Failed, message)
                    .because("nothing that is there is replaced or mixed with an archive")
                    .hint("restore into an empty directory, then let a plan move the files"));
            }
        }
        let parts =
            manifest.roots.iter().filter(|part| !self.already.contains(&part.name)).enumerate();
        self.parts = parts.map(|(n, part)| (part.name.clone(), self.names.name(n))).collect();
        let room = free_bytes(&self.to).unwrap_or(u64::MAX);
        if !self.parts.is_empty() && self.already.is_empty() && manifest.bytes > room {
            return Err(undone("write into", Errno::NOSPC, &self.to));
        }
        let durability = Durability::of(&root, MANY).map_err(|errno| self.failed(errno))?;
        self.open = Some(Open { root, durability });
        let temporary: Vec<FilePath> =
            self.parts.values().map(|name| FilePath::from_bytes(&name[..])).collect();
        temporary.iter().try_for_each(|directory| self.make_directories(directory))
    }

    fn directory(&mut self, path: &FilePath, lies: &Lies) -> Result<()> {
        if let Some(temporary) = self.temporary(path) {
            self.make_directories(&temporary)?;
            self.lies.insert(temporary, *lies);
        }
        Ok(())
    }

    fn file(&mut self, path: &FilePath, lies: &Lies) -> Result<()> {
        let Some(temporary) = self.temporary(path) else { return Ok(()) };
        self.make_directories(&split(&temporary).0)?;
        let open = self.open()?;
        let made =
            point("archive: before a file is made").and_then(|()| open.root.create(&temporary));
        self.coming =
            Some((DataWriter::new(made.map_err(|errno| self.failed(errno))?, true), *lies));
        Ok(())
    }

    fn piece(&mut self, bytes: &[u8]) -> Result<()> {
        let Some((filling, _)) = &mut self.coming else { return Ok(()) };
        let added = filling.add(bytes);
        added.map_err(|errno| self.failed(errno))
    }

    fn file_end(&mut self) -> Result<()> {
        let Some((filling, lies)) = self.coming.take() else { return Ok(()) };
        let durability = &self.open()?.durability;
        let done = filling.end().and_then(|fd| {
            self.lie(&fd, &lies, OF_FILES)?;
            durability.file(&fd, &fs::fstat(&fd)?)
        });
        done.map_err(|errno| self.failed(errno))
    }

    fn end(&mut self) -> Result<()> {
        let open = self.open()?;
        self.finish(open).map_err(|errno| self.failed(errno))
    }
}
