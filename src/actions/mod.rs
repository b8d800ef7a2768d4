//! SHELF: action kinds. Each turns an intention ("drop this table") into a [`Draft`]: typed moves, and
//! what the plan says around them. What must hold, what is saved, how it is undone is derived.
//!
//! An action is a compiler, not an executor: pure, and unknown to the runner. Never spells SQL, never
//! writes a probe. To add one: a file here with its intention, its `ACTION` record and its tests, a
//! line in [`ALL`], and a page `docs/actions/KIND.md`. Nothing in `plan`, `apply`, `render` or `model`
//! changes.

use crate::model::plan::derive::{self, Said};
use crate::model::plan::step::Move;

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
    /// Whether these are moves that it makes: a plan's kind is bound to them.
    pub makes: fn(&[Move]) -> bool,
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

/// Drafts the step of an action: what the plan is to say of it. All else is derived, once the plan
/// has its order.
pub(crate) fn draft(
    action: &Action,
    address: impl Into<String>,
    reason: &str,
    moves: Vec<Move>,
) -> Draft {
    let reversal = derive::natural_reversal(&moves);
    let (kind, address, reason) = (action.kind.to_owned(), address.into(), reason.to_owned());
    Draft { said: Said { kind, address, reason, moves, reversal }, definitions: Vec::new() }
}

/// A step as an action drafts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub said: Said,
    /// The texts of the definitions that its moves name.
    pub definitions: Vec<String>,
}

impl Draft {
    /// With the text of a definition that a move names.
    pub(crate) fn defined(mut self, definition: &str) -> Self {
        self.definitions.push(definition.to_owned());
        self
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::plan::step::Step;

    /// The step of a draft that is all of a plan, after a backup; and what must be true of every
    /// step that an action makes.
    pub(crate) fn step_of(draft: Draft) -> Step {
        let backup = backup_database::BackUp { directory: None }.step().said;
        let kind = draft.said.kind.clone();
        let action = by_kind(&kind).unwrap();
        assert!((action.makes)(&draft.said.moves), "{kind} does not make its own moves");
        for definition in &draft.definitions {
            let sha256 = crate::model::names::Digest::of(definition);
            assert!(draft.said.moves.iter().any(|mv| mv.definitions().contains(&sha256)));
        }
        let step = derive::derive(vec![backup, draft.said]).pop().unwrap();
        assert!(!step.moves.is_empty() && !step.address.is_empty());
        assert!(step.moves.iter().all(|mv| mv.problem().is_none()), "{step:?}");
        step
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
