//! `backup_database`: a backup of the whole database, read back, before anything is changed.

use crate::actions::{Action, Parts, Phase, step};
use crate::model::names::FilePath;
use crate::model::plan::step::{BackupDatabase, Move, Probe, Step};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "backup_database",
    phase: Phase::BackUp,
    about: "writes a backup of the whole database and reads it back",
    page: include_str!("../../docs/actions/backup_database.md"),
};

/// The name of the one backup of a plan.
pub const NAME: &str = "database";

/// The intention.
pub struct BackUp<'a> {
    /// Null for the run's own folder.
    pub directory: Option<&'a FilePath>,
}

impl BackUp<'_> {
    /// Its step.
    pub fn step(&self) -> Step {
        let directory = self.directory.cloned();
        step(
            &ACTION,
            Parts {
                address: "database".into(),
                reason: "before_change".into(),
                moves: vec![Move::BackupDatabase(BackupDatabase {
                    name: NAME.into(),
                    directory: directory.clone(),
                })],
                done: vec![Probe::BackupReads { name: NAME.into(), directory }],
                ..Parts::default()
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_changes_nothing_and_has_nothing_to_undo() {
        let step = BackUp { directory: None }.step();
        crate::actions::tests::check(&step);
        assert_eq!(step.title, "back up the database");
        assert!(step.undo.is_empty());
    }
}
