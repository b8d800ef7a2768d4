//! The moves that change files, and the lists they work through.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::files::uploads::FileFact;
use crate::model::names::{Digest, FilePath};

/// Makes a directory and the missing ones above it, within a permitted root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MakeDirectory {
    pub path: FilePath,
    /// Octal; null for the usual mode.
    pub mode: Option<String>,
    /// `uid:gid`; null for the running user.
    pub owner: Option<String>,
}

/// Removes a directory that this run made, if it is empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveDirectory {
    pub path: FilePath,
}

/// Copies files from one root to another. Sources stay; nothing is ever replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CopyFiles {
    pub from: FilePath,
    pub to: FilePath,
    pub files: FileList,
    pub mode: Option<String>,
    pub owner: Option<String>,
    /// Each under its [name by content](FileFact::by_content), since its own is taken.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub renamed: bool,
}

impl CopyFiles {
    /// The copies that these rows of its list become.
    pub fn copies<'a>(&self, rows: &'a [FileFact]) -> Cow<'a, [FileFact]> {
        if self.renamed {
            rows.iter().map(FileFact::by_content).collect()
        } else {
            Cow::Borrowed(rows)
        }
    }
}

/// Copies files from one root over other files with the same names in another, each at once.
/// Sources stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceFiles {
    pub from: FilePath,
    pub to: FilePath,
    /// What is copied.
    pub files: FileList,
    /// What has these names now: the same paths in the same order.
    pub replaced: FileList,
    pub mode: Option<String>,
    pub owner: Option<String>,
}

/// Removes files that this run created and that still have the content it gave them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveFiles {
    pub root: FilePath,
    pub files: FileList,
}

/// Puts copies of files into the run's keeping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveFiles {
    /// Name of the copies' directory within the run; a plain file name.
    pub name: String,
    pub from: FilePath,
    pub files: FileList,
}

/// Removes files of which there is a copy with the same content in another root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseFiles {
    pub from: FilePath,
    /// Where the copies are.
    pub to: FilePath,
    pub files: FileList,
}

/// Brings saved files back to where they were, where nothing is or what this run put there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoreFiles {
    pub name: String,
    pub root: FilePath,
    pub files: FileList,
    /// What this run put in their place; null where it only removed them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replacing: Option<FileList>,
}

/// A list of files, where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileList {
    /// In the plan itself, sorted by path.
    Inline(Vec<FileFact>),
    /// In the file beside the plan.
    Sidecar(Sidecar),
    /// The same list as that of the step's move with this index.
    Move(usize),
    /// What the step's move with this index replaces.
    Replaced(usize),
}

/// A stretch of lines in the plan's sidecar file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sidecar {
    /// Index of the first line, counted from 0.
    pub first: u64,
    pub files: u64,
    pub bytes: u64,
    /// Over exactly these lines, uncompressed, each with its newline.
    pub sha256: Digest,
}

impl FileList {
    /// How many files and bytes, where the list itself says so.
    pub fn totals(&self) -> (u64, u64) {
        match self {
            // A plan from elsewhere may name sizes that no disk holds.
            Self::Inline(files) => {
                (files.len() as u64, files.iter().map(FileFact::size).fold(0, u64::saturating_add))
            }
            Self::Sidecar(sidecar) => (sidecar.files, sidecar.bytes),
            Self::Move(_) | Self::Replaced(_) => (0, 0),
        }
    }

    /// Whether it is a list itself and no word for another.
    pub fn is_own(&self) -> bool {
        matches!(self, Self::Inline(_) | Self::Sidecar(_))
    }
}
