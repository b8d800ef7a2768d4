//! `replace_files`: copies files from an old place over files of other content where they belong.
//! What is replaced is kept by the run, so that undo puts it back.

use crate::actions::{Action, Draft, Phase, draft};
use crate::model::config::Upload;
use crate::model::files::location::Location;
use crate::model::files::uploads::FileFact;
use crate::model::names::FilePath;
use crate::model::plan::step::{self, FileList, Move};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "replace_files",
    phase: Phase::CopyFiles,
    makes: |moves| matches!(moves, [Move::ReplaceFiles(_)]),
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
    pub fn step(self) -> Draft {
        let upload = self.upload;
        let address = format!("uploads/{}{}", upload.name, self.from.to_text());
        let replace = step::ReplaceFiles {
            from: Location::directory(self.from.clone()),
            to: Location::directory(upload.to.clone()),
            files: FileList::Inline(self.files),
            replaced: FileList::Inline(self.replaced),
            mode: upload.mode.clone(),
            owner: upload.owner.clone(),
        };
        draft(&ACTION, address, self.reason, vec![Move::ReplaceFiles(replace)])
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
        let draft =
            ReplaceFiles { upload: &upload, from: &upload.from[0], files, replaced, reason: "x" }
                .step();
        let step = step_of(draft);
        assert_eq!(step.risk, Risk::Destructive);
        assert!(
            matches!(&step.save[..], [Move::SaveFiles(_)])
                && matches!(&step.undo[..], [Move::RestoreFiles(_)])
        );
        assert_eq!(step.title, "replace 1 file of `/new` by those of `/old` (1.5 kB)");
    }
}
