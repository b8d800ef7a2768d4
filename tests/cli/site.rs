//! The demo's site in a directory of its own, and the program run in it with a clean environment.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_ttplan");

/// An untouched site. It goes when this is dropped.
pub struct Site {
    _holder: tempfile::TempDir,
    pub home: PathBuf,
}

impl Site {
    /// Makes the site.
    pub fn new() -> Self {
        let holder = tempfile::tempdir().unwrap();
        let home = holder.path().join("site");
        let made = clean(PROGRAM).args(["demo", "--make"]).arg(&home).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self { _holder: holder, home }
    }

    /// The program, to be run in the site's directory.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = clean(PROGRAM);
        command.current_dir(&self.home).args(arguments);
        command
    }

    /// Runs the program in the site's directory.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs it, and gives what it printed; it has to end with `code`.
    pub fn printed(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        let talk = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "ttplan {arguments:?}: {talk}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// A plan that is signed, and a host that believes it.
    pub fn with_signed_plan() -> Self {
        let site = Self::new();
        site.printed(&["plan", "-o", "plans/change.ttplan.json"], 8);
        let trust =
            ["trust", "init", "--site", "demo", "--directory", "host", "--principal", "you"];
        site.printed(
            &[trust.as_slice(), &["--allow-root", ".", "--state", "state", "--yes"]].concat(),
            0,
        );
        site.printed(
            &[
                "sign",
                "plans/change.ttplan.json",
                "--key",
                "host/you.key",
                "--principal",
                "you",
                "--yes",
            ],
            0,
        );
        site
    }
}

/// A command that knows nothing of the environment but where programs are.
pub fn clean(program: &str) -> Command {
    let programs = Path::new(PROGRAM).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", format!("{}:{path}", programs.display()))
        .env("HOME", "/nonexistent");
    command.env("USER", "you");
    command
}
