//! What can be asked of a live site: the closed set of questions that plans rest on, and their
//! answers.
//!
//! The runner asks these and nothing else. Adding one is a new minor version of the plan format,
//! like adding a move.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::database::column_type::ColumnType;
use crate::model::database::version_table::{VersionRow, VersionTable};
use crate::model::files::location::Location;
use crate::model::files::rewriting::Rewriting;
use crate::model::names::{Digest, FilePath, ObjectRef};
use crate::model::plan::moves::column::DefaultValue;

/// The answer to a probe. Not knowing is never a yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Yes,
    /// What is so instead.
    No(String),
    /// Why it could not be found out.
    Unknown(String),
}

/// Everything that can be asked. Adjacently tagged, as moves are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "probe", content = "with", rename_all = "snake_case", deny_unknown_fields)]
pub enum Probe {
    /// The object is there with this definition.
    ObjectIs {
        object: ObjectRef,
        sha256: Digest,
    },
    ObjectAbsent {
        object: ObjectRef,
    },
    /// The table has exactly so many rows.
    Rows {
        table: ObjectRef,
        count: u64,
    },
    /// Nothing depends on the object but these.
    NoDependentsBut {
        object: ObjectRef,
        dependents: Vec<ObjectRef>,
    },
    /// No trigger or rule does more than a write to the table says.
    NoTriggers {
        table: ObjectRef,
    },
    /// Exactly these rows are recorded; null when the table must be absent.
    RevisionsAre {
        versions: VersionTable,
        rows: Option<Vec<VersionRow>>,
    },
    /// The column has this type; null when it must be absent.
    ColumnIs {
        table: ObjectRef,
        column: String,
        data_type: Option<ColumnType>,
    },
    /// One more thing about a column.
    ColumnHas {
        table: ObjectRef,
        column: String,
        fact: ColumnFact,
    },
    /// Every source of the move's list is as listed, and no destination is taken by another
    /// content. Of files to be released: every copy is as listed, and every source is or is gone
    /// already.
    FilesReady {
        r#move: usize,
    },
    /// Every destination of the move's list is there as listed. Of files to be released: every
    /// source is gone.
    FilesDone {
        r#move: usize,
    },
    /// Every file of the move's list has the mode and owner that were seen, or those that it gets.
    PermissionsReady {
        r#move: usize,
    },
    /// Every file of the move's list has the mode and owner that it gets.
    PermissionsDone {
        r#move: usize,
    },
    /// The run was undone to its beginning; its id is 16 hexadecimal digits.
    RunUndone {
        run: String,
    },
    /// Nothing that the move discards is there any more.
    SavedIsGone {
        r#move: usize,
    },
    DirectoryIs {
        path: Location,
        present: bool,
    },
    /// What is mounted there: the type of the filesystem and where it comes from.
    PlaceIs {
        path: Location,
        filesystem: String,
        source: String,
    },
    /// The migration files are these.
    ScriptsAre {
        system: String,
        directories: Vec<FilePath>,
        sha256: Digest,
    },
    /// The run's backup of that name is there and can be read back.
    BackupReads {
        name: String,
        directory: Option<FilePath>,
    },
    /// The file is the archive with this digest.
    ArchiveIs {
        path: FilePath,
        sha256: Digest,
    },
    /// All definitions but those of `except` have this digest.
    SchemaIs {
        sha256: Digest,
        except: Vec<ObjectRef>,
    },
    /// The home schema, but for what is called so, has the shape with this digest, in words of that
    /// version.
    ShapeIs {
        sha256: Digest,
        normaliser: u32,
        except: Vec<String>,
    },
    /// These tables are there with at least these columns.
    CorePresent {
        tables: BTreeMap<String, Vec<String>>,
    },
    /// Every value of the column that is neither null nor empty stands in the lookup.
    ValuesAgree {
        table: ObjectRef,
        column: String,
        lookup: ObjectRef,
        lookup_column: String,
    },
    /// Exactly so many rows spell a reference as of old, with these keys and values.
    OutdatedRowsAre {
        rewriting: Rewriting,
        rows: u64,
        sha256: Digest,
    },
    /// Nobody else has the database open.
    NoOtherWriter {},
}

/// What can be asked of a column beside its type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ColumnFact {
    Nullable(bool),
    Default(Option<DefaultValue>),
}
