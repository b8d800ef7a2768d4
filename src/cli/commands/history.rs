//! `ttplan history`: the runs of this host, oldest first.

use crate::artifact::history;
use crate::artifact::json;
use crate::artifact::state::StateDirectory;
use crate::cli::out::Out;
use crate::cli::reporter::Format;
use crate::cli::settings::HostArgs;
use crate::error::Result;
use crate::model::run::history::History;
use crate::render;

/// List the runs of this host: when, which, by whom signed, how far.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Lines for people, or JSON
    #[arg(long, value_enum, default_value_t, env = "TTPLAN_FORMAT")]
    format: Format,
    #[command(flatten)]
    host: HostArgs,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    let site = args.host.site()?;
    let history = match StateDirectory::find(&site.state, &site.links)? {
        Some(state) => history::read(&state)?,
        None => History::default(),
    };
    out.result(&match args.format {
        Format::Text => render::history::history(&history),
        Format::Json => format!("{}\n", json::to_line(&history)),
    })?;
    Ok(0)
}
