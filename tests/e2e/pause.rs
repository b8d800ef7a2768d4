//! A run that waits in the middle of the application's own migrations, until it is let go.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, Stdio};

use crate::site::{PLAN, Site, until};

/// A run that has begun and waits.
pub struct Paused {
    pub child: Child,
    go: File,
}

/// Applies [`PLAN`] until the migration program stands before this migration.
pub fn apply_until_before(site: &Site, migration: &str) -> Paused {
    let [mut reached, go] = ["pause.reached", "pause.go"].map(|name| {
        assert!(Command::new("mkfifo").arg(site.path(name)).status().unwrap().success());
        // Both ways, so that neither side waits for the other to open it, and without blocking
        // (O_NONBLOCK).
        OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(0o4000)
            .open(site.path(name))
            .unwrap()
    });
    let mut command = site.command(&site.with_host(&["apply", PLAN, "--auto-approve"]));
    command.env("SHOP_PAUSE_BEFORE", migration).env("SHOP_PAUSE", site.path("pause"));
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("the pause", || reached.read(&mut [0; 32]).is_ok_and(|n| n > 0));
    Paused { child, go }
}

impl Paused {
    /// Kills the program, and waits until the migration program has been ended too.
    pub fn kill(mut self, site: &Site) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        site.wait_for_orphans();
    }

    /// Lets it go on to its end, which has to be a good one.
    pub fn finish(mut self) {
        self.go.write_all(b"go\n").unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}
