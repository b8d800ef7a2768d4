//! Takes a run back: its steps' undo moves, last first. The moves come from the signed plan alone,
//! the data only from where it matches the journal.

use crate::apply::command::content_digest;
use crate::apply::group;
use crate::apply::papers::Papers;
use crate::apply::preflight::{self, Status};
use crate::apply::probe::{self, Prober};
use crate::apply::run_move::Hands;
use crate::apply::watch::{Event as Told, Watch};
use crate::apply::{Options, attempt, check_target, lock, standing};
use crate::artifact::journal::{Attempt, Event};
use crate::artifact::state::State;
use crate::error::{Error, Kind, Result};
use crate::live::Change;
use crate::model::plan::Plan;
use crate::model::report::{Outcome, Report, StepOutcome, StepReport};
use crate::model::site::Site;
use crate::model::step::{Move, Probe, Step};
use crate::trust::plan::TrustedPlan;

/// Takes the run of this plan back, as far as it was done.
///
/// Errors: `Kind::Stale` when the site is not as the run left it; nothing is changed then.
pub fn undo(
    trusted: &TrustedPlan,
    site: &Site,
    live: &mut dyn Change,
    options: &Options,
    watch: &mut dyn Watch,
) -> Result<Report> {
    let plan = trusted.plan();
    let state = State::open(site.state.as_path())?;
    let _lock = lock(&state, options, live, plan)?;
    let folder = state.run_of(&trusted.sha256());
    let before = standing(&folder)?;
    if !before.has_begun() {
        return Err(Error::new(Kind::Stale, "this plan was never applied here, so there is nothing to take back")
            .hint("ttplan history"));
    }
    check_target(plan, live)?;
    let done: Vec<&Step> = plan.steps.iter().rev().filter(|step| before.begun.contains(&step.id)).collect();
    if before.all_undone {
        return Ok(report(trusted, &folder.id, Outcome::NothingToDo, &done, &[]));
    }
    let mut papers = Papers::open(folder.clone(), options.clock)?;
    let sidecar = folder.sidecar().exists().then(|| folder.sidecar());
    let mut hands = Hands { live, papers: &mut papers, watch, sidecar: sidecar.as_deref(), options };
    check(&mut hands, plan, &done)?;
    if !hands.watch.confirm(&done)? {
        return Err(Error::new(Kind::Cancelled, "cancelled; nothing was changed"));
    }
    hands.papers.note(attempt(Attempt::Undo, options))?;
    let mut undone = Vec::new();
    for step in &done {
        if undo_step(&mut hands, step)? {
            undone.push(step.id.clone());
        }
    }
    hands.papers.note(Event::AllUndone {})?;
    Ok(report(trusted, &folder.id, Outcome::Undone, &done, &undone))
}

