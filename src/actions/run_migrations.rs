//! `run_migrations`: runs the application's own upgrade command, on exactly the scripts that were
//! seen, and holds it to what it should have done.

use std::collections::BTreeMap;

use crate::actions::{Action, Draft, Phase, draft};
use crate::model::config::Upgrade;
use crate::model::database::revisions::{RecordedRevisions, sorted_rows};
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
    /// The program as found on the host.
    pub program: &'a FilePath,
    pub upgrade: &'a Upgrade,
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
            command: "upgrade".to_owned(),
            argv: absolute(&self.upgrade.command),
            directory: self.upgrade.directory.clone(),
            env: self.upgrade.env.clone(),
            pass: Vec::new(),
            url_variable: self.upgrade.url_variable.clone(),
            check: (!self.upgrade.check.is_empty()).then(|| RunCheck {
                command: "check".to_owned(),
                argv: absolute(&self.upgrade.check),
            }),
            revision: None,
            timeout_seconds: self.upgrade.timeout_seconds,
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
        draft(&ACTION, address, self.reason, vec![Move::Run(run)])
    }
}
