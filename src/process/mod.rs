//! Running a command of the application to its end. The command never outlives its time, and its
//! output reaches the log and the report only without secrets. Must never decide what is run.
//!
//! The command gets a process group of its own, nothing to read, and one pipe for all it says. It
//! is not reaped before everything is settled, so that the number of its group stays its own.

pub mod command;
pub mod environment;
pub mod invocation;
mod output;
mod watcher;

use std::fs::File;
use std::io::{PipeReader, Read, pipe};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::error::{Error, Kind, Result};
use crate::fault;
use crate::process::command::{Command, Exit};

use self::output::Output;
use self::watcher::Watcher;

/// How long something that the command started may hold its output open after the command ended.
const LINGER: Duration = Duration::from_secs(3);

/// How long a group that was asked to end has to do so.
const GRACE: Duration = Duration::from_secs(5);

/// How long the kernel has to end what was killed.
const LAST: Duration = Duration::from_secs(2);

/// What happens while a command runs.
enum Event {
    Said(Vec<u8>),
    /// Nobody holds the output open any more.
    Silent,
    /// The command itself ended; what it started may still run.
    Ended,
}

/// Runs the command to its end; what it says goes to the new file `log` (0600), redacted.
///
/// When its time is up, or when something it started holds its output open after it ended, the
/// whole group gets SIGTERM and after five seconds SIGKILL. When this process itself is killed, a
/// small shell that waits beside it does the same (see `watcher`); a machine without `/bin/sh`
/// lacks that.
///
/// Errors: `Kind::Failed` when it cannot be started, when it cannot be ended, or when the log
/// cannot be written (told after the command has ended).
pub fn run(command: &Command, log: &Path) -> Result<Exit> {
    let file = new_log(log)?;
    let mut watcher = Watcher::start();
    let (child, output) = match start(command) {
        Ok(started) => started,
        Err(error) => {
            watcher.dismiss();
            let _ = std::fs::remove_file(log);
            return Err(error);
        }
    };
    let group = Pid::from_child(&child);
    watcher.over(group);
    let mut running = Running {
        group,
        events: observe(group, output),
        output: Output::new(file, &command.redact),
        ended: false,
        silent: false,
    };
    let began = fault::point("command: started");
    let in_time = running.wait(command.timeout);
    watcher.dismiss();
    let ended = running.ended;
    let (tail, written) = running.output.finish();
    if !ended {
        return Err(unended(group));
    }
    let status = reap(child)?;
    began
        .and_then(|()| fault::point("command: after it ended"))
        .map_err(|cause| log_error(log, &cause))?;
    let exit = if in_time { told(status, tail) } else { Exit::TimedOut { tail } };
    match written {
        Ok(()) => Ok(exit),
        Err(cause) => {
            Err(log_error(log, &cause).because(format!("the command ended: {}", outcome(&exit))))
        }
    }
}

fn new_log(log: &Path) -> Result<File> {
    let opened = File::options().write(true).create_new(true).mode(0o600).open(log);
    opened.map_err(|cause| log_error(log, &cause))
}

fn log_error(log: &Path, cause: &std::io::Error) -> Error {
    Error::new(Kind::Failed, format!("cannot write the command's output to `{}`", log.display()))
        .because(cause)
}

fn start(command: &Command) -> Result<(Child, PipeReader)> {
    let Some((program, arguments)) =
        command.argv.split_first().filter(|(program, _)| program.starts_with('/'))
    else {
        return Err(Error::new(Kind::Failed, "a command needs the absolute path of a program"));
    };
    let refused = |cause: std::io::Error| unstarted(program, command, &cause);
    let (reader, writer) = pipe().map_err(refused)?;
    let mut ready = std::process::Command::new(program);
    ready.args(arguments).current_dir(command.directory.as_path()).process_group(0);
    ready.stdin(Stdio::null()).stdout(writer.try_clone().map_err(refused)?).stderr(writer);
    ready.env_clear().envs(command.env.iter().map(|(name, value)| (name, value)));
    let child = fault::point("command: before it is started")
        .and_then(|()| ready.spawn())
        .map_err(refused)?;
    Ok((child, reader))
}

/// Why a program did not start. The kernel says "no such file" for three different things.
fn unstarted(program: &str, command: &Command, cause: &std::io::Error) -> Error {
    let error = Error::new(Kind::Failed, format!("cannot start `{program}`"));
    let directory = command.directory.as_path();
    if !directory.is_dir() {
        return error
            .because(format!("its working directory `{}` is not there", directory.display()));
    }
    if cause.kind() == std::io::ErrorKind::NotFound && Path::new(program).exists() {
        return error
            .because("the interpreter that its first line names is not there")
            .hint(format!("head -n 1 '{program}'"));
    }
    error.because(cause)
}

