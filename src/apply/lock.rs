//! The locks of a run: the state directory, the database, each destination.
//!
//! Whoever waits for the first has nothing of the site open yet, and so is in nobody's way.

use std::collections::BTreeSet;

use crate::apply::context::ApplyOptions;
use crate::artifact::state::{Lock, StateDirectory};
use crate::error::{Error, Kind, Result};
use crate::fs::permitted::Purpose;
use crate::live::LiveWriter;
use crate::model::host::HostConfig;
use crate::model::names::FilePath;
use crate::model::plan::Plan;
use crate::model::plan::step::Move;

/// A run's turn on this host: the state directory with its lock.
pub struct StateLock {
    pub(in crate::apply) state: StateDirectory,
    _lock: Lock,
}

impl StateLock {
    /// Waits for the turn.
    ///
    /// Errors: `Kind::Locked` when another run has it for longer than the options allow to wait.
    pub fn take(site: &HostConfig, options: &ApplyOptions) -> Result<Self> {
        let state = StateDirectory::open(&site.state, &site.links)?;
        let who = format!("{} on {}, pid {}", options.user, options.host, options.pid);
        let lock = state.lock(options.lock_wait, &who)?;
        Ok(Self { state, _lock: lock })
    }
}

/// The locks of a run on what it changes: the database, each destination.
pub fn lock(options: &ApplyOptions, live: &mut dyn LiveWriter, plan: &Plan) -> Result<()> {
    check_places(live, plan)?;
    let database = plan.steps.iter().flat_map(|step| &step.moves).any(|mv| !mv.touches_files());
    if database {
        live.change_database().lock(options.lock_wait)?;
    }
    // Each once: a second lock of the same root would wait for the first.
    let roots: BTreeSet<&FilePath> =
        plan.steps.iter().flat_map(|step| &step.moves).flat_map(locked_roots).collect();
    for root in roots {
        live.lock_root(root, options.lock_wait)?;
    }
    Ok(())
}

/// Goes to every place that a plan touches, before anything is changed.
///
/// Errors: `Kind::Refused` for one that the host does not permit, or that is reached over a link.
fn check_places(live: &dyn LiveWriter, plan: &Plan) -> Result<()> {
    for (n, step) in plan.steps.iter().enumerate() {
        let stale = |error: Error| match error.kind() {
            Kind::Stale => error
                .under(format!("the plan is stale at step {}: {}", n + 1, step.title))
                .about(format!("step {}", n + 1))
                .hint("run `ttplan plan` again and have the new plan signed"),
            _ => error,
        };
        for mv in step.save.iter().chain(&step.moves).chain(&step.undo) {
            let (files, backups) = places(mv);
            let go = |path: &&FilePath, purpose| live.check_place(path, purpose).map_err(stale);
            files.iter().try_for_each(|path| go(path, Purpose::Files))?;
            backups.iter().try_for_each(|path| go(path, Purpose::Backups))?;
        }
    }
    Ok(())
}

/// The directories that a move touches: of the site's files, and for backups.
fn places(mv: &Move) -> (Vec<&FilePath>, Vec<&FilePath>) {
    match mv {
        Move::MakeDirectory(make) => (vec![&make.path], vec![]),
        Move::RemoveDirectory(remove) => (vec![&remove.path], vec![]),
        Move::CopyFiles(copy) => (vec![&copy.from, &copy.to], vec![]),
        Move::ReplaceFiles(replace) => (vec![&replace.from, &replace.to], vec![]),
        Move::RemoveFiles(remove) => (vec![&remove.root], vec![]),
        Move::SaveFiles(save) => (vec![&save.from], vec![]),
        Move::ReleaseFiles(release) => (vec![&release.from, &release.to], vec![]),
        Move::RestoreFiles(restore) => (vec![&restore.root], vec![]),
        Move::BackupDatabase(backup) => (vec![], backup.directory.iter().collect()),
        Move::RestoreDatabase(restore) => (vec![], restore.directory.iter().collect()),
        Move::DiscardKept(discard) => {
            (vec![], discard.kept.iter().filter_map(|kept| kept.directory.as_ref()).collect())
        }
        Move::CreateObject(_)
        | Move::DropObject(_)
        | Move::AlterObject(_)
        | Move::SetRevisions(_)
        | Move::SaveObjects(_)
        | Move::RestoreObjects(_)
        | Move::Quarantine(_)
        | Move::Unquarantine(_)
        | Move::WriteRows(_)
        | Move::RestoreRows(_)
        | Move::Run(_) => (vec![], vec![]),
    }
}

/// The roots that a move must have for itself.
fn locked_roots(mv: &Move) -> Vec<&FilePath> {
    match mv {
        Move::CopyFiles(copy) => vec![&copy.to],
        Move::ReplaceFiles(replace) => vec![&replace.to],
        Move::ReleaseFiles(release) => vec![&release.from, &release.to],
        _ => Vec::new(),
    }
}
