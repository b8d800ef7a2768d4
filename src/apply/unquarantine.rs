//! Brings single objects back from quarantine: the undo moves of the signed steps that put them
//! there. The rest of their run stays as it is.

use crate::apply::active_run::{self, ActiveRun};
use crate::apply::context::{ApplyOptions, RunContext};
use crate::apply::execute::run_move;
use crate::apply::lock::{StateLock, lock};
use crate::apply::preflight::check_target;
use crate::apply::probe::Prober;
use crate::apply::probe::answer::demand;
use crate::apply::progress::{ProgressEvent, Reporter};
use crate::apply::{run_steps, undo};
use crate::error::{Error, Kind, Result};
use crate::live::LiveWriter;
use crate::model::plan::Plan;
use crate::model::plan::step::{Answer, Move, Probe, Step};
use crate::model::run::journal::{Attempt, JournalEvent};
use crate::model::run::report::{Outcome, Report};
use crate::trust::trusted_plan::TrustedPlan;

/// Brings back what the finished run of this plan put into quarantine: all of it, or the `wanted`
/// objects by name.
///
/// Errors: `Kind::Stale` where something else has the name by now, and where undo is the way;
/// nothing is changed then.
pub fn bring_back(
    trusted: &TrustedPlan,
    turn: &StateLock,
    live: &mut dyn LiveWriter,
    options: &ApplyOptions,
    reporter: &mut dyn Reporter,
    wanted: &[String],
) -> Result<Report> {
    let plan = trusted.plan();
    lock(options, live, plan)?;
    let folder = turn.state.run_of(&trusted.sha256());
    let before = active_run::standing_of(&folder, &trusted.sha256())?;
    if !before.finished || before.undo_begun {
        return Err(Error::new(Kind::Stale, "the run is not finished, or is being undone already")
            .code("run_not_finished")
            .hint(format!("ttplan undo {} undoes all that it did", folder.id)));
    }
    check_target(plan, live)?;
    let chosen = chosen(plan, wanted)?;
    let mut active_run = ActiveRun::open(folder.clone(), &trusted.sha256(), options.clock)?;
    let mut ctx = RunContext {
        live,
        active_run: &mut active_run,
        reporter,
        sidecar: None,
        options,
        engine: plan.target.database.engine.clone(),
    };
    let mut to_do = Vec::new();
    for step in &chosen {
        if !is_back(&mut ctx, step)? {
            to_do.push(*step);
        }
    }
    if !to_do.is_empty() {
        let mut prober = Prober::new(&mut *ctx.live, Some(ctx.active_run), None);
        demand(prober.ask(&Probe::NoOtherWriter {}, None), |what, _| {
            Error::new(Kind::Stale, "nothing is restored while others may write to the database")
                .code("database_in_use")
                .because(what)
                .hint(
                    "stop the application first: `docker compose stop app` or `systemctl stop APP`",
                )
        })?;
    }
    if !ctx.reporter.confirm(&to_do)? {
        return Err(Error::new(Kind::Cancelled, "cancelled; nothing was changed"));
    }
    ctx.note_attempt(Attempt::Undo, trusted)?;
    // All or nothing: what stands on another is as it was only when both are back.
    if let Some(first) = to_do.first() {
        let moves = |ctx: &mut RunContext<'_>, step: &Step| {
            step.undo.iter().try_for_each(|mv| run_move(ctx, step, mv))
        };
        run_steps::retry(&mut ctx, first, |ctx| {
            to_do.iter().try_for_each(|step| moves(ctx, step))
        })?;
    }
    for step in &chosen {
        if !ctx.active_run.standing().undone.contains(&step.id) {
            ctx.active_run.note(JournalEvent::Undone { step: step.id.clone() })?;
            ctx.reporter.report(ProgressEvent::Undone { step });
        }
    }
    let outcome = if to_do.is_empty() { Outcome::NothingToDo } else { Outcome::Undone };
    let back: Vec<String> = to_do.iter().map(|step| step.id.clone()).collect();
    Ok(undo::report(trusted, &folder.id, outcome, &chosen, &back))
}

/// The steps that put these objects into quarantine, last first: what stands on another comes after
/// it.
fn chosen<'p>(plan: &'p Plan, wanted: &[String]) -> Result<Vec<&'p Step>> {
    let names = |step: &Step| -> Vec<String> {
        let put = step.moves.iter().filter_map(Move::quarantines);
        put.flat_map(|object| [object.name.clone(), format!("{}.{}", object.schema, object.name)])
            .collect()
    };
    let steps: Vec<&Step> =
        plan.steps.iter().rev().filter(|step| !names(step).is_empty()).collect();
    let all: Vec<String> = steps.iter().flat_map(|step| names(step)).collect();
    if let Some(unknown) = wanted.iter().find(|name| !all.contains(name)) {
        return Err(Error::new(
            Kind::Usage,
            format!("this run put no `{unknown}` into quarantine"),
        )
        .hint("ttplan quarantine list"));
    }
    if steps.is_empty() {
        return Err(Error::new(Kind::Usage, "this run put nothing into quarantine")
            .hint("ttplan quarantine list"));
    }
    Ok(steps
        .into_iter()
        .filter(|step| wanted.is_empty() || names(step).iter().any(|name| wanted.contains(name)))
        .collect())
}

/// Whether an earlier attempt has brought back already what this step put away.
fn is_back(ctx: &mut RunContext<'_>, step: &Step) -> Result<bool> {
    if ctx.active_run.standing().undone.contains(&step.id) {
        return Ok(true);
    }
    let mut prober = Prober::new(&mut *ctx.live, Some(ctx.active_run), None);
    if prober.ask_all(&step.done, Some(step)) == Answer::Yes {
        return Ok(false);
    }
    // By its definition where the engine keeps it in a file, that stays there.
    let defined: Vec<Probe> = step
        .ready
        .iter()
        .filter(|probe| matches!(probe, Probe::ObjectIs { .. }))
        .cloned()
        .collect();
    let why = match prober.ask_all(&defined, Some(step)) {
        Answer::Yes => return Ok(true),
        Answer::No(what) | Answer::Unknown(what) => what,
    };
    let objects = step.moves.iter().filter_map(Move::quarantines);
    let mut aside = Vec::new();
    for object in objects {
        aside.push(ctx.live.change_database().is_in_quarantine(object)?);
    }
    if aside.iter().all(|aside| *aside == Some(false)) {
        return Ok(true);
    }
    Err(Error::new(Kind::Stale, format!("what was quarantined cannot be restored: {}", step.title))
        .code("name_taken")
        .because("something else has its name by now")
        .because(why)
        .hint("rename or remove that first, then restore it"))
}
