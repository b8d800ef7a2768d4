//! STAGE: runs a signed plan, and nothing else.
//!
//! Takes a [`TrustedPlan`], which only `trust` can make. Everything is looked at before anything
//! is changed; every change is journalled before and after; a step that is done is not done again.
//! After a crash the journal says where to look and the probes say what is so: running the same
//! plan again finishes it. Decides nothing, composes nothing, prints nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::apply::active_run::ActiveRun;
use crate::apply::context::RunContext;
use crate::apply::preflight::{Statuses, StepStatus};
use crate::apply::probe::Prober;
use crate::apply::progress::Reporter;
use crate::artifact::journal::{self, Attempt, JournalEvent, RunState};
use crate::artifact::state::{Lock, RunDirectory, StateDirectory};
use crate::error::{Error, Kind, Result};
use crate::live::LiveWriter;
use crate::model::host::HostConfig;
use crate::model::host_command::HostCommand;
use crate::model::names::{FilePath, Moment, Secret};
use crate::model::plan::Plan;
use crate::model::plan::step::{Answer, Move, Step};
use crate::model::run::report::{Outcome, Report, StepOutcome, StepReport};
use crate::trust::trusted_plan::TrustedPlan;

pub mod active_run;
pub mod context;
pub mod execute;
mod free_space;
pub mod preflight;
pub mod probe;
pub mod progress;
mod run_steps;
pub mod undo;
pub mod unquarantine;

/// What a run needs from outside that no plan may say.
pub struct ApplyOptions {
    /// Tells the time.
    pub clock: fn() -> Moment,
    /// How long to wait for the locks.
    pub lock_wait: Duration,
    /// What the host permits to be run, by name.
    pub commands: BTreeMap<String, HostCommand>,
    /// The environment that ttplan was started in: what the host says is passed on of it.
    pub environment: BTreeMap<OsString, OsString>,
    /// Of the database, for commands that are told by a variable where it is.
    pub url: Secret,
    /// Texts that must never show up in a log.
    pub secrets: Vec<Secret>,
    /// For people who read the journal or meet the lock.
    pub user: String,
    pub host: String,
    pub pid: u32,
    pub made_by: String,
    /// The plan's sidecar, where it has one.
    pub sidecar: Option<PathBuf>,
    /// Restore a backup into a database of its own before anything rests on it.
    pub prove_backup: bool,
    /// Undo although something was written since.
    pub discard_writes: bool,
}

/// A run's turn on this host: the state directory with its lock. Whoever waits for it has nothing
/// of the site open yet, and so is in nobody's way.
pub struct StateLock {
    state: StateDirectory,
    _lock: Lock,
}

impl StateLock {
    /// Waits for the turn.
    ///
    /// Errors: `Kind::Locked` when another run has it for longer than the options allow to wait.
    pub fn take(site: &HostConfig, options: &ApplyOptions) -> Result<Self> {
        let state = StateDirectory::open(site.state.as_path())?;
        let who = format!("{} on {}, pid {}", options.user, options.host, options.pid);
        let lock = state.lock(options.lock_wait, &who)?;
        Ok(Self { state, _lock: lock })
    }
}

