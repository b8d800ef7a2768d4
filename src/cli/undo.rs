//! `ttplan undo`: takes a run back.

use crate::apply::undo;
use crate::artifact::journal;
use crate::artifact::state::{RunFolder, State};
use crate::cli::apply::How;
use crate::cli::out::Out;
use crate::cli::settings::SiteArgs;
use crate::cli::trusting::{Bundle, trusted};
use crate::cli::watch::Follower;
use crate::error::{Error, Kind, Result};
use crate::live;

/// Take a run back: what it dropped, stamped, moved and migrated, last first.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run, as `ttplan history` names it, or the beginning of its name
    #[arg(required_unless_present = "last")]
    run: Option<String>,
    /// The run that was started last
    #[arg(long, conflicts_with = "run", env = "TTPLAN_LAST")]
    last: bool,
    #[command(flatten)]
    how: How,
    /// Take it back although something was written since; that is lost
    #[arg(long)]
    discard_writes: bool,
    /// The run was unsigned, where the host permits that
    #[arg(long)]
    allow_unsigned: bool,
    #[command(flatten)]
    site: SiteArgs,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    let site = args.site.host.site()?;
    let state = State::open_existing(site.state.as_path())?;
    let folder = match &args.run {
        Some(name) => named(&state, name)?,
        None => last(&state)?,
    };
    let bundle = Bundle::read(&folder.plan())?;
    let trusted = trusted(bundle, &site, args.allow_unsigned)?;
    let settled = args.site.settle()?;
    let options = args.how.options(&settled.access, None, args.discard_writes);
    let mut live = live::open_to_change(&settled.access)?;
    let question = (!args.how.auto_approve).then_some(("Take these steps back?", "--auto-approve"));
    let mut follower = Follower::new(out, args.how.format, question)?;
    let report = undo::undo(&trusted, &site, live.as_mut(), &options, &mut follower)?;
    args.how.show(&report, out)?;
    Ok(0)
}

/// The run with this name, or the only one whose name begins so.
pub fn named(state: &State, name: &str) -> Result<RunFolder> {
    let mut runs = state.runs()?;
    runs.retain(|run| run.id.starts_with(name));
    match runs.len() {
        1 => Ok(runs.remove(0)),
        0 => Err(Error::new(Kind::Usage, format!("there is no run `{name}`")).hint("ttplan history")),
        n => Err(Error::new(Kind::Usage, format!("{n} runs begin with `{name}`")).hint("ttplan history")),
    }
}

fn last(state: &State) -> Result<RunFolder> {
    let mut newest = None;
    for run in state.runs()? {
        let (_, standing) = journal::read(&run.journal())?;
        if newest.as_ref().is_none_or(|(at, _)| standing.opened_at > *at) {
            newest = Some((standing.opened_at, run));
        }
    }
    let none = || Error::new(Kind::Usage, "nothing was ever run here").hint("ttplan history");
    newest.map(|(_, run)| run).ok_or_else(none)
}
