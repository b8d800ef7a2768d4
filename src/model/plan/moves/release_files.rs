//! `release_files`: sources go of which there is a copy with the same content elsewhere, saved first.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::files::location::Location;
use crate::model::files::rewriting::{Rewriting, outdated};
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

/// Removes files of which there is a copy with the same content in another root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseFiles {
    pub from: Location,
    /// Where the copies are.
    pub to: Location,
    pub files: FileList,
    /// Spellings of old that no row may have any more.
    pub unreferenced: Vec<Rewriting>,
}

impl Act for ReleaseFiles {
    fn effects(&self) -> Effects<'_> {
        let (files, size) = self.files.totals();
        let (from, to) = (self.from.to_text(), self.to.to_text());
        let (many, sum) = (counted(files, "file"), bytes(size));
        let title = format!("remove {many} ({sum}) from `{from}`, copied to `{to}`");
        let unreferenced = self.unreferenced.iter().map(|rewriting| {
            let (column, table) = (&rewriting.column, &rewriting.table);
            format!("only while no row of {table} has an old spelling in `{column}`")
        });
        Effects::in_files(Risk::Destructive, title)
            .path(&self.from, PathRole::Files, Use::Remove)
            .path(&self.to, PathRole::Files, Use::Read)
            .list(&self.files)
            .details(self.files.lines(true))
            .details(unreferenced)
            .details(self.unreferenced.iter().flat_map(Rewriting::lines))
            .count(|sum| sum.files_to_remove = files)
    }

    fn guards(&self, around: &Surroundings<'_>) -> Guards {
        let r#move = around.index;
        let mut ready = vec![Probe::FilesReady { r#move }];
        let none = outdated(&[]);
        ready.extend(self.unreferenced.iter().map(|rewriting| Probe::OutdatedRowsAre {
            rewriting: rewriting.clone(),
            rows: none.rows,
            sha256: none.sha256,
        }));
        let (name, from) = (around.copy.to_owned(), self.from.clone());
        let save = SaveFiles { name, from, files: FileList::Move(r#move) };
        Guards { ready, save: vec![Move::SaveFiles(save)], done: vec![Probe::FilesDone { r#move }] }
    }

    fn reversal(&self) -> Reversal {
        Reversal::By(By::Saved)
    }

    fn way_back(&self, around: &Surroundings<'_>) -> Vec<Move> {
        vec![Move::RestoreFiles(RestoreFiles {
            name: around.copy.to_owned(),
            root: self.from.clone(),
            files: FileList::Move(around.index),
            replacing: None,
        })]
    }

    fn problem(&self) -> Option<String> {
        values::places([&self.from, &self.to])
            .or_else(|| values::apart(&self.from, &self.to))
            .or_else(|| self.files.problem())
            .or_else(|| self.unreferenced.iter().find_map(Rewriting::problem))
    }

    fn files(&self) -> Files<'_> {
        Files::Release(self)
    }

    fn lists_mut(&mut self) -> Vec<&mut FileList> {
        vec![&mut self.files]
    }
}
