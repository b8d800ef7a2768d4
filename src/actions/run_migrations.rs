//! `run_migrations`: runs the application's own upgrade command, on exactly the scripts that were
//! seen, and holds it to what it should have done.

use std::collections::BTreeMap;

use crate::actions::backup_database::NAME as BACKUP;
use crate::actions::{Action, Parts, Phase, step};
use crate::model::config::Upgrade;
use crate::model::database::revisions::VersionTable;
use crate::model::names::{Digest, FilePath};
use crate::model::plan::step::{Move, Probe, RestoreDatabase, Run, Step};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "run_migrations",
    phase: Phase::Migrate,
    about: "runs the application's own upgrade command on the scripts that were seen",
    page: include_str!("../../docs/actions/run_migrations.md"),
};

/// The intention.
pub struct RunMigrations<'a> {
    /// The program as found on the host.
    pub program: &'a FilePath,
    pub upgrade: &'a Upgrade,
    pub system: &'a str,
    pub scripts: (&'a FilePath, Digest),
    pub book: &'a VersionTable,
    /// What is to be run, in order.
    pub pending: &'a [String],
    pub target: &'a [String],
    pub core: &'a BTreeMap<String, Vec<String>>,
    /// What the whole schema has to be at the end, where that is known.
    pub shape: Option<Probe>,
    /// The known stops on the way, each by what holds then.
    pub stumbles: Vec<Vec<Probe>>,
    pub backup_directory: Option<&'a FilePath>,
    pub reason: &'a str,
}

impl RunMigrations<'_> {
    /// Its step.
    pub fn step(self) -> Step {
        let absolute = |words: &[String]| -> Vec<String> {
            let mut words = words.to_vec();
            if let (Some(first), Some(configured)) =
                (words.first_mut(), self.upgrade.command.first())
                && first == configured
            {
                *first = self.program.to_text().into_owned();
            }
            words
        };
        let run = Run {
            argv: absolute(&self.upgrade.command),
            directory: self.upgrade.directory.clone(),
            env: self.upgrade.env.clone(),
            url_variable: self.upgrade.url_variable.clone(),
            check: absolute(&self.upgrade.check),
            timeout_seconds: self.upgrade.timeout_seconds,
            revisions: self.pending.to_vec(),
            stumbles: self.stumbles,
        };
        let mut done = vec![Probe::RevisionsAre {
            table: self.book.table.clone(),
            column: self.book.column.clone(),
            recorded: Some(self.target.to_vec()),
        }];
        if !self.core.is_empty() {
            done.push(Probe::CorePresent { tables: self.core.clone() });
        }
        done.extend(self.shape);
        let restore =
            RestoreDatabase { name: BACKUP.into(), directory: self.backup_directory.cloned() };
        let (directory, sha256) = self.scripts;
        step(
            &ACTION,
            Parts {
                address: format!("database/{}", self.system),
                reason: self.reason.into(),
                ready: vec![
                    Probe::ScriptsAre {
                        system: self.system.into(),
                        directory: directory.clone(),
                        sha256,
                    },
                    Probe::NoOtherWriter {},
                ],
                moves: vec![Move::Run(run)],
                done,
                undo: vec![Move::RestoreDatabase(restore)],
                ..Parts::default()
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::names::ObjectRef;

    #[test]
    fn the_program_is_absolute_in_both_commands_and_the_scripts_are_pinned() {
        let words =
            |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let upgrade = Upgrade {
            command: words(&["flask", "db", "upgrade", "heads"]),
            check: words(&["flask", "--version"]),
            directory: "/app".into(),
            env: BTreeMap::new(),
            url_variable: Some("DATABASE_URL".into()),
            timeout_seconds: 900,
            accept_stumbles: false,
        };
        let table = ObjectRef::table("public", "versions");
        let book = VersionTable { table, column: "v".into(), width: None, recorded: None };
        let (pending, target) = (words(&["1", "2"]), words(&["2"]));
        let step = RunMigrations {
            program: &"/usr/bin/flask".into(),
            upgrade: &upgrade,
            system: "s",
            scripts: (&"/app/migrations".into(), Digest::of("")),
            book: &book,
            pending: &pending,
            target: &target,
            core: &BTreeMap::new(),
            shape: None,
            stumbles: Vec::new(),
            backup_directory: None,
            reason: "x",
        }
        .step();
        crate::actions::tests::check(&step);
        let Move::Run(run) = &step.moves[0] else { panic!("not a run") };
        assert_eq!(run.argv, words(&["/usr/bin/flask", "db", "upgrade", "heads"]));
        assert_eq!(run.check, words(&["/usr/bin/flask", "--version"]));
        assert_eq!(step.title, "run `flask db upgrade heads` (2 migrations)");
    }
}
