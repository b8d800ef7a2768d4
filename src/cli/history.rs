//! `ttplan history`: the runs of this host, oldest first.

use crate::artifact::journal::{self, Standing};
use crate::artifact::state::State;
use crate::cli::out::Out;
use crate::cli::settings::HostArgs;
use crate::error::Result;
use crate::model::wording::counted;
use crate::render::style::plain;

/// List the runs of this host: when, which, by whom signed, how far.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    host: HostArgs,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    let site = args.host.site()?;
    let state = State::open_existing(site.state.as_path())?;
    let mut lines = Vec::new();
    for run in state.runs()? {
        let (_, standing) = journal::read(&run.journal())?;
        let at = standing.opened_at.map_or_else(|| "not begun".to_owned(), |at| at.to_string());
        let signers = match standing.signed_by.as_slice() {
            [] => "unsigned".to_owned(),
            names => format!("signed by {}", names.iter().map(|name| plain(name)).collect::<Vec<_>>().join(", ")),
        };
        lines.push(format!("{at}  {}  {}  {signers}\n", plain(&run.id), how_far(&standing)));
    }
    lines.sort();
    out.result(&if lines.is_empty() { "nothing was ever run here\n".to_owned() } else { lines.concat() })?;
    Ok(0)
}

fn how_far(standing: &Standing) -> String {
    let steps = |n: usize| counted(n as u64, "step");
    if standing.all_undone {
        "taken back".to_owned()
    } else if standing.undo_begun {
        format!("being taken back: {} so far", steps(standing.undone.len()))
    } else if standing.finished {
        format!("finished: {}", steps(standing.done.len()))
    } else {
        let why = standing.failure.as_deref().map_or(String::new(), |why| format!(" ({})", plain(why)));
        format!("stopped midway: {} done{why}", steps(standing.done.len()))
    }
}
