//! `ttplan purge`: what runs of this host keep and nothing needs any more, and the plan that
//! removes it.

use std::path::{Path, PathBuf};

use crate::actions::Draft;
use crate::actions::purge_run::PurgeRun;
use crate::artifact::history;
use crate::artifact::state::{RunDirectory, StateDirectory};
use crate::artifact::{document, json};
use crate::cli::commands::inspect::look;
use crate::cli::commands::plan::{check_lives, write};
use crate::cli::out::Out;
use crate::cli::output;
use crate::cli::settings::{SiteArgs, tell_written};
use crate::diagnose::diagnose;
use crate::error::Result;
use crate::fs::files;
use crate::model::diagnosis::Decisions;
use crate::model::names::Moment;
use crate::model::plan::Plan;
use crate::model::plan::step::SavedCopyRef;
use crate::model::run::history::{Run, RunPhase};
use crate::model::text::{bytes, counted};
use crate::plan::{self, PlanOptions};
use crate::render::style::plain;

/// List what old runs keep and nothing needs any more; with `-o`, plan to remove it.
///
/// Of a run that was undone, that is its backups and saved objects. Whatever an undo would need
/// is told as kept, and so are all journals: they keep a plan from acting again. The plan is signed
/// and applied like every other.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only runs that ended as long ago as this: 30d, 12h
    #[arg(long, value_name = "TIME", default_value = "30d", env = "TTPLAN_OLDER_THAN", value_parser = seconds)]
    older_than: i64,
    /// Write a plan that removes it (NAME.ttplan.json); `-` is stdout
    #[arg(short, long, value_name = "FILE", env = "TTPLAN_PLAN_OUTPUT")]
    output: Option<PathBuf>,
    /// Who makes the plan, as the principal who will sign it
    #[arg(long, value_name = "PRINCIPAL", env = "TTPLAN_AUTHOR")]
    author: Option<String>,
    /// The change ticket that the plan belongs to
    #[arg(long, value_name = "TICKET", env = "TTPLAN_TICKET")]
    ticket: Option<String>,
    #[command(flatten)]
    site: SiteArgs,
}

fn seconds(text: &str) -> std::result::Result<i64, String> {
    let unit = |suffix: char| {
        text.strip_suffix(suffix).and_then(|number| number.parse::<u32>().ok()).map(i64::from)
    };
    let days = unit('d').map(|days| days * 24 * 3600);
    days.or_else(|| unit('h').map(|hours| hours * 3600))
        .ok_or_else(|| "write 30d or 12h".to_owned())
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    if let Some(path) = &args.output {
        output::check_file(path)?;
    }
    let site = args.site.host.site()?;
    let Some(state) = StateDirectory::find(&site.state, &site.links)? else {
        out.result("nothing was ever run here\n")?;
        return Ok(0);
    };
    let (mut lines, mut steps) = (Vec::new(), Vec::new());
    for folder in state.runs()? {
        let run = history::run(&folder);
        if !is_older(&run, args.older_than, crate::cli::now()) {
            continue;
        }
        let id = plain(&folder.id);
        if run.progress != RunPhase::Undone {
            lines.push(format!("{id}  kept: `ttplan undo {id}` needs it\n"));
            continue;
        }
        let kept = kept(&folder)?;
        lines.push(told(&folder, &kept));
        if !kept.is_empty() {
            steps.push(
                PurgeRun { run: &folder.id, kept, reason: "undone, and needed by nothing" }.step(),
            );
        }
    }
    let listed = if lines.is_empty() { "no run is that old\n".to_owned() } else { lines.concat() };
    let to_stdout = output::is_standard(args.output.as_deref());
    if to_stdout {
        out.say(&listed);
    } else {
        out.result(&listed)?;
    }
    match &args.output {
        Some(_) if to_stdout && !steps.is_empty() => {
            out.result(&json::to_text(&planned(args, steps)?))?;
        }
        Some(path) if !steps.is_empty() => {
            write(path, &json::to_text(&planned(args, steps)?), None)?;
            tell_written(path, out);
        }
        Some(_) => out.say("Nothing is to be removed, so no plan was written\n"),
        None => {}
    }
    Ok(0)
}

