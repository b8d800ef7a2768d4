//! What became of a run, for a terminal. The sum counts exactly the lines above it, in their words.

use crate::model::run::report::{Outcome, Report, StepOutcome};
use crate::model::text::counted;
use crate::render::style::{care, faint, good, plain, strong};

/// The notes and, last, how it ended.
///
/// `options` are those that a next command needs too.
pub fn report(report: &Report, options: &str) -> String {
    let mut text = String::new();
    for note in &report.notes {
        text.push_str(&format!("{} {}\n", strong("note:"), plain(note)));
    }
    let count = |outcome| report.steps.iter().filter(|step| step.outcome == outcome).count() as u64;
    let run = plain(&report.run);
    let short = run.get(..8).unwrap_or(&run);
    match report.outcome {
        Outcome::Finished => {
            let already = count(StepOutcome::Already);
            let before =
                if already == 0 { String::new() } else { format!(", {already} were done before") };
            let steps = counted(count(StepOutcome::Done), "step");
            text.push_str(&format!("{} {steps}{before} (run {run})\n", good("Applied:")));
            text.push_str(&format!("To undo: ttplan undo {short}{options}\n"));
        }
        Outcome::NothingToDo if report.steps.iter().all(is_undone) && !report.steps.is_empty() => {
            let line = format!("Run {run} is undone already; nothing was changed\n");
            text.push_str(&line);
        }
        Outcome::NothingToDo => {
            let word = good("Nothing to do:");
            let line = "everything is as the plan wants it; nothing was changed";
            text.push_str(&format!("{word} {line} {}\n", faint(&format!("(run {run})"))));
        }
        Outcome::Undone => text.push_str(&undone(report, &count, &run)),
        Outcome::Stopped => {
            let steps = counted(count(StepOutcome::Done), "step");
            text.push_str(&format!("{} {steps} done (run {run})\n", strong("Stopped:")));
        }
    }
    text
}

fn is_undone(step: &crate::model::run::report::StepReport) -> bool {
    matches!(step.outcome, StepOutcome::NothingToUndo | StepOutcome::Undone)
}

fn undone(report: &Report, count: &dyn Fn(StepOutcome) -> u64, run: &str) -> String {
    let (undone, left) = (count(StepOutcome::Undone), count(StepOutcome::Left));
    let nothing = count(StepOutcome::NothingToUndo);
    let of = report.steps.len();
    let mut text = match (undone, left) {
        (0, 0) => format!("{} no step was left to undo (run {run})\n", good("Undone:")),
        _ => format!("{} {undone} of {of} steps (run {run})\n", good("Undone:")),
    };
    if nothing > 0 && undone > 0 {
        text.push_str(&format!("{} had nothing to undo\n", counted(nothing, "step")));
    }
    if left > 0 {
        text.push_str(&format!("{} {}, as told above\n", care("Left:"), counted(left, "step")));
    }
    text
}
