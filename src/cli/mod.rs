//! THE DOOR: the only room that prints, asks, reads the environment and exits. One file per
//! command; a command strings the stages together and holds no logic of its own.
//!
//! stdout is the result, stderr is progress and talk.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::error::{Error, Kind, Result};

mod ask;
mod commands;
mod out;
mod output;
mod progress;
mod reporter;
mod settings;
mod signing_key;
mod tail;
mod trusted_plan;

use out::Out;

/// Plan, sign and apply changes to the stateful half of a web application's deployment.
///
/// Looks at the live database and the upload directories, says in what state they are, and writes
/// a plan: tables to drop, revisions to stamp, migrations to run, files to move. People review and
/// sign it; `apply` runs exactly that plan, and `undo` takes it back.
#[derive(Debug, Parser)]
#[command(name = "ttplan", version, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "Examples:
  ttplan demo                                         see the whole way on a temporary site
  ttplan plan --profile timetracker -o change.ttplan.json
  ttplan show change.ttplan.json
  ttplan sign change.ttplan.json --key ~/.ssh/id_ed25519 --principal ada
  ttplan apply change.ttplan.json
  ttplan undo --last

Exit codes: 0 ok, 1 error, 2 changes (--detailed-exitcode), 3 stale or wrong target, 4 refused,
5 locked, 6 stopped midway, 7 verification failed, 8 blocked, 64 usage, 130/143 signals.";

#[derive(Debug, Subcommand)]
enum Command {
    Init(commands::init::Args),
    Inspect(commands::inspect::Args),
    Plan(commands::plan::Args),
    Show(commands::show::Args),
    Sign(commands::sign::Args),
    Verify(commands::verify::Args),
    Trust(commands::trust::Args),
    Apply(commands::apply::Args),
    Undo(commands::undo::Args),
    Status(commands::status::Args),
    History(commands::history::Args),
    Quarantine(commands::quarantine::Args),
    Purge(commands::purge::Args),
    Revisions(commands::revisions::Args),
    Catalogue(commands::catalogue::Args),
    Uploads(commands::uploads::Args),
    Backup(commands::backup::Args),
    Restore(commands::restore::Args),
    Demo(commands::demo::Args),
    Doctor(commands::doctor::Args),
    Explain(commands::explain::Args),
    Schema(commands::schema::Args),
    Completions(commands::completions::Args),
    Man(commands::man::Args),
}

/// The whole command line, for whoever describes it.
pub fn command_line() -> clap::Command {
    Cli::command()
}

/// Runs the program on the process's own arguments and environment.
pub fn main() -> ExitCode {
    #[cfg(debug_assertions)]
    if let Ok(text) = std::env::var("TTPLAN_FAULT")
        && !crate::fault::arm(&text)
    {
        return ExitCode::from(Kind::Usage.exit_code());
    }
    ExitCode::from(run(std::env::args_os(), &mut Out::standard()))
}

fn run(arguments: impl IntoIterator<Item = OsString>, out: &mut Out) -> u8 {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, out),
    };
    let outcome = match &cli.command {
        Command::Init(args) => commands::init::run(args, out),
        Command::Inspect(args) => commands::inspect::run(args, out),
        Command::Plan(args) => commands::plan::run(args, out),
        Command::Show(args) => commands::show::run(args, out),
        Command::Sign(args) => commands::sign::run(args, out),
        Command::Verify(args) => commands::verify::run(args, out),
        Command::Trust(args) => commands::trust::run(args, out),
        Command::Apply(args) => commands::apply::run(args, out),
        Command::Undo(args) => commands::undo::run(args, out),
        Command::Status(args) => commands::status::run(args, out),
        Command::History(args) => commands::history::run(args, out),
        Command::Quarantine(args) => commands::quarantine::run(args, out),
        Command::Purge(args) => commands::purge::run(args, out),
        Command::Revisions(args) => commands::revisions::run(args, out),
        Command::Catalogue(args) => commands::catalogue::run(args, out),
        Command::Uploads(args) => commands::uploads::run(args, out),
        Command::Backup(args) => commands::backup::run(args, out),
        Command::Restore(args) => commands::restore::run(args, out),
        Command::Demo(args) => commands::demo::run(args, out),
        Command::Doctor(args) => commands::doctor::run(args, out),
        Command::Explain(args) => commands::explain::run(args, out),
        Command::Schema(args) => commands::schema::run(args, out),
        Command::Completions(args) => commands::completions::run(args, out),
        Command::Man(args) => commands::man::run(args, out),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            out.error(&error);
            error.kind().exit_code()
        }
    }
}

/// Help and version are results; anything else clap says is wrong usage, and clap's own code for
/// that, 2, means "changes present" here.
fn usage(error: &clap::Error, out: &mut Out) -> u8 {
    let text = error.render().ansi().to_string();
    if error.use_stderr() {
        out.say(&text);
        Kind::Usage.exit_code()
    } else {
        out.result(&text).map_or_else(|error| error.kind().exit_code(), |()| 0)
    }
}

/// Who made a document.
fn made_by() -> String {
    format!("ttplan {}", env!("CARGO_PKG_VERSION"))
}

/// The time, or the one that SOURCE_DATE_EPOCH asks documents to bear.
fn document_time() -> Result<crate::model::names::Moment> {
    let Some(text) = std::env::var_os("SOURCE_DATE_EPOCH") else { return Ok(now()) };
    let seconds = text
        .to_str()
        .and_then(|text| text.parse().ok())
        .and_then(crate::model::names::Moment::from_unix);
    seconds.ok_or_else(|| {
        Error::new(Kind::Config, "SOURCE_DATE_EPOCH is not a number of seconds")
            .hint("unset SOURCE_DATE_EPOCH")
    })
}

/// The time.
fn now() -> crate::model::names::Moment {
    let seconds = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    i64::try_from(seconds)
        .ok()
        .and_then(crate::model::names::Moment::from_unix)
        .unwrap_or(crate::model::names::Moment::EPOCH)
}
