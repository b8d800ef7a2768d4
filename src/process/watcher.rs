//! What ends a command when ttplan itself is killed and can do nothing any more: otherwise a
//! migration would go on writing after the lock on its database is gone.
//!
//! The kernel can do this for a process (`PR_SET_PDEATHSIG`), but only from within it, between fork
//! and exec. So a shell waits beside the command for a pipe that ttplan holds open: first it is
//! told the group's number, then a line means that all is well, and its end without a line that
//! ttplan is dead. It is started before the command, so that nothing but the writing of one number
//! stands between the command's start and its watch. Best effort: a machine may have no shell.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::process::Pid;

/// The same order of signals as when the time is up.
const SCRIPT: &str = "read -r group && [ -n \"$group\" ] || exit; read -r line && exit; kill -TERM \"-$group\"; sleep 5; kill -KILL \"-$group\"";

/// The shell, where there is one.
pub(super) struct Watcher(Option<Child>);

impl Watcher {
    /// Starts it; it watches over nothing yet.
    pub fn start() -> Self {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", SCRIPT, "ttplan-watcher"]);
        shell.env_clear().env("PATH", "/usr/bin:/bin").current_dir("/").process_group(0);
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(shell.spawn().ok())
    }

    /// Begins to watch over a process group.
    pub fn over(&mut self, group: Pid) {
        self.write(&format!("{}\n", group.as_raw_nonzero()));
    }

    /// Tells it that all is well. To be done while the number still belongs to the group.
    pub fn dismiss(mut self) {
        self.write("\n");
        if let Some(mut shell) = self.0 {
            drop(shell.stdin.take());
            let _ = shell.wait();
        }
    }

    fn write(&mut self, line: &str) {
        if let Some(pipe) = self.0.as_mut().and_then(|shell| shell.stdin.as_mut()) {
            let _ = pipe.write_all(line.as_bytes());
        }
    }
}
