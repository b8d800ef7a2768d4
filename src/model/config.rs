//! The settled wishes: what `config` made of flags, environment, file and profile.
//!
//! Nothing in here is secret: passwords live in [`crate::model::names::Secret`] values
//! that are handed to `live` beside this. Paths are absolute. The whole of it is a fact
//! of an observation, so that a plan can be made elsewhere without the file.

use std::collections::BTreeMap;
use std::ffi::OsString;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::client_programs::ClientPrograms;
use crate::model::files::references::Reference;
use crate::model::names::{FilePath, Secret};

/// Everything a plan can depend on that a person or a profile decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Name or path of the profile that gave the defaults.
    pub profile: Option<String>,
    /// The label of the site; null when nobody gave one, and then no host accepts the plan.
    pub site: Option<String>,
    /// The application's own directory.
    pub root: FilePath,
    pub database: Database,
    pub revisions: Option<RevisionsConfig>,
    pub tables: Tables,
    pub cleanup: Cleanup,
    pub uploads: Vec<Upload>,
    pub backup: Backup,
}

/// Where the database is. The password, if any, is not here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// The engine's name on its shelf.
    pub engine: String,
    /// Host name or socket directory; null for an embedded database.
    pub host: Option<String>,
    pub port: Option<u16>,
    pub user: Option<String>,
    /// Name of the database, or the file's name for an embedded one.
    pub name: String,
    /// The file of an embedded database.
    pub path: Option<FilePath>,
    /// Connection options of the URL that ttplan honours (`sslmode`, `options`, ...).
    pub options: BTreeMap<String, String>,
    pub wait: Wait,
}

/// How long to wait for a database that is still starting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    pub attempts: u32,
    pub delay_seconds: u64,
    /// For all attempts together.
    pub timeout_seconds: u64,
}

/// Which migration framework, and where it lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevisionsConfig {
    /// The framework's name on its shelf.
    pub system: String,
    pub directory: FilePath,
    /// Revision ids, or the single word `head`/`heads`.
    pub target: Vec<String>,
    /// A catalogue of one's own; null for the profile's, if it has one for the engine.
    pub catalogue: Option<FilePath>,
    /// The output of the framework's offline mode, to tell what the migrations do; null for none.
    pub sql: Option<FilePath>,
    pub upgrade: Option<Upgrade>,
    /// The head sets that releases bring, where that is known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub releases: BTreeMap<String, Vec<String>>,
}

/// The application's own command that runs its migrations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Upgrade {
    /// Program and arguments; never passed through a shell.
    pub command: Vec<String>,
    /// A harmless command that shows that the program can be run at all; may be empty.
    pub check: Vec<String>,
    /// Working directory.
    pub directory: FilePath,
    /// Variables to set.
    pub env: BTreeMap<String, String>,
    /// Variables that are passed on as they are when the command is run, so that no secret gets
    /// into a plan; sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pass: Vec<String>,
    /// The variable in which the command expects the database's URL.
    pub url_variable: Option<String>,
    pub timeout_seconds: u64,
    /// Whether it may be run again where it is known to stop before it is through.
    pub accept_stumbles: bool,
}

/// Which tables are the application's, and what to do with others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tables {
    /// Core tables with the columns that show that they are this application's.
    pub core: BTreeMap<String, Vec<String>>,
    /// What to do with tables that nothing explains.
    pub unexpected: Unexpected,
    /// The same where the engine keeps the whole database in one file.
    pub unexpected_on_sqlite: Unexpected,
    /// Names never to touch.
    pub keep: Vec<String>,
    /// Schemas of releases older than the migrations, recognised by their tables.
    pub legacy: Vec<Legacy>,
}

/// What to do with a table that nothing explains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unexpected {
    Drop,
    Quarantine,
    #[default]
    Keep,
}

impl Unexpected {
    /// All choices as written in a configuration.
    pub const ALL: &[(&str, Unexpected)] = &[
        ("drop", Unexpected::Drop),
        ("quarantine", Unexpected::Quarantine),
        ("keep", Unexpected::Keep),
    ];
}

/// A schema that releases before the first migration had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Legacy {
    pub name: String,
    /// Tables with columns that must be there.
    pub tables: BTreeMap<String, Vec<String>>,
    /// Tables that must not be there.
    pub absent: Vec<String>,
}

/// What the application itself does to its database when it starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cleanup {
    /// Whether it drops or deletes by itself at start.
    pub at_start: bool,
    /// The variable that keeps it from doing so.
    pub variable: Option<String>,
    /// Whether that variable is set to a true value where the configuration was settled.
    pub skip: bool,
}

/// A set of uploaded files, where they may still lie and where they belong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Upload {
    pub name: String,
    pub from: Vec<FilePath>,
    pub to: FilePath,
    pub on_conflict: OnConflict,
    /// What in its directories is nobody's upload: lines as in a gitignore file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
    pub references: Vec<Reference>,
    /// Octal mode for moved files; null keeps each file's own.
    pub mode: Option<String>,
    /// `uid:gid` for moved files; null keeps each file's own.
    pub owner: Option<String>,
}

/// What to do with a file whose name is taken by another content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnConflict {
    /// Leave both files where they are and let a person decide.
    #[default]
    Stop,
    /// The destination is right; the source is left alone.
    KeepDestination,
    /// The source is right; what it replaces is kept by the run.
    Replace,
    /// Both are right: the source is copied under a name of its own.
    Rename,
}

impl OnConflict {
    /// All choices as written in a configuration.
    pub const ALL: &[(&str, OnConflict)] = &[
        ("stop", OnConflict::Stop),
        ("keep_destination", OnConflict::KeepDestination),
        ("replace", OnConflict::Replace),
        ("rename", OnConflict::Rename),
    ];
}

/// Where backups go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// Null: in the run's own folder in the state directory.
    pub directory: Option<FilePath>,
    /// How many finished runs' backups to keep.
    pub keep: u32,
}

impl Tables {
    /// What is to be done with unexpected tables on `engine`.
    pub fn unexpected_on(&self, whole_database_is_a_file: bool) -> Unexpected {
        if whole_database_is_a_file { self.unexpected_on_sqlite } else { self.unexpected }
    }
}

/// What is needed to reach the database: the settled address and the secrets beside it.
/// Never written anywhere.
#[derive(Clone, Debug)]
pub struct Access {
    pub database: Database,
    pub password: Option<Secret>,
    /// The URL as the operator gave it, for commands that expect it so.
    pub url: Secret,
    /// The `PATH` along which the application's own programs are looked for.
    pub path: OsString,
    /// The database's client programs, where the host names them.
    pub programs: ClientPrograms,
}
