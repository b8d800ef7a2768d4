//! The runs of a host, and what to do next, for a terminal.

use crate::model::run::history::{History, Run, RunPhase, StateDirectoryStatus};
use crate::model::text::{bytes, counted};
use crate::render::style::{bad, block, care, faint, good, plain, strong};

/// How much of what stopped a run stands in a list, counted in characters.
const WIDEST: usize = 80;

/// One line a run.
pub fn history(history: &History) -> String {
    match history.runs.as_slice() {
        [] => "nothing was ever run here\n".to_owned(),
        runs => runs.iter().map(|run| format!("{}\n", line(run))).collect(),
    }
}

/// What the host holds; what a person has to do comes last.
pub fn status(status: &StateDirectoryStatus) -> String {
    let mut text = format!("{} `{}`\n", strong("site"), plain(&status.site));
    let holds = match status.free_bytes {
        None => "not there yet".to_owned(),
        Some(free) => {
            let (runs, size) = (counted(status.runs, "run"), bytes(status.bytes));
            format!("{runs}, {size} in it, {} free on its disk", bytes(free))
        }
    };
    text.push_str(&format!(
        "{} `{}`: {holds}\n",
        strong("state"),
        plain(&status.directory.to_text())
    ));
    if let Some(holder) = &status.held_by {
        text.push_str(&format!("{} {}\n", care("running now:"), plain(holder)));
    }
    if let Some(last) = &status.last {
        text.push_str(&format!("{} {}\n", strong("last run"), line(last)));
    }
    for run in &status.unfinished {
        text.push_str(&unfinished(run, status));
    }
    if status.unfinished.is_empty() {
        text.push_str("nothing is unfinished\n");
    }
    text
}

/// A run that somebody has to go on with, and how.
fn unfinished(run: &Run, status: &StateDirectoryStatus) -> String {
    let id = plain(&run.run);
    let mut text = format!("{} run {id}, {}\n", bad("unfinished:"), progress(run));
    if let Some(why) = &run.failure {
        let (first, rest) = why.split_once('\n').unwrap_or((why, ""));
        text.push_str(&format!("  {} {}\n", faint("because:"), plain(first)));
        text.push_str(&block(rest, "    "));
    }
    if status.held_by.is_some() {
        text.push_str("  somebody runs something now; look again when that has ended\n");
        return text;
    }
    let folder = plain(&status.directory.join(&format!("runs/{}", run.run).into()).to_text());
    let hints = match run.progress {
        RunPhase::Unknown => {
            vec![format!("compare `{folder}` with a backup of the state directory")]
        }
        RunPhase::BeingUndone => vec![format!("undo the rest: ttplan undo {id}")],
        _ => vec![
            format!("finish it: ttplan apply {folder}/plan.ttplan.json"),
            format!("or undo it: ttplan undo {id}"),
        ],
    };
    hints.iter().for_each(|hint| text.push_str(&format!("  {} {hint}\n", strong("hint:"))));
    text
}

/// How far the run of a shown plan has come.
pub fn run(run: &Run) -> String {
    format!("{} {}\n", strong("run"), line(run))
}

/// One run on one line.
fn line(run: &Run) -> String {
    let at = run.started_at.map_or_else(|| "at an unknown time".to_owned(), |at| at.to_string());
    let signers = match run.signed_by.as_slice() {
        [] => "unsigned".to_owned(),
        names => format!(
            "signed by {}",
            names.iter().map(|name| plain(name)).collect::<Vec<_>>().join(", ")
        ),
    };
    let why = run
        .failure
        .as_deref()
        .filter(|_| run.progress != RunPhase::Undone)
        .map_or(String::new(), in_short);
    format!("{at}  {}  {}{why}  {signers}", plain(&run.run), progress(run))
}

/// The beginning of what stopped a run: enough for a list.
fn in_short(why: &str) -> String {
    let line = why.lines().next().unwrap_or_default();
    let mut short: String = line.chars().take(WIDEST).collect();
    if short.len() < why.len() {
        short.push('…');
    }
    format!(" ({})", plain(&short))
}

fn progress(run: &Run) -> String {
    match run.progress {
        RunPhase::NotBegun => "not begun".to_owned(),
        RunPhase::Stopped => {
            format!("{} {} done", bad("stopped midway:"), counted(run.steps_done, "step"))
        }
        RunPhase::Finished => format!("{} {}", good("finished:"), counted(run.steps_done, "step")),
        RunPhase::BeingUndone => {
            format!("{} {} so far", care("being undone:"), counted(run.steps_undone, "step"))
        }
        RunPhase::Undone => "undone".to_owned(),
        RunPhase::Unknown => bad("its journal cannot be read"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(progress: RunPhase) -> Run {
        Run {
            run: "0011223344556677".into(),
            started_at: None,
            last_at: None,
            signed_by: vec!["ada".into()],
            progress,
            steps_done: 2,
            steps_undone: 1,
            failure: Some("step 3: disk full\x1b[2J: it said:\nno\nroom".into()),
        }
    }

    fn told(progress: RunPhase, held_by: Option<String>) -> String {
        let run = run(progress);
        let status = StateDirectoryStatus {
            site: "prod".into(),
            directory: "/var/lib/ttplan".into(),
            bytes: 12_000,
            free_bytes: Some(3_000_000),
            held_by,
            runs: 1,
            unfinished: if run.is_unfinished() { vec![run.clone()] } else { Vec::new() },
            last: Some(run),
        };
        anstream::adapter::strip_str(&super::status(&status)).to_string()
    }

    #[test]
    fn what_stopped_is_told_with_what_to_do_next() {
        let text = told(RunPhase::Stopped, None);
        let short = "stopped midway: 2 steps done (step 3: disk full\\u{1b}[2J: it said:…)  signed by ada\n";
        assert!(text.contains(short), "{text}");
        assert!(
            text.contains(
                "  because: step 3: disk full\\u{1b}[2J: it said:\n    no\n    room\n  hint:"
            ),
            "{text}"
        );
        let hints = "  hint: finish it: ttplan apply /var/lib/ttplan/runs/0011223344556677/plan.ttplan.json\n  \
                     hint: or undo it: ttplan undo 0011223344556677\n";
        assert!(text.ends_with(hints), "{text}");
        assert!(
            told(RunPhase::BeingUndone, None)
                .ends_with("undo the rest: ttplan undo 0011223344556677\n")
        );
        assert!(told(RunPhase::Finished, None).ends_with("nothing is unfinished\n"));
    }

    #[test]
    fn nobody_is_sent_into_a_run_that_is_going_on() {
        let text = told(RunPhase::Stopped, Some("pid 7 on a".into()));
        assert!(text.contains("running now: pid 7 on a\n"), "{text}");
        assert!(!text.contains("hint:"), "{text}");
    }
}