/// Two threads that wait, since waiting for a pipe and for a process at once takes more than the
/// oldest kernels have. Both end by themselves; one that is stuck in a read holds nothing up.
fn observe(command: Pid, output: PipeReader) -> Receiver<Event> {
    let (sender, events) = sync_channel(16);
    let ended = sender.clone();
    thread::spawn(move || {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while matches!(waitid(WaitId::Pid(command), options), Err(Errno::INTR)) {}
        let _ = ended.send(Event::Ended);
    });
    thread::spawn(move || pass_on(output, &sender));
    events
}

fn pass_on(mut output: PipeReader, events: &SyncSender<Event>) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match output.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) if events.send(Event::Said(buffer[..read].to_vec())).is_err() => return,
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    let _ = events.send(Event::Silent);
}

/// Where a run stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Running,
    /// The command ended, its output is still open.
    Lingering,
    /// The group was asked to end.
    Asked,
    Killed,
}

struct Running<'a> {
    group: Pid,
    events: Receiver<Event>,
    output: Output<'a>,
    ended: bool,
    silent: bool,
}

impl Running<'_> {
    /// Waits until the command has ended and its output is closed, whatever it takes; returns
    /// whether the command ended in time.
    fn wait(&mut self, timeout: Duration) -> bool {
        let mut stage = Stage::Running;
        let mut in_time = true;
        let mut until = Instant::now().checked_add(timeout);
        while !(self.ended && self.silent) {
            match self.next(until) {
                Ok(Event::Said(bytes)) => self.output.take(&bytes),
                Ok(Event::Silent) => self.silent = true,
                Ok(Event::Ended) => {
                    self.ended = true;
                    if stage == Stage::Running {
                        (stage, until) = (Stage::Lingering, Instant::now().checked_add(LINGER));
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    let time;
                    (stage, time) = match stage {
                        Stage::Running | Stage::Lingering => {
                            in_time = stage == Stage::Lingering;
                            self.signal(Signal::TERM);
                            (Stage::Asked, GRACE)
                        }
                        Stage::Asked => {
                            self.signal(Signal::KILL);
                            (Stage::Killed, LAST)
                        }
                        // Out of reach: it left the group, or hangs in the kernel.
                        Stage::Killed => break,
                    };
                    until = Instant::now().checked_add(time);
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        if !in_time {
            // What closed its output and ignored the request.
            self.signal(Signal::KILL);
        }
        in_time
    }

    /// The next event; without `until` it is waited for as long as it takes.
    fn next(&self, until: Option<Instant>) -> Result<Event, RecvTimeoutError> {
        match until {
            Some(until) => {
                self.events.recv_timeout(until.saturating_duration_since(Instant::now()))
            }
            None => self.events.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    fn signal(&self, signal: Signal) {
        // Nobody left to be signalled is what is wanted.
        let _ = kill_process_group(self.group, signal);
    }
}

fn reap(mut child: Child) -> Result<ExitStatus> {
    child.wait().map_err(|cause| {
        Error::new(Kind::Failed, "cannot learn how the command ended").because(cause)
    })
}

/// Killed and still there: it hangs in the kernel, most often on a disk or network that is gone.
fn unended(group: Pid) -> Error {
    let group = group.as_raw_nonzero();
    Error::new(Kind::Failed, format!("process {group} ran too long and could not be ended"))
        .hint(format!("ps -o pid,stat,wchan:20,args -p {group}"))
}

fn told(status: ExitStatus, tail: String) -> Exit {
    match (status.code(), status.signal()) {
        (Some(0), _) => Exit::Success,
        (Some(code), _) => Exit::Failed { how: format!("exit code {code}"), tail },
        (None, signal) => Exit::Failed { how: signal_name(signal.unwrap_or(0)), tail },
    }
}

fn outcome(exit: &Exit) -> &str {
    match exit {
        Exit::Success => "success",
        Exit::Failed { how, .. } => how,
        Exit::TimedOut { .. } => "it ran too long",
    }
}

/// The names of the first signals, as on x86 and ARM (signal(7)).
const SIGNALS: [&str; 15] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM",
];

fn signal_name(number: i32) -> String {
    let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    match index.and_then(|index| SIGNALS.get(index)) {
        Some(name) => format!("SIG{name}"),
        None => format!("signal {number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_their_names() {
        assert_eq!(signal_name(Signal::KILL.as_raw()), "SIGKILL");
        assert_eq!(signal_name(Signal::BUS.as_raw()), "SIGBUS");
        assert_eq!(signal_name(Signal::TERM.as_raw()), "SIGTERM");
        assert_eq!(signal_name(34), "signal 34");
        assert_eq!(signal_name(0), "signal 0");
    }
}
