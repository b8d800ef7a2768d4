//! A plan from what it says: every guard, save and way back, every title, risk and order, from the
//! moves and reversals of its steps by one pure function.
//!
//! Actions build with it; show, sign, verify and apply derive again and refuse any difference. It
//! never believes a field that it can derive, and knows no action.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::files::location::Location;
use crate::model::names::{Digest, ObjectRef};
use crate::model::plan::moves::database_backup::BackupDatabase;
use crate::model::plan::moves::effects::{Effects, Guards, PathRole, Surroundings, Use};
use crate::model::plan::probe::Probe;
use crate::model::plan::reversal::{By, Reversal};
use crate::model::plan::step::{Move, Risk, Step};
use crate::model::plan::summary::Summary;

pub use crate::model::plan::moves::database_backup::NAME as BACKUP;

/// What a step says; all else follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub kind: String,
    pub address: String,
    pub reason: String,
    pub moves: Vec<Move>,
    pub reversal: Reversal,
}

impl Said {
    /// What a step of a document says.
    pub fn of(step: &Step) -> Self {
        Self {
            kind: step.kind.clone(),
            address: step.address.clone(),
            reason: step.reason.clone(),
            moves: step.moves.clone(),
            reversal: step.reversal.clone(),
        }
    }
}

/// The name under which the move at `index` of a step keeps what it saves: short, plain, the same
/// for the same address.
pub fn copy_name(kind: &str, address: &str, index: usize) -> String {
    let name = format!("{kind}-{}", Digest::of(address).short(8));
    if index == 0 { name } else { format!("{name}-{index}") }
}

/// How the moves are taken back by their nature.
pub fn natural_reversal(moves: &[Move]) -> Reversal {
    Reversal::of_all(moves.iter().map(|mv| mv.act().reversal()))
}

/// Whether a move changes the database and does not only save it.
pub fn changes_database(effects: &Effects<'_>) -> bool {
    effects.is_of_database()
        && (effects.supersedes
            || effects.needs.is_some()
            || effects.objects.iter().any(|(_, what)| *what != Use::Read))
}

/// What earlier steps of a plan have done.
#[derive(Default)]
struct SoFar {
    backup: Option<BackupDatabase>,
    /// Tables that something was taken off, by schema and name.
    changed: BTreeSet<(String, String)>,
    /// Directories that are made, each with the step that makes it.
    directories: BTreeMap<Location, String>,
    /// Steps that copy files and that no step has waited for yet.
    copies: Vec<String>,
    last_of_database: Option<String>,
}

/// The steps of a plan, from what they say, in their order.
pub fn derive(said: Vec<Said>) -> Vec<Step> {
    let superseding = said
        .iter()
        .rposition(|step| step.moves.iter().any(|mv| mv.effects().supersedes))
        .map(|at| (at, number(at)));
    let mut so_far = SoFar::default();
    let mut steps = Vec::with_capacity(said.len());
    for (at, said) in said.into_iter().enumerate() {
        let before = superseding.as_ref().filter(|(last, _)| at < *last).map(|(_, id)| id);
        steps.push(step(said, number(at), before, &mut so_far));
    }
    steps
}

fn number(at: usize) -> String {
    (at + 1).to_string()
}

fn step(said: Said, id: String, superseding: Option<&String>, so_far: &mut SoFar) -> Step {
    let Said { kind, address, reason, moves, reversal } = said;
    let guards = guards(&kind, &address, &moves, so_far);
    let undo =
        if reversal.is_one_way() { Vec::new() } else { ways_back(&kind, &address, &moves, so_far) };
    let effects: Vec<Effects<'_>> = moves.iter().map(Move::effects).collect();
    let mut title =
        effects.iter().map(|effects| effects.title.as_str()).collect::<Vec<_>>().join(", ");
    let mut risk = effects.iter().map(|effects| effects.risk).max().unwrap_or(Risk::Safe);
    if reversal.is_one_way() {
        title.push_str(" (one-way)");
        risk = Risk::Destructive;
    }
    let shared = effects.first().and_then(|effects| effects.shares);
    let transaction = shared.filter(|shared| effects.iter().all(|of| of.shares == Some(*shared)));
    let superseded_by = superseding.filter(|_| effects.iter().any(changes_database)).cloned();
    let requires = requires(&id, &effects, so_far);
    note(&id, &moves, &effects, so_far);
    let transaction = transaction.map(str::to_owned);
    let Guards { ready, save, done } = guards;
    drop(effects);
    Step {
        id,
        kind,
        address,
        title,
        reason,
        risk,
        requires,
        superseded_by,
        transaction,
        ready,
        save,
        moves,
        done,
        undo,
        reversal,
    }
}

