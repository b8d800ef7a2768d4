//! `run_migrations`: runs the application's own upgrade command, on exactly the scripts that were
//! seen, and holds it to what it should have done.

use std::collections::BTreeMap;

use crate::actions::{Action, Draft, Phase, draft};
use crate::model::database::revisions::{RecordedRevisions, sorted_rows};
use crate::model::host_command::HostCommand;
use crate::model::names::{Digest, FilePath};
use crate::model::plan::step::{Expectation, Move, Run, RunCheck, Scripts, ShapeFact};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "run_migrations",
    phase: Phase::Migrate,
    makes: |moves| matches!(moves, [Move::Run(_)]),
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
    pub book: &'a RecordedRevisions,
    /// What is to be run, in order.
    pub pending: &'a [String],
    pub target: &'a [String],
    pub core: &'a BTreeMap<String, Vec<String>>,
    /// What the whole schema has to be at the end, where that is known.
    pub shape: Option<ShapeFact>,
    /// The known stops on the way: what is recorded then, and what the schema is.
    pub known_stops: Vec<(Vec<String>, ShapeFact)>,
    pub reason: &'a str,
}

impl RunMigrations<'_> {
    /// Its step.
    pub fn step(self) -> Draft {
        let (name, command) = self.command;
        // A command that is told how far to go is told the end.
        let revision = match self.target {
            [one] if command.takes_revision() => Some(one.clone()),
            _ => None,
        };
        let (directory, sha256) = self.scripts;
        let expectation = |ids: &[String], core: &BTreeMap<_, _>, shape| Expectation {
            versions: self.book.versions.clone(),
            recorded: sorted_rows(&self.book.versions, ids),
            core: core.clone(),
            shape,
        };
        let stops = self.known_stops.iter();
        let known_stops =
            stops.map(|(ids, shape)| expectation(ids, &BTreeMap::new(), Some(shape.clone())));
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
            scripts: Scripts {
                system: self.system.to_owned(),
                directories: vec![directory.clone()],
                sha256,
            },
            expects: expectation(self.target, self.core, self.shape.clone()),
            known_stops: known_stops.collect(),
        };
        let address = format!("database/{}", self.system);
        draft(&ACTION, address, self.reason, vec![Move::Run(Box::new(run))])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::tests::step_of;
    use crate::model::database::version_table::VersionTable;
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
        let versions = VersionTable::of_heads(ObjectRef::table("public", "versions"), "v");
        let book = RecordedRevisions { versions, width: None, recorded: None };
        let (pending, target) = (words(&["1", "2"]), words(&["2"]));
        let draft = RunMigrations {
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
            known_stops: Vec::new(),
            reason: "x",
        }
        .step();
        let step = step_of(draft);
        let Move::Run(run) = &step.moves[0] else { panic!("not a run") };
        assert_eq!(run.argv, upgrade.argv);
        assert_eq!(run.words(), words(&["/usr/bin/flask", "db", "upgrade", "2"]));
        assert_eq!((run.timeout_seconds, &run.pass), (900, &upgrade.pass));
        let check = RunCheck { command: "check".into(), argv: check.argv.clone() };
        assert_eq!(run.check, Some(check));
        assert_eq!(step.title, "run `flask db upgrade 2` (2 migrations)");
    }
}
