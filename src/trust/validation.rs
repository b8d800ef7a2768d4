//! Whether a plan makes sense in itself, whoever signed it: one table of rules.
//!
//! A signed plan can still be wrong, and people read moves more carefully than what stands
//! around them. So names, order, lists and undo moves are held to rules that every honest
//! plan keeps; `sanity_undo` and `sanity_values` hold the longer ones. Nothing of the host is
//! known here: see `permits`.

use crate::error::Reason;
use crate::model::dialect::Dialect;
use crate::model::files::uploads::FileFact;
use crate::model::names::ObjectKind;
use crate::model::plan::Plan;
use crate::model::plan::step::{
    CopyFiles, FileList, Move, Probe, ReleaseFiles, ReplaceFiles, RestoreFiles, Risk, SaveFiles,
    Step,
};
use crate::model::risk;
use crate::trust::validation_undo;
use crate::trust::values;

/// What a rule about a step may look at.
pub(in crate::trust) struct StepContext<'a> {
    pub plan: &'a Plan,
    /// The step's index in the plan.
    pub at: usize,
    pub step: &'a Step,
    pub dialect: &'a dyn Dialect,
}

/// Says why the rule is broken, as the end of a sentence about the step.
type Rule = fn(&StepContext<'_>) -> Result<(), String>;

/// Every rule: the code of what breaks it, and the rule in the words of the docs.
const RULES: &[(&str, &str, Rule)] = &[
    ("order_differs", "its id is not empty and unique", id_is_unique),
    (
        "order_differs",
        "it requires earlier steps, and is superseded by a later one",
        order_makes_sense,
    ),
    (
        "order_differs",
        "steps of one transaction are neighbours and do only what a transaction can hold",
        transaction_holds,
    ),
    ("move_makes_no_sense", "it does something", does_something),
    ("move_makes_no_sense", "it touches the database or files, never both", one_side_only),
    (
        "save_differs",
        "saves only save, nothing saves after them, and only undo brings back",
        moves_are_where_they_belong,
    ),
    (
        "move_makes_no_sense",
        "names of copies are plain file names, each used once",
        values::copies_have_names_of_their_own,
    ),
    (
        "move_makes_no_sense",
        "paths are absolute and plain; listed ones relative, plain and sorted",
        values::paths_are_plain,
    ),
    (
        "move_makes_no_sense",
        "modes, owners and sidecar numbers can be read",
        values::numbers_make_sense,
    ),
    (
        "move_makes_no_sense",
        "commands are absolute, and set no variable of the loader or the shell",
        values::commands_are_what_they_say,
    ),
    ("move_makes_no_sense", "lists of other moves are those of a copy", lists_are_there),
    ("move_makes_no_sense", "drops are spelled as the engine spells them", drops_are_spelled_right),
    ("save_differs", "what is dropped is saved before", drops_are_saved),
    (
        "save_differs",
        "what is released is saved before, and its copies elsewhere are looked at",
        releases_are_saved,
    ),
    (
        "move_makes_no_sense",
        "a purge names its run, which is taken back, and all that goes",
        values::purges_name_what_goes,
    ),
    ("save_differs", "what is replaced is looked at and saved before", replaced_files_are_saved),
    (
        "move_makes_no_sense",
        "references become names of other places, in tables of the application",
        values::rewritings_make_sense,
    ),
    (
        "system_object",
        "what belongs to the database system itself is left alone",
        values::the_system_is_left_alone,
    ),
    (
        "guard_differs",
        "a destructive step says when it may begin and when it is done",
        destruction_is_guarded,
    ),
    ("undo_differs", "undo concerns what the step itself did", validation_undo::concerns_the_step),
];

/// All that makes no sense in the plan, each naming its step; empty for a sane plan.
pub(in crate::trust) fn offences(plan: &Plan, dialect: &dyn Dialect) -> Vec<Reason> {
    let mut found = Vec::new();
    for (at, step) in plan.steps.iter().enumerate() {
        let place = StepContext { plan, at, step, dialect };
        for (code, _, rule) in RULES {
            if let Err(why) = rule(&place) {
                let reason = Reason::new(code, format!("step `{}`: {why}", step.id));
                found.push(reason.about(format!("step {}", at.saturating_add(1))));
            }
        }
    }
    found
}

fn id_is_unique(place: &StepContext<'_>) -> Result<(), String> {
    let id = &place.step.id;
    if id.is_empty() {
        return Err("it has no id".to_owned());
    }
    let twice = place.plan.steps.iter().filter(|step| step.id == *id).count() > 1;
    if twice { Err("another step has the same id".to_owned()) } else { Ok(()) }
}

fn order_makes_sense(place: &StepContext<'_>) -> Result<(), String> {
    let (before, rest) = place.plan.steps.split_at(place.at);
    let after = rest.get(1..).unwrap_or_default();
    if let Some(id) =
        place.step.requires.iter().find(|id| !before.iter().any(|step| step.id == **id))
    {
        return Err(format!("it requires `{id}`, which is no earlier step"));
    }
    match &place.step.superseded_by {
        Some(id) if !after.iter().any(|step| step.id == *id) => {
            Err(format!("it is superseded by `{id}`, which is no later step"))
        }
        _ => Ok(()),
    }
}

fn transaction_holds(place: &StepContext<'_>) -> Result<(), String> {
    let Some(label) = &place.step.transaction else { return Ok(()) };
    let steps = &place.plan.steps;
    let is_mine = |step: &Step| step.transaction.as_ref() == Some(label);
    let mine = steps.iter().filter(|step| is_mine(step)).count();
    let first = steps.iter().position(is_mine).unwrap_or(place.at);
    if steps.iter().skip(first).take_while(|step| is_mine(step)).count() != mine {
        return Err(format!("the steps of the transaction `{label}` are not neighbours"));
    }
    let outside = |mv: &&Move| {
        mv.touches_files()
            || matches!(mv, Move::BackupDatabase(_) | Move::RestoreDatabase(_) | Move::Run(_))
    };
    match place.step.save.iter().chain(&place.step.moves).find(outside) {
        Some(mv) => Err(format!("`{}` cannot be part of a transaction", mv.word())),
        None => Ok(()),
    }
}

fn does_something(place: &StepContext<'_>) -> Result<(), String> {
    if place.step.moves.is_empty() { Err("it has no moves".to_owned()) } else { Ok(()) }
}

fn one_side_only(place: &StepContext<'_>) -> Result<(), String> {
    let step = place.step;
    let mut sides = step.save.iter().chain(&step.moves).chain(&step.undo).map(Move::touches_files);
    let first = sides.next();
    if sides.all(|side| Some(side) == first) {
        return Ok(());
    }
    Err("it touches both the database and files".to_owned())
}

fn moves_are_where_they_belong(place: &StepContext<'_>) -> Result<(), String> {
    let saves = |mv: &Move| {
        matches!(mv, Move::SaveObjects(_) | Move::BackupDatabase(_) | Move::SaveFiles(_))
    };
    if let Some(mv) = place.step.save.iter().find(|mv| !saves(mv)) {
        return Err(format!("`{}` stands among what is saved", mv.word()));
    }
    let elsewhere = |mv: &&Move| {
        let brings_back = matches!(
            mv,
            Move::RestoreObjects(_)
                | Move::RestoreFiles(_)
                | Move::RestoreRows(_)
                | Move::RemoveFiles(_)
                | Move::RemoveDirectory(_)
        );
        brings_back || matches!(mv, Move::SaveObjects(_) | Move::SaveFiles(_))
    };
    if let Some(mv) = place.step.moves.iter().find(elsewhere) {
        return Err(format!("`{}` stands among the moves", mv.word()));
    }
    Ok(())
}

fn lists_are_there(place: &StepContext<'_>) -> Result<(), String> {
    let step = place.step;
    let no_copy = |index: usize| step.files(&FileList::Move(index)).is_none();
    for mv in step.save.iter().chain(&step.moves).chain(&step.undo) {
        match mv {
            Move::CopyFiles(CopyFiles { files, .. })
            | Move::ReleaseFiles(ReleaseFiles { files, .. })
                if !files.is_own() =>
            {
                return Err("a copy has no list of its own".to_owned());
            }
            Move::ReplaceFiles(replace) if !has_equal_lists(replace) => {
                return Err("what it replaces is not what has the names of the new".to_owned());
            }
            Move::RestoreFiles(RestoreFiles { replacing: Some(files), .. })
                if step.files(files).is_none() =>
            {
                return Err("what it puts back is not listed".to_owned());
            }
            Move::SaveFiles(SaveFiles { files, .. })
            | Move::RestoreFiles(RestoreFiles { files, .. })
                if step.files(files).is_none() =>
            {
                return Err("what it saves or brings back is not listed".to_owned());
            }
            Move::RemoveFiles(remove) if step.files(&remove.files).is_none() => {
                return Err("what it removes is not listed".to_owned());
            }
            _ => {}
        }
    }
    for probe in step.ready.iter().chain(&step.done) {
        match probe {
            Probe::FilesReady { r#move } | Probe::FilesDone { r#move } if no_copy(*r#move) => {
                return Err(format!("a probe asks for the files of move {move}, which is no copy"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether both lists are there and name the same paths, as far as they stand in the plan.
fn has_equal_lists(replace: &ReplaceFiles) -> bool {
    match (&replace.files, &replace.replaced) {
        (FileList::Inline(new), FileList::Inline(old)) => {
            new.iter().map(FileFact::path).eq(old.iter().map(FileFact::path))
        }
        (FileList::Sidecar(new), FileList::Sidecar(old)) => new.files == old.files,
        _ => false,
    }
}

fn drops_are_spelled_right(place: &StepContext<'_>) -> Result<(), String> {
    for mv in place.step.moves.iter().chain(&place.step.undo) {
        let Move::DropObject(drop) = mv else { continue };
        match place.dialect.drop_object(&drop.object) {
            Some(sql) if sql == drop.sql => {}
            Some(_) => {
                return Err(format!(
                    "the SQL that should drop {} is not what drops it",
                    drop.object
                ));
            }
            None => return Err(format!("{} cannot be dropped by itself", drop.object)),
        }
    }
    Ok(())
}

/// What holds no rows may be brought back by creating it again instead.
fn drops_are_saved(place: &StepContext<'_>) -> Result<(), String> {
    for mv in &place.step.moves {
        let Move::DropObject(drop) = mv else { continue };
        let saved = place.step.save.iter().any(|save| match save {
            Move::SaveObjects(save) => save.objects.contains(&drop.object),
            _ => false,
        });
        let has_rows = matches!(
            drop.object.kind,
            ObjectKind::Table
                | ObjectKind::MaterializedView
                | ObjectKind::Sequence
                | ObjectKind::Other
        );
        let created_again = place.step.undo.iter().any(|undo| match undo {
            Move::CreateObject(create) => create.object == drop.object,
            _ => false,
        });
        if !saved && (has_rows || !created_again) {
            return Err(format!("{} is dropped and was not saved", drop.object));
        }
    }
    Ok(())
}

fn releases_are_saved(place: &StepContext<'_>) -> Result<(), String> {
    let step = place.step;
    for (index, mv) in step.moves.iter().enumerate() {
        let Move::ReleaseFiles(release) = mv else { continue };
        if !step.ready.contains(&Probe::FilesReady { r#move: index }) {
            return Err("files are removed and nobody looks at their copies before".to_owned());
        }
        let saved = step.save.iter().any(|save| match save {
            Move::SaveFiles(save) => {
                save.from == release.from && step.files(&save.files) == Some(&release.files)
            }
            _ => false,
        });
        if !saved {
            return Err(format!(
                "files of `{}` are removed and were not saved",
                release.from.to_text()
            ));
        }
        if release.from.is_within(&release.to) || release.to.is_within(&release.from) {
            return Err("files are removed from where their copies are".to_owned());
        }
    }
    Ok(())
}

fn replaced_files_are_saved(place: &StepContext<'_>) -> Result<(), String> {
    let step = place.step;
    for (index, mv) in step.moves.iter().enumerate() {
        let Move::ReplaceFiles(replace) = mv else { continue };
        let to = replace.to.to_text();
        let old = FileList::Replaced(index);
        if !step.ready.contains(&Probe::FilesReady { r#move: index }) {
            return Err(format!("files of `{to}` are replaced and nobody looks at them before"));
        }
        let saves = |save: &Move| matches!(save, Move::SaveFiles(save) if save.from == replace.to && save.files == old);
        if step.save.iter().filter(|save| saves(save)).count() != 1 {
            return Err(format!("files of `{to}` are replaced and were not saved"));
        }
        if replace.from.is_within(&replace.to) || replace.to.is_within(&replace.from) {
            return Err("files are replaced where they come from".to_owned());
        }
    }
    Ok(())
}

fn destruction_is_guarded(place: &StepContext<'_>) -> Result<(), String> {
    let step = place.step;
    if risk::of_step(step) != Risk::Destructive || !step.ready.is_empty() && !step.done.is_empty() {
        return Ok(());
    }
    Err("it is destructive and does not say when it may begin, or when it is done".to_owned())
}
