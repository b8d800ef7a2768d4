//! Makes a command of the application ready to run: variables filled in, the database's URL handed
//! over by its variable, and everything secret known to whoever keeps the output.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::model::names::{FilePath, Secret};
use crate::model::variables;
use crate::process::command::Command;

/// Variables of ttplan's own that no command of the application has any business with.
const OURS: &[&str] = &["TTPLAN_SIGNING_KEY", "TTPLAN_SIGNING_PASSPHRASE"];

/// A value of a variable is worth hiding from this length on; hiding shorter ones would make the
/// output unreadable and tell them apart all the same.
const WORTH_HIDING: usize = 6;

/// A command as a configuration or a plan spells it, and what it is run with.
pub struct Invocation<'a> {
    pub argv: &'a [String],
    pub directory: &'a FilePath,
    /// `${NAME}` in a value is filled in from `environment`.
    pub env: &'a BTreeMap<String, String>,
    /// The variable that gets the database's URL, and the URL.
    pub url: Option<(&'a str, &'a Secret)>,
    pub timeout: Duration,
    /// The environment that ttplan was started in.
    pub environment: &'a BTreeMap<OsString, OsString>,
    /// What must never show up in the output besides.
    pub secrets: &'a [Secret],
}

impl Invocation<'_> {
    /// The command.
    ///
    /// Errors: `Kind::Config` when a variable cannot be filled in.
    pub fn ready(&self) -> Result<Command> {
        let mut env = Vec::new();
        let mut redact = self.secrets.to_vec();
        for (name, value) in self.env {
            let filled = Secret::new(self.fill_in(value)?);
            if value.contains("${") && filled.reveal().len() >= WORTH_HIDING {
                redact.push(filled.clone());
            }
            env.push((name.clone(), filled));
        }
        if let Some((name, url)) = self.url {
            env.push((name.to_owned(), url.clone()));
            redact.push(url.clone());
            redact.extend(password_in(url.reveal()).map(Secret::new));
        }
        Ok(Command {
            argv: self.argv.to_vec(),
            directory: self.directory.clone(),
            env,
            without: OURS.iter().map(|name| (*name).to_owned()).collect(),
            redact,
            timeout: self.timeout,
        })
    }

    fn fill_in(&self, value: &str) -> Result<String> {
        let lookup = |name: &str| self.environment.get(OsStr::new(name)).map(OsString::as_os_str);
        variables::fill(value, lookup).map_err(|fault| {
            Error::new(Kind::Config, "the command's environment cannot be filled in")
                .because(fault.message())
                .hint(fault.hint())
        })
    }
}

/// The password as it is spelled in a URL: percent signs and all.
fn password_in(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let login = rest.rsplit_once('@')?.0;
    login.split_once(':').map(|(_, password)| password).filter(|password| !password.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_from_outside_is_handed_over_and_hidden() {
        let environment =
            BTreeMap::from([("KEY".into(), "0123456789".into()), ("SHORT".into(), "on".into())]);
        let env = [("A", "${KEY}"), ("B", "${SHORT}"), ("C", "plain")]
            .map(|(n, v)| (n.to_owned(), v.to_owned()));
        let url = Secret::new("postgresql://u:p%40ss@h/d");
        let command = Invocation {
            argv: &["/bin/true".to_owned()],
            directory: &"/".into(),
            env: &env.into(),
            url: Some(("DATABASE_URL", &url)),
            timeout: Duration::ZERO,
            environment: &environment,
            secrets: &[],
        }
        .ready()
        .unwrap();
        let hidden: Vec<&str> = command.redact.iter().map(Secret::reveal).collect();
        assert_eq!(hidden, ["0123456789", url.reveal(), "p%40ss"]);
        assert_eq!(command.env.len(), 4);
    }

    #[test]
    fn a_variable_that_is_not_set_is_told_by_name() {
        let env = BTreeMap::from([("A".to_owned(), "${NOT_SET}".to_owned())]);
        let empty = BTreeMap::new();
        let invocation = Invocation {
            argv: &[],
            directory: &"/".into(),
            env: &env,
            url: None,
            timeout: Duration::ZERO,
            environment: &empty,
            secrets: &[],
        };
        assert!(invocation.ready().unwrap_err().to_string().contains("NOT_SET"));
    }
}
