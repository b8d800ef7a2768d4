//! What a migration would do, as its own offline script shows it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What one revision's offline script does, statement by statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Offline {
    pub revision: String,
    pub effects: Vec<LockEffect>,
}

/// What one statement does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LockEffect {
    pub does: StatementKind,
    /// The table or other object, as the statement spells it; empty where it could not be told.
    pub on: String,
    /// What others have to wait for meanwhile.
    pub holds: LockMode,
}

/// Kinds of effect.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum StatementKind {
    Creates,
    Alters,
    Drops,
    /// Every row is written anew.
    Rewrites,
    /// Rows are inserted, updated or deleted.
    Writes,
    /// The statement could not be read: it may do anything.
    Unknown,
}

/// Whom a statement keeps waiting on a server. Source: PostgreSQL's documentation, "Explicit
/// Locking" and "ALTER TABLE".
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum LockMode {
    Nobody,
    /// All others, for a moment.
    Briefly,
    /// Whoever writes, for as long as it reads the whole table.
    Writers,
    /// All others, for as long as it reads or writes the whole table.
    Everybody,
}

impl StatementKind {
    /// For sentences.
    pub fn word(self) -> &'static str {
        match self {
            Self::Creates => "creates",
            Self::Alters => "alters",
            Self::Drops => "drops",
            Self::Rewrites => "rewrites",
            Self::Writes => "writes to",
            Self::Unknown => "does something unknown to",
        }
    }
}
