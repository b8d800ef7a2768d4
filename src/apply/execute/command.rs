//! Runs the application's own command: in the right place, with the database's URL handed over by
//! its variable, its output in the run's folder, and its work held to what the step promised
//! before it becomes the database's own.

use std::time::Duration;

use crate::apply::context::RunContext;
use crate::apply::execute::database;
use crate::apply::probe::Prober;
use crate::apply::probe::database::content_digest;
use crate::apply::progress::ProgressEvent;
use crate::engines::database::{OtherSessions, ReadDatabase};
use crate::error::{Error, Kind, Result};
use crate::frameworks;
use crate::fs::files;
use crate::model::names::{Digest, Secret};
use crate::model::plan::step::{Answer, Move, Probe, Run, Step};
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
    let command = command(ctx, run, Some(&workplace.url))?;
    let outcome = run_through(ctx, step, run, &command, &scratch).and_then(|()| {
        check_scripts(ctx, step)?;
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
    let mut stumbles = run.stumbles.iter();
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
        let of = run.stumbles.len();
        ctx.reporter.report(ProgressEvent::Stumbled { step, n: of - stumbles.len(), of });
    }
}

/// Whether what the command left is one of the stops that are still to come.
fn stopped_as_known(
    stumbles: &mut std::slice::Iter<'_, Vec<Probe>>,
    migrated: &mut dyn ReadDatabase,
) -> Result<bool> {
    let mut prober = Prober::of_copy(migrated);
    for stop in stumbles {
        let mut holds = true;
        for probe in stop {
            holds = holds && prober.try_ask(probe, None)? == Answer::Yes;
        }
        if holds {
            return Ok(true);
        }
    }
    Ok(false)
}

fn failed(run: &Run, log: &std::path::Path, how: &str, tail: &str) -> Error {
    let mut told = Error::new(Kind::Midway, format!("`{}` failed: {how}", run.argv.join(" ")))
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
        error
            .because(why)
            .hint("mend it, then apply the same plan again to go on, or `ttplan undo --last` to take it back")
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
        _ => return midway(error, "others may have written meanwhile, so it was not put back"),
    }
    let [Move::RestoreDatabase(restore)] = step.undo.as_slice() else {
        return midway(
            error,
            "the plan names no backup to put it back from, so it was left as it is",
        );
    };
    let put_back = |ctx: &mut RunContext<'_>| {
        ctx.go_on()?;
        database::restore(ctx, restore)?;
        let sha256 = content_digest(ctx.live.database())?;
        ctx.active_run.note(JournalEvent::Content {
            step: step.id.clone(),
            when: When::PutBack,
            sha256,
        })
    };
    match put_back(ctx) {
        Ok(()) => midway(error, "the database was put back from the backup of this run"),
        Err(other) => midway(error, &format!("it could not be put back: {other}")),
    }
}

/// Runs the harmless command that shows that the program works at all.
pub fn check(ctx: &mut RunContext<'_>, step: &Step, run: &Run) -> Result<()> {
    if run.check.is_empty() {
        return Ok(());
    }
    let log = next_log(ctx, step);
    let mut command = command(ctx, run, None)?;
    command.timeout = command.timeout.min(Duration::from_secs(60));
    let (how, tail) = match ctx.live.run(&command, &log)? {
        Exit::Success => return Ok(()),
        Exit::Failed { how, tail } => (how, tail),
        Exit::TimedOut { tail } => ("it took more than a minute".to_owned(), tail),
    };
    Err(Error::new(
        Kind::Stale,
        format!("the check `{}` failed, so the migrations cannot be run", run.check.join(" ")),
    )
    .code("check_failed")
    .because(how)
    .because(tail.trim().to_owned())
    .hint("run it by hand where ttplan runs, and mend what it complains about"))
}

fn command(ctx: &RunContext<'_>, run: &Run, url: Option<&Secret>) -> Result<Command> {
    let invocation = Invocation {
        argv: if url.is_some() { &run.argv } else { &run.check },
        directory: &run.directory,
        env: &run.env,
        url: run.url_variable.as_deref().zip(url),
        timeout: Duration::from_secs(run.timeout_seconds),
        environment: &ctx.options.environment,
        secrets: &ctx.options.secrets,
    };
    invocation.ready()
}

fn check_scripts(ctx: &mut RunContext<'_>, step: &Step) -> Result<()> {
    for probe in &step.ready {
        let Probe::ScriptsAre { system, directory, sha256 } = probe else { continue };
        let Some(framework) = frameworks::by_name(system) else { continue };
        if frameworks::digest(&ctx.live.files().sources(&(framework.tree)(directory))?) != *sha256 {
            return Err(Error::new(
                Kind::Verification,
                "the migration files changed while they were run",
            )
            .code("scripts_differ")
            .because(format!("`{}` is not what was signed", directory.to_text()))
            .hint("find out who writes there, then undo this run"));
        }
    }
    Ok(())
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
