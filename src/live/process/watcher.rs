//! What ends a command when ttplan itself is killed and can do nothing any more: otherwise a
//! migration would go on writing after the lock on its database is gone.
//!
//! The kernel can do this for a process (`PR_SET_PDEATHSIG`), but only from within it, between fork
//! and exec. So a shell waits beside the command for a pipe that ttplan holds open: a line means that
//! all is well, its end without a line that ttplan is dead. Best effort: there is a moment
//! between the start of the command and that of the shell, and a machine may have no shell.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::process::Pid;

/// The group's number is `$1`; the same order of signals as when the time is up.
const SCRIPT: &str = "read -r line && exit; kill -TERM -$1; sleep 5; kill -KILL -$1";

/// The shell, where there is one.
pub(super) struct Watcher(Option<Child>);

impl Watcher {
    /// Begins to watch over a process group.
    pub fn over(group: Pid) -> Self {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", SCRIPT, "ttplan-watcher", &group.as_raw_nonzero().to_string()]);
        shell.env_clear().env("PATH", "/usr/bin:/bin").current_dir("/").process_group(0);
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(shell.spawn().ok())
    }

    /// Tells it that all is well. To be done while the number still belongs to the group.
    pub fn dismiss(self) {
        if let Some(mut shell) = self.0 {
            if let Some(mut line) = shell.stdin.take() {
                let _ = line.write_all(b"\n");
            }
            let _ = shell.wait();
        }
    }
}
