//! Runs the application's own command, as the host says it: in the right place, with the database's
//! URL handed over by its variable, its output in the run's folder, and its work held to what the
//! step promised before it becomes the database's own. Must never take a word of it from the plan.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::time::Duration;

use crate::apply::context::RunContext;
use crate::apply::execute::database;
use crate::apply::probe::Prober;
use crate::apply::probe::answer::demand;
use crate::apply::probe::database::content_digest;
use crate::apply::probe::files::scripts_are;
use crate::apply::progress::ProgressEvent;
use crate::engines::database::{OtherSessions, ReadDatabase};
use crate::error::{Error, Kind, Result};
use crate::fs::files;
use crate::model::host_command::HostCommand;
use crate::model::names::{Digest, Secret};
use crate::model::plan::step::{Answer, Expectation, Move, Run, Scripts, Step};
use crate::model::run::journal::{JournalEvent, When};
use crate::process::command::{Command, Exit};
use crate::process::invocation::Invocation;

/// Runs the step's command and adopts what it did, if it did what the step says. Otherwise the
/// database is as it was before.
pub fn run(ctx: &mut RunContext<'_>, step: &Step, run: &Run) -> Result<()> {
    let scratch = ctx.active_run.folder.path.join("scratch");
    files::fresh_directory(&scratch)?;
    let workplace = ctx.live.change_database().prepare_migrations(&scratch)?;
    let before = content_digest(ctx.live.database())?;
    ctx.active_run.note(JournalEvent::Content {
        step: step.id.clone(),
        when: When::Before,
        sha256: before,
    })?;
    let host = permitted(ctx, run)?;
    let limit = Duration::from_secs(run.timeout_seconds);
    let command = ready(ctx, host, run.revision.as_deref(), &workplace.url, limit)?;
    let outcome = run_through(ctx, step, run, &command, &scratch).and_then(|()| {
        check_scripts(ctx, run)?;
        let mut migrated = ctx.live.change_database().open_migrated(&scratch)?;
        check_result(step, migrated.as_mut())?;
        content_digest(migrated.as_mut())
    });
    let content = match outcome {
        Ok(content) => content,
        Err(error) => return Err(take_back(ctx, step, before, error)),
    };
    // Noted first: whatever dies here, undo knows the database before and after by what it holds.
    ctx.active_run.note(JournalEvent::Content {
        step: step.id.clone(),
        when: When::After,
        sha256: content,
    })?;
    ctx.live.change_database().adopt_migrations(&scratch)?;
    std::fs::remove_dir_all(&scratch).map_err(|error| files::told("remove", &scratch, &error))
}

/// Runs the command, and again where it stopped as it is known to.
fn run_through(
    ctx: &mut RunContext<'_>,
    step: &Step,
    run: &Run,
    command: &Command,
    scratch: &std::path::Path,
) -> Result<()> {
    let mut stumbles = run.known_stops.iter();
    loop {
        let log = next_log(ctx, step);
        ctx.reporter.report(ProgressEvent::Output { step, log: &log.to_string_lossy() });
        let (how, tail) = match ctx.live.run(command, &log)? {
            Exit::Success => return Ok(()),
            Exit::Failed { how, tail } => (how, tail),
            Exit::TimedOut { tail } => {
                let how = format!("it took more than {} s", run.timeout_seconds);
                return Err(failed(run, &log, &how, &tail));
            }
        };
        ctx.go_on()?;
        let mut migrated = ctx.live.change_database().open_migrated(scratch)?;
        if !stopped_as_known(&mut stumbles, migrated.as_mut())? {
            return Err(failed(run, &log, &how, &tail));
        }
        let of = run.known_stops.len();
        ctx.reporter.report(ProgressEvent::Stumbled { step, n: of - stumbles.len(), of });
    }
}

/// Whether what the command left is one of the stops that are still to come.
fn stopped_as_known(
    stumbles: &mut std::slice::Iter<'_, Expectation>,
    migrated: &mut dyn ReadDatabase,
) -> Result<bool> {
    let mut prober = Prober::of_copy(migrated);
    for stop in stumbles {
        let mut holds = true;
        for probe in &stop.probes() {
            holds = holds && prober.try_ask(probe, None)? == Answer::Yes;
        }
        if holds {
            return Ok(true);
        }
    }
    Ok(false)
}

