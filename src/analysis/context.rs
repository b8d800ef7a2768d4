//! What the rules look at: the facts, and what follows from them by mere reading.
//!
//! Judges nothing. Built once per observation; rules and `diagnose` share it, so that two of
//! them never read the same fact differently.

use std::collections::BTreeSet;

use crate::analysis::schema_comparison::SchemaComparison;
use crate::engines;
use crate::engines::dialect::Dialect;
use crate::frameworks::{self, Framework, Leftover};
use crate::model::database::revisions::{RecordedRevisions, Revisions};
use crate::model::database::schema::{Schema, Table};
use crate::model::diagnosis::{DatabaseState, Decisions, Finding, Severity};
use crate::model::names::ObjectRef;
use crate::model::observation::{Circumstances, Facts};

/// The subject of findings that stop everything that would change the database.
pub const DATABASE: &str = "database";

/// The subject of findings that stop migrations from being run, and nothing else.
pub const MIGRATIONS: &str = "migrations";

/// One observation, read.
pub struct AnalysisContext<'a> {
    pub facts: &'a Facts,
    /// What only informs; no step may depend on it.
    pub circumstances: Option<&'a Circumstances>,
    pub decisions: &'a Decisions,
    /// The engine's spelling; none where the observation names an engine that is not on the shelf.
    pub dialect: Option<&'static dyn Dialect>,
    pub framework: Option<&'static Framework>,
    /// The state the database was found to be in, once it is known.
    pub state: DatabaseState,
    /// The live schema beside the catalogue, where there is one.
    pub compared: Option<SchemaComparison<'a>>,
    /// The revisions to record before anything is run, once the state is known.
    pub stamp: Option<Stamp>,
    /// The heads to come to; empty where they cannot be told.
    pub target: Vec<String>,
    /// What is to be run from here; empty where it cannot be told.
    pub pending: Vec<String>,
    /// What all rules found, once they have.
    pub findings: Vec<Finding>,
}

/// Revisions to record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub to: Vec<String>,
    pub basis: Grounds,
}

/// Why revisions are recorded without being run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grounds {
    /// The live schema is theirs, and no other's.
    Shown,
    /// A person said so.
    Assumed,
}

/// How a core table is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoreTableStatus {
    /// There, with the columns that show that it is the application's.
    Genuine,
    /// There, without them: somebody else's table of that name.
    Impostor,
    Missing,
}

impl<'a> AnalysisContext<'a> {
    /// Reads the facts. The state is not known yet.
    pub fn new(facts: &'a Facts, decisions: &'a Decisions) -> Self {
        let target = target(facts);
        Self {
            facts,
            circumstances: None,
            decisions,
            dialect: engines::by_name(&facts.config.database.engine).map(|engine| engine.dialect),
            framework: facts
                .config
                .revisions
                .as_ref()
                .and_then(|config| frameworks::by_name(&config.system)),
            state: DatabaseState::Unreachable,
            compared: SchemaComparison::new(facts),
            stamp: None,
            target,
            pending: Vec::new(),
            findings: Vec::new(),
        }
    }

