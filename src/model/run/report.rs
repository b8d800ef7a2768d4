//! What became of a run: per step and as a whole. Made by `apply`, shown by `render`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::names::Digest;

/// What `apply` or `undo` did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The run's id; the name of its folder in the state directory.
    pub run: String,
    /// Of the plan's bytes.
    pub plan_sha256: Digest,
    pub outcome: Outcome,
    pub steps: Vec<StepReport>,
    /// What a person should know although all went well.
    pub notes: Vec<String>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All steps are done and the goal holds.
    Finished,
    /// Everything was already as the plan wants it; nothing was changed.
    NothingToDo,
    /// The run was undone.
    Undone,
    /// Some steps are done, some are not; running again goes on.
    Stopped,
}

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepReport {
    pub id: String,
    pub title: String,
    pub outcome: StepOutcome,
}

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    Done,
    /// It was done before this run, or by an earlier attempt.
    Already,
    Undone,
    /// There was nothing of it to undo.
    NothingToUndo,
    /// Its undoing ran, and its beginning was not seen afterwards: something was left as it is, or
    /// could not be looked at. A note says what.
    Left,
    /// The run stopped before it.
    NotReached,
    Failed,
}