fn failed(run: &Run, log: &std::path::Path, how: &str, tail: &str) -> Error {
    let mut told = Error::new(Kind::Midway, format!("`{}` failed: {how}", run.words().join(" ")))
        .code("command_failed");
    if !tail.trim().is_empty() {
        told = told.because(format!("it said:\n{}", tail.trim_end()));
    }
    told.hint(format!("see `{}`", log.display()))
        .hint("mend it, then run the same `ttplan apply` again: it goes on from here")
}

/// Brings the database back to before the command, where it worked in place and left something:
/// from the backup that the step itself names for its undoing. Where that is not possible, the
/// error says so too.
fn take_back(ctx: &mut RunContext<'_>, step: &Step, before: Digest, error: Error) -> Error {
    let midway = |error: Error, why: &str| {
        error.because(why).hint(
            "mend it, then apply the same plan again to go on, or `ttplan undo --last` to undo it",
        )
    };
    match content_digest(ctx.live.database()) {
        Ok(now) if now == before => return midway(error, "the database is as it was before"),
        Ok(_) => {}
        Err(other) => {
            return midway(error, &format!("what it left could not be looked at: {other}"));
        }
    }
    match ctx.live.database().writers() {
        Ok(OtherSessions::None) => {}
        _ => return midway(error, "others may have written meanwhile, so it was not restored"),
    }
    let Some(backup) = step.undo.iter().find_map(Move::restored) else {
        return midway(
            error,
            "the plan names no backup to put it back from, so it was left as it is",
        );
    };
    let put_back = |ctx: &mut RunContext<'_>| {
        ctx.go_on()?;
        database::restore_of(ctx, backup)?;
        let sha256 = content_digest(ctx.live.database())?;
        ctx.active_run.note(JournalEvent::Content {
            step: step.id.clone(),
            when: When::PutBack,
            sha256,
        })
    };
    match put_back(ctx) {
        Ok(()) => midway(error, "the database was restored from the backup of this run"),
        Err(other) => midway(error, &format!("it could not be restored: {other}")),
    }
}

/// Runs the harmless command that shows that the application can be loaded.
pub fn check(ctx: &mut RunContext<'_>, step: &Step, run: &Run) -> Result<()> {
    // Whatever the check says, the command itself has to be the host's.
    permitted(ctx, run)?;
    let Some(check) = &run.check else { return Ok(()) };
    let host = by_name(ctx, &check.command)?;
    let limit = Duration::from_secs(host.timeout_seconds.unwrap_or(CHECK_LIMIT));
    let url = ctx.options.url.clone();
    let command = ready(ctx, host, None, &url, limit)?;
    let log = next_log(ctx, step);
    let (how, tail) = match ctx.live.run(&command, &log)? {
        Exit::Success => return Ok(()),
        Exit::Failed { how, tail } => (how, tail),
        Exit::TimedOut { tail } => (format!("it took more than {} s", limit.as_secs()), tail),
    };
    let host = by_name(ctx, &check.command)?;
    let error = Error::new(
        Kind::Stale,
        format!("the check `{}` failed, so the migrations cannot be run", check.argv.join(" ")),
    )
    .code("check_failed")
    .because(how)
    .because(tail.trim().to_owned());
    let wanted = wanted(&tail, host, &ctx.options.environment);
    let error = wanted.into_iter().fold(error, Error::hint);
    Err(error.hint("run it by hand where ttplan runs, and mend what it complains about"))
}

/// So many seconds a check may take when the host does not say.
const CHECK_LIMIT: u64 = 60;

/// What a command that failed may lack: a variable that its output names and that it does not get.
fn wanted(
    tail: &str,
    command: &HostCommand,
    environment: &BTreeMap<OsString, OsString>,
) -> Vec<String> {
    let is_set = |name: &str| environment.contains_key(OsStr::new(name));
    let mut hints = Vec::new();
    let words = tail.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let names: BTreeSet<&str> = words.filter(|word| looks_like_variable(word)).collect();
    for name in names {
        let passed = command.pass.iter().any(|known| known == name);
        let given = command.env.contains_key(name) || command.url_variable.as_deref() == Some(name);
        match (passed, is_set(name)) {
            (true, false) => hints.push(format!("set `{name}`, which is passed on and is not set")),
            (false, true) if !given => {
                hints.push(format!("pass it on in host.toml: `pass = [\"{name}\"]`"));
            }
            _ => {}
        }
    }
    hints
}

