//! What the tests of `config` share: a directory with files in it, and what a person said there.

use std::ffi::OsString;
use std::path::Path;

use tempfile::TempDir;
use ttplan::config::{CliOverrides, ResolvedConfig, settle_for};
use ttplan::error::{Error, Result};

/// What the shelf of engines says, so that these tests do not depend on which engines there are.
pub const ENGINES: &[(&str, &[&str])] = &[
    ("postgres", &["postgresql", "postgres", "postgis", "pgsql", "psql"]),
    ("sqlite", &["sqlite"]),
];

/// A directory of its own, and what is said in it.
pub struct Place {
    _directory: TempDir,
    pub said: CliOverrides,
}

impl Place {
    /// A directory with `files`, and with a database URL in the environment.
    pub fn with(files: &[(&str, &str)]) -> Self {
        let directory = TempDir::new().unwrap();
        let said = CliOverrides {
            working_directory: directory.path().canonicalize().unwrap(),
            ..CliOverrides::default()
        };
        let mut place = Self { _directory: directory, said };
        place.set("DATABASE_URL", "postgresql://u:geheim@h/d");
        for (name, text) in files {
            place.write(name, text);
        }
        place
    }

    /// The directory of a `ttplan.toml`.
    pub fn of(text: &str) -> Self {
        Self::with(&[("ttplan.toml", text)])
    }

    pub fn path(&self) -> &Path {
        &self.said.working_directory
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.said.environment.insert(name.into(), value.into());
    }

    pub fn resolve(&self) -> Result<ResolvedConfig> {
        settle_for(&self.said, ENGINES)
    }

    pub fn settled(&self) -> ResolvedConfig {
        self.resolve().unwrap()
    }

    pub fn error(&self) -> Error {
        self.resolve().unwrap_err()
    }
}
