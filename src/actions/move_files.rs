//! `move_files`: copies files from an old place to where they belong. Sources stay until a later
//! plan releases them; nothing is ever replaced.

use crate::actions::{Action, Draft, Phase, draft};
use crate::model::config::Upload;
use crate::model::files::location::Location;
use crate::model::files::uploads::FileFact;
use crate::model::names::FilePath;
use crate::model::plan::step::{CopyFiles, FileList, Move};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "move_files",
    phase: Phase::CopyFiles,
    makes: |moves| matches!(moves, [Move::CopyFiles(_)]),
    about: "copies files to where they belong; the sources stay until a later plan releases them",
    page: include_str!("../../docs/actions/move_files.md"),
};

/// The intention.
pub struct MoveFiles<'a> {
    pub upload: &'a Upload,
    pub from: &'a FilePath,
    /// Files that are not at the destination, sorted by path.
    pub files: Vec<FileFact>,
    /// Whether each gets a name by its content, since its own is taken.
    pub renamed: bool,
    pub reason: &'a str,
}

impl MoveFiles<'_> {
    /// Its step.
    pub fn step(self) -> Draft {
        let upload = self.upload;
        let renamed = if self.renamed { "/renamed" } else { "" };
        let address = format!("uploads/{}{}{renamed}", upload.name, self.from.to_text());
        let copy = CopyFiles {
            from: Location::directory(self.from.clone()),
            to: Location::directory(upload.to.clone()),
            files: FileList::Inline(self.files),
            mode: upload.mode.clone(),
            owner: upload.owner.clone(),
            renamed: self.renamed,
        };
        draft(&ACTION, address, self.reason, vec![Move::CopyFiles(copy)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::tests::step_of;
    use crate::model::config::OnConflict;
    use crate::model::names::Digest;
    use crate::model::plan::step::Risk;

    #[test]
    fn a_move_copies_and_its_undo_concerns_the_same_list() {
        let upload = Upload {
            name: "avatars".into(),
            from: vec!["/app/avatars".into()],
            to: "/data/avatars".into(),
            on_conflict: OnConflict::Stop,
            ignore: Vec::new(),
            references: Vec::new(),
            mode: None,
            owner: None,
        };
        let files = vec![FileFact("a.png".into(), 1500, Digest::of("a"))];
        let draft = MoveFiles {
            upload: &upload,
            from: &upload.from[0],
            files,
            renamed: false,
            reason: "x",
        }
        .step();
        let step = step_of(draft);
        assert_eq!(step.risk, Risk::Safe);
        assert_eq!(step.title, "copy 1 file (1.5 kB) from `/app/avatars` to `/data/avatars`");
    }
}
