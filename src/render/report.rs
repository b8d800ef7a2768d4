//! What became of a run, for a terminal.

use crate::model::run::report::{Outcome, Report, StepOutcome};
use crate::model::text::counted;
use crate::render::style::{faint, good, plain, strong};

/// The steps and, last, how it ended.
pub fn report(report: &Report) -> String {
    let mut text = String::new();
    for note in &report.notes {
        text.push_str(&format!("{} {}\n", strong("note:"), plain(note)));
    }
    let count = |outcome| report.steps.iter().filter(|step| step.outcome == outcome).count() as u64;
    let line = match report.outcome {
        Outcome::Finished => {
            let already = count(StepOutcome::Already);
            let before =
                if already == 0 { String::new() } else { format!(", {already} done before") };
            format!(
                "{} {} done{before}",
                good("applied:"),
                counted(count(StepOutcome::Done), "step")
            )
        }
        Outcome::NothingToDo => {
            format!("{} everything is as the plan wants it; nothing was changed", good("applied:"))
        }
        Outcome::Undone => format!(
            "{} {} taken back",
            good("undone:"),
            counted(count(StepOutcome::Undone), "step")
        ),
        Outcome::Stopped => {
            format!("{} {} done", strong("stopped:"), counted(count(StepOutcome::Done), "step"))
        }
    };
    text.push_str(&format!("{line} {}\n", faint(&format!("(run {})", plain(&report.run)))));
    text
}
