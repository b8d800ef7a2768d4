//! Asks the live site what is so. A probe answers yes, no or unknown; it changes nothing, and not
//! knowing is never a yes.

use std::path::Path;

use crate::apply::active_run::ActiveRun;
use crate::apply::execute::discard_saved;
use crate::apply::execute::replace;
use crate::apply::execute::rows;
use crate::artifact::sidecar::{self, Batch};
use crate::artifact::state::RunDirectory;
use crate::engines::database::{InspectedDatabase, OtherSessions, ReadDatabase, RowQuery};
use crate::error::{Error, Result};
use crate::frameworks;
use crate::live::LiveReader;
use crate::model::database::shape::{NORMALISER, Shape};
use crate::model::files::rewriting::outdated;
use crate::model::names::ObjectRef;
use crate::model::plan::step::{Answer, CopyFiles, FileList, Move, Probe, ReleaseFiles, Step};
use crate::stores::store::{DirectoryState, FileState};

/// How many files are looked at together.
const BATCH: Batch = Batch { files: 4000, bytes: u64::MAX };

/// Asks probes, and remembers one look at the database until told that it may have changed.
pub struct Prober<'a> {
    pub live: &'a mut dyn LiveReader,
    /// Null before the run has papers: then nothing of it can have been saved.
    pub active_run: Option<&'a ActiveRun>,
    pub sidecar: Option<&'a Path>,
    /// Of the run, whether or not it has begun.
    folder: Option<&'a RunDirectory>,
    sight: Option<InspectedDatabase>,
}

impl<'a> Prober<'a> {
    pub fn new(
        live: &'a mut dyn LiveReader,
        active_run: Option<&'a ActiveRun>,
        sidecar: Option<&'a Path>,
    ) -> Self {
        Self {
            live,
            active_run,
            sidecar,
            folder: active_run.map(|active_run| &active_run.folder),
            sight: None,
        }
    }

    /// The same for a run that has no papers yet.
    pub fn of_run(self, folder: &'a RunDirectory) -> Self {
        Self { folder: Some(folder), ..self }
    }

    /// Asks one probe of a step; `step` is null for premises and goals.
    pub fn ask(&mut self, probe: &Probe, step: Option<&Step>) -> Answer {
        self.answer(probe, step).unwrap_or_else(|error| Answer::Unknown(error.to_string()))
    }

    /// All of several probes: the first no, else the first unknown, else yes.
    pub fn ask_all(&mut self, probes: &[Probe], step: Option<&Step>) -> Answer {
        let mut unknown = None;
        for probe in probes {
            match self.ask(probe, step) {
                Answer::Yes => {}
                no @ Answer::No(_) => return no,
                Answer::Unknown(why) => unknown = unknown.or(Some(why)),
            }
        }
        unknown.map_or(Answer::Yes, Answer::Unknown)
    }

