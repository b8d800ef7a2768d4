//! `release_sources`: removes files from an old place whose copies are where they belong. Only on
//! request, and never in the plan that moved them. What it removes is kept by the run, so that undo
//! brings it back.

use crate::actions::{Action, Draft, Phase, draft};
use crate::model::config::Upload;
use crate::model::files::location::Location;
use crate::model::files::rewriting::Rewriting;
use crate::model::files::uploads::FileFact;
use crate::model::names::FilePath;
use crate::model::plan::step::{FileList, Move, ReleaseFiles};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "release_sources",
    phase: Phase::Release,
    makes: |moves| matches!(moves, [Move::ReleaseFiles(_)]),
    about: "removes files from an old place whose copies are where they belong",
    page: include_str!("../../docs/actions/release_sources.md"),
};

/// The intention.
pub struct ReleaseSources<'a> {
    pub upload: &'a Upload,
    pub from: &'a FilePath,
    /// Files that are in both places with the same content, sorted by path.
    pub files: Vec<FileFact>,
    /// Spellings of old that no row may have any more, so that nothing refers to them there.
    pub unreferenced: Vec<Rewriting>,
    pub reason: &'a str,
}

impl ReleaseSources<'_> {
    /// Its step.
    pub fn step(self) -> Draft {
        let address = format!("uploads/{}{}", self.upload.name, self.from.to_text());
        let release = ReleaseFiles {
            from: Location::directory(self.from.clone()),
            to: Location::directory(self.upload.to.clone()),
            files: FileList::Inline(self.files),
            unreferenced: self.unreferenced,
        };
        draft(&ACTION, address, self.reason, vec![Move::ReleaseFiles(release)])
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
        let step = step_of(release.step());
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
