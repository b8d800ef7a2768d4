//! Carries out moves: the only code that changes anything.
//!
//! Composes nothing and decides nothing: a move says all there is to do. What a move is about
//! to bring into the world is journalled before, so that undo knows what was not there.

use std::collections::BTreeSet;
use std::path::Path;

use crate::apply::ApplyOptions;
use crate::apply::active_run::ActiveRun;
use crate::apply::execute::command;
use crate::apply::execute::discard_saved;
use crate::apply::execute::prove_backup;
use crate::apply::execute::release;
use crate::apply::execute::replace;
use crate::apply::execute::rows;
use crate::apply::progress::{ProgressEvent, Reporter};
use crate::artifact::journal::JournalEvent;
use crate::artifact::sidecar::{self, Batch};
use crate::error::{Error, Kind, Result};
use crate::live::LiveWriter;
use crate::model::files::uploads::FileFact;
use crate::model::names::FilePath;
use crate::model::plan::step::{CopyFiles, FileList, MakeDirectory, Move, Step};
use crate::stores::store::{CopyAttributes, DirectoryState, FileState, Placement};

/// What is copied, synced and journalled together: enough for the syncs not to count, and not more
/// than somebody who asks for a stop is to wait for.
pub(in crate::apply) const BATCH: Batch = Batch { files: 10_000, bytes: 1 << 30 };

/// What a run works with.
pub struct RunContext<'a> {
    pub live: &'a mut dyn LiveWriter,
    pub active_run: &'a mut ActiveRun,
    pub reporter: &'a mut dyn Reporter,
    pub sidecar: Option<&'a Path>,
    pub options: &'a ApplyOptions,
}

