//! Makes directories, copies files, and removes again what a step made.
//!
//! What a move is about to bring into the world is journalled before, so that undo knows what was
//! not there. Never removes what was there before.

use std::collections::BTreeSet;

use crate::apply::context::{BATCH, RunContext, directory, how, ranges};
use crate::apply::progress::ProgressEvent;
use crate::artifact::sidecar;
use crate::error::{Error, Kind, Result};
use crate::model::files::location::Location;
use crate::model::files::uploads::FileFact;
use crate::model::names::FilePath;
use crate::model::plan::moves::effects::Files;
use crate::model::plan::step::{CopyFiles, FileList, MakeDirectory, Move, Step};
use crate::model::run::journal::JournalEvent;
use crate::stores::store::{DirectoryState, FileState, Placement};

/// Makes a directory and those above it that are missing, journalled before.
pub fn make_directory(ctx: &mut RunContext<'_>, step: &Step, make: &MakeDirectory) -> Result<()> {
    let path = directory(&make.path)?;
    let missing = missing_up_from(ctx, path)?;
    if missing.is_empty() {
        return Ok(());
    }
    ctx.active_run.note(JournalEvent::Making { step: step.id.clone(), paths: missing })?;
    let how = how(make.mode.as_deref(), make.owner.as_deref())?;
    ctx.live.change_files().make_directory(path, how.mode, how.owner).map(|_| ())
}

/// The directory and those above it that are not there, outermost first.
fn missing_up_from(ctx: &mut RunContext<'_>, path: &FilePath) -> Result<Vec<FilePath>> {
    let mut missing = Vec::new();
    for above in path.as_path().ancestors() {
        let above = FilePath::new(above);
        if ctx.live.files().directory(&above)? != DirectoryState::Missing {
            break;
        }
        missing.push(above);
    }
    missing.reverse();
    Ok(missing)
}

/// Removes the directories that this step made, innermost first; one that is in use stays, and
/// one that it was kept from making is no reason to leave those around it.
pub fn remove_directories(ctx: &mut RunContext<'_>, step: &Step, path: &Location) -> Result<()> {
    let path = directory(path)?;
    let made = ctx.active_run.standing().made.get(&step.id).cloned().unwrap_or_default();
    for directory in made.iter().rev().filter(|made| path.is_within(made)) {
        ctx.live.change_files().remove_directory(directory)?;
    }
    Ok(())
}

/// Copies the files of a list, batch by batch; what is absent before is journalled before.
pub fn copy_files(ctx: &mut RunContext<'_>, step: &Step, copy: &CopyFiles) -> Result<()> {
    let (from, to) = (directory(&copy.from)?, directory(&copy.to)?);
    let how = how(copy.mode.as_deref(), copy.owner.as_deref())?;
    let (of_files, of_bytes) = copy.files.totals();
    let (mut done, mut done_bytes) = (0, 0);
    ctx.live.change_files().sweep(to)?;
    let sidecar = ctx.sidecar;
    sidecar::for_each_batch(sidecar, &copy.files, BATCH, &mut |first, rows| {
        ctx.go_on()?;
        let copies = copy.copies(rows);
        let states = ctx.live.files().states(to, &copies)?;
        let absent = ranges(first, &states, FileState::Missing);
        let directories = missing_for(ctx, to, &copies, &states)?;
        if !directories.is_empty() {
            ctx.active_run
                .note(JournalEvent::Making { step: step.id.clone(), paths: directories })?;
        }
        if !absent.is_empty() {
            ctx.active_run.note(JournalEvent::Copying { step: step.id.clone(), absent })?;
        }
        let onto = if copy.renamed { Placement::ContentName } else { Placement::NewName };
        ctx.live.change_files().copy_onto(from, to, rows, onto, &how)?;
        done += rows.len() as u64;
        done_bytes += rows.iter().map(FileFact::size).sum::<u64>();
        ctx.reporter.report(ProgressEvent::Copied {
            files: done,
            of_files,
            bytes: done_bytes,
            of_bytes,
        });
        Ok(())
    })
}

/// The directories that are to hold missing files and are missing too, outermost first.
fn missing_for(
    ctx: &mut RunContext<'_>,
    root: &FilePath,
    rows: &[FileFact],
    states: &[FileState],
) -> Result<Vec<FilePath>> {
    let absent = rows.iter().zip(states).filter(|(_, state)| **state == FileState::Missing);
    let above =
        absent.flat_map(|(row, _)| row.path().as_path().ancestors().skip(1).map(FilePath::new));
    let all: BTreeSet<FilePath> = above.filter(|path| !path.as_bytes().is_empty()).collect();
    let mut missing = Vec::new();
    for path in all {
        let path = root.join(&path);
        if ctx.live.files().directory(&path)? == DirectoryState::Missing {
            missing.push(path);
        }
    }
    Ok(missing)
}

/// Removes the files that were missing before this step copied them, with the directories that
/// it made for them and whatever an interruption left of it.
pub fn remove_files(
    ctx: &mut RunContext<'_>,
    step: &Step,
    root: &Location,
    list: &FileList,
) -> Result<()> {
    let root = directory(root)?;
    let files = step
        .files(list)
        .ok_or_else(|| Error::new(Kind::Refused, "the undo names no list of files"))?;
    let renamed = match list {
        FileList::Move(index) => match step.moves.get(*index).map(Move::files) {
            Some(Files::Copy(copy)) => copy.renamed,
            Some(Files::Replace(_) | Files::Release(_) | Files::None) | None => false,
        },
        FileList::Inline(_) | FileList::Sidecar(_) | FileList::Replaced(_) => false,
    };
    let sidecar = ctx.sidecar;
    sidecar::for_each_batch(sidecar, files, BATCH, &mut |first, rows| {
        let mine: Vec<FileFact> = (first..)
            .zip(rows)
            .filter(|(index, _)| ctx.active_run.standing().was_absent(&step.id, *index))
            .map(|(_, row)| if renamed { row.by_content() } else { row.clone() })
            .collect();
        if mine.is_empty() {
            Ok(())
        } else {
            ctx.live.change_files().remove(root, &mine).map(|_| ())
        }
    })?;
    ctx.live.change_files().sweep(root)?;
    for directory in
        ctx.active_run.standing().made.get(&step.id).cloned().unwrap_or_default().iter().rev()
    {
        ctx.live.change_files().remove_directory(directory)?;
    }
    Ok(())
}
