//! `run`: a command of the application, by its name in the host's own configuration. What it is
//! stands here for the reader and has to equal the host's.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::database::version_table::{VersionRow, VersionTable};
use crate::model::host_command::{HostCommand, REVISION};
use crate::model::names::{Digest, FilePath};
use crate::model::plan::moves::database_backup::{BackupSource, RestoreDatabase};
use crate::model::plan::moves::effects::{Act, Effects, Guards, PathRole, Surroundings, Use};
use crate::model::plan::moves::set_revisions::ShapeFact;
use crate::model::plan::moves::values;
use crate::model::plan::probe::Probe;
use crate::model::plan::reversal::{By, Reversal};
use crate::model::plan::risk::Risk;
use crate::model::plan::step::Move;
use crate::model::text::counted;

/// Runs a command of the application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Its name in host.toml.
    pub command: String,
    /// The program by its absolute path, and its arguments; may hold `{revision}` and `{url}`.
    pub argv: Vec<String>,
    pub directory: FilePath,
    /// Fixed variables.
    pub env: BTreeMap<String, String>,
    /// Variables that are passed on from whoever applies; sorted.
    pub pass: Vec<String>,
    /// The variable that gets the database's URL.
    pub url_variable: Option<String>,
    /// A harmless command, run at preflight to see that the program works.
    pub check: Option<RunCheck>,
    /// What `{revision}` stands for: one of the plan's own scripts.
    pub revision: Option<String>,
    pub timeout_seconds: u64,
    /// The revisions that it is expected to run, in order.
    pub revisions: Vec<String>,
    pub scripts: Scripts,
    /// What holds of the database afterwards.
    pub expects: Expectation,
    /// Where it is known to stop before it is through: what holds then of the database it works on,
    /// stop after stop. It is run again as often as that holds, and no more.
    pub known_stops: Vec<Expectation>,
}

/// A check of the host, by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunCheck {
    /// Its name in host.toml.
    pub command: String,
    /// For the reader; has to equal the host's.
    pub argv: Vec<String>,
}

/// The migration scripts that a command runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scripts {
    /// The framework's name on its shelf.
    pub system: String,
    /// One or more.
    pub directories: Vec<FilePath>,
    /// Over every file that takes part in a migration.
    pub sha256: Digest,
}

/// What a database holds at some point of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    pub versions: VersionTable,
    /// What is recorded, sorted.
    pub recorded: Vec<VersionRow>,
    /// Tables that are there with at least these columns.
    pub core: BTreeMap<String, Vec<String>>,
    /// The whole schema, where it is known.
    pub shape: Option<ShapeFact>,
}

impl Expectation {
    /// The questions whether it is so.
    pub fn probes(&self) -> Vec<Probe> {
        let (versions, rows) = (self.versions.clone(), Some(self.recorded.clone()));
        let mut probes = vec![Probe::RevisionsAre { versions, rows }];
        if !self.core.is_empty() {
            probes.push(Probe::CorePresent { tables: self.core.clone() });
        }
        probes.extend(self.shape.as_ref().map(ShapeFact::probe));
        probes
    }

    /// As a line for people.
    fn line(&self) -> String {
        let ids = self.versions.ids(&self.recorded).join(", ");
        let shape = self.shape.as_ref().map(|shape| format!(", {}", shape.line()));
        let core = self.core.keys().cloned().collect::<Vec<_>>().join(", ");
        let core = if core.is_empty() { core } else { format!(", with {core}") };
        format!("{}: [{ids}]{core}{}", self.versions.table, shape.unwrap_or_default())
    }

    fn problem(&self) -> Option<String> {
        let fits = self.recorded.iter().all(|row| self.versions.holds(row));
        let sorted = self.recorded.is_sorted_by(|one, next| one < next);
        (!fits || !sorted).then(|| "what it expects to be recorded makes no sense".to_owned())
    }
}

impl Run {
    /// What a host has to know under its name, for exactly this to be run.
    pub fn as_host_command(&self) -> HostCommand {
        HostCommand {
            argv: self.argv.clone(),
            directory: self.directory.clone(),
            env: self.env.clone(),
            pass: self.pass.clone(),
            url_variable: self.url_variable.clone(),
            timeout_seconds: Some(self.timeout_seconds),
            lock_timeout_seconds: None,
        }
    }

    /// The words that are run, with the revision filled in.
    pub fn words(&self) -> Vec<String> {
        let revision = self.revision.as_deref().unwrap_or(REVISION);
        self.argv.iter().map(|word| word.replace(REVISION, revision)).collect()
    }
}

