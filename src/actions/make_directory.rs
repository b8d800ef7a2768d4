//! `make_directory`: makes the directory that files are to be moved to.

use crate::actions::{Action, Draft, Phase, draft};
use crate::model::config::Upload;
use crate::model::files::location::Location;
use crate::model::plan::step::{MakeDirectory, Move};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "make_directory",
    phase: Phase::MakeRoom,
    makes: |moves| matches!(moves, [Move::MakeDirectory(_)]),
    about: "makes the directory that files are to be moved to",
    page: include_str!("../../docs/actions/make_directory.md"),
};

/// The intention: the destination of an upload, which is missing.
pub struct MakeRoom<'a> {
    pub upload: &'a Upload,
    pub reason: &'a str,
}

impl MakeRoom<'_> {
    /// Its step.
    pub fn step(&self) -> Draft {
        let path = Location::directory(self.upload.to.clone());
        let make = MakeDirectory { path, mode: None, owner: self.upload.owner.clone() };
        let address = format!("uploads/{}", self.upload.name);
        draft(&ACTION, address, self.reason, vec![Move::MakeDirectory(make)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::tests::step_of;
    use crate::model::config::OnConflict;
    use crate::model::plan::step::Risk;

    #[test]
    fn making_room_is_safe_and_undone_by_removing_it() {
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
        let step = step_of(MakeRoom { upload: &upload, reason: "x" }.step());
        assert_eq!(
            (step.risk, step.title.as_str()),
            (Risk::Safe, "make directory `/data/avatars`")
        );
    }
}
