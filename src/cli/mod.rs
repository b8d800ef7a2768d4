//! THE DOOR: the only room that prints, asks, reads the environment and exits. One file per
//! command; a command strings the stages together and holds no logic of its own.
//!
//! stdout is the result, stderr is progress and talk.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::error::{Error, Kind, Result};
use crate::model::text;

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
/// sign it; `apply` runs exactly that plan, and `undo` undoes it.
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

/// The whole command line, for whoever describes it. Every command can tell its errors as JSON;
/// those whose result has no other form than text can do that alone.
pub fn command_line() -> clap::Command {
    with_errors_as_json(Cli::command())
}

fn with_errors_as_json(command: clap::Command) -> clap::Command {
    let command = command.mut_args(without_empty_variable);
    if command.has_subcommands() {
        return command.mut_subcommands(with_errors_as_json);
    }
    if command.get_arguments().any(|argument| argument.get_id() == FORMAT) {
        return command;
    }
    command.arg(without_empty_variable(
        clap::Arg::new(FORMAT)
            .long(FORMAT)
            .value_name("FORMAT")
            .value_parser(["text", "json"])
            .env("TTPLAN_FORMAT")
            .help("Errors for people, or as JSON on stdout too"),
    ))
}

/// A variable that is set and empty says nothing, as with all tools that CI systems call with
/// variables which they cannot unset.
fn without_empty_variable(argument: clap::Arg) -> clap::Arg {
    let is_empty = |name: &std::ffi::OsStr| std::env::var_os(name).is_some_and(|it| it.is_empty());
    match argument.get_env().is_some_and(is_empty) {
        true => argument.env(None::<&str>),
        false => argument,
    }
}

/// The option that says in which form a command answers.
const FORMAT: &str = "format";

/// Whether the command that is meant was asked for JSON.
fn wants_json(matches: &clap::ArgMatches) -> bool {
    match matches.subcommand() {
        Some((_, matches)) => wants_json(matches),
        None => matches
            .try_get_raw(FORMAT)
            .ok()
            .flatten()
            .and_then(Iterator::last)
            .is_some_and(|format| format == "json"),
    }
}

/// The same for a command line that makes no sense.
fn seems_to_want_json(arguments: &[OsString]) -> bool {
    let said = arguments.windows(2).any(|two| two[0] == "--format" && two[1] == "json");
    said || arguments.iter().any(|one| one == "--format=json")
        || std::env::var_os("TTPLAN_FORMAT").is_some_and(|format| format == "json")
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
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let read = command_line().try_get_matches_from(&arguments).and_then(|matches| {
        let json = wants_json(&matches);
        Cli::from_arg_matches(&matches).map(|cli| (cli, json))
    });
    let (cli, json) = match read {
        Ok(read) => read,
        Err(error) => {
            let json = seems_to_want_json(&arguments);
            return if error.use_stderr() && arguments.iter().any(is_odd) {
                out.errors_as_json_if(json);
                out.error(&odd_arguments(&arguments));
                Kind::Usage.exit_code()
            } else {
                usage(&error, json, out)
            };
        }
    };
    out.errors_as_json_if(json);
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

/// Whether an argument holds what cannot be shown as it is.
fn is_odd(argument: &OsString) -> bool {
    !argument.to_str().is_some_and(|text| text.chars().all(text::is_printable))
}

/// Wrong usage whose own message would show such an argument raw.
fn odd_arguments(arguments: &[OsString]) -> Error {
    let odd = arguments.iter().filter(|argument| is_odd(argument));
    let error = Error::new(Kind::Usage, "the command line makes no sense as given");
    odd.fold(error, |error, argument| {
        let shown = text::visible(&argument.to_string_lossy());
        error.because(format!("`{shown}` has characters that cannot be shown"))
    })
    .hint("ttplan --help")
}

/// Help and version are results; anything else clap says is wrong usage, and clap's own code for
/// that, 2, means "changes present" here.
fn usage(error: &clap::Error, json: bool, out: &mut Out) -> u8 {
    let text = error.render().ansi().to_string();
    if error.use_stderr() {
        if json {
            let message = error.render().to_string();
            let _ = out.result(&crate::render::error::as_json(&Error::new(Kind::Usage, message)));
        }
        out.say(&text);
        Kind::Usage.exit_code()
    } else {
        out.result(&text).map_or_else(|error| error.kind().exit_code(), |()| 0)
    }
}

/// Who made a document.
fn made_by() -> String {
    crate::model::plan::MADE_BY.to_owned()
}

/// The time, or the one that SOURCE_DATE_EPOCH asks documents to bear.
fn document_time() -> Result<crate::model::names::Moment> {
    let said = std::env::var_os("SOURCE_DATE_EPOCH").filter(|text| !text.is_empty());
    let Some(text) = said else { return Ok(now()) };
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
