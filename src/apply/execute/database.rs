//! Changes definitions, saves and restores objects, backs the database up and restores the backup.
//!
//! Never restores what the journal does not know byte for byte.

use crate::apply::context::RunContext;
use crate::apply::execute::prove_backup;
use crate::error::Result;
use crate::fs::files;
use crate::fs::moving::put_out;
use crate::fs::permitted::Purpose;
use crate::model::plan::step::{
    BackupDatabase, Quarantine, RestoreDatabase, RestoreObjects, SaveObjects, Step, Unquarantine,
};

/// Executes one statement inside the open transaction.
pub fn execute(ctx: &mut RunContext<'_>, sql: &str) -> Result<()> {
    ctx.live.change_database().execute(sql).map(|_| ())
}

/// Saves the objects into the run's folder.
pub fn save_objects(ctx: &mut RunContext<'_>, step: &Step, save: &SaveObjects) -> Result<()> {
    let path = ctx.active_run.kept_at(&save.name, None);
    ctx.active_run.make_free(&path)?;
    let kept = ctx.live.change_database().save_objects(&save.objects, &path)?;
    ctx.active_run.saved(&step.id, &save.name, &kept)
}

/// Brings saved objects back.
pub fn restore_objects(ctx: &mut RunContext<'_>, restore: &RestoreObjects) -> Result<()> {
    let path = ctx.active_run.checked(&restore.name, None)?;
    ctx.live.change_database().restore_objects(&restore.objects, &path)
}

/// Backs the database up, and proves the backup before anything rests on it. Where others may write
/// in the directory that it goes to, it is made in the run's folder and put out there when it is
/// whole.
pub fn back_up(ctx: &mut RunContext<'_>, step: &Step, backup: &BackupDatabase) -> Result<()> {
    let directory = backup.directory.as_ref();
    let outside = directory.map(|directory| ctx.live.open_place(directory, Purpose::Backups));
    let outside = outside.transpose()?.filter(|place| !place.is_ours_alone);
    let path = ctx.active_run.kept_at(&backup.name, directory);
    ctx.active_run.make_free(&path)?;
    let made = match &outside {
        Some(_) => ctx.active_run.kept_at(&backup.name, None),
        None => path.clone(),
    };
    ctx.active_run.make_free(&made)?;
    let kept = ctx.live.change_database().backup(&made)?;
    if ctx.options.prove_backup {
        prove_backup::prove(ctx, &made)?;
    }
    if let Some(place) = outside {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        put_out(&made, &place.fd, &name).map_err(|error| files::told("write", &path, &error))?;
    }
    ctx.active_run.saved(&step.id, &backup.name, &kept)
}

/// Restores the run's backup.
pub fn restore(ctx: &mut RunContext<'_>, restore: &RestoreDatabase) -> Result<()> {
    let path = ctx.active_run.checked(&restore.name, restore.directory.as_ref())?;
    ctx.live.change_database().restore_backup(&path)
}

/// Puts an object into quarantine: into a file of the run, or into a schema of the database.
pub fn quarantine(ctx: &mut RunContext<'_>, step: &Step, put: &Quarantine) -> Result<()> {
    let path = ctx.active_run.kept_at(&put.name, None);
    ctx.active_run.make_free(&path)?;
    match ctx.live.change_database().quarantine(&put.object, &path)? {
        Some(kept) => ctx.active_run.saved(&step.id, &put.name, &kept),
        None => Ok(()),
    }
}

/// Brings an object back from quarantine.
pub fn unquarantine(ctx: &mut RunContext<'_>, back: &Unquarantine) -> Result<()> {
    let path = match ctx.active_run.standing().saved.contains_key(&back.name) {
        true => ctx.active_run.checked(&back.name, None)?.to_path_buf(),
        false => ctx.active_run.kept_at(&back.name, None),
    };
    ctx.live.change_database().unquarantine(&back.object, &path)
}
