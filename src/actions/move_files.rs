//! `move_files`: copies files from an old place to where they belong. Sources stay until a later
//! plan releases them; nothing is ever replaced.

use crate::actions::{Action, Parts, Phase, step};
use crate::model::config::Upload;
use crate::model::files::uploads::FileFact;
use crate::model::names::FilePath;
use crate::model::plan::step::{CopyFiles, FileList, Move, Probe, RemoveFiles, Step};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "move_files",
    phase: Phase::CopyFiles,
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
    pub fn step(self) -> Step {
        let (upload, to) = (self.upload, self.upload.to.clone());
        let copy = CopyFiles {
            from: self.from.clone(),
            to: to.clone(),
            files: FileList::Inline(self.files),
            mode: upload.mode.clone(),
            owner: upload.owner.clone(),
            renamed: self.renamed,
        };
        step(
            &ACTION,
            Parts {
                address: format!("uploads/{}", upload.name),
                reason: self.reason.into(),
                ready: vec![Probe::FilesReady { r#move: 0 }],
                moves: vec![Move::CopyFiles(copy)],
                done: vec![Probe::FilesDone { r#move: 0 }],
                undo: vec![Move::RemoveFiles(RemoveFiles { root: to, files: FileList::Move(0) })],
                ..Parts::default()
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let step = MoveFiles {
            upload: &upload,
            from: &upload.from[0],
            files,
            renamed: false,
            reason: "x",
        }
        .step();
        crate::actions::tests::check(&step);
        assert_eq!(step.risk, Risk::Safe);
        assert_eq!(step.title, "copy 1 file (1.5 kB) from `/app/avatars` to `/data/avatars`");
    }
}
