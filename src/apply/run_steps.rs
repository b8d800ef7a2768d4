//! Runs steps one after the other, those that share a transaction together.

use std::time::Duration;

use crate::apply::context::RunContext;
use crate::apply::execute::{replace, run_move};
use crate::apply::preflight::{self, StepStatus};
use crate::apply::probe::Prober;
use crate::apply::probe::answer::demand;
use crate::apply::progress::ProgressEvent;
use crate::error::{Error, Kind, Result};
use crate::model::plan::Plan;
use crate::model::plan::step::{CopyFiles, Move, ReplaceFiles, Step};
use crate::model::run::journal::JournalEvent;

/// How often a transaction that met a lock is tried again, with a pause that grows.
const TRIES: u32 = 10;

/// Runs every step that is not done.
pub fn run_all(ctx: &mut RunContext<'_>, plan: &Plan) -> Result<()> {
    let mut n = 0;
    while n < plan.steps.len() {
        let label = &plan.steps[n].transaction;
        let together = plan.steps[n..]
            .iter()
            .take_while(|step| label.is_some() && step.transaction == *label)
            .count()
            .max(1);
        run_group(ctx, plan, n, &plan.steps[n..n + together])?;
        n += together;
    }
    Ok(())
}

fn run_group(ctx: &mut RunContext<'_>, plan: &Plan, first: usize, group: &[Step]) -> Result<()> {
    ctx.go_on()?;
    let statuses = statuses(ctx, plan);
    let mut to_do = Vec::new();
    for (n, step) in group.iter().enumerate() {
        match statuses.get(&step.id) {
            Some(StepStatus::Done) => {
                note_done(ctx, step)?;
                ctx.reporter.report(ProgressEvent::Already { step });
            }
            Some(StepStatus::Ready) => {
                ctx.reporter.report(ProgressEvent::Begun {
                    step,
                    n: first + n + 1,
                    of: plan.steps.len(),
                });
                to_do.push(step);
            }
            Some(StepStatus::NotReady(_, what) | StepStatus::Unknown(_, what)) => {
                return Err(not_ready(step, what));
            }
            None => return Err(not_ready(step, "it was not looked at")),
        }
    }
    if to_do.is_empty() {
        return Ok(());
    }
    for step in &to_do {
        ctx.active_run.note(JournalEvent::Begun { step: step.id.clone() })?;
    }
    let outcome = if needs_transaction(to_do[0]) {
        in_transaction(ctx, &to_do)
    } else {
        one_by_one(ctx, &to_do)
    };
    if let Err(error) = outcome {
        let failed = JournalEvent::Failed { step: to_do[0].id.clone(), error: error.to_string() };
        ctx.active_run.note(failed)?;
        return Err(midway(error));
    }
    for step in to_do {
        demand_done(ctx, step)?;
        ctx.active_run.note(JournalEvent::Done { step: step.id.clone() })?;
        ctx.reporter.report(ProgressEvent::Done { step });
    }
    Ok(())
}

fn statuses(ctx: &mut RunContext<'_>, plan: &Plan) -> preflight::Statuses {
    let mut prober = Prober::new(&mut *ctx.live, Some(ctx.active_run), ctx.sidecar);
    preflight::look(plan, &mut prober)
}

/// A step that an earlier attempt began and a crash kept from being noted.
fn note_done(ctx: &mut RunContext<'_>, step: &Step) -> Result<()> {
    let standing = ctx.active_run.standing();
    if standing.begun.contains(&step.id) && !standing.done.contains(&step.id) {
        // Its last file had its name; what was replaced may still lie beside it.
        for mv in &step.moves {
            if let Move::CopyFiles(CopyFiles { to, .. })
            | Move::ReplaceFiles(ReplaceFiles { to, .. }) = mv
            {
                ctx.live.change_files().sweep(to)?;
            }
            if let Move::ReplaceFiles(replace) = mv {
                replace::clear_exchanged(ctx, &replace.to, &[&replace.files, &replace.replaced])?;
            }
        }
        ctx.active_run.note(JournalEvent::Done { step: step.id.clone() })?;
    }
    Ok(())
}

fn demand_done(ctx: &mut RunContext<'_>, step: &Step) -> Result<()> {
    let mut prober = Prober::new(&mut *ctx.live, Some(ctx.active_run), ctx.sidecar);
    demand(prober.ask_all(&step.done, Some(step)), |what, _| {
        Error::new(Kind::Verification, format!("after `{}` not all is as it should be", step.title))
            .code("step_missed")
            .because(what)
    })
}

fn not_ready(step: &Step, what: &str) -> Error {
    Error::new(Kind::Stale, format!("the plan is stale at step {}: {}", step.id, step.title))
        .code("step_not_ready")
        .because(what.to_owned())
        .hint("run `ttplan plan` again and have the new plan signed")
}

/// Backups, restores and commands have transactions of their own; files have none.
pub fn needs_transaction(step: &Step) -> bool {
    let without = |mv: &Move| {
        mv.touches_files()
            || matches!(mv, Move::BackupDatabase(_) | Move::RestoreDatabase(_) | Move::Run(_))
    };
    !step.moves.iter().any(without)
}

fn one_by_one(ctx: &mut RunContext<'_>, steps: &[&Step]) -> Result<()> {
    for step in steps {
        for mv in step.save.iter().chain(&step.moves) {
            run_move(ctx, step, mv)?;
        }
    }
    Ok(())
}

/// Saves everything first, then changes everything, then commits. What met a lock is rolled back
/// and tried again: nothing of it was to be seen by anybody.
fn in_transaction(ctx: &mut RunContext<'_>, steps: &[&Step]) -> Result<()> {
    retry(ctx, steps[0], |ctx| {
        for step in steps {
            for save in &step.save {
                run_move(ctx, step, save)?;
            }
        }
        for step in steps {
            for mv in &step.moves {
                run_move(ctx, step, mv)?;
            }
        }
        Ok(())
    })
}

/// Does something in a transaction, again and again while others hold locks.
pub fn retry(
    ctx: &mut RunContext<'_>,
    step: &Step,
    mut work: impl FnMut(&mut RunContext<'_>) -> Result<()>,
) -> Result<()> {
    let mut pause = Duration::from_millis(100);
    let mut tries = 1;
    loop {
        let outcome = ctx.live.change_database().begin().and_then(|()| work(ctx));
        let outcome = outcome.and_then(|()| ctx.live.change_database().commit());
        let Err(error) = outcome else { return Ok(()) };
        ctx.live.change_database().rollback()?;
        if !error.is_transient() || tries >= TRIES {
            return Err(error);
        }
        ctx.go_on()?;
        ctx.reporter.report(ProgressEvent::Waiting { step, why: &error.to_string() });
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_secs(3));
        tries += 1;
    }
}

/// What an error means once a step was begun: running again goes on, unless it says something
/// more exact by itself.
fn midway(error: Error) -> Error {
    match error.kind() {
        Kind::Failed | Kind::Unreachable | Kind::Config => error
            .of_kind(Kind::Midway)
            .hint("mend it, then run the same `ttplan apply` again: it goes on from here"),
        _ => error,
    }
}
