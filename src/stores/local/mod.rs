//! Files on the disks of this machine. Never follows a symbolic link below a root, never opens
//! what is not a plain file, never replaces one that it was not told of; every way down is in
//! `root`.

pub mod archive;
mod attributes;
mod batch;
mod copy;
mod copy_data;
mod directories;
mod directory_cache;
mod durable;
mod errors;
mod hash;
mod hash_cache;
mod host_paths;
mod ignore;
mod lock;
mod mounts;
mod remove;
mod scan;
mod sources;
mod temporary;
mod try_write;
mod walk;

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;

use crate::error::{Error, Kind, Result};
use crate::model::files::uploads::{FileCircumstance, FileFact, MountInfo, Tree};
use crate::model::names::FilePath;
use crate::stores::store::{
    Copied, CopyAttributes, DirectoryState, FileState, Placement, ReadStore, ScriptFile, WriteStore,
};

use self::hash_cache::HashCache;
use crate::fs::permitted::{OpenPlace, PermittedRoots, Purpose};
use crate::fs::root::Root;

pub use self::try_write::try_writing;

/// The disks of this machine. Roots and directories are plain absolute paths.
///
/// A root that is itself a symbolic link counts as no directory: following it silently would let
/// copies end up elsewhere than a plan says. For who only looks, links above a root are followed,
/// they are the operator's; a run goes only where the host permits it.
#[derive(Clone, Debug)]
pub struct LocalStore {
    modern: bool,
    memory: Arc<HashCache>,
    permitted: Option<Arc<PermittedRoots>>,
}

impl LocalStore {
    /// With whatever the kernel offers.
    pub fn new() -> Self {
        Self { modern: true, memory: Arc::new(HashCache::new()), permitted: None }
    }

    /// Without `openat2`, `renameat2` and `syncfs`, as on kernels and in sandboxes that lack them:
    /// the same results by older means.
    pub fn by_older_means() -> Self {
        Self { modern: false, ..Self::new() }
    }

    /// Only where the host permits it.
    pub fn within(self, permitted: Arc<PermittedRoots>) -> Self {
        Self { permitted: Some(permitted), ..self }
    }

    /// Goes to a place as far as it is there.
    ///
    /// Errors: as [`PermittedRoots::reach`].
    pub fn check_place(&self, path: &FilePath, purpose: Purpose) -> Result<()> {
        let reach = |permitted: &Arc<PermittedRoots>| permitted.reach(path, purpose).map(|_| ());
        self.permitted.as_ref().map_or(Ok(()), reach)
    }

    /// Opens the directory at a place.
    ///
    /// Errors: as [`PermittedRoots::place`].
    pub fn open_place(&self, path: &FilePath, purpose: Purpose) -> Result<OpenPlace> {
        absolute(path)?;
        match &self.permitted {
            Some(permitted) => permitted.place(path, purpose),
            None => Err(Error::new(Kind::Failed, "nothing is permitted here")),
        }
    }

    /// The directory at a plain absolute path, to reach what is below.
    fn root(&self, path: &FilePath) -> Result<rustix::io::Result<Root>> {
        absolute(path)?;
        match &self.permitted {
            Some(permitted) => permitted.open(path, self.modern),
            None => Ok(Root::open(path, self.modern)),
        }
    }

    /// The root, to be changed; `None` where it is missing.
    fn root_to_clear(&self, path: &FilePath) -> Result<Option<Root>> {
        match self.root(path)? {
            Ok(root) => Ok(Some(root)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errors::unread(errno, path)),
        }
    }

    /// The two roots of a copy.
    fn both(&self, from: &FilePath, to: &FilePath) -> Result<(Root, Root)> {
        let from_root = self.root(from)?.map_err(|errno| match errno {
            Errno::NOENT | Errno::NOTDIR => errors::stale(from, "is no longer a directory"),
            errno => errors::unread(errno, from),
        })?;
        let to_root = self.root(to)?.map_err(|errno| errors::undone("write into", errno, to))?;
        Ok((from_root, to_root))
    }

