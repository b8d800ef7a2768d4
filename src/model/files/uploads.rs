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
    /// Those among them that desktops leave (`.DS_Store`): never moved, but not part of the
    /// application either. Path and size, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub litter: Vec<(FilePath, u64)>,
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

    /// The same file under a name that says its content: `a.png` becomes `a.1f2e3d4c.png`, with the
    /// first digits of its SHA-256. What would be too long for a name loses the end of its stem.
    pub fn by_content(&self) -> Self {
        let path = self.0.as_bytes();
        let (above, name) =
            path.split_at(path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1));
        let dot = name.iter().rposition(|byte| *byte == b'.');
        let dot =
            dot.filter(|at| *at > 0 && name.len() - at <= LONGEST_SUFFIX).unwrap_or(name.len());
        let (stem, suffix) = name.split_at(dot);
        let digits = format!(".{}", self.2.short(8));
        let mut kept = stem.len().min(LONGEST_NAME.saturating_sub(digits.len() + suffix.len()));
        // Not in the middle of a character.
        while kept < stem.len() && stem.get(kept).is_some_and(|byte| byte & 0xC0 == 0x80) {
            kept -= 1;
        }
        let name = [above, &stem[..kept], digits.as_bytes(), suffix].concat();
        Self(FilePath::from_bytes(name), self.1, self.2)
    }
}

/// As long as the usual filesystems let a name be, in bytes.
const LONGEST_NAME: usize = 255;

/// What is longer, with its dot, is no suffix.
const LONGEST_SUFFIX: usize = 32;

/// Something in an upload root that is not a plain readable file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Odd {
    pub path: FilePath,
    pub what: OddKind,
}

/// Why an entry is odd.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
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

    /// Whether there is a directory with files at `path`.
    pub fn has_directory(&self, path: &FilePath) -> bool {
        let below = |file: &FilePath| file != path && file.as_path().starts_with(path.as_path());
        let inside = FilePath::from_bytes([path.as_bytes(), b"/"].concat());
        let first = self.files.partition_point(|file| file.0 < inside);
        self.files.get(first).is_some_and(|file| below(&file.0))
            || self.odd.iter().any(|odd| below(&odd.path))
    }

    /// The odd entry at `path`.
    pub fn odd_at(&self, path: &FilePath) -> Option<&Odd> {
        self.odd.iter().find(|odd| odd.path == *path)
    }

    /// The part of this tree at and below `root`, an absolute path in it, with how its files lie;
    /// `None` where the names that were passed over cannot be told apart any more.
    pub fn below(
        &self,
        root: &FilePath,
        lie: &[FileCircumstance],
    ) -> Option<(Tree, Vec<FileCircumstance>)> {
        if self.ignored > self.litter.len() as u64 || lie.len() != self.files.len() {
            return None;
        }
        let inside = |path: &FilePath| {
            let path = self.root.join(path);
            let rest = path.as_path().strip_prefix(root.as_path()).ok()?;
            Some(FilePath::new(rest)).filter(|rest| !rest.as_bytes().is_empty())
        };
        let files = self.files.iter().zip(lie);
        let files = files
            .filter_map(|(file, lie)| Some((FileFact(inside(&file.0)?, file.1, file.2), *lie)));
        let (files, lie): (Vec<FileFact>, Vec<FileCircumstance>) = files.unzip();
        let odd = self
            .odd
            .iter()
            .filter_map(|odd| Some(Odd { path: inside(&odd.path)?, what: odd.what }))
            .collect();
        let litter: Vec<(FilePath, u64)> =
            self.litter.iter().filter_map(|(path, size)| Some((inside(path)?, *size))).collect();
        let ignored = litter.len() as u64;
        Some((
            Tree { root: root.clone(), state: RootState::Present, files, odd, ignored, litter },
            lie,
        ))
    }

    /// Sum of the sizes, in bytes.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(FileFact::size).sum()
    }
}

