//! Changes definitions, saves and restores objects, backs the database up and restores the backup.
//!
//! Never restores what the journal does not know byte for byte.

use crate::apply::context::RunContext;
use crate::apply::execute::prove_backup;
use crate::engines;
use crate::engines::dialect::{Dialect, Spelling};
use crate::error::{Error, Kind, Result};
use crate::fs::files;
use crate::fs::moving::put_out;
use crate::fs::permitted::Purpose;
use crate::model::plan::step::{
    BackupDatabase, BackupSource, Move, Quarantine, RestoreDatabase, RestoreObjects, SaveObjects,
    Step, Unquarantine,
};

/// How the database of the run spells SQL.
pub fn dialect(ctx: &RunContext<'_>) -> Result<&'static dyn Dialect> {
    engines::by_name(&ctx.engine).map(|engine| engine.dialect).ok_or_else(|| {
        let message = format!("the database engine `{}` is not known", ctx.engine);
        Error::new(Kind::Refused, message).code("unknown_engine")
    })
}

/// Executes the statements that a move is, inside the open transaction.
pub fn execute(ctx: &mut RunContext<'_>, mv: &Move) -> Result<()> {
    let refused = |why: String| {
        Error::new(Kind::Refused, format!("`{}` cannot be executed", mv.word()))
            .code("move_unsupported")
            .because(why)
    };
    match dialect(ctx)?.spell(mv) {
        Spelling::Statements(all) => {
            for sql in &all {
                ctx.live.change_database().execute(sql)?;
            }
            Ok(())
        }
        Spelling::Elsewise => Err(refused("it is no statement".to_owned())),
        Spelling::Unsupported(why) => Err(refused(why)),
    }
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

/// Restores the run's own backup.
pub fn restore(ctx: &mut RunContext<'_>, mv: &Move, restore: &RestoreDatabase) -> Result<()> {
    match &restore.source {
        BackupSource::Run(backup) => {
            let path = ctx.active_run.checked(&backup.name, backup.directory.as_ref())?;
            ctx.live.change_database().restore_backup(&path)
        }
        BackupSource::Archive { .. } => Err(unsupported(mv)),
    }
}

/// Whether the backup is there that a restore needs.
pub fn check_backup(ctx: &mut RunContext<'_>, mv: &Move, restore: &RestoreDatabase) -> Result<()> {
    match &restore.source {
        BackupSource::Run(backup) => {
            ctx.active_run.checked(&backup.name, backup.directory.as_ref()).map(drop)
        }
        BackupSource::Archive { .. } => Err(unsupported(mv)),
    }
}

/// Restores the backup that a step's undo names, for a command that failed.
pub fn restore_of(ctx: &mut RunContext<'_>, backup: &BackupDatabase) -> Result<()> {
    let path = ctx.active_run.checked(&backup.name, backup.directory.as_ref())?;
    ctx.live.change_database().restore_backup(&path)
}

/// Of a move that is part of the format and that nothing executes yet.
pub fn unsupported(mv: &Move) -> Error {
    Error::new(Kind::Refused, format!("this ttplan cannot execute `{}`", mv.word()))
        .code("move_unsupported")
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