    /// Takes the lock of a run on a root that it copies to; it is given back when the file is
    /// dropped. `None` where there is no such root.
    ///
    /// Errors: `Kind::Locked` when another holds it after `wait`.
    pub fn lock(&self, root: &FilePath, wait: Duration) -> Result<Option<File>> {
        match self.root(root)?.and_then(|root| root.readable_directory(&FilePath::default())) {
            Ok(fd) => lock::take(File::from(fd), root, wait).map(Some),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errors::unread(errno, root)),
        }
    }
}

impl Default for LocalStore {
    fn default() -> Self {
        Self::new()
    }
}

fn absolute(path: &FilePath) -> Result<()> {
    if path.is_plain_absolute() {
        return Ok(());
    }
    Err(Error::new(Kind::Failed, format!("`{}` is not a plain absolute path", path.to_text())))
}

impl ReadStore for LocalStore {
    fn scan(
        &mut self,
        root: &FilePath,
        ignore: &[String],
    ) -> Result<(Tree, Vec<FileCircumstance>)> {
        absolute(root)?;
        Ok(scan::scan(root, ignore, self.modern))
    }

    fn states(&mut self, root: &FilePath, files: &[FileFact]) -> Result<Vec<FileState>> {
        scan::states(self.root(root)?, files, &self.memory)
    }

    fn directory(&mut self, path: &FilePath) -> Result<DirectoryState> {
        absolute(path)?;
        self.permitted.as_ref().map_or(Ok(()), |permitted| permitted.check_way(path))?;
        Ok(host_paths::directory(path, self.modern))
    }

    fn sources(&mut self, directory: &FilePath) -> Result<Vec<ScriptFile>> {
        absolute(directory)?;
        sources::sources(directory, self.modern)
    }

    fn program(&mut self, name: &str, search: &str) -> Option<FilePath> {
        host_paths::program(name, search)
    }

    fn place(&mut self, path: &FilePath) -> Option<MountInfo> {
        mounts::place(path)
    }

    fn free_bytes(&mut self, path: &FilePath) -> Option<u64> {
        host_paths::free_bytes(path)
    }
}

impl WriteStore for LocalStore {
    fn make_directory(
        &mut self,
        path: &FilePath,
        mode: Option<u32>,
        owner: Option<(u32, u32)>,
    ) -> Result<Vec<FilePath>> {
        absolute(path)?;
        let start = match &self.permitted {
            Some(permitted) => permitted.last(path)?,
            None => None,
        };
        let how = CopyAttributes { mode, owner, apart: false };
        directories::make_directory(path, &how, self.modern, start)
    }

    fn remove_directory(&mut self, path: &FilePath) -> Result<bool> {
        absolute(path)?;
        match &self.permitted {
            None => directories::remove_directory(path, directories::above(path)?),
            Some(permitted) => directories::remove_directory(path, permitted.above(path)?),
        }
    }

    fn copy_onto(
        &mut self,
        from: &FilePath,
        to: &FilePath,
        files: &[FileFact],
        onto: Placement<'_>,
        how: &CopyAttributes,
    ) -> Result<Vec<Copied>> {
        let (from, to) = self.both(from, to)?;
        copy::copy(&from, &to, files, onto, how, &self.memory)
    }

    fn remove(&mut self, root: &FilePath, files: &[FileFact]) -> Result<u64> {
        self.root_to_clear(root)?.map_or(Ok(0), |root| remove::remove(&root, files, &self.memory))
    }

    fn sweep(&mut self, root: &FilePath) -> Result<u64> {
        self.root_to_clear(root)?.map_or(Ok(0), |root| remove::sweep(&root))
    }

    fn exchanged(&mut self, root: &FilePath) -> Result<Vec<(FilePath, Option<FileFact>)>> {
        self.root_to_clear(root)?.map_or(Ok(Vec::new()), |root| remove::exchanged(&root))
    }
}
