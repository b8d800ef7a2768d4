//! STAGE: records a catalogue: runs the application's own migrations one revision at a time on a
//! scratch database and writes down the shape after each.
//!
//! Changes nothing but the scratch database, which has to be empty at the start, or exactly where
//! an earlier recording stopped.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use crate::engines::database::RowQuery;
use crate::error::{Error, Kind, Result};
use crate::frameworks::Framework;
use crate::live;
use crate::model::config::{Access, Upgrade};
use crate::model::database::catalogue::{Catalogue, Ran};
use crate::model::database::revisions::Revisions;
use crate::model::database::shape::Shape;
use crate::model::host_command::HostCommand;
use crate::model::names::{FilePath, ObjectRef, Secret};
use crate::process;
use crate::process::command::{Command, Exit};
use crate::process::invocation::Invocation;

/// What is needed for a recording.
pub struct Recording<'a> {
    pub framework: &'a Framework,
    pub revisions: &'a Revisions,
    pub upgrade: &'a Upgrade,
    /// The upgrade command's program on this host.
    pub program: &'a FilePath,
    /// Of the scratch database.
    pub access: &'a Access,
    pub environment: &'a BTreeMap<OsString, OsString>,
    /// How often a revision that stops before it is through is tried.
    pub tries: usize,
    /// A private directory for what the commands say.
    pub logs: &'a Path,
}

/// What was recorded, told as it happens.
pub struct Recorded<'a> {
    pub id: &'a str,
    pub n: usize,
    pub of: usize,
    pub stumbles: usize,
}

struct Seen {
    recorded: Vec<String>,
    shape: Shape,
}

impl Recording<'_> {
    /// Goes on with `catalogue` until every revision is in it; `step` is called after each and
    /// keeps what there is.
    ///
    /// Errors: `Kind::Blocked` when the scratch database is not where the catalogue stops;
    /// `Kind::Midway` when a migration fails every time.
    pub fn go_on(
        &self,
        catalogue: &mut Catalogue,
        step: &mut dyn FnMut(&Catalogue, Recorded<'_>) -> Result<()>,
    ) -> Result<()> {
        let order = self.revisions.branch_by_branch();
        self.check_start(catalogue)?;
        for (n, id) in order.iter().enumerate() {
            if catalogue.entries.iter().any(|entry| entry.script == *id) {
                continue;
            }
            let before = self.look()?;
            let after = if before.recorded.is_empty() {
                None
            } else {
                catalogue.position(&before.recorded)
            };
            let stumbles = self.run(id, n, &before)?;
            let seen = self.look()?;
            let script = self.revisions.script(id);
            let ran = Ran {
                id: id.clone(),
                sha256: script.map(|script| script.sha256).unwrap_or_default(),
                empty: script.is_some_and(|script| script.empty),
                stumbles,
            };
            let stumbles = ran.stumbles.len();
            catalogue.push(seen.recorded, after, ran, &seen.shape);
            step(catalogue, Recorded { id, n: n + 1, of: order.len(), stumbles })?;
        }
        Ok(())
    }

    fn check_start(&self, catalogue: &Catalogue) -> Result<()> {
        let seen = self.look()?;
        let (expected, shape) = match catalogue.entries.len().checked_sub(1) {
            Some(last) => (catalogue.entries[last].revisions.clone(), catalogue.shape(last)),
            None => (Vec::new(), Shape::default()),
        };
        if seen.recorded == expected && seen.shape == shape {
            return Ok(());
        }
        Err(Error::new(
            Kind::Blocked,
            "the scratch database is not where the recording has to begin",
        )
        .because(match expected.as_slice() {
            [] => "it is not empty".to_owned(),
            ids => format!("it is not at {} with the schema recorded for it", ids.join(", ")),
        })
        .hint("make an empty database for this alone, and begin with a new file"))
    }

    /// Runs one revision; returns what was there after every try that did not get through.
    fn run(&self, id: &str, n: usize, before: &Seen) -> Result<Vec<Shape>> {
        let mut stumbles = Vec::new();
        loop {
            let log = self.logs.join(format!("{n}.{}.log", stumbles.len()));
            let (how, tail) = match process::run(&self.command(id)?, &log)? {
                Exit::Success => return Ok(stumbles),
                Exit::Failed { how, tail } => (how, tail),
                Exit::TimedOut { tail } => ("it took too long".to_owned(), tail),
            };
            let seen = self.look()?;
            if seen.recorded != before.recorded || stumbles.len() + 1 >= self.tries {
                return Err(Error::new(Kind::Midway, format!("revision `{id}` could not be run: {how}"))
                    .because(tail.trim().to_owned())
                    .hint("mend it and run the same command again: it goes on from here, or give `--tries 3`"));
            }
            stumbles.push(seen.shape);
        }
    }

    /// The upgrade command with the revision as its last word.
    fn command(&self, id: &str) -> Result<Command> {
        let mut command = HostCommand::of_upgrade(self.upgrade, Some(self.program));
        let has_target = argv_has_target(&self.upgrade.command);
        let takes_revision = command.takes_revision();
        match command.argv.last_mut() {
            _ if takes_revision => {}
            Some(last) if has_target => id.clone_into(last),
            _ => command.argv.push(id.to_owned()),
        }
        let secrets: Vec<Secret> = self.access.password.iter().cloned().collect();
        let invocation = Invocation {
            command: &command,
            revision: Some(id),
            url: Some(&self.access.url),
            timeout: Duration::from_secs(self.upgrade.timeout_seconds),
            environment: self.environment,
            secrets: &secrets,
        };
        invocation.ready()
    }

    fn look(&self) -> Result<Seen> {
        let mut live = live::open_to_inspect(self.access)?;
        let database = live.database();
        let schema = database.look()?.schema;
        let book = ObjectRef::table(&schema.home, self.framework.book_table);
        let recorded = match schema.table(&book.schema, &book.name) {
            None => Vec::new(),
            Some(_) => {
                let column = self.framework.book_column.to_owned();
                let answers = database.ask(&[RowQuery::Column { table: book.clone(), column }])?;
                answers.into_iter().flatten().filter_map(|row| row.into_iter().next()).collect()
            }
        };
        Ok(Seen { recorded, shape: Shape::of(&schema, Some(&book)) })
    }
}

/// Whether the last word of the command says how far to go.
fn argv_has_target(command: &[String]) -> bool {
    command.last().is_some_and(|word| word == "head" || word == "heads")
}