impl RunContext<'_> {
    /// Stops between moves when a signal asked for it.
    pub fn go_on(&self) -> Result<()> {
        self.reporter
            .stop()
            .map_or(Ok(()), |kind| Err(Error::new(kind, "stopped by a signal between two moves")))
    }

    /// Carries out one move of a step. Database moves other than backups, restores and commands
    /// need an open transaction.
    pub fn run_move(&mut self, step: &Step, mv: &Move) -> Result<()> {
        self.go_on()?;
        match mv {
            Move::CreateObject(create) => self.execute(&create.sql),
            Move::DropObject(drop) => self.execute(&drop.sql),
            Move::AlterObject(alter) => self.execute(&alter.sql),
            Move::SetRevisions(set) => self.live.change_database().set_revisions(set),
            Move::SaveObjects(save) => {
                let path = self.active_run.kept_at(&save.name, None);
                self.active_run.make_free(&path)?;
                let kept = self.live.change_database().save_objects(&save.objects, &path)?;
                self.active_run.saved(&step.id, &save.name, &kept)
            }
            Move::RestoreObjects(restore) => {
                let (path, _) = self.active_run.checked(&restore.name, None)?;
                self.live.change_database().restore_objects(&restore.objects, &path)
            }
            Move::BackupDatabase(backup) => {
                let path = self.active_run.kept_at(&backup.name, backup.directory.as_ref());
                self.active_run.make_free(&path)?;
                let kept = self.live.change_database().backup(&path)?;
                if self.options.prove_backup {
                    prove_backup::prove(self, &path)?;
                }
                self.active_run.saved(&step.id, &backup.name, &kept)
            }
            Move::RestoreDatabase(restore) => {
                let (path, _) =
                    self.active_run.checked(&restore.name, restore.directory.as_ref())?;
                self.live.change_database().restore_backup(&path)
            }
            Move::Quarantine(put) => {
                let path = self.active_run.kept_at(&put.name, None);
                self.active_run.make_free(&path)?;
                match self.live.change_database().quarantine(&put.object, &path)? {
                    Some(kept) => self.active_run.saved(&step.id, &put.name, &kept),
                    None => Ok(()),
                }
            }
            Move::Unquarantine(back) => {
                let path = match self.active_run.standing().saved.contains_key(&back.name) {
                    true => self.active_run.checked(&back.name, None)?.0,
                    false => self.active_run.kept_at(&back.name, None),
                };
                self.live.change_database().unquarantine(&back.object, &path)
            }
            Move::MakeDirectory(make) => self.make_directory(step, make),
            Move::RemoveDirectory(remove) => self.remove_directories(step, &remove.path),
            Move::CopyFiles(copy) => self.copy_files(step, copy),
            Move::RemoveFiles(remove) => self.remove_files(step, &remove.root, &remove.files),
            Move::ReplaceFiles(files) => replace::replace(self, step, files),
            Move::SaveFiles(save) => release::save(self, step, save),
            Move::ReleaseFiles(files) => release::release(self, step, files),
            Move::RestoreFiles(files) => release::restore(self, step, files),
            Move::DiscardKept(discard) => discard_saved::discard(self, discard),
            Move::WriteRows(write) => rows::write(self, step, write),
            Move::RestoreRows(back) => rows::restore(self, back),
            Move::Run(run) => command::run(self, step, run),
        }
    }

    fn execute(&mut self, sql: &str) -> Result<()> {
        self.live.change_database().execute(sql).map(|_| ())
    }

    fn make_directory(&mut self, step: &Step, make: &MakeDirectory) -> Result<()> {
        let missing = self.missing_up_from(&make.path)?;
        if missing.is_empty() {
            return Ok(());
        }
        self.active_run.note(JournalEvent::Making { step: step.id.clone(), paths: missing })?;
        let (mode, owner) = (octal(make.mode.as_deref())?, numeric_owner(make.owner.as_deref())?);
        self.live.change_files().make_directory(&make.path, mode, owner).map(|_| ())
    }

    /// The directory and those above it that are not there, outermost first.
    fn missing_up_from(&mut self, path: &FilePath) -> Result<Vec<FilePath>> {
        let mut missing = Vec::new();
        for above in path.as_path().ancestors() {
            let above = FilePath::new(above);
            if self.live.files().directory(&above)? != DirectoryState::Missing {
                break;
            }
            missing.push(above);
        }
        missing.reverse();
        Ok(missing)
    }

    /// Removes the directories that this step made, innermost first; one that is in use stays, and
    /// one that it was kept from making is no reason to leave those around it.
    fn remove_directories(&mut self, step: &Step, path: &FilePath) -> Result<()> {
        let made = self.active_run.standing().made.get(&step.id).cloned().unwrap_or_default();
        for directory in made.iter().rev().filter(|made| path.is_within(made)) {
            self.live.change_files().remove_directory(directory)?;
        }
        Ok(())
    }

    fn copy_files(&mut self, step: &Step, copy: &CopyFiles) -> Result<()> {
        let how = how(copy.mode.as_deref(), copy.owner.as_deref())?;
        let (of_files, of_bytes) = copy.files.totals();
        let (mut done, mut done_bytes) = (0, 0);
        self.live.change_files().sweep(&copy.to)?;
        let sidecar = self.sidecar;
        sidecar::for_each_batch(sidecar, &copy.files, BATCH, &mut |first, rows| {
            self.go_on()?;
            let copies = copy.copies(rows);
            let states = self.live.files().states(&copy.to, &copies)?;
            let absent = ranges(first, &states, FileState::Missing);
            let directories = self.missing_for(&copy.to, &copies, &states)?;
            if !directories.is_empty() {
                self.active_run
                    .note(JournalEvent::Making { step: step.id.clone(), paths: directories })?;
            }
            if !absent.is_empty() {
                self.active_run.note(JournalEvent::Copying { step: step.id.clone(), absent })?;
            }
            let onto = if copy.renamed { Placement::ContentName } else { Placement::NewName };
            self.live.change_files().copy_onto(&copy.from, &copy.to, rows, onto, &how)?;
            done += rows.len() as u64;
            done_bytes += rows.iter().map(FileFact::size).sum::<u64>();
            self.reporter.report(ProgressEvent::Copied {
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
        &mut self,
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
            if self.live.files().directory(&path)? == DirectoryState::Missing {
                missing.push(path);
            }
        }
        Ok(missing)
    }

    /// Removes the files that were missing before this step copied them, with the directories that
    /// it made for them and whatever an interruption left of it.
    fn remove_files(&mut self, step: &Step, root: &FilePath, list: &FileList) -> Result<()> {
        let files = step
            .files(list)
            .ok_or_else(|| Error::new(Kind::Refused, "the undo names no list of files"))?;
        let copy = match list {
            FileList::Move(index) => step.moves.get(*index),
            _ => None,
        };
        let sidecar = self.sidecar;
        sidecar::for_each_batch(sidecar, files, BATCH, &mut |first, rows| {
            let renamed = matches!(copy, Some(Move::CopyFiles(copy)) if copy.renamed);
            let mine: Vec<FileFact> = (first..)
                .zip(rows)
                .filter(|(index, _)| self.active_run.standing().was_absent(&step.id, *index))
                .map(|(_, row)| if renamed { row.by_content() } else { row.clone() })
                .collect();
            if mine.is_empty() {
                Ok(())
            } else {
                self.live.change_files().remove(root, &mine).map(|_| ())
            }
        })?;
        self.live.change_files().sweep(root)?;
        for directory in
            self.active_run.standing().made.get(&step.id).cloned().unwrap_or_default().iter().rev()
        {
            self.live.change_files().remove_directory(directory)?;
        }
        Ok(())
    }
}

/// The files of a batch that are so, as `[first, count]` ranges of the whole list.
pub(in crate::apply) fn ranges(first: u64, states: &[FileState], so: FileState) -> Vec<(u64, u64)> {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for (index, _) in (first..).zip(states).filter(|(_, state)| **state == so) {
        match ranges.last_mut() {
            Some((from, count)) if *from + *count == index => *count += 1,
            _ => ranges.push((index, 1)),
        }
    }
    ranges
}

/// How copies are to be made.
pub(in crate::apply) fn how(mode: Option<&str>, owner: Option<&str>) -> Result<CopyAttributes> {
    Ok(CopyAttributes { mode: octal(mode)?, owner: numeric_owner(owner)? })
}

fn octal(mode: Option<&str>) -> Result<Option<u32>> {
    let read = |text: &str| {
        let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777);
        mode.ok_or_else(|| Error::new(Kind::Refused, format!("`{text}` is not an octal file mode")))
    };
    mode.map(read).transpose()
}

fn numeric_owner(owner: Option<&str>) -> Result<Option<(u32, u32)>> {
    let read = |text: &str| {
        let pair = text
            .split_once(':')
            .and_then(|(user, group)| Some((user.parse().ok()?, group.parse().ok()?)));
        pair.ok_or_else(|| {
            Error::new(Kind::Refused, format!("`{text}` is not a numeric `user:group`"))
        })
    };
    owner.map(read).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_files_become_ranges_of_the_whole_list() {
        use FileState::{Missing, Same};
        assert_eq!(
            ranges(1000, &[Missing, Missing, Same, Missing], Missing),
            [(1000, 2), (1003, 1)]
        );
        assert!(ranges(0, &[Same], Missing).is_empty());
    }

    #[test]
    fn modes_and_owners_are_numbers_or_refused() {
        assert_eq!(octal(Some("0644")).unwrap(), Some(0o644));
        assert!(octal(Some("0999")).is_err());
        assert_eq!(numeric_owner(Some("1000:1001")).unwrap(), Some((1000, 1001)));
        assert!(numeric_owner(Some("root")).is_err());
    }
}
