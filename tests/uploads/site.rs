//! A small site with uploads, on any engine, which is worked on through the program itself.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::ground::{Ground, TestDatabase};

pub struct Site {
    pub database: Box<dyn TestDatabase>,
    folder: tempfile::TempDir,
}

impl Site {
    /// A site whose old and new uploads lie in `old` and `new`; `references` are those of its only
    /// upload.
    pub fn new(ground: &dyn Ground, statements: &str, references: &str) -> Self {
        let site = Self { database: ground.database(), folder: tempfile::tempdir().unwrap() };
        for directory in ["old", "new", "migrations/versions"] {
            std::fs::create_dir_all(site.at(directory)).unwrap();
        }
        site.write("migrations/versions/001.py", "revision = '001'\ndown_revision = None\n");
        site.database
            .sql("CREATE TABLE alembic_version (version_num varchar(32)); INSERT INTO alembic_version VALUES ('001')");
        site.database
            .sql(&statements.replace("{folder}", &site.folder.path().display().to_string()));
        let folder = site.folder.path().display();
        let configuration = format!(
            "version = 1\nsite = 'test'\n[revisions]\nsystem = 'alembic'\ndirectory = 'migrations/versions'\n[tables.core]\ndocuments = ['id', 'path']\n[[uploads]]\nname = 'files'\n\
             from = ['{folder}/old']\nto = '{folder}/new'\nreferences = [{references}]\n"
        );
        std::fs::write(site.at("ttplan.toml"), configuration).unwrap();
        let roots = ["--allow-root", "old", "--allow-root", "new", "--state", "state", "--yes"];
        let init = ["trust", "init", "--site", "test", "--directory", "host", "--principal", "you"];
        site.good(&[&init[..], &roots].concat());
        site
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub fn write(&self, path: &str, content: &str) {
        std::fs::write(self.at(path), content).unwrap();
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.run_at(self.database.access().url.reveal(), arguments)
    }

    /// The same with further variables.
    pub fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ttplan"));
        command.current_dir(self.folder.path()).args(arguments).envs(variables.iter().copied());
        command.env("DATABASE_URL", self.database.access().url.reveal()).env("NO_COLOR", "1");
        command.output().unwrap()
    }

    /// The same with another database or role.
    pub fn run_at(&self, url: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ttplan"));
        command.current_dir(self.folder.path()).args(arguments);
        command.env("DATABASE_URL", url).env("NO_COLOR", "1");
        command.output().unwrap()
    }

    /// Runs a command that has to succeed, and gives what it printed.
    pub fn good(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", told(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn plan(&self, name: &str, more: &[&str]) -> String {
        self.good(&[&["plan", "-o", name], more].concat())
    }

    /// Signs a plan, if it was not, and applies it.
    pub fn apply(&self, name: &str) -> Output {
        if !self.at(&format!("{name}.you.sig")).exists() {
            self.good(&["sign", name, "--key", "host/you.key", "--principal", "you", "--yes"]);
        }
        self.run(&["apply", name, "--host-config", "host/host.toml", "--auto-approve"])
    }

    /// Takes back the run of which `applied` tells.
    pub fn undo(&self, applied: &Output, more: &[&str]) -> Output {
        let told = told(applied);
        let run = told.rsplit_once("(run ").unwrap().1.split(')').next().unwrap();
        self.run(
            &[&["undo", run, "--host-config", "host/host.toml", "--auto-approve"], more].concat(),
        )
    }
}

/// What a command said.
pub fn told(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// The names in a directory, sorted.
pub fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    names
}
