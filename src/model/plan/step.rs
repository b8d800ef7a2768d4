//! A step of a plan: what must hold, what is saved, what is done, how it is undone.
//!
//! Moves and probes are closed sets. The runner knows these and no action kind, so what is signed is
//! exactly what is done. A plan says a step's kind, address, reason, moves and reversal; all else of
//! it is derived (`derive`) and never believed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::database::version_table::VersionTable;
use crate::model::files::rewriting::Rewriting;
use crate::model::names::{Digest, ObjectRef};
pub use crate::model::plan::moves::add_column::AddColumn;
pub use crate::model::plan::moves::add_constraint::AddConstraint;
pub use crate::model::plan::moves::add_index::AddIndex;
pub use crate::model::plan::moves::backfill_by_join::BackfillByJoin;
pub use crate::model::plan::moves::copy_files::{CopyFiles, RemoveFiles};
pub use crate::model::plan::moves::create_object::CreateObject;
pub use crate::model::plan::moves::create_table::CreateTable;
pub use crate::model::plan::moves::database_backup::{
    BackupDatabase, BackupSource, RestoreDatabase,
};
pub use crate::model::plan::moves::directory::{MakeDirectory, RemoveDirectory};
pub use crate::model::plan::moves::discard_saved::{DiscardSaved, SavedCopyRef};
pub use crate::model::plan::moves::drop_column::DropColumn;
pub use crate::model::plan::moves::drop_object::DropObject;
use crate::model::plan::moves::effects::{Act, Effects, Files};
pub use crate::model::plan::moves::file_list::{FileList, Sidecar};
pub use crate::model::plan::moves::insert_distinct::InsertDistinct;
pub use crate::model::plan::moves::quarantine::{Quarantine, Unquarantine};
pub use crate::model::plan::moves::rebuild_table::RebuildTable;
pub use crate::model::plan::moves::relax_column::{RelaxColumn, SetDefault, SetNotNull};
pub use crate::model::plan::moves::release_files::ReleaseFiles;
pub use crate::model::plan::moves::replace_files::ReplaceFiles;
pub use crate::model::plan::moves::restore_uploads::RestoreUploads;
pub use crate::model::plan::moves::run::{Expectation, Run, RunCheck, Scripts};
pub use crate::model::plan::moves::saved_files::{RestoreFiles, SaveFiles};
pub use crate::model::plan::moves::saved_objects::{RestoreObjects, SaveObjects};
pub use crate::model::plan::moves::set_revisions::{Basis, SetRevisions, ShapeFact};
pub use crate::model::plan::moves::version_table::CreateVersionTable;
pub use crate::model::plan::moves::widen_column::{NarrowColumn, WidenColumn};
pub use crate::model::plan::moves::write_rows::{RestoreRows, SaveRows, WriteRows};
pub use crate::model::plan::probe::{Answer, Probe};
pub use crate::model::plan::reversal::{By, Reversal};

/// One unit of change and of reversion. Touches the database or files, never both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its number, from 1. Derived.
    pub id: String,
    /// The action's name on its shelf; bound to the moves that the action makes.
    pub kind: String,
    /// What it is about, stable across plans; one step for each kind and address.
    pub address: String,
    /// Derived.
    pub title: String,
    /// The finding that asked for it.
    pub reason: String,
    /// Derived.
    pub risk: Risk,
    /// Steps that must be done first. Derived.
    pub requires: Vec<String>,
    /// A later step whose end state goes beyond this one's: when that is done, so is this. Derived.
    pub superseded_by: Option<String>,
    /// Neighbouring steps with the same label share one database transaction. Derived.
    pub transaction: Option<String>,
    /// Holds before the step; facts that no earlier step of the plan changes. Derived.
    pub ready: Vec<Probe>,
    /// What is put into keeping before anything changes. Derived.
    pub save: Vec<Move>,
    pub moves: Vec<Move>,
    /// Holds after the step; where it holds before, there is nothing to do. Derived.
    pub done: Vec<Probe>,
    /// Takes the step back. Empty where it cannot be taken back. Derived.
    pub undo: Vec<Move>,
    /// How it is taken back on this very database.
    pub reversal: Reversal,
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
    CreateTable(CreateTable),
    CreateObject(CreateObject),
    DropObject(DropObject),
    SaveObjects(SaveObjects),
    RestoreObjects(RestoreObjects),
    Quarantine(Quarantine),
    Unquarantine(Unquarantine),
    AddColumn(AddColumn),
    DropColumn(DropColumn),
    WidenColumn(WidenColumn),
    NarrowColumn(NarrowColumn),
    RelaxColumn(RelaxColumn),
    SetNotNull(SetNotNull),
    SetDefault(SetDefault),
    RebuildTable(RebuildTable),
    AddConstraint(AddConstraint),
    AddIndex(AddIndex),
    InsertDistinct(InsertDistinct),
    BackfillByJoin(BackfillByJoin),
    WriteRows(WriteRows),
    RestoreRows(RestoreRows),
    SaveRows(SaveRows),
    CreateVersionTable(CreateVersionTable),
    SetRevisions(SetRevisions),
    BackupDatabase(BackupDatabase),
    RestoreDatabase(RestoreDatabase),
    RestoreUploads(RestoreUploads),
    MakeDirectory(MakeDirectory),
    RemoveDirectory(RemoveDirectory),
    CopyFiles(CopyFiles),
    ReplaceFiles(ReplaceFiles),
    RemoveFiles(RemoveFiles),
    SaveFiles(SaveFiles),
    ReleaseFiles(ReleaseFiles),
    RestoreFiles(RestoreFiles),
    Run(Box<Run>),
    DiscardSaved(DiscardSaved),
}

