//! Takes a run back: its steps' undo moves, last first. The moves come from the signed plan alone,
//! the data only from where it matches the journal.

use std::collections::BTreeMap;

use crate::apply::active_run::{self, ActiveRun};
use crate::apply::context::{ApplyOptions, RunContext};
use crate::apply::execute::{self, run_move};
use crate::apply::lock::{StateLock, lock};
use crate::apply::preflight::{self, Reason, StepStatus, check_target};
use crate::apply::probe::Prober;
use crate::apply::probe::answer::demand;
use crate::apply::probe::database::content_digest;
use crate::apply::progress::{ProgressEvent, Reporter};
use crate::apply::run_steps;
use crate::error::{Error, Kind, Result};
use crate::live::LiveWriter;
use crate::model::names::Digest;
use crate::model::plan::Plan;
use crate::model::plan::moves::effects::Domain;
use crate::model::plan::step::{Answer, By, Move, Probe, Reversal, Step};
use crate::model::run::journal::{Attempt, JournalEvent, When};
use crate::model::run::report::{Outcome, Report, StepOutcome, StepReport};
use crate::trust::trusted_plan::TrustedPlan;

/// Takes the run of this plan back, as far as it was done.
///
/// Errors: `Kind::Stale` when the site is not as the run left it; nothing is changed then.
pub fn undo(
    trusted: &TrustedPlan,
    turn: &StateLock,
    live: &mut dyn LiveWriter,
    options: &ApplyOptions,
    reporter: &mut dyn Reporter,
) -> Result<Report> {
    let plan = trusted.plan();
    lock(options, live, plan)?;
    let folder = turn.state.run_of(&trusted.sha256());
    let before = active_run::standing_of(&folder, &trusted.sha256())?;
    if !before.has_begun() {
        return Err(Error::new(
            Kind::Stale,
            "this plan was never applied here, so there is nothing to undo",
        )
        .code("nothing_to_undo")
        .hint("ttplan history"));
    }
    check_target(plan, live)?;
    let done: Vec<&Step> =
        plan.steps.iter().rev().filter(|step| before.begun.contains(&step.id)).collect();
    if before.all_undone {
        return Ok(report(trusted, &folder.id, Outcome::NothingToDo, &done, &[]));
    }
    let mut active_run = ActiveRun::open(folder.clone(), &trusted.sha256(), options.clock)?;
    let sidecar = folder.sidecar().exists().then(|| folder.sidecar());
    let mut ctx = RunContext {
        live,
        active_run: &mut active_run,
        reporter,
        sidecar: sidecar.as_deref(),
        options,
        engine: plan.target.database.engine.clone(),
    };
    check(&mut ctx, plan, &done)?;
    if !ctx.reporter.confirm(&done)? {
        return Err(Error::new(Kind::Cancelled, "cancelled; nothing was changed"));
    }
    ctx.note_attempt(Attempt::Undo, trusted)?;
    let (mut undone, mut left) = (Vec::new(), Vec::new());
    for step in &done {
        match undo_step(&mut ctx, plan, step)? {
            Undoing::Undone => undone.push(step.id.clone()),
            Undoing::Nothing => {}
            Undoing::Left(what) => left.push((step.id.clone(), what)),
        }
    }
    ctx.active_run.note(JournalEvent::AllUndone {})?;
    let mut report = report(trusted, &folder.id, Outcome::Undone, &done, &undone);
    for (id, what) in left {
        report.notes.push(format!("left of step {id}: {what}"));
        let step = report.steps.iter_mut().filter(|step| step.id == id);
        step.for_each(|step| step.outcome = StepOutcome::Left);
    }
    Ok(report)
}

