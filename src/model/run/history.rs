//! The runs of a host: which there were, how far each came, and what the state directory holds.
//! Read from journals by `artifact`, shown by `render`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::names::{FilePath, Moment};

/// All runs of a host, the one that was started first, first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct History {
    pub runs: Vec<Run>,
}

/// One run: a plan's life on this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The run's id; the name of its folder in the state directory.
    pub run: String,
    /// None where the journal cannot be read.
    pub started_at: Option<Moment>,
    /// Of the last line of its journal.
    pub last_at: Option<Moment>,
    pub signed_by: Vec<String>,
    pub progress: RunPhase,
    pub steps_done: u64,
    pub steps_undone: u64,
    /// What stopped it, or why its journal cannot be read.
    pub failure: Option<String>,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunPhase {
    /// Nothing of it was begun.
    NotBegun,
    /// Some steps are done, some are not: applying the plan again goes on.
    Stopped,
    Finished,
    /// Some steps are undone, some are not: undoing it again goes on.
    BeingUndone,
    Undone,
    /// Its journal cannot be read, so nobody can say.
    Unknown,
}

/// What a host holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StateDirectoryStatus {
    pub site: String,
    /// The state directory.
    pub directory: FilePath,
    /// All its files together.
    pub bytes: u64,
    /// What its disk has left for us; null where the directory is not there yet.
    pub free_bytes: Option<u64>,
    /// Who runs something now, as they signed the lock.
    pub held_by: Option<String>,
    pub runs: u64,
    /// The run that was started last.
    pub last: Option<Run>,
    /// Runs that are neither finished nor undone.
    pub unfinished: Vec<Run>,
}

impl Run {
    /// Whether somebody has to go on with it.
    pub fn is_unfinished(&self) -> bool {
        matches!(self.progress, RunPhase::Stopped | RunPhase::BeingUndone | RunPhase::Unknown)
    }
}
