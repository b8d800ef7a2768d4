//! `ttplan doctor`: is this site fit for plans to be made and applied?

use crate::artifact::json;
use crate::cli::commands::inspect::look;
use crate::cli::out::Out;
use crate::cli::reporter::Format;
use crate::cli::settings::SiteArgs;
use crate::doctor::{DoctorContext, run_checks};
use crate::error::Result;
use crate::live;
use crate::model::health::CheckStatus;
use crate::render;

/// Look for what would go wrong before it does: database, privileges, programs, disks, mounts,
/// permissions.
///
/// Exits 1 when something is a failure. Leaves nothing behind.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// In lines for people, or the whole report
    #[arg(long, value_enum, default_value_t, env = "TTPLAN_FORMAT")]
    format: Format,
    #[command(flatten)]
    site: SiteArgs,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    let mut settled = args.site.resolve()?;
    // Whoever asks for a doctor does not want to wait for a database that is not there.
    settled.access.database.wait.attempts = 1;
    let mut opened = live::open_to_inspect(&settled.access);
    let mut unseen = None;
    let seen = match look(&settled, opened.is_ok()) {
        Ok(seen) => seen,
        // Whatever keeps one from looking at the database, the files can still be looked at.
        Err(error) => {
            unseen = Some(error);
            look(&settled, false)?
        }
    };
    let live = match &mut opened {
        Ok(live) => Ok(live.as_mut()),
        Err(error) => Err(&*error),
    };
    let unseen = unseen.as_ref();
    let health = run_checks(DoctorContext {
        config: &settled.config,
        access: &settled.access,
        live,
        unseen,
        seen: &seen,
    });
    out.result(&match args.format {
        Format::Text => render::health::health(&health),
        Format::Json => json::to_text(&health),
    })?;
    Ok(u8::from(health.worst() == CheckStatus::Failure))
}