    fn answer(&mut self, probe: &Probe, step: Option<&Step>) -> Result<Answer> {
        match probe {
            Probe::FilesReady { r#move } => self.files(step, *r#move, true),
            Probe::FilesDone { r#move } => self.files(step, *r#move, false),
            Probe::RunTakenBack { run } => match self.folder {
                Some(folder) => discard_saved::is_taken_back(&folder.beside(run)),
                None => Ok(Answer::Unknown("there is no state directory to look into".to_owned())),
            },
            Probe::KeptIsGone { r#move } => {
                match (self.folder, step.and_then(|step| step.moves.get(*r#move))) {
                    (Some(folder), Some(Move::DiscardKept(discard))) => {
                        Ok(discard_saved::is_gone(&folder.beside(&discard.run), discard))
                    }
                    _ => Ok(Answer::Unknown(
                        "the probe names a move that discards nothing".to_owned(),
                    )),
                }
            }
            Probe::DirectoryIs { path, present } => {
                let state = self.live.files().directory(path)?;
                let name = path.to_text();
                Ok(match (state, present) {
                    (DirectoryState::Present, true) | (DirectoryState::Missing, false) => {
                        Answer::Yes
                    }
                    (DirectoryState::Present, false) => {
                        Answer::No(format!("directory `{name}` is there by now"))
                    }
                    (DirectoryState::Missing, true) => {
                        Answer::No(format!("directory `{name}` is not there"))
                    }
                    (DirectoryState::NotADirectory, _) => {
                        Answer::No(format!("`{name}` is not a directory"))
                    }
                    (DirectoryState::Unreadable, _) => {
                        Answer::Unknown(format!("`{name}` cannot be looked at"))
                    }
                })
            }
            Probe::ScriptsAre { system, directory, sha256 } => {
                let Some(framework) = frameworks::by_name(system) else {
                    return Ok(Answer::Unknown(format!(
                        "there is no migration framework `{system}`"
                    )));
                };
                let now =
                    frameworks::digest(&self.live.files().sources(&(framework.tree)(directory))?);
                let name = directory.to_text();
                Ok(same(now == *sha256, || {
                    format!("the migration files at `{name}` are not those that were planned with")
                }))
            }
            Probe::BackupReads { name, directory } => {
                let Some(active_run) = self
                    .active_run
                    .filter(|active_run| active_run.standing().saved.contains_key(name))
                else {
                    return Ok(Answer::No(format!("there is no backup `{name}` of this run yet")));
                };
                active_run.checked(name, directory.as_ref()).map(|_| Answer::Yes)
            }
            database => {
                if self.sight.is_none() {
                    self.sight = Some(self.live.database().look()?);
                }
                let Some(sight) = &self.sight else {
                    return Ok(Answer::Unknown("the database was not looked at".into()));
                };
                ask_database(database, sight, self.live.database())
            }
        }
    }

    fn files(&mut self, step: Option<&Step>, index: usize, ready: bool) -> Result<Answer> {
        let copy = match step.and_then(|step| step.moves.get(index)) {
            Some(Move::CopyFiles(copy)) => copy,
            Some(Move::ReleaseFiles(release)) => return self.released(release, ready),
            Some(Move::ReplaceFiles(files)) => {
                return replace::ask(self.live.files(), self.sidecar, files, ready);
            }
            _ => {
                return Ok(Answer::Unknown(
                    "the probe names a move without a list of files".to_owned(),
                ));
            }
        };
        let CopyFiles { from, to, files, .. } = copy;
        let mut answer = Answer::Yes;
        let live = &mut *self.live;
        walk(self.sidecar, files, &mut |_, rows| {
            let there = live.files().states(to, &copy.copies(rows))?;
            let sources = if ready { Some(live.files().states(from, rows)?) } else { None };
            for (n, row) in rows.iter().enumerate() {
                let path = row.path().to_text();
                let source = sources.as_ref().map(|states| states[n]);
                let told = match (there[n], source) {
                    (FileState::Same, None)
                    | (FileState::Same | FileState::Missing, Some(FileState::Same)) => continue,
                    (FileState::Unreadable, _) | (_, Some(FileState::Unreadable)) => {
                        Answer::Unknown(format!("file `{path}` cannot be read"))
                    }
                    (FileState::Missing, None) => {
                        Answer::No(format!("file `{path}` is not in `{}`", to.to_text()))
                    }
                    (FileState::Differs | FileState::NotAFile, _) => Answer::No(format!(
                        "`{path}` in `{}` is taken by another content",
                        to.to_text()
                    )),
                    (_, Some(_)) => Answer::No(format!(
                        "file `{path}` in `{}` is not as it was",
                        from.to_text()
                    )),
                };
                if matches!(answer, Answer::Yes) || matches!(told, Answer::No(_)) {
                    answer = told;
                }
                if matches!(answer, Answer::No(_)) {
                    break;
                }
            }
            Ok(!matches!(answer, Answer::No(_)))
        })?;
        Ok(answer)
    }

    fn released(&mut self, release: &ReleaseFiles, ready: bool) -> Result<Answer> {
        let mut answer = Answer::Yes;
        let live = &mut *self.live;
        walk(self.sidecar, &release.files, &mut |_, rows| {
            let sources = live.files().states(&release.from, rows)?;
            let copies = if ready { Some(live.files().states(&release.to, rows)?) } else { None };
            for (n, row) in rows.iter().enumerate() {
                let copy = copies.as_ref().map(|states| states[n]);
                if let Some(what) = of_released(copy, sources[n]) {
                    let told = format!(
                        "file `{}` in `{}` {what}",
                        row.path().to_text(),
                        release.from.to_text()
                    );
                    let unknown = [Some(sources[n]), copy].contains(&Some(FileState::Unreadable));
                    answer = if unknown { Answer::Unknown(told) } else { Answer::No(told) };
                    return Ok(false);
                }
            }
            Ok(true)
        })?;
        Ok(answer)
    }
}

/// How a file stands that is to be released: `copy` is where it belongs.
fn of_released(copy: Option<FileState>, source: FileState) -> Option<&'static str> {
    match (copy, source) {
        (None, FileState::Missing)
        | (Some(FileState::Same), FileState::Same | FileState::Missing) => None,
        (None, _) => Some("is still there"),
        (Some(FileState::Same), _) => Some("is not as it was"),
        (Some(_), _) => Some("has no copy with the same content"),
    }
}

/// Walks a file list in batches until `take` says that it has seen enough.
pub(in crate::apply) fn walk(
    sidecar: Option<&Path>,
    list: &FileList,
    take: &mut dyn FnMut(u64, &[crate::model::files::uploads::FileFact]) -> Result<bool>,
) -> Result<()> {
    sidecar::look_through(sidecar, list, BATCH, take)
}

/// The probes that concern the database alone; also asked of a migrated copy before it is adopted.
pub fn ask_database(
    probe: &Probe,
    sight: &InspectedDatabase,
    database: &mut dyn ReadDatabase,
) -> Result<Answer> {
    let schema = &sight.schema;
    Ok(match probe {
        Probe::ObjectIs { object, sha256 } => match schema.digest_of(object) {
            None => Answer::No(format!("{object} is not there")),
            Some(digest) => {
                same(digest == *sha256, || format!("{object} is not defined as it was"))
            }
        },
        Probe::ObjectAbsent { object } => {
            same(schema.digest_of(object).is_none(), || format!("{object} is there"))
        }
        Probe::Rows { table, count } => {
            if schema.digest_of(table).is_none() {
                return Ok(Answer::No(format!("{table} is not there")));
            }
            let answers = database.ask(&[RowQuery::Count(table.clone())])?;
            match answers.first().and_then(|rows| rows.first()?.first()?.parse::<u64>().ok()) {
                Some(now) => same(now == *count, || format!("{table} has {now} rows, not {count}")),
                None => Answer::Unknown(format!("the rows of {table} could not be counted")),
            }
        }
        Probe::NoDependentsBut { object, dependents } => {
            let more = schema
                .dependents_of(object)
                .into_iter()
                .find(|dependent| !dependents.contains(dependent));
            more.map_or(Answer::Yes, |dependent| {
                Answer::No(format!("{dependent} depends on {object}"))
            })
        }
        Probe::RevisionsAre { table, column, recorded } => {
            let now = recorded_in(sight, table, column, database)?;
            same(now == *recorded, || match now {
                None => format!("{table} is not there"),
                Some(ids) if ids.is_empty() => format!("{table} records nothing"),
                Some(ids) => format!("{table} records {}", listed(&ids)),
            })
        }
        Probe::ColumnWidth { table, column, width } => {
            let found =
                schema.table(&table.schema, &table.name).and_then(|table| table.column(column));
            match found {
                None => Answer::No(format!("column `{column}` of {table} is not there")),
                Some(found) => {
                    let now = found
                        .data_type
                        .split_once('(')
                        .and_then(|(_, rest)| rest.strip_suffix(')')?.parse().ok());
                    same(now == *width, || {
                        format!("column `{column}` of {table} is `{}`", found.data_type)
                    })
                }
            }
        }
        Probe::SchemaIs { sha256, except } => {
            same(schema.digest_without(except) == *sha256, || {
                "the schema is not as it was".to_owned()
            })
        }
        Probe::ShapeIs { normaliser, .. } if *normaliser != NORMALISER => Answer::Unknown(format!(
            "shapes in words of version {normaliser} are not known to this ttplan"
        )),
        Probe::ShapeIs { sha256, except, .. } => {
            let now = Shape::of(schema, None).without(except).digest();
            same(now == *sha256, || {
                "the schema is not the one that is catalogued for that revision".to_owned()
            })
        }
        Probe::CorePresent { tables } => {
            let missing = tables.iter().find(|(name, columns)| {
                let table = schema.home_table(name);
                !table.is_some_and(|table| {
                    columns.iter().all(|column| table.column(column).is_some())
                })
            });
            missing.map_or(Answer::Yes, |(name, _)| {
                Answer::No(format!("core table `{name}` is not there with its columns"))
            })
        }
        Probe::OutdatedAre { rewriting, rows, sha256 } => {
            let (table, columns) =
                (&rewriting.table, rewriting.key.iter().chain([&rewriting.column]));
            let found = schema.table(&table.schema, &table.name);
            let missing =
                |column: &&String| found.is_none_or(|table| table.column(column).is_none());
            if let Some(column) = columns.clone().find(missing) {
                return Ok(Answer::No(format!("column `{column}` of {table} is not there")));
            }
            let now = outdated(&rows::changes(database, rewriting)?);
            same((now.rows, now.sha256) == (*rows, *sha256), || {
                format!(
                    "{} rows of {table} are to be rewritten, not the {rows} that were planned",
                    now.rows
                )
            })
        }
        Probe::NoOtherWriter {} => match database.writers()? {
            OtherSessions::None => Answer::Yes,
            OtherSessions::Some(who) => {
                Answer::No(format!("others have the database open: {}", who.join("; ")))
            }
            OtherSessions::Unknown(why) => {
                Answer::Unknown(format!("whether others have the database open: {why}"))
            }
        },
        _ => Answer::Unknown("this is no question for a database".to_owned()),
    })
}

/// The ids that a framework's table records, sorted; `None` where there is no such table.
fn recorded_in(
    sight: &InspectedDatabase,
    table: &ObjectRef,
    column: &str,
    database: &mut dyn ReadDatabase,
) -> Result<Option<Vec<String>>> {
    match sight.schema.table(&table.schema, &table.name) {
        Some(found) if found.column(column).is_some() => {}
        _ => return Ok(None),
    }
    let question = RowQuery::Column { table: table.clone(), column: column.to_owned() };
    let rows = database.ask(&[question])?.into_iter().next().unwrap_or_default();
    Ok(Some(rows.into_iter().filter_map(|row| row.into_iter().next()).collect()))
}

fn same(holds: bool, otherwise: impl FnOnce() -> String) -> Answer {
    if holds { Answer::Yes } else { Answer::No(otherwise()) }
}

fn listed(ids: &[String]) -> String {
    ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
}

/// An answer that has to be yes.
pub fn demand(answer: Answer, otherwise: impl FnOnce(String, bool) -> Error) -> Result<()> {
    match answer {
        Answer::Yes => Ok(()),
        Answer::No(what) => Err(otherwise(what, true)),
        Answer::Unknown(why) => Err(otherwise(why, false)),
    }
}
