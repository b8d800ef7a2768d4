//! The rule that undo concerns what the step itself did.
//!
//! The risk and the title of a step come from its moves alone, so undo moves must not be able
//! to do anything that the moves do not already stand for.

use std::collections::BTreeSet;

use crate::model::names::ObjectRef;
use crate::model::plan::step::{
    BackupDatabase, FileList, Move, RemoveDirectory, RemoveFiles, RestoreDatabase, RestoreFiles,
    RestoreObjects, SetRevisions, Step,
};
use crate::model::risk;
use crate::trust::validation::StepContext;

/// Holds every undo move of the step against its saves and moves.
pub(in crate::trust) fn concerns_the_step(place: &StepContext<'_>) -> Result<(), String> {
    place.step.undo.iter().try_for_each(|undo| {
        if answers_something(place, undo) && sql_stays_within(place.step, undo) {
            return Ok(());
        }
        Err(format!("its undo has a `{}` that nothing in the step calls for", undo.word()))
    })
}

/// What an undo move needs in its own step, or for a backup in an earlier one.
///
/// | undo move | what calls for it |
/// | --- | --- |
/// | `restore_objects` | `save_objects` of the same name with these objects |
/// | `restore_database` | `backup_database` of the same name and directory, also of an earlier step |
/// | `create_object`, `drop_object`, `alter_object` | `drop_object`, `create_object`, `alter_object` of the same object |
/// | `quarantine`, `unquarantine` | `unquarantine`, `quarantine` of the same object and name |
/// | `set_revisions` | `set_revisions` of the same table the other way round |
/// | `remove_files` | `copy_files` to the same root with the same list |
/// | `restore_files` | `save_files` of the same name, root and list; instead of files, `replace_files` of just those |
/// | `restore_rows` | `write_rows` of the same name and rewriting |
/// | `remove_directory` | `make_directory` of it or of one below it |
/// | all others | nothing: they undo nothing |
fn answers_something(place: &StepContext<'_>, undo: &Move) -> bool {
    let step = place.step;
    let some_move = |fits: &dyn Fn(&Move) -> bool| step.moves.iter().any(fits);
    match undo {
        Move::RestoreObjects(restore) => step.save.iter().any(|save| was_saved(save, restore)),
        Move::RestoreDatabase(restore) => {
            let so_far = place.plan.steps.iter().take(place.at.saturating_add(1));
            so_far
                .flat_map(|step| step.save.iter().chain(&step.moves))
                .any(|mv| was_backed_up(mv, restore))
        }
        Move::CreateObject(undo) => {
            some_move(&|mv| matches!(mv, Move::DropObject(drop) if drop.object == undo.object))
        }
        Move::DropObject(undo) => some_move(
            &|mv| matches!(mv, Move::CreateObject(create) if create.object == undo.object),
        ),
        Move::AlterObject(undo) => {
            some_move(&|mv| matches!(mv, Move::AlterObject(alter) if alter.object == undo.object))
        }
        Move::Quarantine(undo) => some_move(
            &|mv| matches!(mv, Move::Unquarantine(back) if back.object == undo.object && back.name == undo.name),
        ),
        Move::Unquarantine(undo) => some_move(
            &|mv| matches!(mv, Move::Quarantine(put) if put.object == undo.object && put.name == undo.name),
        ),
        Move::SetRevisions(undo) => {
            some_move(&|mv| matches!(mv, Move::SetRevisions(set) if is_reverse(set, undo)))
        }
        Move::RemoveFiles(undo) => removes_copies(step, undo),
        Move::RemoveDirectory(undo) => some_move(&|mv| was_made(mv, undo)),
        Move::RestoreFiles(undo) => was_kept(step, undo) && puts_back(step, undo),
        Move::RestoreRows(undo) => some_move(
            &|mv| matches!(mv, Move::WriteRows(write) if write.name == undo.name && write.rewriting == undo.rewriting),
        ),
        Move::SaveObjects(_)
        | Move::BackupDatabase(_)
        | Move::MakeDirectory(_)
        | Move::CopyFiles(_)
        | Move::ReplaceFiles(_)
        | Move::SaveFiles(_)
        | Move::ReleaseFiles(_)
        | Move::DiscardKept(_)
        | Move::WriteRows(_)
        | Move::Run(_) => false,
    }
}

fn sql_stays_within(step: &Step, undo: &Move) -> bool {
    let adds = |mv: &Move, object: &ObjectRef| match mv {
        Move::AlterObject(alter) if alter.object == *object => risk::added(&alter.sql),
        _ => BTreeSet::new(),
    };
    let within = |sql: &str, object: &ObjectRef| {
        let added = step.moves.iter().flat_map(|mv| adds(mv, object)).collect();
        risk::stays_within(sql, object, &added)
    };
    match undo {
        Move::CreateObject(create) => within(&create.sql, &create.object),
        Move::AlterObject(alter) => within(&alter.sql, &alter.object),
        _ => true,
    }
}

fn was_saved(save: &Move, restore: &RestoreObjects) -> bool {
    match save {
        Move::SaveObjects(save) => {
            save.name == restore.name
                && restore.objects.iter().all(|object| save.objects.contains(object))
        }
        _ => false,
    }
}

fn was_backed_up(mv: &Move, restore: &RestoreDatabase) -> bool {
    match mv {
        Move::BackupDatabase(BackupDatabase { name, directory }) => {
            *name == restore.name && *directory == restore.directory
        }
        _ => false,
    }
}

fn is_reverse(done: &SetRevisions, undo: &SetRevisions) -> bool {
    done.table == undo.table
        && done.column == undo.column
        && done.from == undo.to
        && done.to == undo.from
}

fn was_kept(step: &Step, undo: &RestoreFiles) -> bool {
    step.save.iter().any(|save| match save {
        Move::SaveFiles(save) => {
            save.name == undo.name && save.from == undo.root && save.files == undo.files
        }
        _ => false,
    })
}

/// What it puts saved files in the place of is what the step itself had put there.
fn puts_back(step: &Step, undo: &RestoreFiles) -> bool {
    let replaces = |index: &usize| match step.moves.get(*index) {
        Some(Move::ReplaceFiles(replace)) => {
            replace.to == undo.root && undo.files == FileList::Replaced(*index)
        }
        _ => false,
    };
    match &undo.replacing {
        None => !matches!(undo.files, FileList::Replaced(_)),
        Some(FileList::Move(index)) => replaces(index),
        Some(_) => false,
    }
}

fn removes_copies(step: &Step, undo: &RemoveFiles) -> bool {
    let of_this_root = |mv: &Move| match mv {
        Move::CopyFiles(copy) if copy.to == undo.root => Some(copy.files.clone()),
        _ => None,
    };
    match &undo.files {
        FileList::Move(index) => {
            step.moves.get(*index).is_some_and(|mv| of_this_root(mv).is_some())
        }
        // By its own list it would remove what has the names that renamed copies did not get.
        own => step.moves.iter().any(|mv| {
            of_this_root(mv).as_ref() == Some(own)
                && !matches!(mv, Move::CopyFiles(copy) if copy.renamed)
        }),
    }
}

/// A move makes the missing directories above its own too.
fn was_made(mv: &Move, undo: &RemoveDirectory) -> bool {
    match mv {
        Move::MakeDirectory(make) => make.path.is_within(&undo.path),
        _ => false,
    }
}
