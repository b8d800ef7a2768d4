//! FLOOR 1: the only room that meets the live database and the upload directories.
//!
//! [`Inspect`] can look and has nothing to change with; [`Change`] can do both and is given to
//! `apply` alone. No finding, no plan, no command is known here: methods are small and do
//! what they say, and whoever calls them decides.
//!
//! The code is synchronous. What is asynchronous inside (the database driver) is hidden in
//! the engine that owns it. Nothing here prints, reads the environment or exits.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use crate::error::Result;
use crate::model::names::{Digest, FilePath, ObjectRef};
use crate::model::observation::{Identity, Presence};
use crate::model::schema::Schema;
use crate::model::step::SetRevisions;
use crate::model::uploads::{FileCircumstance, FileFact, Place, Tree};

pub mod disk;
pub mod engines;
pub mod invocation;
pub mod process;
mod site;

pub use site::{open_files_to_inspect, open_to_change, open_to_inspect};

/// A live site that can be looked at and not changed.
pub trait Inspect {
    fn database(&mut self) -> &mut dyn InspectDatabase;
    fn files(&mut self) -> &mut dyn InspectFiles;
    /// Both, to look at them at the same time: the files from another thread.
    fn both(&mut self) -> (&mut dyn InspectDatabase, &mut (dyn InspectFiles + Send));
}

/// A live site that can be changed. Only `apply` holds one.
pub trait Change: Inspect {
    fn change_database(&mut self) -> &mut dyn ChangeDatabase;
    fn change_files(&mut self) -> &mut dyn ChangeFiles;
    /// Takes the lock that every run of ttplan takes on a root that it copies to, and keeps it
    /// until this object is dropped. A root that is not there yet has nothing to lock.
    /// Errors: `Kind::Locked` when another run holds it after `wait`.
    fn lock_root(&mut self, root: &FilePath, wait: Duration) -> Result<()>;
    /// Runs a command of the application to its end, its output going to `log`.
    fn run(&mut self, command: &Command, log: &Path) -> Result<Exit>;
}

/// What was seen of a database in one snapshot.
#[derive(Clone, Debug)]
pub struct Sight {
    pub presence: Presence,
    pub identity: Identity,
    /// Empty where the database is absent.
    pub schema: Schema,
    /// The engine's own estimates; `None` where it has none for a table.
    pub estimated_rows: Vec<(ObjectRef, Option<u64>)>,
    pub server_version: Option<String>,
    /// The role that looks, where the engine has roles.
    pub role: Option<String>,
    /// Options that stand in the database and that no copy of it would get, by the kind of object:
    /// they are no part of `schema`.
    pub not_compared: BTreeMap<String, Vec<String>>,
}

/// Something to be read from tables; every value comes back as the engine's own text for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// The exact number of rows: one row with one value.
    Count(ObjectRef),
    /// All values of a column, sorted bytewise; nulls are left out.
    Column { table: ObjectRef, column: String },
    /// `[key, value]` of every row whose `column` is neither null nor empty, sorted by key then
    /// value bytewise; the key is the texts of the `key` columns joined by `,`, empty without key.
    /// Only values that hold the text `containing`; all where it is empty.
    Keyed { table: ObjectRef, key: Vec<String>, column: String, containing: String },
}

/// The rows that answer a [`Question`].
pub type Rows = Vec<Vec<String>>;

/// Whether somebody else could write to the database at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Writers {
    None,
    /// Who, in words that help to find and stop them.
    Some(Vec<String>),
    /// Why it could not be found out.
    Unknown(String),
}

/// One thing that plans need of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fitness {
    /// As a statement that is true where `holds`.
    pub what: String,
    pub holds: bool,
    /// What to do where it does not; can be pasted.
    pub mend: Option<String>,
}

/// The content of one table as a fingerprint: equal for equal rows in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableContent {
    pub table: ObjectRef,
    pub rows: u64,
    pub digest: String,
}

/// Reads a database. Nothing in here can change it, and looking leaves no trace: no file, no
/// lock that outlives the call, no write counter moved.
pub trait InspectDatabase {
    /// Definitions, identity and estimates, in a constant number of round trips.
    /// Objects in the quarantine schema are not shown.
    fn look(&mut self) -> Result<Sight>;