/// Looks at everything before anything is taken back: that every step can be, that the site is as
/// the run left it, that what is to be brought back is there whole.
fn check(hands: &mut Hands<'_>, plan: &Plan, done: &[&Step]) -> Result<()> {
    let statuses = {
        let mut prober = Prober::new(&mut *hands.live, Some(hands.papers), hands.sidecar);
        preflight::look(plan, &mut prober)
    };
    if done.iter().flat_map(|step| &step.undo).any(|act| !act.touches_files()) {
        let mut prober = Prober::new(&mut *hands.live, Some(hands.papers), hands.sidecar);
        probe::demand(prober.ask(&Probe::NoOtherWriter {}, None), |what, _| {
            Error::new(Kind::Stale, "the run cannot be taken back while others may write to the database")
                .because(what)
                .hint("stop the application first: `docker compose stop app` or `systemctl stop APP`")
        })?;
    }
    let resumed = hands.papers.standing().undo_begun;
    for step in done {
        if step.undo.is_empty() && !only_saves(step) {
            return Err(Error::new(Kind::Blocked, format!("step {} cannot be taken back: {}", step.id, step.title)));
        }
        let as_left = match statuses.get(&step.id) {
            Some(Status::Done | Status::Ready) => true,
            _ => resumed || !hands.papers.standing().done.contains(&step.id),
        };
        if !as_left && !hands.options.discard_writes {
            return Err(Error::new(
                Kind::Stale,
                format!("the site is not as step {} left it: {}", step.id, step.title),
            )
            .because(why(statuses.get(&step.id)))
            .hint("look at what changed; `--discard-writes` takes the run back all the same"));
        }
        for act in &step.undo {
            match act {
                Move::RestoreObjects(restore) => drop(hands.papers.checked(&restore.name, None)?),
                Move::RestoreDatabase(restore) => {
                    hands.papers.checked(&restore.name, restore.directory.as_ref())?;
                    check_unwritten(hands, step)?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn why(status: Option<&Status>) -> String {
    match status {
        Some(Status::NotReady(what) | Status::Unknown(what)) => what.clone(),
        _ => "it could not be looked at".to_owned(),
    }
}

/// Whether a step changed nothing: a backup.
fn only_saves(step: &Step) -> bool {
    step.moves.iter().all(|act| matches!(act, Move::BackupDatabase(_) | Move::SaveObjects(_)))
}

/// How the database stands to a step that ran a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    /// As before the command, or restored already by an undo that was killed.
    Before,
    /// As the command left it.
    After,
    /// Neither: others wrote to it, or the command stopped midway, and the two cannot be told apart.
    Otherwise,
}

fn stands(hands: &mut Hands<'_>, step: &Step) -> Result<Stands> {
    let now = Some(content_digest(hands.live.database())?);
    let standing = hands.papers.standing();
    let mut restored = step.undo.iter().filter_map(|act| match act {
        Move::RestoreDatabase(restore) => {
            standing.content_before.get(&standing.saved.get(&restore.name)?.step).copied()
        }
        _ => None,
    });
    Ok(if now == standing.content_before.get(&step.id).copied() || restored.any(|restored| now == Some(restored)) {
        Stands::Before
    } else if now == standing.content_after.get(&step.id).copied() {
        Stands::After
    } else {
        Stands::Otherwise
    })
}

/// A restore puts every table back; what was written since the run would be lost.
fn check_unwritten(hands: &mut Hands<'_>, step: &Step) -> Result<()> {
    if hands.options.discard_writes || hands.papers.standing().undone.contains(&step.id) {
        return Ok(());
    }
    if stands(hands, step)? != Stands::Otherwise {
        return Ok(());
    }
    let why = match hands.papers.standing().content_after.contains_key(&step.id) {
        true => "the database was written to since the run, and taking the run back would lose that",
        false => "what the interrupted command did cannot be told from what others may have written since",
    };
    Err(Error::new(Kind::Stale, why)
        .because(format!("step {}: {}", step.id, step.title))
        .hint("`ttplan undo --discard-writes` takes it back all the same"))
}

/// Takes one step back. Returns whether there was anything to take back.
fn undo_step(hands: &mut Hands<'_>, step: &Step) -> Result<bool> {
    hands.go_on()?;
    if step.undo.is_empty() || hands.papers.standing().undone.contains(&step.id) {
        return Ok(false);
    }
    let is_at_its_beginning = is_at_its_beginning(hands, step)?;
    hands.papers.note(Event::UndoBegun { step: step.id.clone() })?;
    if !is_at_its_beginning {
        let outcome = if step.undo.iter().any(|act| act.touches_files() || matches!(act, Move::RestoreDatabase(_))) {
            step.undo.iter().try_for_each(|act| hands.run_move(step, act))
        } else {
            group::retry(hands, step, |hands| step.undo.iter().try_for_each(|act| hands.run_move(step, act)))
        };
        if let Err(error) = outcome {
            hands.papers.note(Event::Failed { step: step.id.clone(), error: error.to_string() })?;
            return Err(error.of_kind(Kind::Midway).hint("run the same `ttplan undo` again: it goes on from here"));
        }
    }
    hands.papers.note(Event::Undone { step: step.id.clone() })?;
    hands.watch.tell(Told::Undone { step });
    Ok(!is_at_its_beginning)
}

/// Whether a later step's undo, or an earlier attempt, has brought this step's beginning back
/// already. Files are taken back one by one, so for them there is always something to look at.
fn is_at_its_beginning(hands: &mut Hands<'_>, step: &Step) -> Result<bool> {
    if step.moves.iter().any(Move::touches_files) {
        return Ok(false);
    }
    if step.moves.iter().any(|act| matches!(act, Move::Run(_))) {
        return Ok(stands(hands, step)? == Stands::Before);
    }
    let mut prober = Prober::new(&mut *hands.live, Some(hands.papers), hands.sidecar);
    Ok(preflight::of_step(step, &mut prober) == Status::Ready)
}

fn report(trusted: &TrustedPlan, run: &str, outcome: Outcome, done: &[&Step], undone: &[String]) -> Report {
    let steps = done.iter().map(|step| StepReport {
        id: step.id.clone(),
        title: step.title.clone(),
        outcome: if undone.contains(&step.id) { StepOutcome::Undone } else { StepOutcome::NothingToUndo },
    });
    Report { run: run.to_owned(), plan_sha256: trusted.sha256(), outcome, steps: steps.collect(), notes: Vec::new() }
}