    pub fn schema(&self) -> &'a Schema {
        &self.facts.database.schema
    }

    pub fn revisions(&self) -> Option<&'a Revisions> {
        self.facts.revisions.as_ref()
    }

    pub fn book(&self) -> Option<&'a RecordedRevisions> {
        self.facts.database.book.as_ref()
    }

    /// Whether the engine keeps the whole database in one file of its own.
    pub fn is_one_file(&self) -> bool {
        self.dialect.is_some_and(Dialect::is_one_file)
    }

    /// The tables that somebody must explain: those of the home schema that belong to no
    /// extension, are not the framework's own record, and are not kept by configuration.
    pub fn tables(&self) -> Vec<&'a Table> {
        self.home_tables().filter(|table| !self.is_kept(&table.name)).collect()
    }

    /// The tables that the configuration keeps.
    pub fn kept(&self) -> Vec<&'a Table> {
        self.home_tables().filter(|table| self.is_kept(&table.name)).collect()
    }

    fn home_tables(&self) -> impl Iterator<Item = &'a Table> {
        let schema = self.schema();
        let book = self.book().map(|book| book.versions.table.clone());
        schema.tables.iter().filter(move |table| {
            table.schema == schema.home
                && table.extension.is_none()
                && book.as_ref() != Some(&table.reference())
        })
    }

    fn is_kept(&self, name: &str) -> bool {
        self.facts.config.tables.keep.iter().any(|keep| keep == name)
    }

    /// Every configured core table with how it is found, in order of name.
    pub fn core(&self) -> Vec<(&'a str, CoreTableStatus)> {
        let config = &self.facts.config.tables.core;
        config.iter().map(|(name, markers)| (name.as_str(), self.standing(name, markers))).collect()
    }

    fn standing(&self, name: &str, markers: &[String]) -> CoreTableStatus {
        match self.schema().home_table(name) {
            None => CoreTableStatus::Missing,
            Some(table) if markers.iter().all(|column| table.column(column).is_some()) => {
                CoreTableStatus::Genuine
            }
            Some(_) => CoreTableStatus::Impostor,
        }
    }

    /// The names of core tables that are found so.
    pub fn core_that_is(&self, wanted: CoreTableStatus) -> Vec<&'a str> {
        self.core()
            .into_iter()
            .filter(|(_, standing)| *standing == wanted)
            .map(|(name, _)| name)
            .collect()
    }

    /// Whether no core table is missing or somebody else's.
    pub fn core_is_complete(&self) -> bool {
        self.core().iter().all(|(_, standing)| *standing == CoreTableStatus::Genuine)
    }

    /// Whether any core table is configured, so that the application can be recognised at all.
    pub fn has_core(&self) -> bool {
        !self.facts.config.tables.core.is_empty()
    }

    /// The legacy schema of the profile that the tables show.
    pub fn legacy(&self) -> Option<&'a str> {
        let shows = |tables: &std::collections::BTreeMap<String, Vec<String>>| {
            tables
                .iter()
                .all(|(name, markers)| self.standing(name, markers) == CoreTableStatus::Genuine)
        };
        let legacy = self.facts.config.tables.legacy.iter().find(|legacy| {
            shows(&legacy.tables)
                && legacy.absent.iter().all(|name| self.schema().home_table(name).is_none())
        });
        legacy.map(|legacy| legacy.name.as_str())
    }

    /// Version tables of other tools, as `(table, tool)`.
    pub fn other_books(&self) -> Vec<(&'a str, &'static str)> {
        let system = self.framework.map(|framework| framework.name);
        self.tables()
            .into_iter()
            .filter_map(|table| Some((table.name.as_str(), frameworks::other_tool(system, table)?)))
            .collect()
    }

    /// What an interrupted migration left behind, with what its name says of the table it was made
    /// for.
    pub fn leftovers(&self) -> Vec<(&'a Table, Leftover<'a>)> {
        let Some(framework) = self.framework else { return Vec::new() };
        self.tables()
            .into_iter()
            .filter_map(|table| Some((table, (framework.leftover)(&table.name)?)))
            .collect()
    }

    /// What is recorded when the migrations begin: nothing where the record is cleared before.
    pub fn recorded_before_run(&self) -> &[String] {
        match &self.stamp {
            Some(stamp) => &stamp.to,
            None if self.state == DatabaseState::PartialMigration => &[],
            None => self.facts.recorded(),
        }
    }

    /// Whether the schema is exactly what a known stop of a migration leaves, from which running
    /// goes on.
    pub fn is_at_known_stop(&self) -> bool {
        let begun = self.compared.as_ref().and_then(|compared| compared.begun.as_ref());
        self.state == DatabaseState::HalfApplied && begun.is_some_and(|begun| begun.stop.is_some())
    }

    /// Error where a person has to decide, warning once one has.
    pub fn unless_decided(&self) -> Severity {
        if self.stamp.is_some() { Severity::Warning } else { Severity::Error }
    }

    /// Whether something that waits for a person stops changes to `subject`.
    pub fn is_blocked(&self, subject: &str) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.severity == Severity::Error && finding.subject == subject)
    }

    /// Names in a sentence.
    pub fn named<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
        let distinct: BTreeSet<&str> = names.into_iter().collect();
        distinct.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    }

    /// The table of that name in the home schema, as a plan names it.
    pub fn home_reference(&self, name: &str) -> ObjectRef {
        ObjectRef::table(&self.schema().home, name)
    }
}

/// The ids that the configured target means; empty where it cannot be told.
fn target(facts: &Facts) -> Vec<String> {
    let (Some(config), Some(revisions)) = (&facts.config.revisions, &facts.revisions) else {
        return Vec::new();
    };
    match config.target.as_slice() {
        [word] if word == "heads" || word == "head" => revisions.heads(),
        ids => {
            let mut ids = ids.to_vec();
            ids.sort();
            ids
        }
    }
}
