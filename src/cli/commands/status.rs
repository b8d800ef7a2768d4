//! `ttplan status`: what this host holds, and what somebody has to go on with.

use crate::artifact::history;
use crate::artifact::json;
use crate::artifact::state::StateDirectory;
use crate::cli::out::Out;
use crate::cli::reporter::Format;
use crate::cli::settings::HostArgs;
use crate::error::Result;
use crate::model::run::history::StateDirectoryStatus;
use crate::render;

/// What this host holds: the last run, unfinished ones and what to do about them, disk space.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// For people, or as JSON
    #[arg(long, value_enum, default_value_t, env = "TTPLAN_FORMAT")]
    format: Format,
    #[command(flatten)]
    host: HostArgs,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    let site = args.host.site()?;
    let Some(state) = StateDirectory::find(&site.state, &site.links)? else {
        let none = StateDirectoryStatus {
            site: site.name,
            directory: site.state,
            bytes: 0,
            free_bytes: None,
            held_by: None,
            runs: 0,
            last: None,
            unfinished: Vec::new(),
        };
        return show(&none, args.format, out);
    };
    let runs = history::read(&state)?.runs;
    let status = StateDirectoryStatus {
        site: site.name,
        bytes: state.bytes()?,
        free_bytes: Some(state.free_bytes()?),
        held_by: state.holder()?,
        runs: runs.len() as u64,
        unfinished: runs.iter().filter(|run| run.is_unfinished()).cloned().collect(),
        last: runs.into_iter().max_by_key(|run| run.started_at),
        directory: site.state,
    };
    show(&status, args.format, out)
}

fn show(status: &StateDirectoryStatus, format: Format, out: &mut Out) -> Result<u8> {
    out.result(&match format {
        Format::Text => render::history::status(status),
        Format::Json => format!("{}\n", json::to_line(status)),
    })?;
    Ok(0)
}
