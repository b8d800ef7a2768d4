//! `copy_files`, `remove_files`: files get copies in another place, and the copies go again. Sources
//! stay; nothing is ever replaced.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::files::location::Location;
use crate::model::files::uploads::FileFact;
use crate::model::plan::moves::effects::{
    Act, Effects, Files, Guards, PathRole, Surroundings, Use,
};
use crate::model::plan::moves::file_list::FileList;
use crate::model::plan::moves::values;
use crate::model::plan::probe::Probe;
use crate::model::plan::reversal::{By, Reversal};
use crate::model::plan::risk::Risk;
use crate::model::plan::step::Move;
use crate::model::text::{bytes, counted};

/// Copies files from one root to another. Sources stay; nothing is ever replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CopyFiles {
    pub from: Location,
    pub to: Location,
    pub files: FileList,
    /// Octal, of files; null keeps each file's own.
    pub mode: Option<String>,
    /// `uid:gid`; null keeps each file's own.
    pub owner: Option<String>,
    /// Each under its [name by content](FileFact::by_content), since its own is taken.
    pub renamed: bool,
}

/// Removes files that this run created and that still have the content it gave them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveFiles {
    pub root: Location,
    pub files: FileList,
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

impl Act for CopyFiles {
    fn effects(&self) -> Effects<'_> {
        let (files, size) = self.files.totals();
        let (from, to) = (self.from.to_text(), self.to.to_text());
        let named = if self.renamed { ", named by their content" } else { "" };
        let (many, sum) = (counted(files, "file"), bytes(size));
        let title = format!("copy {many} ({sum}) from `{from}` to `{to}`{named}");
        Effects::in_files(Risk::Safe, title)
            .path(&self.from, PathRole::Files, Use::Read)
            .path(&self.to, PathRole::Files, Use::Create)
            .list(&self.files)
            .details(values::attributes(self.mode.as_deref(), self.owner.as_deref()))
            .details(self.files.lines(false))
            .count(|sum| (sum.files_to_move, sum.bytes_to_move) = (files, size))
    }

    fn guards(&self, around: &Surroundings<'_>) -> Guards {
        let r#move = around.index;
        let (ready, done) = (Probe::FilesReady { r#move }, Probe::FilesDone { r#move });
        Guards { ready: vec![ready], save: Vec::new(), done: vec![done] }
    }

    fn reversal(&self) -> Reversal {
        Reversal::By(By::Inverse)
    }

    fn way_back(&self, around: &Surroundings<'_>) -> Vec<Move> {
        let (root, files) = (self.to.clone(), FileList::Move(around.index));
        vec![Move::RemoveFiles(RemoveFiles { root, files })]
    }

    fn problem(&self) -> Option<String> {
        values::places([&self.from, &self.to])
            .or_else(|| {
                (self.from == self.to).then(|| "it copies files onto themselves".to_owned())
            })
            .or_else(|| self.files.problem())
            .or_else(|| values::mode(self.mode.as_deref(), values::FILE_MODE))
            .or_else(|| values::owner(self.owner.as_deref()))
    }

    fn files(&self) -> Files<'_> {
        Files::Copy(self)
    }

    fn lists_mut(&mut self) -> Vec<&mut FileList> {
        vec![&mut self.files]
    }
}

impl Act for RemoveFiles {
    fn effects(&self) -> Effects<'_> {
        let title = format!("remove this run's copies from `{}`", self.root.to_text());
        Effects::in_files(Risk::Destructive, title)
            .path(&self.root, PathRole::Files, Use::Remove)
            .list(&self.files)
    }

    fn guards(&self, _: &Surroundings<'_>) -> Guards {
        Guards::default()
    }

    fn reversal(&self) -> Reversal {
        Reversal::By(By::Nothing)
    }

    fn way_back(&self, _: &Surroundings<'_>) -> Vec<Move> {
        Vec::new()
    }

    fn problem(&self) -> Option<String> {
        values::places([&self.root])
    }
}
