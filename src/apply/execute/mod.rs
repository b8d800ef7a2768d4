//! Carries out moves: the only code that changes a site, one file for each group of moves.
//!
//! Composes nothing and decides nothing: a move says all there is to do.

use crate::apply::context::RunContext;
use crate::error::Result;
use crate::model::plan::step::{Move, Step};

pub mod command;
pub mod database;
pub mod discard_saved;
pub mod files;
pub mod prove_backup;
pub mod release;
pub mod replace;
pub mod rows;

/// Carries out one move of a step. Database moves other than backups, restores and commands need an
/// open transaction.
pub fn run_move(ctx: &mut RunContext<'_>, step: &Step, mv: &Move) -> Result<()> {
    ctx.go_on()?;
    match mv {
        Move::DropObject(_)
        | Move::WidenColumn(_)
        | Move::NarrowColumn(_)
        | Move::CreateVersionTable(_) => database::execute(ctx, mv),
        Move::CreateTable(_)
        | Move::CreateObject(_)
        | Move::AddColumn(_)
        | Move::DropColumn(_)
        | Move::RelaxColumn(_)
        | Move::SetNotNull(_)
        | Move::SetDefault(_)
        | Move::RebuildTable(_)
        | Move::AddConstraint(_)
        | Move::AddIndex(_)
        | Move::InsertDistinct(_)
        | Move::BackfillByJoin(_)
        | Move::SaveRows(_)
        | Move::RestoreUploads(_) => Err(database::unsupported(mv)),
        Move::SetRevisions(set) => ctx.live.change_database().set_revisions(set),
        Move::SaveObjects(save) => database::save_objects(ctx, step, save),
        Move::RestoreObjects(restore) => database::restore_objects(ctx, restore),
        Move::BackupDatabase(backup) => database::back_up(ctx, step, backup),
        Move::RestoreDatabase(restore) => database::restore(ctx, mv, restore),
        Move::Quarantine(put) => database::quarantine(ctx, step, put),
        Move::Unquarantine(back) => database::unquarantine(ctx, back),
        Move::MakeDirectory(make) => files::make_directory(ctx, step, make),
        Move::RemoveDirectory(remove) => files::remove_directories(ctx, step, &remove.path),
        Move::CopyFiles(copy) => files::copy_files(ctx, step, copy),
        Move::RemoveFiles(remove) => files::remove_files(ctx, step, &remove.root, &remove.files),
        Move::ReplaceFiles(files) => replace::replace(ctx, step, files),
        Move::SaveFiles(save) => release::save(ctx, step, save),
        Move::ReleaseFiles(files) => release::release(ctx, step, files),
        Move::RestoreFiles(files) => release::restore(ctx, step, files),
        Move::DiscardSaved(discard) => discard_saved::discard(ctx, discard),
        Move::WriteRows(write) => rows::write(ctx, step, write),
        Move::RestoreRows(back) => rows::restore(ctx, back),
        Move::Run(run) => command::run(ctx, step, run),
    }
}

/// Looks, before anything is undone, whether an undo move has all that it needs.
///
/// Errors: what it would miss.
pub fn check_undo(ctx: &mut RunContext<'_>, step: &Step, mv: &Move) -> Result<()> {
    match mv {
        Move::RestoreObjects(restore) => ctx.active_run.checked(&restore.name, None).map(drop),
        Move::RestoreDatabase(restore) => database::check_backup(ctx, mv, restore),
        Move::RestoreRows(restore) => rows::check_unwritten(ctx, restore),
        Move::RestoreFiles(restore) => release::check_kept(ctx, step, restore),
        Move::CreateTable(_)
        | Move::CreateObject(_)
        | Move::DropObject(_)
        | Move::SaveObjects(_)
        | Move::Quarantine(_)
        | Move::Unquarantine(_)
        | Move::AddColumn(_)
        | Move::DropColumn(_)
        | Move::WidenColumn(_)
        | Move::NarrowColumn(_)
        | Move::RelaxColumn(_)
        | Move::SetNotNull(_)
        | Move::SetDefault(_)
        | Move::RebuildTable(_)
        | Move::AddConstraint(_)
        | Move::AddIndex(_)
        | Move::InsertDistinct(_)
        | Move::BackfillByJoin(_)
        | Move::WriteRows(_)
        | Move::SaveRows(_)
        | Move::CreateVersionTable(_)
        | Move::SetRevisions(_)
        | Move::BackupDatabase(_)
        | Move::RestoreUploads(_)
        | Move::MakeDirectory(_)
        | Move::RemoveDirectory(_)
        | Move::CopyFiles(_)
        | Move::ReplaceFiles(_)
        | Move::RemoveFiles(_)
        | Move::SaveFiles(_)
        | Move::ReleaseFiles(_)
        | Move::Run(_)
        | Move::DiscardSaved(_) => Ok(()),
    }
}
