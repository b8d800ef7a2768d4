//! What lies in the upload directories: the facts of every file, and what was met
//! on the way that is not a plain file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::names::{Digest, FilePath};

/// One upload root as it was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tree {
    /// Absolute path of the root.
    pub root: FilePath,
    pub state: RootState,
    /// Sorted by path.
    pub files: Vec<FileFact>,
    /// Everything that is neither a plain file nor a directory, and what could not be
    /// read; none of it was followed or opened. Sorted by path.
    pub odd: Vec<Odd>,
    /// How many files were passed over because they are nobody's upload (`.gitkeep` and the like).
    pub ignored: u64,
}

/// Whether a root could be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RootState {
    Present,
    Missing,
    /// It is there but it is not a directory.
    NotADirectory,
    /// It is there but could not be read; nothing is known of its content.
    Unreadable,
}

/// One plain file, written as `["path", size, "sha256"]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct FileFact(
    /// Relative to the root.
    pub FilePath,
    /// In bytes.
    pub u64,
    /// Of the content.
    pub Digest,
);

impl FileFact {
    /// Relative to its root.
    pub fn path(&self) -> &FilePath {
        &self.0
    }

    /// In bytes.
    pub fn size(&self) -> u64 {
        self.1
    }

    /// Of the content.
    pub fn sha256(&self) -> Digest {
        self.2
    }
}

/// Something in an upload root that is not a plain readable file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Odd {
    pub path: FilePath,
    pub what: OddKind,
}

/// Why an entry is odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OddKind {
    Symlink,
    Fifo,
    Socket,
    Device,
    /// Could not be opened or read.
    Unreadable,
    /// Was written to while it was read.
    Changing,
}

impl OddKind {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Symlink => "symbolic link",
            Self::Fifo => "named pipe",
            Self::Socket => "socket",
            Self::Device => "device",
            Self::Unreadable => "file that cannot be read",
            Self::Changing => "file that changed while it was read",
        }
    }
}

impl Tree {
    /// The file at `path`, found by binary search.
    pub fn file(&self, path: &FilePath) -> Option<&FileFact> {
        self.files.binary_search_by(|file| file.0.cmp(path)).ok().map(|at| &self.files[at])
    }

    /// The odd entry at `path`.
    pub fn odd_at(&self, path: &FilePath) -> Option<&Odd> {
        self.odd.iter().find(|odd| odd.path == *path)
    }

    /// Sum of the sizes, in bytes.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(FileFact::size).sum()
    }
}

/// How a file lies on its disk: never digested, never decided by.
/// Written as `["mode", uid, gid, "mtime"]`, mode in octal, mtime in nanoseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileCircumstance(pub String, pub u32, pub u32, pub String);
