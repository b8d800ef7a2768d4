//! Releases files from old places: keeps them, then removes them where their copies are verified;
//! and brings them back.

use crate::apply::context::{AS_IT_IS, BATCH, RunContext, directory, list};
use crate::apply::execute::replace;
use crate::artifact::sidecar;
use crate::error::{Error, Kind, Result};
use crate::model::files::uploads::FileFact;
use crate::model::names::FilePath;
use crate::model::plan::step::{ReleaseFiles, RestoreFiles, SaveFiles, Step};
use crate::stores::store::FileState;

/// Those of the files that are not there as listed.
fn not_there(
    ctx: &mut RunContext<'_>,
    root: &FilePath,
    rows: &[FileFact],
) -> Result<Vec<FileFact>> {
    let states = ctx.live.files().states(root, rows)?;
    let others = rows.iter().zip(states).filter(|(_, state)| *state != FileState::Same);
    Ok(others.map(|(row, _)| row.clone()).collect())
}

/// Copies the files into the run's folder. What an earlier attempt removed already it has kept as
/// well.
pub fn save(ctx: &mut RunContext<'_>, step: &Step, save: &SaveFiles) -> Result<()> {
    let from = directory(&save.from)?;
    let to = FilePath::new(ctx.active_run.kept_at(&save.name, None));
    ctx.live.change_files().make_directory(&to, Some(0o700), None)?;
    ctx.live.change_files().sweep(&to)?;
    let sidecar = ctx.sidecar;
    sidecar::for_each_batch(sidecar, list(step, &save.files)?, BATCH, &mut |_, rows| {
        ctx.go_on()?;
        let missing = not_there(ctx, &to, rows)?;
        if missing.is_empty() {
            return Ok(());
        }
        ctx.live.change_files().copy(from, &to, &missing, &AS_IT_IS).map(|_| ())
    })
}

/// Removes the files, batch by batch, each only while its copy is there with the same content.
pub fn release(ctx: &mut RunContext<'_>, step: &Step, release: &ReleaseFiles) -> Result<()> {
    let (from, to) = (directory(&release.from)?, directory(&release.to)?);
    let sidecar = ctx.sidecar;
    sidecar::for_each_batch(sidecar, list(step, &release.files)?, BATCH, &mut |_, rows| {
        ctx.go_on()?;
        let copies = ctx.live.files().states(to, rows)?;
        if let Some((row, _)) = rows.iter().zip(copies).find(|(_, state)| *state != FileState::Same)
        {
            let (path, to) = (row.path().to_text(), to.to_text());
            return Err(Error::new(
                Kind::Stale,
                format!("the copy of `{path}` in `{to}` is not as it should be"),
            )
            .code("files_differ"));
        }
        ctx.live.change_files().remove(from, rows).map(|_| ())
    })
}

/// Whether everything that is to be brought back was kept whole.
///
/// Errors: `Kind::Verification` where it was not.
pub fn check_kept(ctx: &mut RunContext<'_>, step: &Step, restore: &RestoreFiles) -> Result<()> {
    let root = directory(&restore.root)?;
    let from = FilePath::new(ctx.active_run.kept_at(&restore.name, None));
    let sidecar = ctx.sidecar;
    sidecar::for_each_batch(sidecar, list(step, &restore.files)?, BATCH, &mut |_, rows| {
        let kept = ctx.live.files().states(&from, rows)?;
        let there = ctx.live.files().states(root, rows)?;
        let lost = |(kept, there): (&FileState, &FileState)| {
            *kept != FileState::Same && *there != FileState::Same
        };
        match rows.iter().zip(kept.iter().zip(&there)).find(|(_, states)| lost(*states)) {
            None => Ok(()),
            Some((row, _)) => {
                let message = format!("the saved `{}` cannot be restored", row.path().to_text());
                Err(Error::new(Kind::Verification, message)
                    .code("saved_copy_differs")
                    .hint(format!("look at `{}`", from.to_text())))
            }
        }
    })
}

/// Brings the files back. One that is there again as it was needs nothing.
pub fn restore(ctx: &mut RunContext<'_>, step: &Step, restore: &RestoreFiles) -> Result<()> {
    let root = directory(&restore.root)?;
    let from = FilePath::new(ctx.active_run.kept_at(&restore.name, None));
    ctx.live.change_files().make_directory(root, None, None)?;
    ctx.live.change_files().sweep(root)?;
    if let Some(replacing) = &restore.replacing {
        return replace::put_back(ctx, step, restore, &from, list(step, replacing)?);
    }
    let sidecar = ctx.sidecar;
    sidecar::for_each_batch(sidecar, list(step, &restore.files)?, BATCH, &mut |_, rows| {
        ctx.go_on()?;
        let gone = not_there(ctx, root, rows)?;
        if gone.is_empty() {
            return Ok(());
        }
        ctx.live.change_files().copy(&from, root, &gone, &AS_IT_IS).map(|_| ())
    })
}
