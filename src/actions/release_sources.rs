//! `release_sources`: removes files from an old place whose copies are where they belong. Only on
//! request, and never in the plan that moved them. What it removes is kept by the run, so that undo
//! brings it back.

use crate::actions::{Action, Parts, Phase, save_name, step};
use crate::model::config::Upload;
use crate::model::files::uploads::FileFact;
use crate::model::names::FilePath;
use crate::model::plan::step::{
    FileList, Move, Probe, ReleaseFiles, RestoreFiles, SaveFiles, Step,
};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "release_sources",
    phase: Phase::Release,
    about: "removes files from an old place whose copies are where they belong",
    page: include_str!("../../docs/actions/release_sources.md"),
};

/// The intention.
pub struct ReleaseSources<'a> {
    pub upload: &'a Upload,
    pub from: &'a FilePath,
    /// Files that are in both places with the same content, sorted by path.
    pub files: Vec<FileFact>,
    /// What else must hold, so that nothing refers to them there.
    pub unreferenced: Vec<Probe>,
    pub reason: &'a str,
}

impl ReleaseSources<'_> {
    /// Its step.
    pub fn step(self) -> Step {
        let (from, to) = (self.from.clone(), self.upload.to.clone());
        let address = format!("uploads/{}/{}", self.upload.name, from.to_text());
        let name = save_name(&ACTION, &address);
        let mut ready = vec![Probe::FilesReady { r#move: 0 }];
        ready.extend(self.unreferenced);
        let list = || FileList::Move(0);
        let save = SaveFiles { name: name.clone(), from: from.clone(), files: list() };
        let restore = RestoreFiles { name, root: from.clone(), files: list(), replacing: None };
        step(
            &ACTION,
            Parts {
                address,
                reason: self.reason.into(),
                ready,
                save: vec![Move::SaveFiles(save)],
                moves: vec![Move::ReleaseFiles(ReleaseFiles {
                    from,
                    to,
                    files: FileList::Inline(self.files),
                })],
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
    fn a_release_is_destructive_and_saves_what_it_removes() {
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
        let release = ReleaseSources {
            upload: &upload,
            from: &upload.from[0],
            files,
            unreferenced: Vec::new(),
            reason: "x",
        };
        let step = release.step();
        crate::actions::tests::check(&step);
        assert_eq!(step.risk, Risk::Destructive);
        assert!(
            matches!(&step.save[..], [Move::SaveFiles(_)])
                && matches!(&step.undo[..], [Move::RestoreFiles(_)])
        );
        assert_eq!(
            step.title,
            "remove 1 file (1.5 kB) from `/app/avatars`, copied to `/data/avatars`"
        );
    }
}