/// Looks at everything before anything is taken back: that every step can be, that the site is as
/// the run left it, that what is to be brought back is there whole.
fn check(ctx: &mut RunContext<'_>, plan: &Plan, done: &[&Step]) -> Result<()> {
    let statuses = {
        let mut prober = Prober::new(&mut *ctx.live, Some(ctx.active_run), ctx.sidecar);
        preflight::look(plan, &mut prober)
    };
    if done.iter().flat_map(|step| &step.undo).any(|mv| !mv.touches_files()) {
        let mut prober = Prober::new(&mut *ctx.live, Some(ctx.active_run), ctx.sidecar);
        demand(prober.ask(&Probe::NoOtherWriter {}, None), |what, _| {
            Error::new(
                Kind::Stale,
                "the run cannot be undone while others may write to the database",
            )
            .code("database_in_use")
            .because(what)
            .hint("stop the application first: `docker compose stop app` or `systemctl stop APP`")
        })?;
    }
    let resumed = ctx.active_run.standing().undo_begun;
    for step in done {
        if step.undo.is_empty() && !only_saves(step) {
            return Err(Error::new(
                Kind::Blocked,
                format!("step {} cannot be undone: {}", step.id, step.title),
            )
            .code("one_way"));
        }
        let as_left = match statuses.get(&step.id) {
            Some(StepStatus::Done | StepStatus::Ready) => true,
            _ => resumed || !ctx.active_run.standing().done.contains(&step.id),
        };
        if !as_left && !ctx.options.discard_writes {
            return Err(Error::new(
                Kind::Stale,
                format!("the site is not as step {} left it: {}", step.id, step.title),
            )
            .code("changed_since")
            .because(why(statuses.get(&step.id)))
            .hint("look at what changed; `--discard-writes` undoes the run all the same"));
        }
        // What was rolled back has nothing in keeping and needs nothing from there.
        let was_done = ctx.active_run.standing().done.contains(&step.id);
        if !was_done && is_at_its_beginning(ctx, plan, step)? {
            continue;
        }
        for mv in &step.undo {
            execute::check_undo(ctx, step, mv)?;
            if restores_all(mv) {
                check_unwritten(ctx, plan, step)?;
            }
        }
    }
    Ok(())
}

fn why(status: Option<&StepStatus>) -> String {
    match status {
        Some(StepStatus::NotReady(_, what) | StepStatus::Unknown(_, what)) => what.clone(),
        _ => "it could not be looked at".to_owned(),
    }
}

/// Whether the step's work was a command's.
fn ran_a_command(step: &Step) -> bool {
    step.moves.iter().any(|mv| mv.effects().command.is_some())
}

/// Whether a step changed nothing: a backup.
fn only_saves(step: &Step) -> bool {
    step.reversal == Reversal::By(By::Nothing)
}

/// Whether a move restores the whole database.
fn restores_all(mv: &Move) -> bool {
    mv.effects().domain == Domain::Database { transactional: false }
}

/// How the database stands to a step that ran a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    /// As before the command, or restored already by an undo that was killed.
    Before,
    /// As the command left it.
    After,
    /// Neither: others wrote to it, or the command stopped midway, and the two cannot be told
    /// apart.
    Otherwise,
}

/// The run's backup may be older than the step: what it brought back is known by the plan's
/// premises, once the database is no longer as the undoing of the step found it.
fn stands(ctx: &mut RunContext<'_>, plan: &Plan, step: &Step) -> Result<Stands> {
    let now = Some(content_digest(ctx.live.database())?);
    let standing = ctx.active_run.standing();
    let of = |contents: &BTreeMap<String, Digest>| contents.get(&step.id).copied();
    let found = of(&standing.content_undone);
    if now == of(&standing.content_before) {
        return Ok(Stands::Before);
    }
    if now == of(&standing.content_after) || now == found {
        return Ok(Stands::After);
    }
    let mut prober = Prober::new(&mut *ctx.live, Some(ctx.active_run), ctx.sidecar);
    let restored = found.is_some() && prober.ask_all(&plan.premises, None) == Answer::Yes;
    Ok(if restored { Stands::Before } else { Stands::Otherwise })
}

/// A restore puts every table back; what was written since the run would be lost.
fn check_unwritten(ctx: &mut RunContext<'_>, plan: &Plan, step: &Step) -> Result<()> {
    if ctx.options.discard_writes || ctx.active_run.standing().undone.contains(&step.id) {
        return Ok(());
    }
    if stands(ctx, plan, step)? != Stands::Otherwise {
        return Ok(());
    }
    let why = match ctx.active_run.standing().content_after.contains_key(&step.id) {
        true => {
            "the database was written to since the run, and taking the run back would lose that"
        }
        false => {
            "what the interrupted command did cannot be told from what others may have written since"
        }
    };
    Err(Error::new(Kind::Stale, why)
        .code("changed_since")
        .because(format!("step {}: {}", step.id, step.title))
        .hint("`ttplan undo --discard-writes` undoes it all the same"))
}