impl Move {
    /// What a move can say of itself.
    /// The digests of the texts that it names.
    pub fn definitions(&self) -> Vec<Digest> {
        self.act().definitions()
    }

    /// The version table that it writes, itself or by a command.
    pub fn versions(&self) -> Option<&VersionTable> {
        self.act().versions()
    }

    /// The revisions that it records because the schema shows them, and the schema.
    pub fn stamp(&self) -> Option<(Vec<String>, &ShapeFact)> {
        self.act().stamp()
    }

    /// The listed files that it works through.
    pub fn files(&self) -> Files<'_> {
        self.act().files()
    }

    /// The object that it puts into quarantine.
    pub fn quarantines(&self) -> Option<&ObjectRef> {
        self.act().quarantines()
    }

    /// What it removes of another run.
    pub fn discards(&self) -> Option<&DiscardSaved> {
        self.act().discards()
    }

    /// The run's own backup that it restores.
    pub fn restored(&self) -> Option<&BackupDatabase> {
        self.act().restored()
    }

    /// The backup that it makes of the whole database.
    pub fn backup(&self) -> Option<&BackupDatabase> {
        self.act().backup()
    }

    /// Whether it changes files, or what runs have kept, and not the database.
    pub fn touches_files(&self) -> bool {
        !self.effects().is_of_database()
    }

    /// What it rewrites in rows.
    pub fn rewriting(&self) -> Option<&Rewriting> {
        self.act().rewriting()
    }

    pub(in crate::model::plan) fn act(&self) -> &dyn Act {
        match self {
            Self::CreateTable(mv) => mv,
            Self::CreateObject(mv) => mv,
            Self::DropObject(mv) => mv,
            Self::SaveObjects(mv) => mv,
            Self::RestoreObjects(mv) => mv,
            Self::Quarantine(mv) => mv,
            Self::Unquarantine(mv) => mv,
            Self::AddColumn(mv) => mv,
            Self::DropColumn(mv) => mv,
            Self::WidenColumn(mv) => mv,
            Self::NarrowColumn(mv) => mv,
            Self::RelaxColumn(mv) => mv,
            Self::SetNotNull(mv) => mv,
            Self::SetDefault(mv) => mv,
            Self::RebuildTable(mv) => mv,
            Self::AddConstraint(mv) => mv,
            Self::AddIndex(mv) => mv,
            Self::InsertDistinct(mv) => mv,
            Self::BackfillByJoin(mv) => mv,
            Self::WriteRows(mv) => mv,
            Self::RestoreRows(mv) => mv,
            Self::SaveRows(mv) => mv,
            Self::CreateVersionTable(mv) => mv,
            Self::SetRevisions(mv) => mv,
            Self::BackupDatabase(mv) => mv,
            Self::RestoreDatabase(mv) => mv,
            Self::RestoreUploads(mv) => mv,
            Self::MakeDirectory(mv) => mv,
            Self::RemoveDirectory(mv) => mv,
            Self::CopyFiles(mv) => mv,
            Self::ReplaceFiles(mv) => mv,
            Self::RemoveFiles(mv) => mv,
            Self::SaveFiles(mv) => mv,
            Self::ReleaseFiles(mv) => mv,
            Self::RestoreFiles(mv) => mv,
            Self::Run(mv) => &**mv,
            Self::DiscardSaved(mv) => mv,
        }
    }

    pub(in crate::model::plan) fn act_mut(&mut self) -> &mut dyn Act {
        match self {
            Self::CreateTable(mv) => mv,
            Self::CreateObject(mv) => mv,
            Self::DropObject(mv) => mv,
            Self::SaveObjects(mv) => mv,
            Self::RestoreObjects(mv) => mv,
            Self::Quarantine(mv) => mv,
            Self::Unquarantine(mv) => mv,
            Self::AddColumn(mv) => mv,
            Self::DropColumn(mv) => mv,
            Self::WidenColumn(mv) => mv,
            Self::NarrowColumn(mv) => mv,
            Self::RelaxColumn(mv) => mv,
            Self::SetNotNull(mv) => mv,
            Self::SetDefault(mv) => mv,
            Self::RebuildTable(mv) => mv,
            Self::AddConstraint(mv) => mv,
            Self::AddIndex(mv) => mv,
            Self::InsertDistinct(mv) => mv,
            Self::BackfillByJoin(mv) => mv,
            Self::WriteRows(mv) => mv,
            Self::RestoreRows(mv) => mv,
            Self::SaveRows(mv) => mv,
            Self::CreateVersionTable(mv) => mv,
            Self::SetRevisions(mv) => mv,
            Self::BackupDatabase(mv) => mv,
            Self::RestoreDatabase(mv) => mv,
            Self::RestoreUploads(mv) => mv,
            Self::MakeDirectory(mv) => mv,
            Self::RemoveDirectory(mv) => mv,
            Self::CopyFiles(mv) => mv,
            Self::ReplaceFiles(mv) => mv,
            Self::RemoveFiles(mv) => mv,
            Self::SaveFiles(mv) => mv,
            Self::ReleaseFiles(mv) => mv,
            Self::RestoreFiles(mv) => mv,
            Self::Run(mv) => &mut **mv,
            Self::DiscardSaved(mv) => mv,
        }
    }

    /// Its name as documents write it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::CreateTable(_) => "create_table",
            Self::CreateObject(_) => "create_object",
            Self::DropObject(_) => "drop_object",
            Self::SaveObjects(_) => "save_objects",
            Self::RestoreObjects(_) => "restore_objects",
            Self::Quarantine(_) => "quarantine",
            Self::Unquarantine(_) => "unquarantine",
            Self::AddColumn(_) => "add_column",
            Self::DropColumn(_) => "drop_column",
            Self::WidenColumn(_) => "widen_column",
            Self::NarrowColumn(_) => "narrow_column",
            Self::RelaxColumn(_) => "relax_column",
            Self::SetNotNull(_) => "set_not_null",
            Self::SetDefault(_) => "set_default",
            Self::RebuildTable(_) => "rebuild_table",
            Self::AddConstraint(_) => "add_constraint",
            Self::AddIndex(_) => "add_index",
            Self::InsertDistinct(_) => "insert_distinct",
            Self::BackfillByJoin(_) => "backfill_by_join",
            Self::WriteRows(_) => "write_rows",
            Self::RestoreRows(_) => "restore_rows",
            Self::SaveRows(_) => "save_rows",
            Self::CreateVersionTable(_) => "create_version_table",
            Self::SetRevisions(_) => "set_revisions",
            Self::BackupDatabase(_) => "backup_database",
            Self::RestoreDatabase(_) => "restore_database",
            Self::RestoreUploads(_) => "restore_uploads",
            Self::MakeDirectory(_) => "make_directory",
            Self::RemoveDirectory(_) => "remove_directory",
            Self::CopyFiles(_) => "copy_files",
            Self::ReplaceFiles(_) => "replace_files",
            Self::RemoveFiles(_) => "remove_files",
            Self::SaveFiles(_) => "save_files",
            Self::ReleaseFiles(_) => "release_files",
            Self::RestoreFiles(_) => "restore_files",
            Self::Run(_) => "run",
            Self::DiscardSaved(_) => "discard_saved",
        }
    }

    /// What it does to the world.
    pub fn effects(&self) -> Effects<'_> {
        self.act().effects()
    }

    /// The lists of files that it has of its own, to be moved beside the plan.
    pub fn lists_mut(&mut self) -> Vec<&mut FileList> {
        self.act_mut().lists_mut()
    }

    /// What in its fields makes no sense, whoever wrote them.
    pub fn problem(&self) -> Option<String> {
        self.act().problem()
    }
}

impl Step {
    /// All its moves: what is saved, what is done, what takes it back.
    pub fn all_moves(&self) -> impl Iterator<Item = &Move> {
        self.save.iter().chain(&self.moves).chain(&self.undo)
    }

    /// Whether it changes files, or what runs have kept, and not the database.
    pub fn is_of_files(&self) -> bool {
        self.moves.iter().any(|mv| !mv.effects().is_of_database())
    }

    /// The list a [`FileList`] stands for, references to other moves resolved.
    pub fn files<'a>(&'a self, list: &'a FileList) -> Option<&'a FileList> {
        let of = |index: &usize, which: usize| {
            let lists = self.moves.get(*index)?.effects().lists;
            lists.get(which).copied().filter(|files| files.is_own())
        };
        match list {
            FileList::Move(index) => of(index, 0),
            FileList::Replaced(index) => of(index, 1),
            FileList::Inline(_) | FileList::Sidecar(_) => Some(list),
        }
    }
}