/// Where a directory lives. Never digested, never decided by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MountInfo {
    /// The directory itself, or the nearest above it that is there.
    pub there: FilePath,
    pub kind: MountKind,
    pub mounted_at: FilePath,
    /// Its type, as the kernel calls it.
    pub filesystem: String,
    pub read_only: bool,
    /// For this user, in bytes.
    pub free_bytes: u64,
    /// How many more files fit; null where there is no fixed number.
    pub free_files: Option<u64>,
    pub uid: u32,
    pub gid: u32,
    /// Permission bits.
    pub mode: u16,
}

/// What kind of mount a directory is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MountKind {
    /// The container's own writable layer, which goes with the container.
    Layer,
    /// In memory, gone with the next start.
    Memory,
    /// A volume of the container engine.
    Volume,
    /// A directory of the host.
    Bind,
    /// A filesystem of its own.
    LocalStore,
}

impl MountInfo {
    /// Whether a user may make files here, by permission bits alone.
    pub fn lets_write(&self, uid: u32, gid: u32) -> bool {
        let bits = match () {
            () if uid == 0 => return true,
            () if uid == self.uid => self.mode >> 6,
            () if gid == self.gid => self.mode >> 3,
            () => self.mode,
        };
        bits & 0o3 == 0o3
    }
}

/// How a file lies on its disk: never digested, never decided by. Kept small: there is one per
/// file. Written as `["mode", uid, gid, "mtime"]`, mode in octal, mtime in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(into = "WrittenCircumstance", try_from = "WrittenCircumstance")]
pub struct FileCircumstance {
    /// Permission bits, with set-id and sticky bits.
    pub mode: u16,
    pub uid: u32,
    pub gid: u32,
    /// Nanoseconds since 1970; a time that does not fit is the nearest one that does.
    pub mtime: i64,
}

type WrittenCircumstance = (String, u32, u32, String);

impl From<FileCircumstance> for WrittenCircumstance {
    fn from(circumstance: FileCircumstance) -> Self {
        let FileCircumstance { mode, uid, gid, mtime } = circumstance;
        (format!("{mode:04o}"), uid, gid, mtime.to_string())
    }
}

impl TryFrom<WrittenCircumstance> for FileCircumstance {
    type Error = &'static str;

    fn try_from((mode, uid, gid, mtime): WrittenCircumstance) -> Result<Self, Self::Error> {
        let mode =
            u16::from_str_radix(&mode, 8).map_err(|_| "expected a mode in octal, like `0644`")?;
        let mtime = mtime.parse().map_err(|_| "expected a time in nanoseconds since 1970")?;
        Ok(Self { mode, uid, gid, mtime })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_by_content_keeps_directory_and_suffix_and_is_never_too_long() {
        let named = |path: &str| {
            FileFact(path.into(), 1, Digest::of("x")).by_content().0.to_text().into_owned()
        };
        assert_eq!(named("a.png"), "a.2d711642.png");
        assert_eq!(named("d.e/f.tar.gz"), "d.e/f.tar.2d711642.gz");
        assert_eq!(named("d/none"), "d/none.2d711642");
        assert_eq!(named(".hidden"), ".hidden.2d711642");
        for name in [
            "n".repeat(255),
            format!("{}.png", "n".repeat(251)),
            format!("{}.png", "ö".repeat(125)),
        ] {
            let long = named(&name);
            assert!(
                long.len() <= 255 && long.contains(".2d711642") && !long.contains('\u{fffd}'),
                "{long}"
            );
        }
    }

    #[test]
    fn a_circumstance_is_written_as_one_short_row() {
        let circumstance =
            FileCircumstance { mode: 0o644, uid: 1000, gid: 0, mtime: -1_500_000_000 };
        let text = serde_json::to_string(&circumstance).unwrap();
        assert_eq!(text, r#"["0644",1000,0,"-1500000000"]"#);
        assert_eq!(serde_json::from_str::<FileCircumstance>(&text).unwrap(), circumstance);
        assert!(serde_json::from_str::<FileCircumstance>(r#"["0999",0,0,"0"]"#).is_err());
        assert!(serde_json::from_str::<FileCircumstance>(r#"["0644",0,0,"soon"]"#).is_err());
        let schema = schemars::schema_for!(FileCircumstance).to_value();
        assert_eq!(schema["type"], "array");
        assert_eq!(schema["maxItems"], 4);
    }
}
