//! A step of a plan: what must hold, what is saved, what is done, how it is undone.
//!
//! Moves and probes are closed sets. The runner knows these and no action kind, so what
//! is signed is exactly what is done. Adding one is a new minor version of the plan
//! format, `apply/run_move.rs` or `apply/probe.rs`, and a golden plan: rare, on purpose.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::model::file_moves::{
    CopyFiles, FileList, MakeDirectory, ReleaseFiles, RemoveDirectory, RemoveFiles, ReplaceFiles,
    RestoreFiles, SaveFiles, Sidecar,
};
use crate::model::files::rewriting::Rewriting;
pub use crate::model::kept::{DiscardKept, SavedCopyRef};
use crate::model::names::{Digest, FilePath, ObjectRef};
pub use crate::model::plan::moves::run::{Run, RunCheck};
pub use crate::model::plan::probe::{Answer, Probe};

/// One unit of change and of reversion. Touches the database or files, never both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Unique within the plan.
    pub id: String,
    /// The action's name on its shelf. For people and filters; the runner never reads it.
    pub kind: String,
    /// What it is about, stable across plans.
    pub address: String,
    /// Recomputed from the moves by every reader, never believed.
    pub title: String,
    /// The finding that asked for it.
    pub reason: String,
    /// Recomputed from the moves by every reader, never believed.
    pub risk: Risk,
    /// Steps that must be done first.
    pub requires: Vec<String>,
    /// A later step whose end state goes beyond this one's: when that is done, so is this.
    pub superseded_by: Option<String>,
    /// Neighbouring steps with the same label share one database transaction.
    pub transaction: Option<String>,
    /// Holds before the step; facts that no earlier step of the plan changes.
    pub ready: Vec<Probe>,
    /// What is put into keeping before anything changes.
    pub save: Vec<Move>,
    pub moves: Vec<Move>,
    /// Holds after the step; where it holds before, there is nothing to do.
    pub done: Vec<Probe>,
    /// Takes the step back. Empty where it cannot be taken back.
    pub undo: Vec<Move>,
}

/// How much harm a step could do.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    Safe,
    Caution,
    Destructive,
}

impl Risk {
    /// The risk as documents write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Caution => "caution",
            Self::Destructive => "destructive",
        }
    }
}

/// Everything that can be done. Adjacently tagged, so that an error points at its field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "move", content = "with", rename_all = "snake_case", deny_unknown_fields)]
pub enum Move {
    CreateObject(CreateObject),
    DropObject(DropObject),
    AlterObject(AlterObject),
    SetRevisions(SetRevisions),
    SaveObjects(SaveObjects),
    RestoreObjects(RestoreObjects),
    BackupDatabase(BackupDatabase),
    RestoreDatabase(RestoreDatabase),
    Quarantine(Quarantine),
    Unquarantine(Unquarantine),
    MakeDirectory(MakeDirectory),
    RemoveDirectory(RemoveDirectory),
    CopyFiles(CopyFiles),
    ReplaceFiles(ReplaceFiles),
    RemoveFiles(RemoveFiles),
    SaveFiles(SaveFiles),
    ReleaseFiles(ReleaseFiles),
    RestoreFiles(RestoreFiles),
    DiscardKept(DiscardKept),
    WriteRows(WriteRows),
    RestoreRows(RestoreRows),
    Run(Run),
}

/// Creates one object by exactly this SQL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateObject {
    pub object: ObjectRef,
    pub sql: String,
}

/// Drops one object, never with its dependents. The SQL is recomputed from the object by
/// every reader and has to be the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DropObject {
    pub object: ObjectRef,
    pub sql: String,
}

/// Changes one object by exactly this SQL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlterObject {
    pub object: ObjectRef,
    pub sql: String,
}

/// Replaces the recorded revisions, in the framework's own table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetRevisions {
    pub table: ObjectRef,
    pub column: String,
    pub from: Vec<String>,
    pub to: Vec<String>,
    pub basis: Basis,
}

/// On what grounds a revision is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The live schema equals this revision's catalogued schema and no other.
    Exact,
    /// A person said so, or there was nothing to compare with.
    Assumed,
}

