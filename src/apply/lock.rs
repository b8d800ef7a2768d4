//! The locks of a run: the state directory, the database, each destination.
//!
//! Whoever waits for the first has nothing of the site open yet, and so is in nobody's way.

use std::collections::BTreeSet;

use crate::apply::context::{ApplyOptions, directory};
use crate::artifact::state::{Lock, StateDirectory};
use crate::error::{Error, Kind, Result};
use crate::fs::permitted::Purpose;
use crate::live::LiveWriter;
use crate::model::host::HostConfig;
use crate::model::names::FilePath;
use crate::model::plan::Plan;
use crate::model::plan::moves::effects::{PathRole, PathUse, Use};
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
    let mut roots: BTreeSet<FilePath> = BTreeSet::new();
    for mv in plan.steps.iter().flat_map(|step| &step.moves) {
        roots.extend(locked_roots(mv)?);
    }
    for root in &roots {
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
        for mv in step.all_moves() {
            for path in &mv.effects().paths {
                let purpose = match path.role {
                    PathRole::Directory | PathRole::Files => Purpose::Files,
                    PathRole::Backups => Purpose::Backups,
                    // A part of the command, which equals the host's.
                    PathRole::Working => continue,
                };
                live.check_place(directory(&path.place)?, purpose).map_err(stale)?;
            }
        }
    }
    Ok(())
}

/// The roots that a move must have for itself: where it puts files, and for a release both.
fn locked_roots(mv: &Move) -> Result<Vec<FilePath>> {
    let effects = mv.effects();
    let removes = effects.paths.iter().any(|path| path.what == Use::Remove);
    let locked =
        |path: &&PathUse<'_>| path.role == PathRole::Files && (removes || path.what != Use::Read);
    effects.paths.iter().filter(locked).map(|path| directory(&path.place).cloned()).collect()
}