/// What guards a step: that of its moves, each thing once. Of what an earlier move of the same step
/// creates, nothing is asked before.
fn guards(kind: &str, address: &str, moves: &[Move], so_far: &SoFar) -> Guards {
    let mut all = Guards::default();
    let mut created: Vec<&ObjectRef> = Vec::new();
    for (index, mv) in moves.iter().enumerate() {
        let copy = copy_name(kind, address, index);
        let of = mv.act().guards(&around(index, &copy, so_far));
        let about = |probe: &Probe| subject(probe).is_some_and(|object| created.contains(&object));
        for probe in of.ready.into_iter().filter(|probe| !about(probe)) {
            if !all.ready.contains(&probe) {
                all.ready.push(probe);
            }
        }
        all.save.extend(of.save);
        for probe in of.done {
            if !all.done.contains(&probe) {
                all.done.push(probe);
            }
        }
        let objects = mv.effects().objects;
        created.extend(objects.iter().filter(|(_, what)| *what == Use::Create).map(|(of, _)| of));
    }
    all
}

/// The object that a question is about.
fn subject(probe: &Probe) -> Option<&ObjectRef> {
    match probe {
        Probe::ObjectIs { object, .. }
        | Probe::ObjectAbsent { object }
        | Probe::NoDependentsBut { object, .. } => Some(object),
        Probe::Rows { table, .. }
        | Probe::NoTriggers { table }
        | Probe::ColumnIs { table, .. }
        | Probe::ColumnHas { table, .. }
        | Probe::ValuesAgree { table, .. } => Some(table),
        Probe::RevisionsAre { versions, .. } => Some(&versions.table),
        Probe::OutdatedRowsAre { rewriting, .. } => Some(&rewriting.table),
        Probe::FilesReady { .. }
        | Probe::FilesDone { .. }
        | Probe::PermissionsReady { .. }
        | Probe::PermissionsDone { .. }
        | Probe::RunUndone { .. }
        | Probe::SavedIsGone { .. }
        | Probe::DirectoryIs { .. }
        | Probe::PlaceIs { .. }
        | Probe::ScriptsAre { .. }
        | Probe::BackupReads { .. }
        | Probe::ArchiveIs { .. }
        | Probe::SchemaIs { .. }
        | Probe::ShapeIs { .. }
        | Probe::CorePresent { .. }
        | Probe::NoOtherWriter {} => None,
    }
}

fn ways_back(kind: &str, address: &str, moves: &[Move], so_far: &SoFar) -> Vec<Move> {
    let back = |(index, mv): (usize, &Move)| {
        let copy = copy_name(kind, address, index);
        mv.act().way_back(&around(index, &copy, so_far))
    };
    moves.iter().enumerate().rev().flat_map(back).collect()
}

fn around<'a>(index: usize, copy: &'a str, so_far: &'a SoFar) -> Surroundings<'a> {
    Surroundings { index, copy, backup: so_far.backup.as_ref(), changed: &so_far.changed }
}

