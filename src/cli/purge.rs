//! `ttplan purge`: what runs of this host keep and nothing needs any more. Lists it and removes nothing.

use std::path::{Path, PathBuf};

use crate::artifact::history;
use crate::artifact::state::{RunFolder, State};
use crate::artifact::{document, files};
use crate::cli::out::Out;
use crate::cli::settings::HostArgs;
use crate::error::Result;
use crate::model::history::{Progress, Run};
use crate::model::names::Moment;
use crate::model::step::{BackupDatabase, Move};
use crate::model::wording::{bytes, counted};
use crate::render::style::plain;

/// List what old runs keep and nothing needs any more; nothing is removed.
///
/// Of a run that was taken back, that is its backups and saved objects: whoever runs out of space may remove them.
/// Whatever an undo would need is told as kept, and so are all journals: they keep a plan from acting again.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only runs that ended as long ago as this: 30d, 12h
    #[arg(long, value_name = "TIME", default_value = "30d", env = "TTPLAN_OLDER_THAN", value_parser = seconds)]
    older_than: i64,
    #[command(flatten)]
    host: HostArgs,
}

fn seconds(text: &str) -> std::result::Result<i64, String> {
    let unit = |suffix: char| text.strip_suffix(suffix).and_then(|number| number.parse::<u32>().ok()).map(i64::from);
    let days = unit('d').map(|days| days * 24 * 3600);
    days.or_else(|| unit('h').map(|hours| hours * 3600)).ok_or_else(|| "write 30d or 12h".to_owned())
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    let site = args.host.site()?;
    let Some(state) = State::find(site.state.as_path())? else {
        out.result("nothing was ever run here\n")?;
        return Ok(0);
    };
    let mut lines = Vec::new();
    for folder in state.runs()? {
        let run = history::run(&folder);
        if is_older(&run, args.older_than, super::now()) {
            lines.extend(of_run(&folder, &run)?);
        }
    }
    out.result(&if lines.is_empty() { "no run is that old\n".to_owned() } else { lines.concat() })?;
    Ok(0)
}

/// A run that nobody can date is never old.
fn is_older(run: &Run, seconds: i64, now: Moment) -> bool {
    run.last_at.is_some_and(|last| last.plus_seconds(seconds) <= now)
}

fn of_run(folder: &RunFolder, run: &Run) -> Result<Vec<String>> {
    let id = plain(&folder.id);
    if run.progress != Progress::TakenBack {
        return Ok(vec![format!("{id}  kept: `ttplan undo {id}` needs it\n")]);
    }
    let mut found = backups(folder)?;
    let saved = folder.saved();
    for entry in std::fs::read_dir(&saved).map_err(|error| files::told("list", &saved, &error))? {
        found.push(entry.map_err(|error| files::told("list", &saved, &error))?.path());
    }
    found.sort();
    let size = found.iter().map(|path| size_of(path)).fold(0, u64::saturating_add);
    let what = counted(found.len() as u64, "thing");
    let mut lines = vec![format!("{id}  taken back: {what} ({}) that nothing needs\n", bytes(size))];
    lines.extend(found.iter().map(|path| format!("  {}\n", plain(&path.to_string_lossy()))));
    Ok(lines)
}

/// The run's backups that lie in a directory of the host's choice.
fn backups(folder: &RunFolder) -> Result<Vec<PathBuf>> {
    let plan = document::read_plan(&folder.plan().to_string_lossy(), &files::read(&folder.plan())?)?;
    let acts = plan.steps.iter().flat_map(|step| step.save.iter().chain(&step.moves));
    let elsewhere = acts.filter_map(|act| match act {
        Move::BackupDatabase(BackupDatabase { name, directory: Some(directory) }) => {
            Some(folder.kept_at(name, Some(directory)))
        }
        _ => None,
    });
    Ok(elsewhere.filter(|path| path.is_file()).collect())
}

/// Of a file, or of all files in a directory. What cannot be looked at counts for nothing.
fn size_of(path: &Path) -> u64 {
    let mut waiting = vec![path.to_path_buf()];
    let mut size: u64 = 0;
    while let Some(path) = waiting.pop() {
        match std::fs::symlink_metadata(&path) {
            Ok(meta) if meta.is_dir() => {
                waiting.extend(std::fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
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
