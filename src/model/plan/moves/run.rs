//! `run`: runs a command of the application that the host knows by its name. What stands here of it
//! is for the reader and must equal what the host says; nothing is ever filled in from here but the
//! revision.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::host_command::{HostCommand, REVISION};
use crate::model::names::FilePath;
use crate::model::plan::probe::Probe;

/// Runs a command of the application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Its name in host.toml.
    pub command: String,
    /// The program by its absolute path, and its arguments, as host.toml has them.
    pub argv: Vec<String>,
    pub directory: FilePath,
    /// Variables with fixed values.
    pub env: BTreeMap<String, String>,
    /// Names of variables that are passed on.
    pub pass: Vec<String>,
    /// The variable that gets the database's URL.
    pub url_variable: Option<String>,
    /// A harmless command run at preflight to see that the application can be loaded.
    pub check: Option<RunCheck>,
    /// What stands for `{revision}` in the words of the command; null where that is not in them.
    pub revision: Option<String>,
    pub timeout_seconds: u64,
    /// The revisions it is expected to run, in order.
    pub revisions: Vec<String>,
    /// Where it is known to stop before it is through: what holds then of the database it works on,
    /// stop after stop. It is run again as often as that holds, and no more.
    pub stumbles: Vec<Vec<Probe>>,
}

/// The check of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunCheck {
    /// Its name in host.toml.
    pub command: String,
    /// Its program and arguments, as host.toml has them.
    pub argv: Vec<String>,
}

impl Run {
    /// What a host has to know under its name, for exactly this to be run.
    pub fn as_host_command(&self) -> HostCommand {
        HostCommand {
            argv: self.argv.clone(),
            directory: self.directory.clone(),
            env: self.env.clone(),
            pass: self.pass.clone(),
            url_variable: self.url_variable.clone(),
            timeout_seconds: Some(self.timeout_seconds),
            lock_timeout_seconds: None,
        }
    }

    /// The words that are run, with the revision filled in.
    pub fn words(&self) -> Vec<String> {
        let revision = self.revision.as_deref().unwrap_or(REVISION);
        self.argv.iter().map(|word| word.replace(REVISION, revision)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_revision_stands_in_the_words_that_are_shown() {
        let mut run = Run {
            command: "upgrade".into(),
            argv: vec!["/bin/flask".into(), "--to={revision}".into()],
            directory: "/app".into(),
            env: BTreeMap::new(),
            pass: Vec::new(),
            url_variable: None,
            check: None,
            revision: Some("abc".into()),
            timeout_seconds: 1,
            revisions: vec!["abc".into()],
            stumbles: Vec::new(),
        };
        assert_eq!(run.words(), ["/bin/flask", "--to=abc"]);
        run.revision = None;
        assert_eq!(run.words(), run.argv);
    }
}
