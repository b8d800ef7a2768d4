//! What can be asked of a live site: the closed set of questions that plans rest on, and their
//! answers.
//!
//! The runner asks these and nothing else. Adding one is a new minor version of the plan format,
//! like adding a move.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::files::rewriting::Rewriting;
use crate::model::names::{Digest, FilePath, ObjectRef};

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
    /// Exactly these ids are recorded; null when the table must be absent.
    RevisionsAre {
        table: ObjectRef,
        column: String,
        recorded: Option<Vec<String>>,
    },
    /// The column holds so many characters; null for unlimited.
    ColumnWidth {
        table: ObjectRef,
        column: String,
        width: Option<u32>,
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
    /// The run was taken back to its beginning; its id is 16 hexadecimal digits.
    RunTakenBack {
        run: String,
    },
    /// Nothing that the move discards is there any more.
    KeptIsGone {
        r#move: usize,
    },
    DirectoryIs {
        path: FilePath,
        present: bool,
    },
    /// The migration files are these.
    ScriptsAre {
        system: String,
        directory: FilePath,
        sha256: Digest,
    },
    /// The run's backup of that name is there and can be read back.
    BackupReads {
        name: String,
        directory: Option<FilePath>,
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
    /// Exactly so many rows spell a reference as of old, with these keys and values.
    OutdatedAre {
        rewriting: Rewriting,
        rows: u64,
        sha256: Digest,
    },
    /// Nobody else has the database open.
    NoOtherWriter {},
}
