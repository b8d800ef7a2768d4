//! Makes a command of the host ready to run: in the clean environment, with the variables that the
//! host's own file sets and passes on, the database's URL handed over, and everything secret known
//! to whoever keeps the output. Must never take a variable from a plan.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::model::host_command::{HostCommand, REVISION, URL};
use crate::model::names::Secret;
use crate::process::command::Command;
use crate::process::environment;

/// A value of a variable is worth hiding from this length on; hiding shorter ones would make the
/// output unreadable and tell them apart all the same.
const WORTH_HIDING: usize = 6;

/// A command of the host, and what it is run with.
pub struct Invocation<'a> {
    pub command: &'a HostCommand,
    /// What is filled in for `{revision}`.
    pub revision: Option<&'a str>,
    /// The database that it is to work on.
    pub url: Option<&'a Secret>,
    pub timeout: Duration,
    /// The environment that ttplan was started in.
    pub environment: &'a BTreeMap<OsString, OsString>,
    /// What must never show up in the output besides.
    pub secrets: &'a [Secret],
}

impl Invocation<'_> {
    /// The command.
    ///
    /// Errors: `Kind::Config` when something is to be filled in that is not known.
    pub fn ready(&self) -> Result<Command> {
        let found = |name: &str| self.environment.get(OsStr::new(name)).cloned();
        let mut env: BTreeMap<OsString, OsString> =
            environment::clean(found).into_iter().map(|(name, v)| (name.into(), v)).collect();
        let mut redact = self.secrets.to_vec();
        let argv = self.command.argv.iter().map(|word| {
            let word = self.filled(word)?;
            if !word.contains(REVISION) {
                return Ok(word);
            }
            let revision = self.revision.ok_or_else(|| unknown(REVISION))?;
            Ok(word.replace(REVISION, revision))
        });
        let argv = argv.collect::<Result<Vec<String>>>()?;
        for (name, value) in &self.command.env {
            env.insert(name.into(), self.filled(value)?.into());
        }
        for name in &self.command.pass {
            let Some(value) = found(name) else { continue };
            if value.len() >= WORTH_HIDING {
                redact.extend(value.to_str().map(Secret::new));
            }
            env.insert(name.into(), value);
        }
        if let Some(url) = self.url {
            redact.push(url.clone());
            redact.extend(password_in(url.reveal()).map(Secret::new));
            if let Some(name) = &self.command.url_variable {
                env.insert(name.into(), url.reveal().into());
            }
            if let Some(seconds) = self.command.lock_timeout_seconds
                && url.reveal().starts_with("postgres")
            {
                let options = env.entry("PGOPTIONS".into()).or_default();
                options.push(format!(" -c lock_timeout={seconds}s"));
            }
        }
        Ok(Command {
            argv,
            directory: self.command.directory.clone(),
            env: env.into_iter().collect(),
            redact,
            timeout: self.timeout,
        })
    }

    fn filled(&self, text: &str) -> Result<String> {
        if !text.contains(URL) {
            return Ok(text.to_owned());
        }
        let url = self.url.ok_or_else(|| unknown(URL))?.reveal();
        let open = match password_in(url) {
            Some(password) => url.replacen(&format!(":{password}@"), "@", 1),
            None => url.to_owned(),
        };
        Ok(text.replace(URL, &without_secrets(&open)))
    }
}

fn unknown(what: &str) -> Error {
    Error::new(Kind::Config, format!("nothing says what `{what}` of the command stands for"))
}

/// The password as it is spelled in a URL: percent signs and all.
fn password_in(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let login = rest.rsplit_once('@')?.0;
    login.split_once(':').map(|(_, password)| password).filter(|password| !password.is_empty())
}

/// The URL without the options that may hold a password too.
fn without_secrets(url: &str) -> String {
    let Some((place, options)) = url.split_once('?') else { return url.to_owned() };
    let secret = |option: &&str| {
        let name = option.split('=').next().unwrap_or_default().to_ascii_lowercase();
        name.contains("password") || name.contains("passfile")
    };
    let kept: Vec<&str> = options.split('&').filter(|option| !secret(option)).collect();
    if kept.is_empty() { place.to_owned() } else { format!("{place}?{}", kept.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::host_command::HostCommand;

    fn command(argv: &[&str]) -> HostCommand {
        HostCommand {
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            directory: "/".into(),
            env: BTreeMap::from([("FIXED".to_owned(), "for {url}".to_owned())]),
            pass: vec!["KEY".into(), "SHORT".into(), "UNSET".into()],
            url_variable: Some("DATABASE_URL".into()),
            timeout_seconds: None,
            lock_timeout_seconds: Some(5),
        }
    }

    fn environment() -> BTreeMap<OsString, OsString> {
        [("KEY", "0123456789"), ("SHORT", "on"), ("PYTHONPATH", "/evil"), ("PGOPTIONS", "-c evil")]
            .map(|(name, value)| (name.into(), value.into()))
            .into()
    }

    fn ready(command: &HostCommand, revision: Option<&str>, url: &str) -> Result<Command> {
        let (url, environment) = (Secret::new(url), environment());
        Invocation {
            command,
            revision,
            url: Some(&url),
            timeout: Duration::ZERO,
            environment: &environment,
            secrets: &[],
        }
        .ready()
    }

    #[test]
    fn a_child_gets_what_the_host_says_and_nothing_else_of_the_caller() {
        let ready = ready(&command(&["/bin/x"]), None, "postgresql://u:p%40ss@h/d").unwrap();
        let names: Vec<&str> = ready.env.iter().filter_map(|(name, _)| name.to_str()).collect();
        assert_eq!(
            names,
            [
                "DATABASE_URL",
                "FIXED",
                "HOME",
                "KEY",
                "LANG",
                "PATH",
                "PGOPTIONS",
                "SHORT",
                "TMPDIR"
            ]
        );
        let value = |asked: &str| {
            ready.env.iter().find(|(name, _)| name == asked).unwrap().1.to_str().unwrap().to_owned()
        };
        assert_eq!(value("FIXED"), "for postgresql://u@h/d");
        assert_eq!(value("PGOPTIONS"), " -c lock_timeout=5s");
        assert_eq!(value("DATABASE_URL"), "postgresql://u:p%40ss@h/d");
        let hidden: Vec<&str> = ready.redact.iter().map(Secret::reveal).collect();
        assert_eq!(hidden, ["0123456789", "postgresql://u:p%40ss@h/d", "p%40ss"]);
    }

    #[test]
    fn the_revision_and_the_url_are_filled_in_and_no_password_with_them() {
        let words = ["/bin/x", "--to={revision}", "{url}", "{other}"];
        let url = "postgresql://u:pw@h/d?password=pw&sslmode=require";
        let ready = ready(&command(&words), Some("abc"), url).unwrap();
        let expected = ["/bin/x", "--to=abc", "postgresql://u@h/d?sslmode=require", "{other}"];
        assert_eq!(ready.argv, expected);
    }

    #[test]
    fn what_nobody_says_is_not_guessed() {
        let error = ready(&command(&["/bin/x", "{revision}"]), None, "sqlite:////d").err().unwrap();
        assert!(error.message().contains("{revision}"), "{error}");
    }
}