/// The earlier steps that have to be done first.
fn requires(id: &str, effects: &[Effects<'_>], so_far: &mut SoFar) -> Vec<String> {
    let mut requires: Vec<String> = Vec::new();
    let mut need = |id: String| {
        if !requires.contains(&id) {
            requires.push(id);
        }
    };
    for path in effects.iter().flat_map(|effects| &effects.paths) {
        if matches!(path.role, PathRole::Files | PathRole::Directory)
            && let Some(made) = made_above(&path.place, &so_far.directories)
        {
            need(made.clone());
        }
    }
    if effects.iter().any(|effects| effects.names_files) {
        std::mem::take(&mut so_far.copies).into_iter().for_each(&mut need);
    }
    if effects.iter().any(Effects::is_of_database) {
        so_far.last_of_database.replace(id.to_owned()).into_iter().for_each(&mut need);
    }
    requires
}

/// The step that makes the nearest directory at or above a place.
fn made_above<'a>(
    place: &Location,
    directories: &'a BTreeMap<Location, String>,
) -> Option<&'a String> {
    if directories.is_empty() {
        return None;
    }
    let path = place.as_directory()?;
    path.as_path().ancestors().find_map(|above| directories.get(&Location::directory(above)))
}

/// Remembers what a step has done, for those after it.
fn note(id: &str, moves: &[Move], effects: &[Effects<'_>], so_far: &mut SoFar) {
    for (mv, effects) in moves.iter().zip(effects) {
        if let Some(backup) = mv.act().backup() {
            so_far.backup = Some(backup.clone());
        }
        for (object, what) in &effects.objects {
            if let (Use::Remove, Some(table)) = (what, &object.table) {
                so_far.changed.insert((object.schema.clone(), table.clone()));
            }
        }
        for path in &effects.paths {
            match (path.role, path.what) {
                (PathRole::Directory, Use::Create) => {
                    so_far.directories.insert(path.place.clone().into_owned(), id.to_owned());
                }
                (PathRole::Files, Use::Create | Use::Change) => {
                    if so_far.copies.last().is_none_or(|last| last != id) {
                        so_far.copies.push(id.to_owned());
                    }
                }
                (
                    PathRole::Directory | PathRole::Files | PathRole::Backups | PathRole::Working,
                    Use::Read | Use::Create | Use::Change | Use::Remove,
                ) => {}
            }
        }
    }
}

/// Counts what the steps' moves do.
pub fn summary(steps: &[Step]) -> Summary {
    let mut sum = Summary::default();
    for step in steps {
        sum.destructive_steps += u64::from(step.risk == Risk::Destructive);
        sum.one_way_steps += u64::from(step.reversal.is_one_way());
        for mv in &step.moves {
            sum.add(&mv.effects().counts);
        }
    }
    sum
}

/// What holds of the database when the plan is done. Files are answered for by their steps.
pub fn goal(steps: &[Step]) -> Vec<Probe> {
    let mut goal: Vec<Probe> = Vec::new();
    let mut seen = BTreeSet::new();
    let last = |step: &&Step| {
        step.superseded_by.is_none() && step.moves.iter().any(|mv| changes_database(&mv.effects()))
    };
    for probe in steps.iter().filter(last).flat_map(|step| &step.done) {
        if seen.insert(Digest::of_json(probe)) {
            goal.push(probe.clone());
        }
    }
    goal
}

/// The places that steps touch, sorted.
pub fn roots(steps: &[Step]) -> Vec<Location> {
    let mut roots = BTreeSet::new();
    for mv in steps.iter().flat_map(|step| &step.moves) {
        for path in mv.effects().paths {
            if matches!(path.role, PathRole::Files | PathRole::Directory) {
                roots.insert(path.place.into_owned());
            }
        }
    }
    roots.into_iter().collect()
}

/// The digests of texts that the moves name.
pub fn definitions(steps: &[Step]) -> BTreeSet<Digest> {
    steps.iter().flat_map(|step| &step.moves).flat_map(|mv| mv.act().definitions()).collect()
}

/// Whether a reversal is one that a step of these moves can have.
pub fn fits(reversal: &Reversal, moves: &[Move]) -> bool {
    match (reversal, natural_reversal(moves)) {
        (Reversal::OneWay(said), Reversal::OneWay(why)) => *said == why,
        (Reversal::OneWay(why), Reversal::By(by)) => by != By::Nothing && !why.trim().is_empty(),
        (Reversal::By(_), Reversal::OneWay(_)) => false,
        (Reversal::By(said), Reversal::By(by)) => *said == by,
    }
}