/// The plan for the database that the runs are of; what state that is in does not matter here.
fn planned(args: &Args, steps: Vec<Draft>) -> Result<Plan> {
    let mut settled = args.site.resolve()?;
    settled.config.uploads.clear();
    let seen = look(&settled, true)?;
    let decisions = Decisions::default();
    let examination = diagnose(&seen, &decisions);
    let (author, ticket) = (args.author.clone(), args.ticket.clone());
    let wishes = PlanOptions {
        made_by: crate::cli::made_by(),
        made_at: crate::cli::document_time()?,
        author,
        ticket,
    };
    let plan = plan::of_wishes(&examination.case, examination.diagnosis.clone(), wishes, steps);
    check_lives(&plan).map(|()| plan)
}

/// A run that nobody can date is never old.
fn is_older(run: &Run, seconds: i64, now: Moment) -> bool {
    run.last_at.is_some_and(|last| last.plus_seconds(seconds) <= now)
}

/// All that the run keeps, sorted.
fn kept(folder: &RunDirectory) -> Result<Vec<SavedCopyRef>> {
    let mut found = backups(folder)?;
    let saved = folder.saved();
    let failed = |error: std::io::Error| files::told("list", &saved, &error);
    for entry in std::fs::read_dir(&saved).map_err(failed)? {
        // A name that is no text is none of ours.
        if let Ok(name) = entry.map_err(failed)?.file_name().into_string() {
            let bytes = size_of(&saved.join(&name));
            found.push(SavedCopyRef { name, directory: None, bytes });
        }
    }
    found.sort();
    Ok(found)
}

fn told(folder: &RunDirectory, kept: &[SavedCopyRef]) -> String {
    let size = kept.iter().map(|thing| thing.bytes).fold(0, u64::saturating_add);
    let what = counted(kept.len() as u64, "thing");
    let mut text =
        format!("{}  undone: {what} ({}) that nothing needs\n", plain(&folder.id), bytes(size));
    for thing in kept {
        let path = folder.kept_at(&thing.name, thing.directory.as_ref());
        text.push_str(&format!("  {}\n", plain(&path.to_string_lossy())));
    }
    text
}

/// The run's backups that lie in a directory of the host's choice.
fn backups(folder: &RunDirectory) -> Result<Vec<SavedCopyRef>> {
    let plan =
        document::read_plan(&folder.plan().to_string_lossy(), &files::read(&folder.plan())?)?;
    let moves = plan.steps.iter().flat_map(|step| step.save.iter().chain(&step.moves));
    let elsewhere = moves.filter_map(|mv| {
        let backup = mv.backup()?;
        let directory = backup.directory.as_ref()?;
        let path = folder.kept_at(&backup.name, Some(directory));
        path.is_file().then(|| SavedCopyRef {
            bytes: size_of(&path),
            name: backup.name.clone(),
            directory: Some(directory.clone()),
        })
    });
    Ok(elsewhere.collect())
}

/// Of a file, or of all files in a directory. What cannot be looked at counts for nothing.
fn size_of(path: &Path) -> u64 {
    let mut waiting = vec![path.to_path_buf()];
    let mut size: u64 = 0;
    while let Some(path) = waiting.pop() {
        match std::fs::symlink_metadata(&path) {
            Ok(meta) if meta.is_dir() => {
                waiting.extend(
                    std::fs::read_dir(&path)
                        .into_iter()
                        .flatten()
                        .flatten()
                        .map(|entry| entry.path()),
                );
            }
            Ok(meta) => size = size.saturating_add(meta.len()),
            Err(_) => {}
        }
    }
    size
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_days_or_hours() {
        assert_eq!((seconds("30d"), seconds("12h")), (Ok(30 * 24 * 3600), Ok(12 * 3600)));
        for text in ["", "d", "30", "-1d", "1w", "99999999999d"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