/// Runs the plan.
///
/// Errors: as the exit codes say; nothing was changed unless the kind is `Midway`, `Verification`
/// or a signal's.
pub fn apply(
    trusted: &TrustedPlan,
    turn: &StateLock,
    site: &HostConfig,
    live: &mut dyn LiveWriter,
    options: &ApplyOptions,
    reporter: &mut dyn Reporter,
) -> Result<Report> {
    let plan = trusted.plan();
    lock(options, live, plan)?;
    let folder = turn.state.run_of(&trusted.sha256());
    let before = standing(&folder)?;
    check_target(plan, live)?;
    if before.finished || before.undo_begun {
        return closed(trusted, &folder, &before, live);
    }
    let active_run = if before.has_begun() {
        Some(ActiveRun::open(folder.clone(), options.clock)?)
    } else {
        None
    };
    let statuses = {
        let mut prober =
            Prober::new(as_inspect(live), active_run.as_ref(), options.sidecar.as_deref())
                .of_run(&folder);
        let statuses = preflight::look(plan, &mut prober);
        if active_run.is_none() {
            let all_done = statuses.values().all(|status| *status == StepStatus::Done);
            if all_done && prober.ask_all(&plan.goal, None) == Answer::Yes {
                return Ok(report(trusted, &folder, Outcome::NothingToDo, &statuses));
            }
            check_unexpired(trusted, options)?;
            check_premises(plan, &mut prober)?;
        }
        preflight::demand_ready(plan, &statuses)?;
        statuses
    };
    let to_do: Vec<&Step> = plan
        .steps
        .iter()
        .filter(|step| statuses.get(&step.id) != Some(&StepStatus::Done))
        .collect();
    free_space::demand(plan, &to_do, &site.state, options.prove_backup, live)?;
    if !reporter.confirm(&to_do)? {
        return Err(Error::new(Kind::Cancelled, "cancelled; nothing was changed"));
    }
    let mut active_run = match active_run {
        Some(active_run) => active_run,
        None => ActiveRun::open(folder.clone(), options.clock)?,
    };
    open_run(trusted, site, options, &mut active_run)?;
    let sidecar = folder.sidecar().exists().then(|| folder.sidecar());
    let mut ctx = RunContext {
        live,
        active_run: &mut active_run,
        reporter,
        sidecar: sidecar.as_deref(),
        options,
    };
    check_commands(&mut ctx, &to_do)?;
    note_attempt(ctx.active_run, Attempt::Apply, trusted, options)?;
    run_steps::run_all(&mut ctx, plan)?;
    check_goal(plan, &mut ctx)?;
    ctx.active_run.note(JournalEvent::Finished {})?;
    Ok(report(trusted, &folder, Outcome::Finished, &statuses))
}

/// The looking half of a site that can be changed.
fn as_inspect(live: &mut dyn LiveWriter) -> &mut dyn crate::live::LiveReader {
    live
}

