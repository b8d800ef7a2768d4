//! `restore_uploads`: files of an archive are merged into an upload root; nothing is replaced or
//! deleted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::files::location::Location;
use crate::model::names::{Digest, FilePath};
use crate::model::plan::moves::copy_files::RemoveFiles;
use crate::model::plan::moves::effects::{Act, Effects, Guards, PathRole, Surroundings, Use};
use crate::model::plan::moves::file_list::FileList;
use crate::model::plan::moves::values;
use crate::model::plan::probe::Probe;
use crate::model::plan::reversal::{By, Reversal};
use crate::model::plan::risk::Risk;
use crate::model::plan::step::Move;
use crate::model::text::{bytes, counted};

/// Unpacks listed files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoreUploads {
    pub archive: FilePath,
    pub sha256: Digest,
    pub to: Location,
    pub files: FileList,
}

impl Act for RestoreUploads {
    fn effects(&self) -> Effects<'_> {
        let (files, size) = self.files.totals();
        let (many, sum) = (counted(files, "file"), bytes(size));
        let (archive, to) = (self.archive.to_text(), self.to.to_text());
        Effects::in_files(
            Risk::Destructive,
            format!("restore {many} ({sum}) of `{archive}` to `{to}`"),
        )
        .path(&self.to, PathRole::Files, Use::Create)
        .list(&self.files)
        .detail(format!("sha256 {}", self.sha256))
        .details(self.files.lines(false))
        .count(|sum| (sum.files_to_move, sum.bytes_to_move) = (files, size))
    }

    fn guards(&self, around: &Surroundings<'_>) -> Guards {
        let archive = Probe::ArchiveIs { path: self.archive.clone(), sha256: self.sha256 };
        let done = Probe::FilesDone { r#move: around.index };
        Guards { ready: vec![archive], save: Vec::new(), done: vec![done] }
    }

    fn reversal(&self) -> Reversal {
        Reversal::By(By::Inverse)
    }

    fn way_back(&self, around: &Surroundings<'_>) -> Vec<Move> {
        let (root, files) = (self.to.clone(), FileList::Move(around.index));
        vec![Move::RemoveFiles(RemoveFiles { root, files })]
    }

    fn problem(&self) -> Option<String> {
        values::paths([&self.archive])
            .or_else(|| values::places([&self.to]))
            .or_else(|| self.files.problem())
    }

    fn lists_mut(&mut self) -> Vec<&mut FileList> {
        vec![&mut self.files]
    }
}
