//! STAGE: runs a signed plan, and nothing else.
//!
//! Takes a [`TrustedPlan`], which only `trust` can make. Everything is looked at before anything
//! is changed; every change is journalled before and after; a step that is done is not done again.
//! After a crash the journal says where to look and the probes say what is so: running the same
//! plan again finishes it. Decides nothing, composes nothing, prints nothing.

use crate::apply::active_run::ActiveRun;
use crate::apply::context::{ApplyOptions, RunContext};
use crate::apply::lock::{StateLock, lock};
use crate::apply::preflight::{Statuses, StepStatus};
use crate::apply::probe::Prober;
use crate::apply::probe::answer::demand;
use crate::apply::progress::Reporter;
use crate::artifact::state::RunDirectory;
use crate::artifact::{journal, sidecar};
use crate::error::{Error, Kind, Result};
use crate::live::LiveWriter;
use crate::model::host::HostConfig;
use crate::model::plan::step::{Answer, Move, Step};
use crate::model::run::journal::{Attempt, JournalEvent};
use crate::model::run::report::{Outcome, Report, StepOutcome, StepReport};
use crate::model::run::run_state::RunState;
use crate::trust::trusted_plan::{TrustedPlan, check_time};

pub mod active_run;
pub mod context;
pub mod execute;
mod free_space;
pub mod lock;
pub mod preflight;
pub mod probe;
pub mod progress;
mod run_steps;
pub mod undo;
pub mod unquarantine;

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
    let before = active_run::standing_of(&folder, &trusted.sha256())?;
    let home = preflight::check_target(plan, live)?;
    preflight::check_home(plan, site, &home)?;
    if before.finished || before.undo_begun {
        return closed(trusted, &folder, &before, live);
    }
    let active_run = if before.has_begun() {
        Some(ActiveRun::open(folder.clone(), &trusted.sha256(), options.clock)?)
    } else {
        None
    };
    let statuses = {
        let mut prober = Prober::new(&mut *live, active_run.as_ref(), options.sidecar.as_deref())
            .of_run(&folder);
        let statuses = preflight::look(plan, &mut prober);
        if active_run.is_none() {
            let all_done = statuses.values().all(|status| *status == StepStatus::Done);
            if all_done && prober.ask_all(&plan.goal, None) == Answer::Yes {
                return Ok(report(trusted, &folder, Outcome::NothingToDo, &statuses));
            }
            check_time(plan, (options.clock)())?;
            preflight::check_premises(plan, &mut prober)?;
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
        None => ActiveRun::open(folder.clone(), &trusted.sha256(), options.clock)?,
    };
    open_run(trusted, site, options, &mut active_run)?;
    let sidecar = folder.sidecar().exists().then(|| folder.sidecar());
    let mut ctx = RunContext {
        live,
        active_run: &mut active_run,
        reporter,
        sidecar: sidecar.as_deref(),
        options,
        engine: plan.target.database.engine.clone(),
    };
    check_commands(&mut ctx, &to_do)?;
    ctx.note_attempt(Attempt::Apply, trusted)?;
    run_steps::run_all(&mut ctx, plan)?;
    preflight::check_goal(plan, &mut ctx)?;
    ctx.active_run.note(JournalEvent::Finished {})?;
    Ok(report(trusted, &folder, Outcome::Finished, &statuses))
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
        let what = if standing.all_undone { "was undone" } else { "is being undone" };
        return Err(Error::new(Kind::Stale, format!("the plan {what}, so it never acts again"))
            .code("plan_closed")
            .because(format!("run {}", folder.id))
            .hint(if standing.all_undone {
                again.to_owned()
            } else {
                format!("ttplan undo {}", folder.id)
            }));
    }
    let plan = trusted.plan();
    let mut prober = Prober::new(&mut *live, None, None);
    demand(prober.ask_all(&plan.goal, None), |what, _| {
        Error::new(Kind::Stale, "the plan was finished, and since then the site has changed")
            .code("plan_closed")
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
    if let Some(sidecar) = options.sidecar.as_ref().filter(|_| sidecar::is_bound(trusted.plan())) {
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
