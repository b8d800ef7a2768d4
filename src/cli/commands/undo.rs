//! `ttplan undo`: takes a run back.

use crate::apply::context::ApplyOptions;
use crate::apply::lock::StateLock;
use crate::apply::undo;
use crate::artifact::journal;
use crate::artifact::state::{RunDirectory, StateDirectory};
use crate::cli::commands::apply::How;
use crate::cli::out::Out;
use crate::cli::reporter::CliReporter;
use crate::cli::settings::SiteArgs;
use crate::cli::trusted_plan::{Bundle, Leave, permitted, trusted};
use crate::error::{Error, Kind, Result};
use crate::live::{self, LiveWriter};
use crate::model::run::report::Report;
use crate::trust::trusted_plan::TrustedPlan;

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
    #[command(flatten)]
    leave: Leave,
    #[command(flatten)]
    site: SiteArgs,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    let back = UndoCommand {
        how: &args.how,
        leave: &args.leave,
        site: &args.site,
        discard_writes: args.discard_writes,
        question: "Undo these steps?",
    };
    let find = |state: &StateDirectory| {
        args.run.as_ref().map_or_else(|| last(state), |name| named(state, name))
    };
    back.run(find, out, |trusted, turn, live, options, follower| {
        undo::undo(trusted, turn, live, options, follower)
    })
}

/// A run of this host that something is taken back of, by its own signed plan.
pub struct UndoCommand<'a> {
    pub how: &'a How,
    pub leave: &'a Leave,
    pub site: &'a SiteArgs,
    pub discard_writes: bool,
    pub question: &'static str,
}

impl UndoCommand<'_> {
    /// Finds the run, holds its plan against the host, opens the site, and lets `work` do it.
    pub fn run(
        &self,
        find: impl FnOnce(&StateDirectory) -> Result<RunDirectory>,
        out: &mut Out,
        work: impl FnOnce(
            &TrustedPlan,
            &StateLock,
            &mut dyn LiveWriter,
            &ApplyOptions,
            &mut CliReporter<'_>,
        ) -> Result<Report>,
    ) -> Result<u8> {
        let site = self.site.host.site()?;
        let folder = find(&StateDirectory::open_existing(&site.state, &site.links)?)?;
        let trusted = trusted(Bundle::read(&folder.plan())?, &site, self.leave, crate::cli::now())?;
        let settled = self.site.settle_to_change()?;
        let options = self.how.options(&site, &settled.access, None, self.discard_writes);
        let turn = StateLock::take(&site, &options)?;
        let mut live = live::open_to_change(&settled.access, permitted(&site, &folder.plan())?)?;
        let question = (!self.how.auto_approve).then_some((self.question, "--auto-approve"));
        let mut follower =
            CliReporter::new(out, self.how.format, question)?.following(self.how.follow);
        let report = work(&trusted, &turn, live.as_mut(), &options, &mut follower)?;
        self.how.show(&report, &self.site.host, out)?;
        Ok(0)
    }
}

/// The run with this name, or the only one whose name begins so.
pub fn named(state: &StateDirectory, name: &str) -> Result<RunDirectory> {
    let mut runs = state.runs()?;
    runs.retain(|run| run.id.starts_with(name));
    match runs.len() {
        1 => Ok(runs.remove(0)),
        0 => {
            Err(Error::new(Kind::Usage, format!("there is no run `{name}`")).hint("ttplan history"))
        }
        n => {
            Err(Error::new(Kind::Usage, format!("{n} runs begin with `{name}`"))
                .hint("ttplan history"))
        }
    }
}

fn last(state: &StateDirectory) -> Result<RunDirectory> {
    let (mut newest, mut at) = (Vec::new(), None);
    for run in state.runs()? {
        let (_, standing) = journal::read(&run.journal())?;
        if standing.opened_at > at {
            newest.clear();
            at = standing.opened_at;
        }
        if standing.opened_at.is_some() && standing.opened_at == at {
            newest.push((run, standing.all_undone));
        }
    }
    // Of two from the same second the one that was undone already is not meant.
    if newest.iter().filter(|(_, undone)| !undone).count() == 1 {
        newest.retain(|(_, undone)| !undone);
    }
    let mut newest: Vec<RunDirectory> = newest.into_iter().map(|(run, _)| run).collect();
    match newest.len() {
        1 => Ok(newest.remove(0)),
        0 => Err(Error::new(Kind::Usage, "nothing was ever run here").hint("ttplan history")),
        n => {
            let error = Error::new(
                Kind::Usage,
                format!("the last {n} runs were started within the same second"),
            );
            Err(newest
                .iter()
                .fold(error, |error, run| error.hint(format!("ttplan undo {}", run.id))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::journal::{FORMAT_VERSION, Journal};
    use crate::model::names::FilePath;
    use crate::model::names::{Digest, Moment};
    use crate::model::run::journal::JournalEvent;

    #[test]
    fn the_last_run_is_the_one_that_was_opened_last_and_never_a_guess() {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDirectory::open(
            &FilePath::new(directory.path().join("state")),
            &Default::default(),
        )
        .unwrap();
        let open = |plan: &str, seconds| {
            let run = state.run_of(&Digest::of(plan));
            run.make().unwrap();
            let opened = JournalEvent::Opened {
                format_version: FORMAT_VERSION.into(),
                made_by: "ttplan".into(),
                plan_sha256: Digest::of(plan),
                site: "prod".into(),
                signed_by: Vec::new(),
            };
            Journal::open(&run.journal())
                .unwrap()
                .append(Moment::from_unix(seconds).unwrap(), opened)
                .unwrap();
            run
        };
        assert_eq!(last(&state).unwrap_err().kind(), Kind::Usage);
        let first = open("a", 1_000);
        assert_eq!(last(&state).unwrap(), first);
        let second = open("b", 1_001);
        assert_eq!(last(&state).unwrap(), second);
        let third = open("c", 1_001);
        let error = last(&state).unwrap_err();
        assert_eq!(error.kind(), Kind::Usage);
        for run in [&second, &third] {
            assert!(
                error.hints().contains(&format!("ttplan undo {}", run.id)),
                "{:?}",
                error.hints()
            );
        }
        let mut journal = Journal::open(&third.journal()).unwrap();
        journal.append(Moment::from_unix(1_002).unwrap(), JournalEvent::AllUndone {}).unwrap();
        assert_eq!(last(&state).unwrap(), second, "the other was undone already");
    }
}
