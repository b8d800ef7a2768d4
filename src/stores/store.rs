//! What every store can do with files: reading them, and changing them, as two traits. Never knows a
//! plan, a finding or a command line.

use crate::error::Result;
use crate::model::files::uploads::{FileCircumstance, FileFact, MountInfo, Tree};
use crate::model::names::FilePath;

/// What is at a place where a listed file should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileState {
    Missing,
    /// A plain file with the listed size and content.
    Same,
    /// A plain file with another content.
    Differs,
    /// Something that is not a plain file.
    NotAFile,
    /// It could not be looked at.
    Unreadable,
}

/// What is at a path where a directory should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectoryState {
    Missing,
    Present,
    NotADirectory,
    Unreadable,
}

/// A file read whole, for sources that are parsed and pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptFile {
    /// Relative to the directory read.
    pub path: FilePath,
    pub content: Vec<u8>,
}

/// Reads files. Never follows a symbolic link out of or within a root, never opens anything
/// that is not a plain file, writes nothing.
pub trait ReadStore {
    /// Walks a root once and hashes what it finds. The circumstances are in the order of the files.
    /// What fits `ignore` (lines as in a gitignore file) or a `.ttplanignore` in the root or in a
    /// directory below it is passed over.
    fn scan(&mut self, root: &FilePath, ignore: &[String])
    -> Result<(Tree, Vec<FileCircumstance>)>;

    /// How each listed file is found below `root`, in the order of the list.
    fn states(&mut self, root: &FilePath, files: &[FileFact]) -> Result<Vec<FileState>>;

    fn directory(&mut self, path: &FilePath) -> Result<DirectoryState>;

    /// Every plain file below a directory of sources, sorted by path; byte code and caches are
    /// left out. Errors: `Kind::Unreachable` when the directory or a file cannot be read.
    fn sources(&mut self, directory: &FilePath) -> Result<Vec<ScriptFile>>;

    /// The absolute path of a program as the shell would find it along `search` (a `PATH`).
    fn program(&mut self, name: &str, search: &str) -> Option<FilePath>;

    /// Where a directory lives, or would live; `None` where that cannot be found out.
    fn place(&mut self, path: &FilePath) -> Option<MountInfo>;

    /// Free space for this user at or above `path`, in bytes.
    fn free_bytes(&mut self, path: &FilePath) -> Option<u64>;
}

/// How copies are to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopyAttributes {
    /// Permission bits; `None` keeps each file's own.
    pub mode: Option<u32>,
    /// Numeric owner and group; `None` keeps each file's own.
    pub owner: Option<(u32, u32)>,
    /// Whether each copy has to be a file of its own: what is saved must not change with its source,
    /// nor what is restored with its copy.
    pub apart: bool,
}

/// Where copies go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement<'a> {
    /// To the sources' own names, which must be free.
    NewName,
    /// To their names by content, which must be free.
    ContentName,
    /// To the sources' own names, in place of these files: the same paths in the same order.
    Replace(&'a [FileFact]),
}

/// What became of a file that was to be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// This call made it.
    Created,
    /// It was there already, with the same content.
    Already,
}

/// Changes files, within roots, and never replaces one that it was not told of.
pub trait WriteStore: ReadStore {
    /// Makes a directory and the missing ones above it; returns those it made, outermost first.
    fn make_directory(
        &mut self,
        path: &FilePath,
        mode: Option<u32>,
        owner: Option<(u32, u32)>,
    ) -> Result<Vec<FilePath>>;

    /// Removes an empty directory; false where it is not empty or not there.
    fn remove_directory(&mut self, path: &FilePath) -> Result<bool>;

    /// Copies listed files from one root to another, as one batch: each is hashed while it is
    /// copied to a temporary name, all are synced, then each is renamed into place without
    /// replacing anything, then the directories are synced. On return all of it is on disk.
    /// Errors: `Kind::Stale` when a source is not as listed or a destination holds another content;
    /// `Kind::Failed` when owner, mode, time, an attribute or the access list cannot be kept.
    fn copy(
        &mut self,
        from: &FilePath,
        to: &FilePath,
        files: &[FileFact],
        how: &CopyAttributes,
    ) -> Result<Vec<Copied>> {
        self.copy_onto(from, to, files, Placement::NewName, how)
    }

    /// The same for copies that get other names or the place of other files. A file is replaced at
    /// once, only while it has the content it is listed with, and is gone then: whoever wants it
    /// back has saved it.
    fn copy_onto(
        &mut self,
        from: &FilePath,
        to: &FilePath,
        files: &[FileFact],
        onto: Placement<'_>,
        how: &CopyAttributes,
    ) -> Result<Vec<Copied>>;

    /// Removes listed files that still have the listed content; returns how many. Others are left
    /// alone, and so are directories, even those that this leaves empty.
    fn remove(&mut self, root: &FilePath, files: &[FileFact]) -> Result<u64>;

    /// Removes temporary files that an interrupted [`copy`](Self::copy) left below a root.
    fn sweep(&mut self, root: &FilePath) -> Result<u64>;

    /// What an interrupted replacing left beside the places: the old content, the new, or what
    /// somebody else wrote there at that very moment; `None` for what is no plain file.
    fn exchanged(&mut self, root: &FilePath) -> Result<Vec<(FilePath, Option<FileFact>)>>;
}
