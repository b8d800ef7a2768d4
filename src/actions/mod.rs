//! SHELF: action kinds. Each turns an intention ("drop this table") into a [`Step`]: what must
//! hold, what is saved, the typed moves, what holds afterwards, how it is undone.
//!
//! An action is a compiler, not an executor: pure, and unknown to the runner. To add one: a
//! file here with its intention, its `ACTION` record and its tests, a line in [`ALL`], and a page
//! `docs/actions/KIND.md`. Nothing in `plan`, `apply`, `render` or `model` changes.

use crate::model::names::Digest;
use crate::model::plan::step::{Move, Probe, Risk, Step};
use crate::model::plan::wording;
use crate::model::risk;

pub mod backup_database;
pub mod drop_constraint;
pub mod drop_table;
pub mod drop_version_table;
pub mod drop_view;
pub mod make_directory;
pub mod move_files;
pub mod purge_run;
pub mod quarantine_table;
pub mod release_sources;
pub mod replace_files;
pub mod rewrite_references;
pub mod run_migrations;
pub mod stamp_revision;
pub mod widen_version_column;

/// All kinds.
pub const ALL: &[&Action] = &[
    &backup_database::ACTION,
    &drop_constraint::ACTION,
    &drop_table::ACTION,
    &drop_version_table::ACTION,
    &drop_view::ACTION,
    &make_directory::ACTION,
    &move_files::ACTION,
    &purge_run::ACTION,
    &quarantine_table::ACTION,
    &release_sources::ACTION,
    &replace_files::ACTION,
    &rewrite_references::ACTION,
    &run_migrations::ACTION,
    &stamp_revision::ACTION,
    &widen_version_column::ACTION,
];

/// One kind of action.
pub struct Action {
    /// Its name in plans; the name of its file and of its page.
    pub kind: &'static str,
    /// When in a plan its steps have their turn.
    pub phase: Phase,
    /// One sentence for people.
    pub about: &'static str,
    /// The whole page, from `docs/actions/`.
    pub page: &'static str,
}

/// The order of a plan: back up, copy files, change the database, run migrations, release what
/// other plans moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    BackUp,
    MakeRoom,
    CopyFiles,
    Clear,
    Repair,
    Stamp,
    Rewrite,
    Migrate,
    Release,
}

/// The action of that kind.
pub fn by_kind(kind: &str) -> Option<&'static Action> {
    ALL.iter().copied().find(|action| action.kind == kind)
}

/// The parts of a step that its intention decides; the rest follows from them.
#[derive(Default)]
pub(crate) struct Parts {
    pub address: String,
    pub reason: String,
    pub transaction: Option<&'static str>,
    pub ready: Vec<Probe>,
    pub save: Vec<Move>,
    pub moves: Vec<Move>,
    pub done: Vec<Probe>,
    pub undo: Vec<Move>,
}

/// Makes the step of an action. Its id and its place among others are the plan's to give.
pub(crate) fn step(action: &Action, parts: Parts) -> Step {
    let mut step = Step {
        id: String::new(),
        kind: action.kind.to_owned(),
        address: parts.address,
        title: String::new(),
        reason: parts.reason,
        risk: Risk::Safe,
        requires: Vec::new(),
        superseded_by: None,
        transaction: parts.transaction.map(str::to_owned),
        ready: parts.ready,
        save: parts.save,
        moves: parts.moves,
        done: parts.done,
        undo: parts.undo,
    };
    step.risk = risk::of_step(&step);
    step.title = wording::title(&step);
    step
}

/// The name under which a step keeps what it saves: short, plain, the same for the same address.
pub(crate) fn save_name(action: &Action, address: &str) -> String {
    format!("{}-{}", action.kind, Digest::of(address).short(8))
}

/// The transaction that all removals of a plan share: they happen together or not at all.
pub(crate) const CLEARING: &str = "clear";

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What must be true of every step an action makes.
    pub(crate) fn check(step: &Step) {
        assert!(by_kind(&step.kind).is_some(), "{} is not on the shelf", step.kind);
        assert!(!step.moves.is_empty() && !step.done.is_empty() && !step.address.is_empty());
        assert_eq!(step.risk, risk::of_step(step));
        let files = step.moves.iter().filter(|mv| mv.touches_files()).count();
        assert!(
            files == 0 || files == step.moves.len(),
            "a step touches the database or files, never both"
        );
        if step.moves.iter().any(|mv| matches!(mv, Move::DropObject(_))) {
            assert!(!step.save.is_empty() && !step.undo.is_empty(), "nothing is dropped unsaved");
        }
    }

    #[test]
    fn kinds_are_unique_and_sorted_as_their_files_are() {
        let kinds: Vec<&str> = ALL.iter().map(|action| action.kind).collect();
        let mut sorted = kinds.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(kinds, sorted);
    }
}
