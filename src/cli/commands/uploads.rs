//! `ttplan uploads check`: what the database says of uploaded files, and which of them are there.

use clap::Subcommand;

use crate::analysis::reference_resolution;
use crate::artifact::json;
use crate::cli::commands::inspect::look;
use crate::cli::out::Out;
use crate::cli::reporter::Format;
use crate::cli::settings::SiteArgs;
use crate::error::Result;
use crate::model::files::references::ReferenceStatus;
use crate::render;

/// Look at uploaded files and at what refers to them.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(CheckArgs),
}

/// List references that come to no file, files that nothing refers to, and names with two contents.
///
/// Changes nothing. Every configured column is read, every upload directory walked and hashed.
#[derive(Debug, clap::Args)]
struct CheckArgs {
    /// In lines for people, or the whole report
    #[arg(long, value_enum, default_value_t, env = "TTPLAN_FORMAT")]
    format: Format,
    /// Exit 2 when a reference is not ok
    #[arg(long, env = "TTPLAN_DETAILED_EXITCODE")]
    detailed_exitcode: bool,
    #[command(flatten)]
    site: SiteArgs,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut Out) -> Result<u8> {
    let Command::Check(args) = &args.command;
    let settled = args.site.resolve()?;
    let seen = look(&settled, true)?;
    let report = reference_resolution::report(&seen.facts);
    out.result(&match args.format {
        Format::Text => render::uploads::report(&report),
        Format::Json => json::to_text(&report),
    })?;
    let is_well = report.references.iter().all(|one| one.status == ReferenceStatus::Ok)
        && report.conflicts.is_empty();
    Ok(if args.detailed_exitcode && !is_well { 2 } else { 0 })
}