/// Puts faithful copies of objects, rows included, into the run's keeping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveObjects {
    /// Name of the copy within the run; a plain file name.
    pub name: String,
    pub objects: Vec<ObjectRef>,
}

/// Brings saved objects back as they were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoreObjects {
    pub name: String,
    pub objects: Vec<ObjectRef>,
}

/// Backs up the whole database and reads the backup back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BackupDatabase {
    /// Name of the backup within the run; a plain file name.
    pub name: String,
    /// Where to put it; null for the run's own folder.
    pub directory: Option<FilePath>,
}

/// Puts the whole database back to the state of the run's own backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoreDatabase {
    pub name: String,
    pub directory: Option<FilePath>,
}

/// Moves objects out of the application's sight without destroying them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quarantine {
    pub object: ObjectRef,
    /// Name of the copy within the run, where the engine quarantines into a file.
    pub name: String,
}

/// Brings a quarantined object back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unquarantine {
    pub object: ObjectRef,
    pub name: String,
}

/// Rewrites the rows that spell a reference as of old, and keeps what they said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteRows {
    /// Name of the list of old and new values within the run; a plain file name.
    pub name: String,
    pub rewriting: Rewriting,
    /// Exactly so many rows.
    pub rows: u64,
    /// Over the keys and old values of exactly these rows.
    pub sha256: Digest,
}

/// Gives rewritten rows their old values back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoreRows {
    pub name: String,
    pub rewriting: Rewriting,
}

impl Move {
    /// Its name as documents write it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::CreateObject(_) => "create_object",
            Self::DropObject(_) => "drop_object",
            Self::AlterObject(_) => "alter_object",
            Self::SetRevisions(_) => "set_revisions",
            Self::SaveObjects(_) => "save_objects",
            Self::RestoreObjects(_) => "restore_objects",
            Self::BackupDatabase(_) => "backup_database",
            Self::RestoreDatabase(_) => "restore_database",
            Self::Quarantine(_) => "quarantine",
            Self::Unquarantine(_) => "unquarantine",
            Self::MakeDirectory(_) => "make_directory",
            Self::RemoveDirectory(_) => "remove_directory",
            Self::CopyFiles(_) => "copy_files",
            Self::ReplaceFiles(_) => "replace_files",
            Self::RemoveFiles(_) => "remove_files",
            Self::SaveFiles(_) => "save_files",
            Self::ReleaseFiles(_) => "release_files",
            Self::RestoreFiles(_) => "restore_files",
            Self::DiscardKept(_) => "discard_kept",
            Self::WriteRows(_) => "write_rows",
            Self::RestoreRows(_) => "restore_rows",
            Self::Run(_) => "run",
        }
    }

    /// Whether it changes files (and not the database).
    pub fn touches_files(&self) -> bool {
        matches!(
            self,
            Self::MakeDirectory(_)
                | Self::RemoveDirectory(_)
                | Self::CopyFiles(_)
                | Self::ReplaceFiles(_)
                | Self::RemoveFiles(_)
                | Self::SaveFiles(_)
                | Self::ReleaseFiles(_)
                | Self::RestoreFiles(_)
                | Self::DiscardKept(_)
        )
    }
}

impl Step {
    /// The list a [`FileList`] stands for, references to other moves resolved.
    pub fn files<'a>(&'a self, list: &'a FileList) -> Option<&'a FileList> {
        match list {
            FileList::Move(index) => match self.moves.get(*index)? {
                Move::CopyFiles(CopyFiles { files, .. })
                | Move::ReleaseFiles(ReleaseFiles { files, .. })
                | Move::ReplaceFiles(ReplaceFiles { files, .. }) => {
                    Some(files).filter(|files| files.is_own())
                }
                _ => None,
            },
            FileList::Replaced(index) => match self.moves.get(*index)? {
                Move::ReplaceFiles(ReplaceFiles { replaced, .. }) => {
                    Some(replaced).filter(|files| files.is_own())
                }
                _ => None,
            },
            own => Some(own),
        }
    }
}
