//! `backup_database`: a backup of the whole database, read back, before anything is changed.

use crate::actions::{Action, Draft, Phase, draft};
use crate::model::names::FilePath;
use crate::model::plan::derive::BACKUP;
use crate::model::plan::step::{BackupDatabase, Move};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "backup_database",
    phase: Phase::BackUp,
    makes: |moves| matches!(moves, [Move::BackupDatabase(_)]),
    about: "writes a backup of the whole database and reads it back",
    page: include_str!("../../docs/actions/backup_database.md"),
};

/// The intention.
pub struct BackUp<'a> {
    /// Null for the run's own folder.
    pub directory: Option<&'a FilePath>,
}

impl BackUp<'_> {
    /// Its step.
    pub fn step(&self) -> Draft {
        let directory = self.directory.cloned();
        let backup = BackupDatabase { name: BACKUP.into(), directory };
        draft(&ACTION, "database", "before_change", vec![Move::BackupDatabase(backup)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::tests::step_of;

    #[test]
    fn a_backup_changes_nothing_and_has_nothing_to_undo() {
        let step = step_of(BackUp { directory: None }.step());
        assert_eq!(step.title, "back up the database");
        assert!(step.undo.is_empty());
    }
}