    /// Answers all questions in one round trip where the engine can. Tables and columns must exist.
    fn ask(&mut self, questions: &[Question]) -> Result<Vec<Rows>>;

    /// Whether anybody but this very object has the database open for writing.
    fn writers(&mut self) -> Result<Writers>;

    /// Whether this user may do what plans do, and whether the engine's programs that it takes lie
    /// along `path`.
    fn fitness(&mut self, path: &OsStr) -> Result<Vec<Fitness>>;

    /// A fingerprint of every table's rows, sorted by table; reads the whole database.
    fn content(&mut self) -> Result<Vec<TableContent>>;
}

/// Something put into keeping: a backup, or saved objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub bytes: u64,
    /// Of the file.
    pub sha256: Digest,
    /// What it holds: tables with their rows, sorted; objects without rows are not listed.
    pub tables: Vec<(ObjectRef, u64)>,
}

/// What is done with a restored backup.
pub type Looking<'a> = dyn FnMut(&mut dyn InspectDatabase) -> Result<()> + 'a;

/// Where the migration command has to work, so that a failed run never shows.
#[derive(Clone, Debug)]
pub struct Workplace {
    /// The URL to hand to the command, in the spelling in which the site's own was given.
    pub url: crate::model::names::Secret,
}

/// Changes a database. Every method either does the whole of what it says or nothing, except
/// that changes between [`begin`](Self::begin) and [`commit`](Self::commit) only last with the
/// latter.
pub trait ChangeDatabase: InspectDatabase {
    /// Takes the one lock that every run of ttplan on this database takes, and keeps it until
    /// this object is dropped. Errors: `Kind::Locked` when another holds it after `wait`.
    fn lock(&mut self, wait: Duration) -> Result<()>;

    /// Begins a transaction. Waits politely for locks: briefly, several times, never for ever.
    fn begin(&mut self) -> Result<()>;
    /// Makes the transaction's changes last; durable when it returns.
    fn commit(&mut self) -> Result<()>;
    /// Forgets the transaction. Harmless without one.
    fn rollback(&mut self) -> Result<()>;

    /// Runs one statement inside the transaction; returns the number of rows it touched.
    fn execute(&mut self, sql: &str) -> Result<u64>;

    /// Replaces the recorded revisions inside the transaction. The rows there must be exactly
    /// `from`, otherwise nothing is changed and the error is `Kind::Stale`.
    fn set_revisions(&mut self, set: &SetRevisions) -> Result<()>;

    /// Inside the transaction: keeps others from writing to these objects until it ends, and
    /// writes faithful copies of them, rows, grants, comments and all, to the new file `to`.
    /// The file is read back before this returns.
    fn save_objects(&mut self, objects: &[ObjectRef], to: &Path) -> Result<Kept>;

    /// Inside the transaction: brings objects back from such a file.
    fn restore_objects(&mut self, objects: &[ObjectRef], from: &Path) -> Result<()>;

    /// Inside the transaction: takes an object out of the application's sight. An engine that
    /// quarantines into a file writes the new file `to` and says what it holds.
    fn quarantine(&mut self, object: &ObjectRef, to: &Path) -> Result<Option<Kept>>;

    /// Whether the object is in quarantine now; `None` where the engine quarantines into files,
    /// which stay.
    fn is_in_quarantine(&mut self, object: &ObjectRef) -> Result<Option<bool>>;

    /// Inside the transaction: brings an object back from quarantine.
    fn unquarantine(&mut self, object: &ObjectRef, from: &Path) -> Result<()>;

    /// How much room a backup may take, where nothing of it can be compressed; in bytes.
    fn backup_bytes(&mut self) -> Result<u64>;

    /// Writes a consistent backup of the whole database to the new file `to` (0600) and reads it
    /// back. Not inside a transaction.
    fn backup(&mut self, to: &Path) -> Result<Kept>;

    /// Reads a backup in full without restoring it: every table it holds, with its rows.
    fn check_backup(&mut self, from: &Path) -> Result<Kept>;

