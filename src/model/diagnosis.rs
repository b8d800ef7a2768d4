//! In what state the database is, and what was found: words for both, no judgement.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The states a database can be in; `diagnose` takes the first whose rule matches.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DatabaseState {
    /// The database was not looked at; nothing can be said and nothing planned.
    Unreachable,
    Absent,
    Fresh,
    Foreign,
    UnknownRevision,
    HalfApplied,
    PartialMigration,
    PartialSchema,
    FalseStamp,
    Drifted,
    Behind,
    Current,
    Diverged,
    Ahead,
    Legacy,
    Corrupted,
}

/// What a state asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Run all migrations on an empty database.
    FreshInit,
    /// Run what is pending.
    CheckMigrations,
    /// Repair, stamp what the schema shows, upgrade.
    ComprehensiveMigration,
    /// Correct the recorded revision to what the schema shows.
    Restamp,
    /// Remove what nothing explains, then start fresh.
    CleanupAndFreshInit,
    /// Nothing to do.
    None,
    /// Touch nothing; a person has to decide.
    Refuse,
}

/// The verdict on a database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Diagnosis {
    pub state: DatabaseState,
    pub strategy: Strategy,
    /// What waits for a person: subjects of error findings. Nothing of it is among the steps.
    pub blocked: Vec<String>,
    /// What the verdict rests on, and what would change it.
    pub evidence: Vec<String>,
    /// Null where no framework is configured.
    pub revision: Option<Revision>,
}

/// The recorded revision against the scripts and the schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Revision {
    pub system: String,
    pub recorded: Vec<String>,
    pub target: Vec<String>,
    pub pending: Vec<String>,
    pub inferred: Inferred,
}

/// What the schema itself says about the revision it is at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Inferred {
    /// The head set whose schema, and no other, is the live one.
    pub exact: Option<Vec<String>>,
    /// Head sets that the live schema cannot tell apart.
    pub candidates: Vec<Vec<String>>,
    pub nearest: Option<Nearest>,
}

/// The catalogue entry with the fewest differences; never a reason to stamp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nearest {
    pub revisions: Vec<String>,
    pub differences: Vec<String>,
}

/// How bad a finding is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Waits for a person.
    Error,
    Warning,
    Info,
}

/// Something a rule noticed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    pub severity: Severity,
    /// The rule's name on its shelf.
    pub code: String,
    /// What it is about, stable across runs: `database`, `table users`, `avatars/a.png`.
    pub subject: String,
    pub message: String,
    pub hint: Option<String>,
}

impl DatabaseState {
    /// The state as documents write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Absent => "absent",
            Self::Fresh => "fresh",
            Self::Foreign => "foreign",
            Self::UnknownRevision => "unknown_revision",
            Self::HalfApplied => "half_applied",
            Self::PartialMigration => "partial_migration",
            Self::PartialSchema => "partial_schema",
            Self::FalseStamp => "false_stamp",
            Self::Drifted => "drifted",
            Self::Behind => "behind",
            Self::Current => "current",
            Self::Diverged => "diverged",
            Self::Ahead => "ahead",
            Self::Legacy => "legacy",
            Self::Corrupted => "corrupted",
        }
    }
}

impl Strategy {
    /// The strategy as documents write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::FreshInit => "fresh_init",
            Self::CheckMigrations => "check_migrations",
            Self::ComprehensiveMigration => "comprehensive_migration",
            Self::Restamp => "restamp",
            Self::CleanupAndFreshInit => "cleanup_and_fresh_init",
            Self::None => "none",
            Self::Refuse => "refuse",
        }
    }
}

impl Severity {
    /// The severity as documents write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// What a person decided beforehand, by flags of `plan`. Every decision shows in the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decisions {
    /// Forget a recorded revision that stands for nothing, and start anew.
    pub reinitialize: bool,
    /// The revisions that a person says the schema is at, sorted; empty where nobody said so.
    pub assume_revision: Vec<String>,
    /// Remove files from old places, where their copies are verified.
    pub release_sources: bool,
}
