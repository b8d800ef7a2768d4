//! Asks the live site what is so. A probe answers yes, no or unknown; it changes nothing, and not
//! knowing is never a yes.
//!
//! Never imports what carries out moves.

use std::path::Path;

use crate::apply::active_run::ActiveRun;
use crate::artifact::state::RunDirectory;
use crate::engines::database::{InspectedDatabase, ReadDatabase};
use crate::error::Result;
use crate::live::LiveReader;
use crate::model::plan::step::{Answer, DiscardSaved, Probe, Step};
use crate::stores::store::ReadStore;

pub mod answer;
pub mod database;
pub mod files;
pub mod saved;

/// Where probes are asked.
enum Place<'a> {
    Live(&'a mut dyn LiveReader),
    /// A migrated copy of the database, before it is adopted.
    Copy(&'a mut dyn ReadDatabase),
}

/// Asks probes, and remembers one look at the database until told that it may have changed.
pub struct Prober<'a> {
    place: Place<'a>,
    /// Null before the run has papers: then nothing of it can have been saved.
    active_run: Option<&'a ActiveRun>,
    sidecar: Option<&'a Path>,
    /// Of the run, whether or not it has begun.
    folder: Option<&'a RunDirectory>,
    inspected: Option<InspectedDatabase>,
}

impl<'a> Prober<'a> {
    pub fn new(
        live: &'a mut dyn LiveReader,
        active_run: Option<&'a ActiveRun>,
        sidecar: Option<&'a Path>,
    ) -> Self {
        Self {
            place: Place::Live(live),
            active_run,
            sidecar,
            folder: active_run.map(|active_run| &active_run.folder),
            inspected: None,
        }
    }

    /// Asks a migrated copy, which only answers what concerns the database.
    pub fn of_copy(database: &'a mut dyn ReadDatabase) -> Self {
        let place = Place::Copy(database);
        Self { place, active_run: None, sidecar: None, folder: None, inspected: None }
    }

    /// The same for a run that has no papers yet.
    pub fn of_run(self, folder: &'a RunDirectory) -> Self {
        Self { folder: Some(folder), ..self }
    }

    /// Asks one probe of a step; `step` is null for premises and goals.
    pub fn ask(&mut self, probe: &Probe, step: Option<&Step>) -> Answer {
        self.try_ask(probe, step).unwrap_or_else(|error| Answer::Unknown(error.to_string()))
    }

    /// All of several probes: the first no, else the first unknown, else yes.
    pub fn ask_all(&mut self, probes: &[Probe], step: Option<&Step>) -> Answer {
        self.first_unmet(probes, step).map_or(Answer::Yes, |(_, answer)| answer)
    }

