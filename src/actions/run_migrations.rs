//! `run_migrations`: runs the application's own upgrade command, on exactly the scripts that were
//! seen, and holds it to what it should have done.

use std::collections::BTreeMap;

use crate::actions::backup_database::NAME as BACKUP;
use crate::actions::{Action, Parts, Phase, step};
use crate::model::database::revisions::VersionTable;
use crate::model::host_command::HostCommand;
use crate::model::names::{Digest, FilePath};
use crate::model::plan::step::{Move, Probe, RestoreDatabase, Run, RunCheck, Step};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "run_migrations",
    phase: Phase::Migrate,
    about: "runs the application's own upgrade command on the scripts that were seen",
    page: include_str!("../../docs/actions/run_migrations.md"),
};

/// The intention.
pub struct RunMigrations<'a> {
    /// The host's name of the upgrade command, and what it is.
    pub command: (&'a str, &'a HostCommand),
    /// The same of the check, where there is one.
    pub check: Option<(&'a str, &'a HostCommand)>,
    pub timeout_seconds: u64,
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
        let (name, command) = self.command;
        // A command that is told how far to go is told the end.
        let revision = match self.target {
            [one] if command.takes_revision() => Some(one.clone()),
            _ => None,
        };
        let run = Run {
            command: name.to_owned(),
            argv: command.argv.clone(),
            directory: command.directory.clone(),
            env: command.env.clone(),
            pass: command.pass.clone(),
            url_variable: command.url_variable.clone(),
            check: self.check.map(|(name, check)| RunCheck {
                command: name.to_owned(),
                argv: check.argv.clone(),
            }),
            revision,
            timeout_seconds: command.timeout_seconds.unwrap_or(self.timeout_seconds),
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
    fn the_command_is_the_hosts_and_the_scripts_are_pinned() {
        let words =
            |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let command = |argv: &[&str]| HostCommand {
            argv: words(argv),
            directory: "/app".into(),
            env: BTreeMap::new(),
            pass: words(&["SECRET_KEY"]),
            url_variable: Some("DATABASE_URL".into()),
            timeout_seconds: None,
            lock_timeout_seconds: None,
        };
        let upgrade = command(&["/usr/bin/flask", "db", "upgrade", "{revision}"]);
        let check = command(&["/usr/bin/flask", "--version"]);
        let table = ObjectRef::table("public", "versions");
        let book = VersionTable { table, column: "v".into(), width: None, recorded: None };
        let (pending, target) = (words(&["1", "2"]), words(&["2"]));
        let step = RunMigrations {
            command: ("upgrade", &upgrade),
            check: Some(("check", &check)),
            timeout_seconds: 900,
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
        assert_eq!(run.argv, upgrade.argv);
        assert_eq!(run.words(), words(&["/usr/bin/flask", "db", "upgrade", "2"]));
        assert_eq!((run.timeout_seconds, &run.pass), (900, &upgrade.pass));
        let check = RunCheck { command: "check".into(), argv: check.argv.clone() };
        assert_eq!(run.check, Some(check));
        assert_eq!(step.title, "run `flask db upgrade 2` (2 migrations)");
    }
}
