//! `backup_database`, `restore_database`: the whole database, to a file and back from one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::names::{Digest, FilePath};
use crate::model::plan::moves::effects::{Act, Effects, Guards, PathRole, Surroundings, Use};
use crate::model::plan::moves::values;
use crate::model::plan::probe::Probe;
use crate::model::plan::reversal::{By, Reversal};
use crate::model::plan::risk::Risk;
use crate::model::plan::step::Move;

/// The name of the one backup of a plan.
pub const NAME: &str = "database";

/// The name of the backup that a restore makes of what it is about to replace.
pub const SAFETY: &str = "before-restore";

/// Backs up the whole database and reads the backup back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BackupDatabase {
    /// Name of the backup within the run; a plain file name.
    pub name: String,
    /// Where to put it; null for the run's own folder.
    pub directory: Option<FilePath>,
}

/// Replaces the content of the whole database by that of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoreDatabase {
    pub source: BackupSource,
}

/// Which backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum BackupSource {
    /// One that this run made.
    Run(BackupDatabase),
    /// A file that the plan is bound to.
    Archive { path: FilePath, sha256: Digest },
}

impl Act for BackupDatabase {
    fn effects(&self) -> Effects<'_> {
        let mut effects = Effects::on_database(Risk::Safe, "back up the database")
            .directory(self.directory.as_ref(), PathRole::Backups, Use::Create)
            .detail(values::kept(&self.name, self.directory.as_ref()));
        effects.saves = Some(&self.name);
        effects
    }

    fn guards(&self, _: &Surroundings<'_>) -> Guards {
        let (name, directory) = (self.name.clone(), self.directory.clone());
        Guards { done: vec![Probe::BackupReads { name, directory }], ..Guards::default() }
    }

    fn reversal(&self) -> Reversal {
        Reversal::By(By::Nothing)
    }

    fn way_back(&self, _: &Surroundings<'_>) -> Vec<Move> {
        Vec::new()
    }

    fn problem(&self) -> Option<String> {
        values::name(&self.name).or_else(|| values::paths(&self.directory))
    }

    fn backup(&self) -> Option<&BackupDatabase> {
        Some(self)
    }
}

impl Act for RestoreDatabase {
    fn effects(&self) -> Effects<'_> {
        match &self.source {
            BackupSource::Run(backup) => {
                let mut effects =
                    Effects::on_database(Risk::Destructive, "restore the database from its backup")
                        .directory(backup.directory.as_ref(), PathRole::Backups, Use::Read)
                        .detail(values::kept(&backup.name, backup.directory.as_ref()));
                effects.needs = Some(&backup.name);
                effects
            }
            BackupSource::Archive { path, sha256 } => {
                let title = format!("restore the database from `{}`", path.to_text());
                Effects::on_database(Risk::Destructive, title).detail(format!("sha256 {sha256}"))
            }
        }
    }

    fn guards(&self, around: &Surroundings<'_>) -> Guards {
        match &self.source {
            BackupSource::Run(_) => Guards::default(),
            BackupSource::Archive { path, sha256 } => Guards {
                ready: vec![
                    Probe::ArchiveIs { path: path.clone(), sha256: *sha256 },
                    Probe::NoOtherWriter {},
                ],
                save: vec![Move::BackupDatabase(BackupDatabase {
                    name: around.copy.to_owned(),
                    directory: None,
                })],
                done: Vec::new(),
            },
        }
    }

    fn reversal(&self) -> Reversal {
        Reversal::By(By::Saved)
    }

    fn way_back(&self, around: &Surroundings<'_>) -> Vec<Move> {
        match &self.source {
            BackupSource::Run(_) => Vec::new(),
            BackupSource::Archive { .. } => {
                let backup = BackupDatabase { name: around.copy.to_owned(), directory: None };
                let source = BackupSource::Run(backup);
                vec![Move::RestoreDatabase(RestoreDatabase { source })]
            }
        }
    }

    fn problem(&self) -> Option<String> {
        match &self.source {
            BackupSource::Run(backup) => backup.problem(),
            BackupSource::Archive { path, .. } => values::paths([path]),
        }
    }

    fn restored(&self) -> Option<&BackupDatabase> {
        match &self.source {
            BackupSource::Run(backup) => Some(backup),
            BackupSource::Archive { .. } => None,
        }
    }
}