    /// The first of several probes that answers no, else the first that does not know.
    pub fn first_unmet<'p>(
        &mut self,
        probes: &'p [Probe],
        step: Option<&Step>,
    ) -> Option<(&'p Probe, Answer)> {
        let mut unknown = None;
        for probe in probes {
            match self.ask(probe, step) {
                Answer::Yes => {}
                no @ Answer::No(_) => return Some((probe, no)),
                why @ Answer::Unknown(_) => unknown = unknown.or(Some((probe, why))),
            }
        }
        unknown
    }

    /// Asks one probe, and tells an error as one.
    pub fn try_ask(&mut self, probe: &Probe, step: Option<&Step>) -> Result<Answer> {
        let a_move = |index: &usize| step.and_then(|step| step.moves.get(*index));
        match probe {
            Probe::FilesReady { r#move } => {
                let sidecar = self.sidecar;
                self.of_files(|store| files::listed(store, sidecar, a_move(r#move), true))
            }
            Probe::FilesDone { r#move } => {
                let sidecar = self.sidecar;
                self.of_files(|store| files::listed(store, sidecar, a_move(r#move), false))
            }
            Probe::DirectoryIs { path, present } => {
                self.of_files(|store| files::directory_is(store, path, *present))
            }
            Probe::ScriptsAre { system, directories, sha256 } => {
                self.of_files(|store| files::scripts_are(store, system, directories, sha256))
            }
            Probe::RunUndone { run } => match self.folder {
                Some(folder) => saved::is_undone(&folder.beside(run)),
                None => Ok(Answer::Unknown("there is no state directory to look into".to_owned())),
            },
            Probe::SavedIsGone { r#move } => match (self.folder, a_move(r#move)) {
                (Some(folder), Some(mv)) if mv.discards().is_some() => {
                    let gone = |discard: &DiscardSaved| {
                        saved::is_gone(&folder.beside(&discard.run), discard)
                    };
                    Ok(mv.discards().map_or(Answer::Yes, gone))
                }
                _ => Ok(Answer::Unknown("the probe names a move that discards nothing".to_owned())),
            },
            Probe::BackupReads { name, directory } => {
                saved::backup_reads(self.active_run, name, directory.as_ref())
            }
            Probe::ObjectIs { object, sha256 } => {
                Ok(database::object_is(self.inspect()?, object, sha256))
            }
            Probe::ObjectAbsent { object } => Ok(database::object_absent(self.inspect()?, object)),
            Probe::Rows { table, count } => {
                let (inspected, database) = self.database()?;
                database::rows_are(inspected, database, table, *count)
            }
            Probe::NoDependentsBut { object, dependents } => {
                Ok(database::no_dependents_but(self.inspect()?, object, dependents))
            }
            Probe::RevisionsAre { versions, rows } => {
                let (inspected, database) = self.database()?;
                database::revisions_are(inspected, database, versions, rows.as_deref())
            }
            Probe::ColumnIs { table, column, data_type } => {
                Ok(database::column_is(self.inspect()?, table, column, *data_type))
            }
            Probe::NoTriggers { table } => Ok(database::no_triggers(self.inspect()?, table)),
            Probe::ColumnHas { .. }
            | Probe::PermissionsReady { .. }
            | Probe::PermissionsDone { .. }
            | Probe::PlaceIs { .. }
            | Probe::ArchiveIs { .. }
            | Probe::ValuesAgree { .. } => {
                Ok(Answer::Unknown("this ttplan does not ask for that yet".to_owned()))
            }
            Probe::SchemaIs { sha256, except } => {
                Ok(database::schema_is(self.inspect()?, sha256, except))
            }
            Probe::ShapeIs { sha256, normaliser, except } => {
                Ok(database::shape_is(self.inspect()?, sha256, *normaliser, except))
            }
            Probe::CorePresent { tables } => Ok(database::core_present(self.inspect()?, tables)),
            Probe::OutdatedRowsAre { rewriting, rows, sha256 } => {
                let (inspected, database) = self.database()?;
                database::outdated_are(inspected, database, rewriting, *rows, sha256)
            }
            Probe::NoOtherWriter {} => {
                // A database that cannot be looked at says so first.
                let (_, database) = self.database()?;
                database::no_other_writer(database)
            }
        }
    }

    /// The database and what it was seen to hold.
    fn database(&mut self) -> Result<(&InspectedDatabase, &mut dyn ReadDatabase)> {
        let database = match &mut self.place {
            Place::Live(live) => live.database(),
            Place::Copy(database) => &mut **database,
        };
        let inspected = match self.inspected.take() {
            Some(inspected) => inspected,
            None => database.look()?,
        };
        Ok((self.inspected.insert(inspected), database))
    }

    fn inspect(&mut self) -> Result<&InspectedDatabase> {
        self.database().map(|(inspected, _)| inspected)
    }

    fn of_files(
        &mut self,
        ask: impl FnOnce(&mut dyn ReadStore) -> Result<Answer>,
    ) -> Result<Answer> {
        match &mut self.place {
            Place::Live(live) => ask(live.files()),
            Place::Copy(_) => Ok(Answer::Unknown("this is no question for a database".to_owned())),
        }
    }
}
