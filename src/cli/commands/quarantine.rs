//! `ttplan quarantine`: what runs of this host took out of the application's sight and nobody
//! brought back, and how it comes back.

use clap::Subcommand;

use crate::apply::unquarantine::bring_back;
use crate::artifact::state::{RunDirectory, StateDirectory};
use crate::artifact::{document, journal};
use crate::cli::commands::apply::How;
use crate::cli::commands::undo::{UndoCommand, named};
use crate::cli::out::Out;
use crate::cli::settings::{HostArgs, SiteArgs};
use crate::cli::trusted_plan::Leave;
use crate::error::Result;
use crate::fs::files;
use crate::model::text::counted;
use crate::render::style::plain;

/// Say what is in quarantine, and bring it back.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Quarantine,
}

#[derive(Debug, Subcommand)]
enum Quarantine {
    List(List),
    Restore(Box<Restore>),
}

/// List what was quarantined: when, by which run, which object.
#[derive(Debug, clap::Args)]
struct List {
    #[command(flatten)]
    host: HostArgs,
}

/// Bring objects back from quarantine, and leave the rest of their run as it is.
///
/// Needs what undo needs: the signatures of the run's plan. What comes back is unexpected again;
/// put it under `keep` in ttplan.toml, or the next plan quarantines it again.
#[derive(Debug, clap::Args)]
struct Restore {
    /// The run, as `ttplan quarantine list` names it, or the beginning of its name
    run: String,
    /// Only these objects: NAME or SCHEMA.NAME [default: all of the run]
    objects: Vec<String>,
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    leave: Leave,
    #[command(flatten)]
    site: SiteArgs,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    match &args.command {
        Quarantine::List(args) => list(args, out),
        Quarantine::Restore(args) => restore(args, out),
    }
}

fn restore(args: &Restore, out: &mut Out) -> Result<u8> {
    let back = UndoCommand {
        how: &args.how,
        leave: &args.leave,
        site: &args.site,
        discard_writes: false,
        question: "Bring these back?",
    };
    back.run(
        |state| named(state, &args.run),
        out,
        |trusted, turn, live, options, follower| {
            bring_back(trusted, turn, live, options, follower, &args.objects)
        },
    )
}

fn list(args: &List, out: &mut Out) -> Result<u8> {
    let site = args.host.site()?;
    let mut lines = Vec::new();
    if let Some(state) = StateDirectory::find(&site.state, &site.links)? {
        for run in state.runs()? {
            lines.extend(of_run(&run)?);
        }
    }
    lines.sort();
    let hint = "hint: ttplan quarantine restore RUN OBJECT brings one back, ttplan undo RUN all that a run did\n";
    lines.extend((!lines.is_empty()).then(|| hint.to_owned()));
    out.result(&if lines.is_empty() {
        "nothing is in quarantine\n".to_owned()
    } else {
        lines.concat()
    })?;
    Ok(0)
}

fn of_run(run: &RunDirectory) -> Result<Vec<String>> {
    let (_, standing) = journal::read(&run.journal())?;
    if standing.done.is_empty() {
        return Ok(Vec::new());
    }
    let plan = document::read_plan(&run.plan().to_string_lossy(), &files::read(&run.plan())?)?;
    let at = standing.opened_at.map(|at| at.to_string()).unwrap_or_default();
    let is_there = |id: &String| standing.done.contains(id) && !standing.undone.contains(id);
    let mut lines = Vec::new();
    for mv in plan.steps.iter().filter(|step| is_there(&step.id)).flat_map(|step| &step.moves) {
        let Some(object) = mv.quarantines() else { continue };
        let name = mv.effects().saves.unwrap_or_default();
        let kept = standing.saved.get(name).map_or(String::new(), |fact| {
            let rows = fact.tables.iter().map(|(_, rows)| rows).sum();
            format!(", {} in a file", counted(rows, "row"))
        });
        lines.push(format!("{at}  {}  {}{kept}\n", plain(&run.id), plain(&object.to_string())));
    }
    Ok(lines)
}
