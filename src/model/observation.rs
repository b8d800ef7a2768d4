//! What was seen at one moment: facts, which a plan may rest on and which are
//! digested, and circumstances, which only inform people.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::config::Config;
use crate::model::database::catalogue::Catalogue;
use crate::model::database::offline::Offline;
use crate::model::database::revisions::{RecordedRevisions, Revisions};
use crate::model::database::schema::Schema;
use crate::model::files::references::Referenced;
use crate::model::files::uploads::{FileCircumstance, MountInfo, Tree};
use crate::model::host::HostFacts;
use crate::model::names::{Digest, FilePath, Moment, ObjectRef};

/// The version of the observation document; its history stands in `docs/formats/observation.md`.
pub const FORMAT_VERSION: &str = "1.0";

/// Everything `inspect` saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    pub format_version: String,
    pub made_by: String,
    pub made_at: Moment,
    pub facts: Facts,
    pub circumstances: Circumstances,
}

/// What a plan may rest on. Digested as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    pub config: Config,
    pub database: DatabaseFacts,
    /// Null where no framework is configured.
    pub revisions: Option<Revisions>,
    /// What schema the application has after each revision; null where nobody recorded it.
    pub catalogue: Option<Catalogue>,
    /// What the migrations do, where an offline script shows it.
    pub offline: Vec<Offline>,
    /// The upgrade command's program as found on this host; null where it was not found.
    pub program: Option<FilePath>,
    /// The same of its check.
    #[serde(default)]
    pub check_program: Option<FilePath>,
    /// What the host permits; null where it has no host.toml.
    #[serde(default)]
    pub host: Option<HostFacts>,
    /// One per distinct root, sorted by path.
    pub uploads: Vec<Tree>,
    pub references: Vec<Referenced>,
}

/// The database as a fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatabaseFacts {
    pub presence: Presence,
    pub identity: Identity,
    pub schema: Schema,
    /// The framework's own record; null where no framework is configured.
    pub book: Option<RecordedRevisions>,
    /// Exact row counts, only of tables that might have to go.
    pub rows: Vec<(ObjectRef, u64)>,
}

/// Whether there is a database at all. One that could not be looked at gives no observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    Present,
    Absent,
    /// The observation is of files only.
    NotLooked,
}

/// Which database it is. Clones may share this; the site's label tells them apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    pub engine: String,
    pub name: String,
    /// Null for an embedded database.
    pub host: Option<String>,
    /// What the engine itself knows the database by.
    pub identity: String,
}

/// What only informs: estimates, versions, times, owners. Never digested, never decided by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Circumstances {
    pub server_version: Option<String>,
    /// Who looked, as the database knows them.
    pub role: Option<String>,
    /// Options that the server keeps for itself, by the kind of object that has them: no dump carries
    /// them, so they are no part of the schema and never a difference.
    #[serde(default)]
    pub not_compared: BTreeMap<String, Vec<String>>,
    /// The engine's own estimates, by table; null where it has none.
    pub estimated_rows: Vec<(ObjectRef, Option<u64>)>,
    /// Mode, owner and time of each file, by root, in the order of its files.
    pub files: BTreeMap<String, Vec<FileCircumstance>>,
    /// Where each root lives.
    #[serde(default)]
    pub places: BTreeMap<String, MountInfo>,
    /// Free space in bytes, by root, as strings because they may be large.
    pub free_bytes: BTreeMap<String, String>,
}

impl Facts {
    /// What a plan names as `observation_sha256`.
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }

    /// What a plan names as `config_sha256`.
    pub fn config_digest(&self) -> Digest {
        Digest::of_json(&self.config)
    }

    /// The tree found at `root`.
    pub fn tree(&self, root: &FilePath) -> Option<&Tree> {
        self.uploads.iter().find(|tree| tree.root == *root)
    }

    /// The exact row count of a table, where it was counted.
    pub fn rows_of(&self, table: &ObjectRef) -> Option<u64> {
        self.database.rows.iter().find(|(object, _)| object == table).map(|(_, rows)| *rows)
    }

    /// The ids the database records, without the difference between an absent and an empty table.
    pub fn recorded(&self) -> &[String] {
        self.database.book.as_ref().map_or(&[], RecordedRevisions::ids)
    }
}
