//! The lists of files that moves work through: in the plan, or in a file beside it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::files::uploads::FileFact;
use crate::model::names::Digest;
use crate::model::text::bytes;

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

/// How many files of a list are shown; the rest are counted. Of what is removed, all.
const SHOWN: usize = 10;

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

    /// Its files as lines, for people.
    pub fn lines(&self, all: bool) -> Vec<String> {
        match self {
            Self::Inline(rows) => {
                let most = if all { usize::MAX } else { SHOWN };
                let line = |row: &FileFact| {
                    let (path, size) = (row.path().to_text(), bytes(row.size()));
                    format!("`{path}`, {size}, {}", row.sha256().short(12))
                };
                let mut lines: Vec<String> = rows.iter().take(most).map(line).collect();
                if rows.len() > most {
                    lines.push(format!("and {} more", rows.len() - most));
                }
                lines
            }
            Self::Sidecar(sidecar) => {
                let Sidecar { first, files, sha256, .. } = sidecar;
                let last = first.saturating_add(*files);
                vec![format!(
                    "lines {} to {last} of the file beside the plan, sha256 {}",
                    first.saturating_add(1),
                    sha256.short(12)
                )]
            }
            Self::Move(_) | Self::Replaced(_) => Vec::new(),
        }
    }

    /// What makes no sense in a list of a move's own.
    pub fn problem(&self) -> Option<String> {
        match self {
            Self::Inline(files) if files.is_empty() => Some("its list has no files".to_owned()),
            Self::Inline(files) => {
                if let Some(file) = files.iter().find(|file| !file.path().is_plain_relative()) {
                    let path = file.path().to_text();
                    return Some(format!("the listed file `{path}` is not below its root"));
                }
                let sorted = files.is_sorted_by(|one, next| one.path() < next.path());
                (!sorted).then(|| "a list of files is not sorted, or names a file twice".to_owned())
            }
            Self::Sidecar(Sidecar { first, files, .. }) => (*files == 0
                || first.checked_add(*files).is_none())
            .then(|| format!("lines {first} and the next {files} of the sidecar make no sense")),
            Self::Move(_) | Self::Replaced(_) => {
                Some("it has no list of files of its own".to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::names::Digest;
    use crate::model::text::visible_line;

    #[test]
    fn a_line_of_a_file_has_nothing_that_is_escaped_where_it_is_shown() {
        let row = FileFact("more/ada.png".into(), 3, Digest::of("ada"));
        let lines = FileList::Inline(vec![row]).lines(true);
        assert_eq!(lines, [format!("`more/ada.png`, 3 B, {}", Digest::of("ada").short(12))]);
        assert_eq!(visible_line(&lines[0]), lines[0]);
    }
}
