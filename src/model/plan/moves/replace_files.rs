//! `replace_files`: files take the place of others with the same names, which are saved first.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::files::location::Location;
use crate::model::files::uploads::FileFact;
use crate::model::plan::moves::effects::{
    Act, Effects, Files, Guards, PathRole, Surroundings, Use,
};
use crate::model::plan::moves::file_list::FileList;
use crate::model::plan::moves::saved_files::{RestoreFiles, SaveFiles};
use crate::model::plan::moves::values;
use crate::model::plan::probe::Probe;
use crate::model::plan::reversal::{By, Reversal};
use crate::model::plan::risk::Risk;
use crate::model::plan::step::Move;
use crate::model::text::{bytes, counted};

/// Copies files from one root over other files with the same names in another, each at once. Sources
/// stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceFiles {
    pub from: Location,
    pub to: Location,
    /// What is copied.
    pub files: FileList,
    /// What has these names now: the same paths in the same order.
    pub replaced: FileList,
    /// Octal, of files; null keeps each file's own.
    pub mode: Option<String>,
    /// `uid:gid`; null keeps each file's own.
    pub owner: Option<String>,
}

impl ReplaceFiles {
    /// Whether both lists are there and name the same paths, as far as they stand in the plan.
    fn has_equal_lists(&self) -> bool {
        match (&self.files, &self.replaced) {
            (FileList::Inline(new), FileList::Inline(old)) => {
                new.iter().map(FileFact::path).eq(old.iter().map(FileFact::path))
            }
            (FileList::Sidecar(new), FileList::Sidecar(old)) => new.files == old.files,
            (
                FileList::Inline(_)
                | FileList::Sidecar(_)
                | FileList::Move(_)
                | FileList::Replaced(_),
                _,
            ) => false,
        }
    }
}

impl Act for ReplaceFiles {
    fn effects(&self) -> Effects<'_> {
        let (files, size) = self.files.totals();
        let (from, to) = (self.from.to_text(), self.to.to_text());
        let (many, sum) = (counted(files, "file"), bytes(size));
        let title = format!("replace {many} of `{to}` by those of `{from}` ({sum})");
        Effects::in_files(Risk::Destructive, title)
            .path(&self.from, PathRole::Files, Use::Read)
            .path(&self.to, PathRole::Files, Use::Change)
            .list(&self.files)
            .list(&self.replaced)
            .details(values::attributes(self.mode.as_deref(), self.owner.as_deref()))
            .detail("what is replaced, kept by the run:")
            .details(self.replaced.lines(true))
            .detail("what it is replaced by:")
            .details(self.files.lines(false))
            .count(|sum| (sum.files_to_move, sum.bytes_to_move) = (files, size))
    }

    fn guards(&self, around: &Surroundings<'_>) -> Guards {
        let r#move = around.index;
        let (name, from) = (around.copy.to_owned(), self.to.clone());
        let files = FileList::Replaced(r#move);
        Guards {
            ready: vec![Probe::FilesReady { r#move }],
            save: vec![Move::SaveFiles(SaveFiles { name, from, files })],
            done: vec![Probe::FilesDone { r#move }],
        }
    }

    fn reversal(&self) -> Reversal {
        Reversal::By(By::Saved)
    }

    fn way_back(&self, around: &Surroundings<'_>) -> Vec<Move> {
        vec![Move::RestoreFiles(RestoreFiles {
            name: around.copy.to_owned(),
            root: self.to.clone(),
            files: FileList::Replaced(around.index),
            replacing: Some(FileList::Move(around.index)),
        })]
    }

    fn problem(&self) -> Option<String> {
        values::places([&self.from, &self.to])
            .or_else(|| values::apart(&self.from, &self.to))
            .or_else(|| self.files.problem())
            .or_else(|| self.replaced.problem())
            .or_else(|| {
                let why = "what it replaces is not what has the names of the new";
                (!self.has_equal_lists()).then(|| why.to_owned())
            })
            .or_else(|| values::mode(self.mode.as_deref(), values::FILE_MODE))
            .or_else(|| values::owner(self.owner.as_deref()))
    }

    fn files(&self) -> Files<'_> {
        Files::Replace(self)
    }

    fn lists_mut(&mut self) -> Vec<&mut FileList> {
        vec![&mut self.files, &mut self.replaced]
    }
}