    /// Restores a backup into a database of its own, lets `look` see that, and removes it again.
    /// The database itself is not touched. `scratch` is an empty private directory for this alone.
    fn restore_apart(&mut self, from: &Path, scratch: &Path, look: &mut Looking<'_>) -> Result<()>;

    /// Puts the whole database back to what the backup holds, in one transaction.
    fn restore_backup(&mut self, from: &Path) -> Result<()>;

    /// Prepares a run of the application's own migrations. `scratch` is an empty private
    /// directory for this run alone.
    fn prepare_migrations(&mut self, scratch: &Path) -> Result<Workplace>;

    /// After the command ended: the database as its migrations left it, before that is adopted.
    fn open_migrated(&mut self, scratch: &Path) -> Result<Box<dyn InspectDatabase>>;

    /// Makes the migrated state the database's own, if it was not changed meanwhile.
    fn adopt_migrations(&mut self, scratch: &Path) -> Result<()>;
}

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
pub struct Source {
    /// Relative to the directory read.
    pub path: FilePath,
    pub content: Vec<u8>,
}

/// Reads files. Never follows a symbolic link out of or within a root, never opens anything
/// that is not a plain file, writes nothing.
pub trait InspectFiles {
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
    fn sources(&mut self, directory: &FilePath) -> Result<Vec<Source>>;

    /// The absolute path of a program as the shell would find it along `search` (a `PATH`).
    fn program(&mut self, name: &str, search: &str) -> Option<FilePath>;

    /// Where a directory lives, or would live; `None` where that cannot be found out.
    fn place(&mut self, path: &FilePath) -> Option<Place>;

    /// Free space for this user at or above `path`, in bytes.
    fn free_bytes(&mut self, path: &FilePath) -> Option<u64>;
}

/// How copies are to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopyHow {
    /// Permission bits; `None` keeps each file's own.
    pub mode: Option<u32>,
    /// Numeric owner and group; `None` keeps each file's own where the running user may.
    pub owner: Option<(u32, u32)>,
}

/// Where copies go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onto<'a> {
    /// To the sources' own names, which must be free.
    Free,
    /// To their names by content, which must be free.
    ByContent,
    /// To the sources' own names, in place of these files: the same paths in the same order.
    Files(&'a [FileFact]),
}

/// What became of a file that was to be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// This call made it.
    Made,
    /// It was there already, with the same content.
    Already,
}

/// Changes files, within roots, and never replaces one that it was not told of.
pub trait ChangeFiles: InspectFiles {
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
    /// Errors: `Kind::Stale` when a source is not as listed or a destination holds another content.
    fn copy(
        &mut self,
        from: &FilePath,
        to: &FilePath,
        files: &[FileFact],
        how: &CopyHow,
    ) -> Result<Vec<Copied>> {
        self.copy_onto(from, to, files, Onto::Free, how)
    }

    /// The same for copies that get other names or the place of other files. A file is replaced at
    /// once, only while it has the content it is listed with, and is gone then: whoever wants it
    /// back has saved it.
    fn copy_onto(
        &mut self,
        from: &FilePath,
        to: &FilePath,
        files: &[FileFact],
        onto: Onto<'_>,
        how: &CopyHow,
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

/// A command of the application, ready to run; `env` is complete and may hold secrets.
#[derive(Clone, Debug)]
pub struct Command {
    /// Absolute program, then arguments. No shell.
    pub argv: Vec<String>,
    pub directory: FilePath,
    /// Set on top of the inherited environment.
    pub env: Vec<(String, crate::model::names::Secret)>,
    /// Variables that are taken out of the inherited environment.
    pub without: Vec<String>,
    /// Texts that are replaced by `***` wherever they turn up in the output.
    pub redact: Vec<crate::model::names::Secret>,
    pub timeout: Duration,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    Success,
    /// Exit code, or the name of the signal, and the last lines of its output, redacted.
    Failed {
        how: String,
        tail: String,
    },
    /// It ran too long; its whole process group was ended.
    TimedOut {
        tail: String,
    },
}
