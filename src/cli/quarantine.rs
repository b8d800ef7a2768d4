//! `ttplan quarantine list`: what runs of this host took out of the application's sight and nobody brought back.

use clap::Subcommand;

use crate::artifact::state::{RunFolder, State};
use crate::artifact::{document, files, journal};
use crate::cli::out::Out;
use crate::cli::settings::HostArgs;
use crate::error::Result;
use crate::model::step::Move;
use crate::model::wording::counted;
use crate::render::style::plain;

/// Say what is in quarantine.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Quarantine,
}

#[derive(Debug, Subcommand)]
enum Quarantine {
    List(List),
}

/// List what was quarantined: when, by which run, which object.
///
/// It is brought back by taking that run back: `ttplan undo RUN`.
#[derive(Debug, clap::Args)]
struct List {
    #[command(flatten)]
    host: HostArgs,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    let Quarantine::List(list) = &args.command;
    let site = list.host.site()?;
    let state = State::open_existing(site.state.as_path())?;
    let mut lines = Vec::new();
    for run in state.runs()? {
        lines.extend(of_run(&run)?);
    }
    lines.sort();
    lines.extend(
        (!lines.is_empty()).then(|| "hint: all that a run took comes back with it: ttplan undo RUN\n".to_owned()),
    );
    out.result(&if lines.is_empty() { "nothing is in quarantine\n".to_owned() } else { lines.concat() })?;
    Ok(0)
}

fn of_run(run: &RunFolder) -> Result<Vec<String>> {
    let (_, standing) = journal::read(&run.journal())?;
    if standing.done.is_empty() {
        return Ok(Vec::new());
    }
    let plan = document::read_plan(&run.plan().to_string_lossy(), &files::read(&run.plan())?)?;
    let at = standing.opened_at.map(|at| at.to_string()).unwrap_or_default();
    let is_there = |id: &String| standing.done.contains(id) && !standing.undone.contains(id);
    let mut lines = Vec::new();
    for act in plan.steps.iter().filter(|step| is_there(&step.id)).flat_map(|step| &step.moves) {
        let Move::Quarantine(put) = act else { continue };
        let kept = standing.saved.get(&put.name).map_or(String::new(), |fact| {
            let rows = fact.tables.iter().map(|(_, rows)| rows).sum();
            format!(", {} in a file", counted(rows, "row"))
        });
        lines.push(format!("{at}  {}  {}{kept}\n", plain(&run.id), plain(&put.object.to_string())));
    }
    Ok(lines)
}
