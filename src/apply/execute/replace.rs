//! Puts files in the place of others that have been saved, and puts those back.
//!
//! A file is replaced only while it is the one that the plan lists; one that somebody has changed
//! since is never touched.

use crate::apply::context::{AS_IT_IS, BATCH, RunContext, directory, how, list, ranges};
use crate::apply::probe::files::beside;
use crate::apply::progress::ProgressEvent;
use crate::artifact::sidecar;
use crate::error::{Error, Kind, Result};
use crate::model::files::uploads::FileFact;
use crate::model::names::FilePath;
use crate::model::plan::step::{FileList, ReplaceFiles, RestoreFiles, Step};
use crate::model::run::journal::JournalEvent;
use crate::stores::store::{FileState, Placement};

/// Replaces the files, batch by batch. What was there has been saved before.
pub fn replace(ctx: &mut RunContext<'_>, step: &Step, replace: &ReplaceFiles) -> Result<()> {
    let (from, to) = (directory(&replace.from)?, directory(&replace.to)?);
    let how = how(replace.mode.as_deref(), replace.owner.as_deref())?;
    let kept = step.save.iter().find_map(|save| save.effects().saves.map(str::to_owned));
    let kept = kept
        .ok_or_else(|| Error::new(Kind::Refused, "files are to be replaced that were not saved"))?;
    let (of_files, of_bytes) = replace.files.totals();
    let (mut done, mut done_bytes) = (0, 0);
    ctx.live.change_files().sweep(to)?;
    clear_exchanged(ctx, to, &[&replace.files, &replace.replaced])?;
    let sidecar = ctx.sidecar;
    let old = sidecar::rows(sidecar, &replace.replaced)?;
    sidecar::for_each_batch(sidecar, &replace.files, BATCH, &mut |first, rows| {
        ctx.go_on()?;
        let old = beside(&old, first, rows)?;
        let files = ranges(first, &ctx.live.files().states(to, old)?, FileState::Same);
        if !files.is_empty() {
            ctx.active_run.note(JournalEvent::Replacing {
                step: step.id.clone(),
                kept: kept.clone(),
                files,
            })?;
        }
        ctx.live.change_files().copy_onto(from, to, rows, Placement::Replace(old), &how)?;
        done += rows.len() as u64;
        done_bytes += rows.iter().map(FileFact::size).fold(0, u64::saturating_add);
        ctx.reporter.report(ProgressEvent::Copied {
            files: done,
            of_files,
            bytes: done_bytes,
            of_bytes,
        });
        Ok(())
    })
}

/// Removes what an interrupted attempt left beside the places, where it is the old content, which
/// is kept, or the new.
///
/// Errors: `Kind::Stale` where it is neither: the only copy of what somebody else wrote there.
pub fn clear_exchanged(
    ctx: &mut RunContext<'_>,
    root: &FilePath,
    known: &[&FileList],
) -> Result<()> {
    let left = ctx.live.change_files().exchanged(root)?;
    let mut ours: Vec<FileFact> = Vec::new();
    for list in known.iter().filter(|_| !left.is_empty()) {
        sidecar::for_each_batch(ctx.sidecar, list, BATCH, &mut |_, rows| {
            let is_known = |fact: &&FileFact| rows.iter().any(|row| row.sha256() == fact.sha256());
            ours.extend(
                left.iter().filter_map(|(_, fact)| fact.as_ref()).filter(is_known).cloned(),
            );
            Ok(())
        })?;
    }
    ours.sort_by(|one, next| one.path().cmp(next.path()));
    ours.dedup();
    ctx.live.change_files().remove(root, &ours)?;
    let Some((path, _)) =
        left.iter().find(|(path, _)| !ours.iter().any(|fact| fact.path() == path))
    else {
        return Ok(());
    };
    let place = root.join(path);
    let place = place.to_text();
    Err(Error::new(
        Kind::Stale,
        format!("`{place}` was written by somebody else at the moment it was to be replaced"),
    )
    .code("files_differ")
    .because("it is the only copy, and nothing was done to it")
    .hint("look at it, move it to where it belongs, then run the same command again"))
}

/// Puts back what was replaced, from where it is kept. One that has another content by now than the
/// run gave it is an error, unless what was written since may be lost: then it is left as it is.
pub fn put_back(
    ctx: &mut RunContext<'_>,
    step: &Step,
    restore: &RestoreFiles,
    kept: &FilePath,
    replacing: &FileList,
) -> Result<()> {
    let root = directory(&restore.root)?;
    let sidecar = ctx.sidecar;
    let ours = sidecar::rows(sidecar, replacing)?;
    clear_exchanged(ctx, root, &[replacing, list(step, &restore.files)?])?;
    sidecar::for_each_batch(sidecar, list(step, &restore.files)?, BATCH, &mut |first, rows| {
        ctx.go_on()?;
        let ours = beside(&ours, first, rows)?;
        let olds = ctx.live.files().states(root, rows)?;
        let news = ctx.live.files().states(root, ours)?;
        let (mut gone, mut old, mut new) = (Vec::new(), Vec::new(), Vec::new());
        for (n, row) in rows.iter().enumerate() {
            match (olds[n], news[n]) {
                (FileState::Same, _) => {}
                (FileState::Missing, _) => gone.push(row.clone()),
                (_, FileState::Same) => {
                    old.push(row.clone());
                    new.push(ours[n].clone());
                }
                _ if ctx.options.discard_writes => {}
                _ => return Err(changed_since(root, row)),
            }
        }
        let files = ctx.live.change_files();
        if !gone.is_empty() {
            files.copy(kept, root, &gone, &AS_IT_IS)?;
        }
        if !old.is_empty() {
            files.copy_onto(kept, root, &old, Placement::Replace(&new), &AS_IT_IS)?;
        }
        Ok(())
    })
}

fn changed_since(root: &FilePath, row: &FileFact) -> Error {
    let message =
        format!("`{}` in `{}` was written to since", row.path().to_text(), root.to_text());
    Error::new(Kind::Stale, message)
        .code("changed_since")
        .hint("`ttplan undo --discard-writes` leaves such files as they are and undoes the rest")
}