fn looks_like_variable(word: &str) -> bool {
    let plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    word.len() > 2 && word.bytes().all(plain) && word.starts_with(|c: char| c.is_ascii_uppercase())
}

/// The host's own word for the command: it alone is run, whatever stands in the plan.
fn by_name<'a>(ctx: &'a RunContext<'_>, name: &str) -> Result<&'a HostCommand> {
    ctx.options.commands.get(name).ok_or_else(|| {
        Error::new(Kind::Refused, format!("the host permits no command `{name}`"))
            .code("command_not_permitted")
            .hint(format!("add `[commands.{name}]` to host.toml"))
    })
}

/// The same, where it is still what the plan was trusted with.
fn permitted<'a>(ctx: &'a RunContext<'_>, run: &Run) -> Result<&'a HostCommand> {
    let host = by_name(ctx, &run.command)?;
    if host.differing(&run.as_host_command()).is_empty() {
        return Ok(host);
    }
    let message = format!("the host's command `{}` is not the one of the plan", run.command);
    Err(Error::new(Kind::Refused, message).code("command_differs").hint("run `ttplan plan` again"))
}

fn ready(
    ctx: &RunContext<'_>,
    command: &HostCommand,
    revision: Option<&str>,
    url: &Secret,
    timeout: Duration,
) -> Result<Command> {
    Invocation {
        command,
        revision,
        url: Some(url),
        timeout,
        environment: &ctx.options.environment,
        secrets: &ctx.options.secrets,
    }
    .ready()
}

fn check_scripts(ctx: &mut RunContext<'_>, run: &Run) -> Result<()> {
    let Scripts { system, directories, sha256 } = &run.scripts;
    let answer = scripts_are(ctx.live.files(), system, directories, sha256)?;
    demand(answer, |what, _| {
        Error::new(Kind::Verification, "the migration files changed while they were run")
            .code("scripts_differ")
            .because(what)
            .hint("find out who writes there, then undo this run")
    })
}

fn check_result(step: &Step, migrated: &mut dyn ReadDatabase) -> Result<()> {
    let mut prober = Prober::of_copy(migrated);
    for probe in &step.done {
        match prober.try_ask(probe, Some(step))? {
            Answer::Yes => {}
            Answer::No(what) | Answer::Unknown(what) => {
                return Err(Error::new(
                    Kind::Verification,
                    "the migrations ended well and did not do what was planned",
                )
                .code("step_missed")
                .because(what)
                .hint("look at the command's output, then run `ttplan undo --last`"));
            }
        }
    }
    Ok(())
}

/// A log file that no earlier attempt used.
fn next_log(ctx: &RunContext<'_>, step: &Step) -> std::path::PathBuf {
    let output = ctx.active_run.folder.output();
    let name = |n: u32| output.join(format!("step-{}.{n}.log", step.id));
    (1..u32::MAX).map(name).find(|path| !path.exists()).unwrap_or_else(|| name(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_the_output_asks_for_is_named_and_no_other() {
        let command = HostCommand {
            argv: vec!["/bin/x".into()],
            directory: "/".into(),
            env: BTreeMap::from([("FLASK_APP".to_owned(), "app".to_owned())]),
            pass: vec!["API_TOKEN".into()],
            url_variable: Some("DATABASE_URL".into()),
            timeout_seconds: None,
            lock_timeout_seconds: None,
        };
        let environment = ["SECRET_KEY", "FLASK_APP", "DATABASE_URL", "UNASKED_FOR"]
            .map(|name| (name.into(), "x".into()))
            .into();
        let tail = "KeyError: 'SECRET_KEY'; FLASK_APP, DATABASE_URL, API_TOKEN, NOT_SET, a, OK";
        assert_eq!(
            wanted(tail, &command, &environment),
            [
                "set `API_TOKEN`, which is passed on and is not set",
                "pass it on in host.toml: `pass = [\"SECRET_KEY\"]`"
            ]
        );
    }
}
