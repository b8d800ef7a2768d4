//! What every engine can do with a database: reading it, and changing it, as two traits. Never knows
//! a plan, a finding or a command line.
//!
//! The code is synchronous. What is asynchronous inside (the driver) is hidden in the engine that
//! owns it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::engines::dialect::Sql;
use crate::error::{Error, Kind, Result};
use crate::model::client_programs::ClientPrograms;
use crate::model::database::schema::Schema;
use crate::model::database::version_table::VersionRow;
use crate::model::names::{Digest, ObjectRef, Secret};
use crate::model::observation::{Identity, Presence};
use crate::model::plan::step::SetRevisions;

/// What was seen of a database in one snapshot.
#[derive(Clone, Debug)]
pub struct InspectedDatabase {
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
pub enum RowQuery {
    /// The exact number of rows: one row with one value.
    Count(ObjectRef),
    /// All values of a column, sorted bytewise; nulls are left out.
    Column { table: ObjectRef, column: String },
    /// `[key, value]` of every row whose `column` is neither null nor empty, sorted by key then
    /// value bytewise; the key is the texts of the `key` columns joined by `,`, empty without key.
    /// Only values that hold the text `containing`; all where it is empty.
    Keyed { table: ObjectRef, key: Vec<String>, column: String, containing: String },
}

/// The rows that answer a [`RowQuery`].
pub type Rows = Vec<Vec<String>>;

/// Whether somebody else could write to the database at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OtherSessions {
    None,
    /// Who, in words that help to find and stop them.
    Some(Vec<String>),
    /// Why it could not be found out.
    Unknown(String),
}

/// One thing that plans need of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
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
pub trait ReadDatabase {
    /// Definitions, identity and estimates, in a constant number of round trips.
    /// Objects in the quarantine schema are not shown.
    fn look(&mut self) -> Result<InspectedDatabase>;

    /// Answers all questions in one round trip where the engine can. Tables and columns must exist.
    fn ask(&mut self, questions: &[RowQuery]) -> Result<Vec<Rows>>;

    /// Whether anybody but this very object has the database open for writing.
    fn writers(&mut self) -> Result<OtherSessions>;

    /// Whether this user may do what plans do, and whether the engine's programs that it takes are
    /// here, those that the host names first.
    fn fitness(&mut self, programs: &ClientPrograms) -> Result<Vec<Requirement>>;

    /// A fingerprint of every table's rows, sorted by table; reads the whole database.
    fn content(&mut self) -> Result<Vec<TableContent>>;
}

/// Something put into keeping: a backup, or saved objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedCopy {
    pub bytes: u64,
    /// Of the file.
    pub sha256: Digest,
    /// What it holds: tables with their rows, sorted; objects without rows are not listed.
    pub tables: Vec<(ObjectRef, u64)>,
}

/// What is done with a restored backup.
pub type Looking<'a> = dyn FnMut(&mut dyn ReadDatabase) -> Result<()> + 'a;

/// Where the migration command has to work, so that a failed run never shows.
#[derive(Clone, Debug)]
pub struct MigrationDatabase {
    /// The URL to hand to the command, in the spelling in which the site's own was given.
    pub url: Secret,
}

/// Changes a database. Every method either does the whole of what it says or nothing, except
/// that changes between [`begin`](Self::begin) and [`commit`](Self::commit) only last with the
/// latter.
pub trait WriteDatabase: ReadDatabase {
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
    fn execute(&mut self, sql: &Sql) -> Result<u64>;

    /// Adds and removes recorded revisions inside the transaction. The rows there must be exactly
    /// those that the move says, otherwise nothing is changed and the error is `Kind::Stale`.
    fn set_revisions(&mut self, set: &SetRevisions) -> Result<()>;

    /// Inside the transaction: keeps others from writing to these objects until it ends, and
    /// writes faithful copies of them, rows, grants, comments and all, to the new file `to`.
    /// The file is read back before this returns.
    fn save_objects(&mut self, objects: &[ObjectRef], to: &Path) -> Result<SavedCopy>;

    /// Inside the transaction: brings objects back from such a file.
    fn restore_objects(&mut self, objects: &[ObjectRef], from: &Path) -> Result<()>;

    /// Inside the transaction: takes an object out of the application's sight. An engine that
    /// quarantines into a file writes the new file `to` and says what it holds.
    fn quarantine(&mut self, object: &ObjectRef, to: &Path) -> Result<Option<SavedCopy>>;

    /// Whether the object is in quarantine now; `None` where the engine quarantines into files,
    /// which stay.
    fn is_in_quarantine(&mut self, object: &ObjectRef) -> Result<Option<bool>>;

    /// Inside the transaction: brings an object back from quarantine.
    fn unquarantine(&mut self, object: &ObjectRef, from: &Path) -> Result<()>;

    /// How much room a backup may take, where nothing of it can be compressed; in bytes.
    fn backup_bytes(&mut self) -> Result<u64>;

    /// Writes a consistent backup of the whole database to the new file `to` (0600) and reads it
    /// back. Not inside a transaction.
    fn backup(&mut self, to: &Path) -> Result<SavedCopy>;

    /// Reads a backup in full without restoring it: every table it holds, with its rows.
    fn check_backup(&mut self, from: &Path) -> Result<SavedCopy>;

    /// Restores a backup into a database of its own, lets `look` see that, and removes it again.
    /// The database itself is not touched. `scratch` is an empty private directory for this alone.
    fn restore_apart(&mut self, from: &Path, scratch: &Path, look: &mut Looking<'_>) -> Result<()>;

    /// Puts the whole database back to what the backup holds, in one transaction.
    fn restore_backup(&mut self, from: &Path) -> Result<()>;

    /// Prepares a run of the application's own migrations. `scratch` is an empty private
    /// directory for this run alone.
    fn prepare_migrations(&mut self, scratch: &Path) -> Result<MigrationDatabase>;

    /// After the command ended: the database as its migrations left it, before that is adopted.
    fn open_migrated(&mut self, scratch: &Path) -> Result<Box<dyn ReadDatabase>>;

    /// Makes the migrated state the database's own, if it was not changed meanwhile.
    fn adopt_migrations(&mut self, scratch: &Path) -> Result<()>;
}

/// Compares what a version table records with what a move expects of it.
///
/// Errors: `Kind::Stale` where they differ.
pub(in crate::engines) fn check_recorded(set: &SetRevisions, found: &[VersionRow]) -> Result<()> {
    let expected = set.before();
    if found == expected {
        return Ok(());
    }
    let listed = |rows: &[VersionRow]| {
        let ids: Vec<String> = set.versions.ids(rows).iter().map(|id| format!("`{id}`")).collect();
        if ids.is_empty() { "nothing".to_owned() } else { ids.join(", ") }
    };
    let table = &set.versions.table;
    Err(Error::new(Kind::Stale, format!("{table} does not record what the plan expects"))
        .code("revisions_differ")
        .because(format!("expected {}, found {}", listed(&expected), listed(found))))
}
