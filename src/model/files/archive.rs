//! What an archive of uploads says of itself: its manifest.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::names::FilePath;

/// The version of the archive; its history stands in `docs/formats/archive.md`.
pub const FORMAT_VERSION: &str = "1.0";

/// The name of the archive's first member, which holds the manifest.
pub const MANIFEST: &str = "ttplan-manifest.jsonl";

/// The first line of the manifest. Every further line is the row of a file, `["root/path", size,
/// "sha256"]`, sorted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub format_version: String,
    pub made_by: String,
    /// In the order of their names.
    pub roots: Vec<ArchivedRoot>,
    pub files: u64,
    /// Sum of the files' sizes.
    pub bytes: u64,
}

/// One directory that was archived.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArchivedRoot {
    /// The upload's name; the first part of its files' names in the archive.
    pub name: String,
    /// Where it was.
    pub path: FilePath,
}
