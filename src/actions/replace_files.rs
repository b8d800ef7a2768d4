//! `replace_files`: copies files from an old place over files of other content where they belong.
//! What is replaced is kept by the run, so that undo puts it back.

use crate::actions::{Action, Parts, Phase, save_name, step};
use crate::model::config::Upload;
use crate::model::files::uploads::FileFact;
use crate::model::names::FilePath;
use crate::model::plan::step::{self, FileList, Move, Probe, RestoreFiles, SaveFiles, Step};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "replace_files",
    phase: Phase::CopyFiles,
    about: "copies files over others of another content, which the run keeps",
    page: include_str!("../../docs/actions/replace_files.md"),
};

/// The intention.
pub struct ReplaceFiles<'a> {
    pub upload: &'a Upload,
    pub from: &'a FilePath,
    /// What is copied, sorted by path.
    pub files: Vec<FileFact>,
    /// What has these names where they belong.
    pub replaced: Vec<FileFact>,
    pub reason: &'a str,
}

impl ReplaceFiles<'_> {
    /// Its step.
    pub fn step(self) -> Step {
        let (upload, to) = (self.upload, self.upload.to.clone());
        let address = format!("uploads/{}/{}", upload.name, self.from.to_text());
        let name = save_name(&ACTION, &address);
        let save = SaveFiles { name: name.clone(), from: to.clone(), files: FileList::Replaced(0) };
        let restore = RestoreFiles {
            name,
            root: to.clone(),
            files: FileList::Replaced(0),
            replacing: Some(FileList::Move(0)),
        };
        let replace = step::ReplaceFiles {
            from: self.from.clone(),
            to,
            files: FileList::Inline(self.files),
            replaced: FileList::Inline(self.replaced),
            mode: upload.mode.clone(),
            owner: upload.owner.clone(),
        };
        step(
            &ACTION,
            Parts {
                address,
                reason: self.reason.into(),
                ready: vec![Probe::FilesReady { r#move: 0 }],
                save: vec![Move::SaveFiles(save)],
                moves: vec![Move::ReplaceFiles(replace)],
                done: vec![Probe::FilesDone { r#move: 0 }],
                undo: vec![Move::RestoreFiles(restore)],
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
    fn replacing_is_destructive_and_saves_what_it_replaces() {
        let files = vec![FileFact("a.png".into(), 1500, Digest::of("a"))];
        let replaced = vec![FileFact("a.png".into(), 2, Digest::of("b"))];
        let upload = Upload {
            name: "avatars".into(),
            from: vec!["/old".into()],
            to: "/new".into(),
            on_conflict: OnConflict::Replace,
            ignore: Vec::new(),
            references: Vec::new(),
            mode: None,
            owner: None,
        };
        let step =
            ReplaceFiles { upload: &upload, from: &upload.from[0], files, replaced, reason: "x" }
                .step();
        crate::actions::tests::check(&step);
        assert_eq!(step.risk, Risk::Destructive);
        assert!(
            matches!(&step.save[..], [Move::SaveFiles(_)])
                && matches!(&step.undo[..], [Move::RestoreFiles(_)])
        );
        assert_eq!(step.title, "replace 1 file of `/new` by those of `/old` (1.5 kB)");
    }
}
