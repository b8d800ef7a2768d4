//! `make_directory`: makes the directory that files are to be moved to.

use crate::actions::{Action, Parts, Phase, step};
use crate::model::config::Upload;
use crate::model::plan::step::{MakeDirectory, Move, Probe, RemoveDirectory, Step};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "make_directory",
    phase: Phase::MakeRoom,
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
    pub fn step(&self) -> Step {
        let path = self.upload.to.clone();
        let make =
            MakeDirectory { path: path.clone(), mode: None, owner: self.upload.owner.clone() };
        step(
            &ACTION,
            Parts {
                address: format!("uploads/{}", self.upload.name),
                reason: self.reason.into(),
                ready: vec![Probe::DirectoryIs { path: path.clone(), present: false }],
                moves: vec![Move::MakeDirectory(make)],
                done: vec![Probe::DirectoryIs { path: path.clone(), present: true }],
                undo: vec![Move::RemoveDirectory(RemoveDirectory { path })],
                ..Parts::default()
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let step = MakeRoom { upload: &upload, reason: "x" }.step();
        crate::actions::tests::check(&step);
        assert_eq!(
            (step.risk, step.title.as_str()),
            (Risk::Safe, "make directory `/data/avatars`")
        );
    }
}