/// The locks of a run on what it changes: the database, each destination.
fn lock(options: &ApplyOptions, live: &mut dyn LiveWriter, plan: &Plan) -> Result<()> {
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

/// The roots that a move must have for itself.
fn locked_roots(mv: &Move) -> Vec<&FilePath> {
    match mv {
        Move::CopyFiles(copy) => vec![&copy.to],
        Move::ReplaceFiles(replace) => vec![&replace.to],
        Move::ReleaseFiles(release) => vec![&release.from, &release.to],
        _ => Vec::new(),
    }
}

/// How far the run has come; nothing, where it was never started.
fn standing(folder: &RunDirectory) -> Result<RunState> {
    if folder.journal().exists() {
        journal::read(&folder.journal()).map(|(_, standing)| standing)
    } else {
        Ok(RunState::default())
    }
}

fn check_target(plan: &Plan, live: &mut dyn LiveWriter) -> Result<()> {
    let found = live.database().look()?.identity;
    let planned = &plan.target.database;
    // Not by its host: a run may come past a pooler, or from another network.
    if (&found.engine, &found.name, &found.identity)
        == (&planned.engine, &planned.name, &planned.identity)
    {
        return Ok(());
    }
    Err(Error::new(Kind::Stale, "the plan is for another database")
        .because(format!(
            "it was made for `{}` ({}), this is `{}` ({})",
            planned.name, planned.identity, found.name, found.identity
        ))
        .hint("point DATABASE_URL at the database that the plan was made for, or plan again"))
}

/// So much may the clocks of two hosts differ, in seconds.
const CLOCKS_DIFFER: i64 = 15 * 60;

fn check_unexpired(trusted: &TrustedPlan, options: &ApplyOptions) -> Result<()> {
    let (now, plan) = ((options.clock)(), trusted.plan());
    let (made, until) = (plan.made_at, plan.expires_at);
    // A plan that dates itself ahead would wait longer than it may.
    if made > now.plus_seconds(CLOCKS_DIFFER) {
        return Err(Error::new(
            Kind::Stale,
            format!("the plan was made at {made}, which is still to come"),
        )
        .because(format!("it is {now} now"))
        .hint("set the clock of this host, or of the one that made the plan, and plan again"));
    }
    if !trusted.is_expired(now) {
        return Ok(());
    }
    Err(Error::new(Kind::Stale, format!("the plan expired at {until}"))
        .because(format!("it is {now} now"))
        .hint("run `ttplan plan` again and have the new plan signed"))
}

fn check_premises(plan: &Plan, prober: &mut Prober<'_>) -> Result<()> {
    probe::demand(prober.ask_all(&plan.premises, None), |what, _| {
        Error::new(Kind::Stale, "the plan is stale: what it rests on is not so any more")
            .because(what)
            .hint("run `ttplan plan` again and have the new plan signed")
    })
}

fn check_goal(plan: &Plan, ctx: &mut RunContext<'_>) -> Result<()> {
    let mut prober = Prober::new(as_inspect(ctx.live), Some(ctx.active_run), ctx.sidecar);
    probe::demand(prober.ask_all(&plan.goal, None), |what, _| {
        Error::new(
            Kind::Verification,
            "all steps are done, and the goal of the plan is not reached",
        )
        .because(what)
        .hint("run `ttplan plan` to see how the site stands now")
    })
}

/// A plan that was finished or taken back never acts again.
fn closed(
    trusted: &TrustedPlan,
    folder: &RunDirectory,
    standing: &RunState,
    live: &mut dyn LiveWriter,
) -> Result<Report> {
    let again = "run `ttplan plan` again and have the new plan signed";
    if standing.undo_begun {
        let what = if standing.all_undone { "was taken back" } else { "is being taken back" };
        return Err(Error::new(Kind::Stale, format!("the plan {what}, so it never acts again"))
            .because(format!("run {}", folder.id))
            .hint(if standing.all_undone {
                again.to_owned()
            } else {
                format!("ttplan undo {}", folder.id)
            }));
    }
    let plan = trusted.plan();
    let mut prober = Prober::new(as_inspect(live), None, None);
    probe::demand(prober.ask_all(&plan.goal, None), |what, _| {
        Error::new(Kind::Stale, "the plan was finished, and since then the site has changed")
            .because(what)
            .hint(again)
    })?;
    let statuses = plan.steps.iter().map(|step| (step.id.clone(), StepStatus::Done)).collect();
    Ok(report(trusted, folder, Outcome::NothingToDo, &statuses))
}

/// Writes the run's first papers, where they are not there yet.
fn open_run(
    trusted: &TrustedPlan,
    site: &HostConfig,
    options: &ApplyOptions,
    active_run: &mut ActiveRun,
) -> Result<()> {
    active_run.keep_copy(&active_run.folder.plan(), &trusted.file().bytes)?;
    for signature in trusted.signatures() {
        active_run.keep_copy(
            &active_run.folder.signature(&signature.name, &trusted.file().name),
            signature.text.as_bytes(),
        )?;
    }
    if let Some(sidecar) = &options.sidecar {
        active_run.keep_copy_of(sidecar, &active_run.folder.sidecar())?;
    }
    if active_run.standing().opened_at.is_none() {
        active_run.note(JournalEvent::Opened {
            format_version: journal::FORMAT_VERSION.to_owned(),
            made_by: options.made_by.clone(),
            plan_sha256: trusted.sha256(),
            site: site.name.clone(),
            signed_by: trusted.signed().iter().map(|signed| signed.principal.clone()).collect(),
        })?;
    }
    Ok(())
}

/// Who started what, and why with fewer signatures than it needs, where that is so.
fn note_attempt(
    active_run: &mut ActiveRun,
    of: Attempt,
    trusted: &TrustedPlan,
    options: &ApplyOptions,
) -> Result<()> {
    let (user, host) = (options.user.clone(), options.host.clone());
    active_run.note(JournalEvent::Attempt { of, user, host, pid: options.pid })?;
    trusted.break_glass().map_or(Ok(()), |reason| {
        active_run.note(JournalEvent::BrokeGlass { reason: reason.to_owned() })
    })
}

/// Shows, before anything is touched, that every command can be run at all.
fn check_commands(ctx: &mut RunContext<'_>, to_do: &[&Step]) -> Result<()> {
    for step in to_do {
        for mv in &step.moves {
            if let Move::Run(run) = mv {
                execute::command::check(ctx, step, run)?;
            }
        }
    }
    Ok(())
}

fn report(
    trusted: &TrustedPlan,
    folder: &RunDirectory,
    outcome: Outcome,
    before: &Statuses,
) -> Report {
    let steps = trusted.plan().steps.iter().map(|step| StepReport {
        id: step.id.clone(),
        title: step.title.clone(),
        outcome: if before.get(&step.id) == Some(&StepStatus::Done) {
            StepOutcome::Already
        } else {
            StepOutcome::Done
        },
    });
    Report {
        run: folder.id.clone(),
        plan_sha256: trusted.sha256(),
        outcome,
        steps: steps.collect(),
        notes: Vec::new(),
    }
}