/// What became of a step that was to be undone.
enum Undoing {
    /// Its beginning was seen.
    Undone,
    /// There was nothing to undo, as in a step that was rolled back when it failed.
    Nothing,
    /// Why its beginning was not seen.
    Left(String),
}

/// Undoes one step. Says so only where a probe has seen its beginning afterwards.
fn undo_step(ctx: &mut RunContext<'_>, plan: &Plan, step: &Step) -> Result<Undoing> {
    ctx.go_on()?;
    if step.undo.is_empty() || ctx.active_run.standing().undone.contains(&step.id) {
        return Ok(Undoing::Nothing);
    }
    let is_at_its_beginning = is_at_its_beginning(ctx, plan, step)?;
    if !is_at_its_beginning && ran_a_command(step) {
        let sha256 = content_digest(ctx.live.database())?;
        ctx.active_run.note(JournalEvent::Content {
            step: step.id.clone(),
            when: When::Undo,
            sha256,
        })?;
    }
    ctx.active_run.note(JournalEvent::UndoBegun { step: step.id.clone() })?;
    if !is_at_its_beginning {
        let outcome = if step.undo.iter().any(|mv| mv.touches_files() || restores_all(mv)) {
            step.undo.iter().try_for_each(|mv| run_move(ctx, step, mv))
        } else {
            run_steps::retry(ctx, step, |ctx| {
                step.undo.iter().try_for_each(|mv| run_move(ctx, step, mv))
            })
        };
        if let Err(error) = outcome {
            ctx.active_run
                .note(JournalEvent::Failed { step: step.id.clone(), error: error.to_string() })?;
            return Err(error
                .of_kind(Kind::Midway)
                .hint("run the same `ttplan undo` again: it goes on from here"));
        }
    }
    ctx.active_run.note(JournalEvent::Undone { step: step.id.clone() })?;
    if is_at_its_beginning {
        return Ok(Undoing::Nothing);
    }
    let mut prober = Prober::new(&mut *ctx.live, Some(ctx.active_run), ctx.sidecar);
    match preflight::of_step(step, &mut prober) {
        // Others who use the database now say nothing of whether it is as it was.
        StepStatus::Ready | StepStatus::NotReady(Reason::InUse, _) => {
            ctx.reporter.report(ProgressEvent::Undone { step });
            Ok(Undoing::Undone)
        }
        StepStatus::Done => Ok(Undoing::Left("what it made is there still".to_owned())),
        StepStatus::NotReady(_, what) | StepStatus::Unknown(_, what) => Ok(Undoing::Left(what)),
    }
}

/// Whether a later step's undo, or an earlier attempt, has brought this step's beginning back
/// already. Files are taken back one by one, so for them there is always something to look at.
fn is_at_its_beginning(ctx: &mut RunContext<'_>, plan: &Plan, step: &Step) -> Result<bool> {
    if step.moves.iter().any(Move::touches_files) {
        return Ok(false);
    }
    if ran_a_command(step) {
        return Ok(stands(ctx, plan, step)? == Stands::Before);
    }
    let mut prober = Prober::new(&mut *ctx.live, Some(ctx.active_run), ctx.sidecar);
    Ok(preflight::of_step(step, &mut prober) == StepStatus::Ready)
}

pub(in crate::apply) fn report(
    trusted: &TrustedPlan,
    run: &str,
    outcome: Outcome,
    done: &[&Step],
    undone: &[String],
) -> Report {
    let steps = done.iter().map(|step| StepReport {
        id: step.id.clone(),
        title: step.title.clone(),
        outcome: if undone.contains(&step.id) {
            StepOutcome::Undone
        } else {
            StepOutcome::NothingToUndo
        },
    });
    Report {
        run: run.to_owned(),
        plan_sha256: trusted.sha256(),
        outcome,
        steps: steps.collect(),
        notes: Vec::new(),
    }
}