impl Act for Run {
    fn effects(&self) -> Effects<'_> {
        let words = self.words();
        let program = words.first().map_or("", String::as_str);
        let name = program.rsplit('/').next().unwrap_or(program);
        let words: Vec<&str> =
            std::iter::once(name).chain(words.iter().skip(1).map(String::as_str)).collect();
        let many = counted(self.revisions.len() as u64, "migration");
        let title = format!("run `{}` ({many})", words.join(" "));
        let scripts = self.scripts.directories.iter().map(FilePath::to_text);
        let scripts = scripts.collect::<Vec<_>>().join("`, `");
        let mut effects = Effects::on_database(Risk::Caution, title)
            .directory(Some(&self.directory), PathRole::Working, Use::Read)
            .object(&self.expects.versions.table, Use::Change)
            .detail(format!("$ {}", self.argv.join(" ")))
            .detail(format!(
                "command `{}` of the host, in {}",
                self.command,
                self.directory.to_text()
            ))
            .details(self.env.iter().map(|(name, value)| format!("{name}={value}")))
            .details(self.pass.iter().map(|name| format!("{name}=(as whoever applies has it)")))
            .details(self.url_variable.iter().map(|name| format!("{name}=(the database's URL)")))
            .details(self.check.iter().map(|check| {
                format!("checked first by `{}`: {}", check.command, check.argv.join(" "))
            }))
            .details(self.revision.iter().map(|id| format!("{{revision}} is {id}")))
            .detail(format!(
                "scripts of {} in `{scripts}`, sha256 {}",
                self.scripts.system,
                self.scripts.sha256.short(12)
            ))
            .detail(format!(
                "at most {} s; runs {}",
                self.timeout_seconds,
                from_to(&self.revisions)
            ))
            .detail(format!("afterwards {}", self.expects.line()))
            .details(self.known_stops.iter().map(|stop| format!("run again from {}", stop.line())))
            .count(|sum| sum.migrations_to_run = self.revisions.len() as u64);
        effects.command = Some(self);
        effects.supersedes = true;
        effects
    }

    fn guards(&self, _: &Surroundings<'_>) -> Guards {
        let Scripts { system, directories, sha256 } = self.scripts.clone();
        let scripts = Probe::ScriptsAre { system, directories, sha256 };
        Guards {
            ready: vec![scripts, Probe::NoOtherWriter {}],
            save: Vec::new(),
            done: self.expects.probes(),
        }
    }

    fn reversal(&self) -> Reversal {
        Reversal::By(By::Restore)
    }

    fn way_back(&self, around: &Surroundings<'_>) -> Vec<Move> {
        let source = around.backup.map(|backup| BackupSource::Run(backup.clone()));
        let restore = source.map(|source| Move::RestoreDatabase(RestoreDatabase { source }));
        restore.into_iter().collect()
    }

    fn problem(&self) -> Option<String> {
        let check = self.check.iter().map(|check| (&check.argv, "check"));
        for (argv, what) in std::iter::once((&self.argv, "command")).chain(check) {
            let program = argv.first().map(FilePath::new);
            if !program.is_some_and(|program| program.is_plain_absolute()) {
                return Some(format!("its {what} does not begin with an absolute path"));
            }
        }
        let check = self.check.iter().flat_map(|check| &check.argv);
        let texts = self.argv.iter().chain(check).chain(self.env.values());
        if texts.chain(self.env.keys()).chain(&self.pass).any(|text| text.contains('\0')) {
            return Some("a word or variable of its command has a NUL in it".to_owned());
        }
        if self.command.is_empty() || self.timeout_seconds == 0 {
            return Some("its command has no name, or no time to run".to_owned());
        }
        if !self.pass.is_sorted_by(|one, next| one < next) {
            return Some("the variables that it passes on are not sorted".to_owned());
        }
        if self.revision.as_ref().is_some_and(|id| !self.revisions.contains(id)) {
            return Some("its revision is none of those that it runs".to_owned());
        }
        values::paths(std::iter::once(&self.directory).chain(&self.scripts.directories))
            .or_else(|| self.expects.problem())
            .or_else(|| self.known_stops.iter().find_map(Expectation::problem))
    }

    fn versions(&self) -> Option<&VersionTable> {
        Some(&self.expects.versions)
    }
}

/// A long list of revisions by its ends.
fn from_to(revisions: &[String]) -> String {
    match revisions {
        [first, .., last] if revisions.len() > 6 => format!("{first} to {last}"),
        few => few.join(", "),
    }
}
