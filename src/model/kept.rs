//! What runs keep, as a plan names it that removes it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::names::FilePath;

/// Removes what another run kept, which was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscardKept {
    /// The run's id, 16 hexadecimal digits.
    pub run: String,
    /// Sorted.
    pub kept: Vec<SavedCopyRef>,
}

/// A backup, saved objects or saved files of a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SavedCopyRef {
    /// Name within the run; a plain file name.
    pub name: String,
    /// Where it lies; null for the run's own folder.
    pub directory: Option<FilePath>,
    pub bytes: u64,
}
