//! `ttplan apply`: runs a signed plan.

use std::path::PathBuf;
use std::time::Duration;

use crate::apply;
use crate::apply::context::ApplyOptions;
use crate::apply::lock::StateLock;
use crate::artifact::json;
use crate::cli::out::Out;
use crate::cli::reporter::{CliReporter, Format};
use crate::cli::settings::{HostArgs, SiteArgs};
use crate::cli::trusted_plan::{Bundle, Leave, check_apart, permitted, trusted};
use crate::config;
use crate::error::Result;
use crate::live;
use crate::model::config::Access;
use crate::model::host::HostConfig;
use crate::model::run::report::Report;
use crate::render;

/// Run a signed plan: exactly its steps, each once, whatever dies on the way.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The plan file; its signatures lie beside it
    file: PathBuf,
    /// Restore the backup into a database of its own and compare that, before anything else is
    /// changed
    #[arg(long, env = "TTPLAN_PROVE_BACKUP")]
    prove_backup: bool,
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    leave: Leave,
    #[command(flatten)]
    site: SiteArgs,
}

/// How a run, or its undoing, is done.
#[derive(Debug, clap::Args)]
pub struct How {
    /// Do not ask before anything is changed
    #[arg(long)]
    pub auto_approve: bool,
    /// How long to wait for another run
    #[arg(long, value_name = "TIME", default_value = "0s", env = "TTPLAN_LOCK_TIMEOUT", value_parser = seconds)]
    pub lock_timeout: Duration,
    /// Show what commands say while they run, besides keeping it
    #[arg(long, env = "TTPLAN_FOLLOW")]
    pub follow: bool,
    /// Lines for people, or events as JSON lines
    #[arg(long, value_enum, default_value_t, env = "TTPLAN_FORMAT")]
    pub format: Format,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let span: jiff::SignedDuration =
        text.parse().map_err(|error| format!("{error}; write 30s or 2m"))?;
    Duration::try_from(span).map_err(|_| "a time cannot be negative".to_owned())
}

impl How {
    /// What a run needs from outside.
    pub fn options(
        &self,
        site: &HostConfig,
        access: &Access,
        sidecar: Option<PathBuf>,
        discard_writes: bool,
    ) -> ApplyOptions {
        ApplyOptions {
            clock: crate::cli::now,
            lock_wait: self.lock_timeout,
            commands: site.commands.clone(),
            environment: std::env::vars_os().collect(),
            url: access.url.clone(),
            secrets: access.password.iter().cloned().collect(),
            user: std::env::var("USER")
                .unwrap_or_else(|_| format!("uid {}", rustix::process::getuid().as_raw())),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            pid: std::process::id(),
            made_by: crate::cli::made_by(),
            sidecar,
            prove_backup: false,
            discard_writes,
        }
    }

    /// Shows how it ended.
    pub fn show(&self, report: &Report, host: &HostArgs, out: &mut Out) -> Result<()> {
        match self.format {
            Format::Text => out.result(&render::report::report(report, &host.words())),
            Format::Json => out.result(&format!("{}\n", json::to_line(report))),
        }
    }
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    let site = args.site.host.site()?;
    check_apart(&args.file, &site)?;
    let bundle = Bundle::read(&args.file)?;
    let sidecar = bundle.sidecar.clone();
    let trusted = trusted(bundle, &site, &args.leave, crate::cli::now())?;
    let settled = args.site.settle_to_change()?;
    config::check_together(&settled.config, &site)?;
    let mut options = args.how.options(&site, &settled.access, sidecar, false);
    options.prove_backup = args.prove_backup || site.policy.prove_backup;
    let turn = StateLock::take(&site, &options)?;
    let mut live = live::open_to_change(&settled.access, permitted(&site, &args.file)?)?;
    let question = (!args.how.auto_approve).then_some(("Apply these steps?", "--auto-approve"));
    let mut follower = CliReporter::new(out, args.how.format, question)?.following(args.how.follow);
    let report = apply::apply(&trusted, &turn, &site, live.as_mut(), &options, &mut follower)?;
    args.how.show(&report, &args.site.host, out)?;
    Ok(0)
}
