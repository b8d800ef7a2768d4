//! The parts of `host.toml` that say what may be run and what the application is: `[commands]`,
//! `[programs]`, `[variables]`, `[start]`. Must never fill anything in.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use crate::config::file::PathAt;
use crate::config::redact::covered;
use crate::config::source::ConfigTexts;
use crate::config::values::{Checked, Public, Timeout, Variable, Word, Written};
use crate::error::{Error, Result};
use crate::model::client_programs::ClientPrograms;
use crate::model::host::Unattended;
use crate::model::host_command::HostCommand;
use crate::model::names::FilePath;

/// Variables of ttplan's own that no command has any business with.
const OURS: &[&str] = &["TTPLAN_SIGNING_KEY", "TTPLAN_SIGNING_PASSPHRASE"];

/// `[commands.NAME]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table such as `[commands.upgrade]`")]
pub struct WrittenCommand {
    argv: Spanned<Vec<Checked<Public>>>,
    directory: PathAt,
    #[serde(default)]
    env: BTreeMap<Checked<Variable>, Spanned<String>>,
    #[serde(default)]
    pass: Vec<Spanned<Checked<Variable>>>,
    url_variable: Option<Checked<Variable>>,
    timeout: Option<Checked<Timeout>>,
    lock_timeout: Option<Checked<Timeout>>,
}

/// `[programs]`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct WrittenPrograms {
    pg_dump: Option<PathAt>,
    pg_restore: Option<PathAt>,
}

/// `[variables]`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct WrittenVariables {
    #[serde(default)]
    public: Vec<Checked<Variable>>,
}

/// `[start]`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct WrittenStart {
    #[serde(default)]
    unattended: Vec<Checked<Unattended>>,
}

impl Written for Unattended {
    fn from_text(text: &str) -> Result<Self, String> {
        crate::config::values::choice(text, Self::ALL)
    }
}

/// Reads an absolute path of the host.
type Absolute<'a> = &'a dyn Fn(&PathAt) -> Result<FilePath>;

/// All commands, by their names.
pub fn commands(
    written: BTreeMap<Checked<Word>, WrittenCommand>,
    absolute: Absolute<'_>,
    sources: &ConfigTexts<'_>,
) -> Result<BTreeMap<String, HostCommand>> {
    let one = |(Checked(Word(name)), written)| Ok((name, command(written, absolute, sources)?));
    written.into_iter().map(one).collect()
}

fn command(
    written: WrittenCommand,
    absolute: Absolute<'_>,
    sources: &ConfigTexts<'_>,
) -> Result<HostCommand> {
    let span = written.argv.span();
    let argv: Vec<String> =
        written.argv.into_inner().into_iter().map(|Checked(Public(word))| word).collect();
    if !argv.first().is_some_and(|program| FilePath::new(program).is_plain_absolute()) {
        let message = "a command of the host begins with the absolute path of a program";
        return Err(sources.error(message, span));
    }
    let mut env = BTreeMap::new();
    for (Checked(Variable(name)), value) in written.env {
        let (span, value) = (value.span(), value.into_inner());
        let shown = format!("{name}={value}");
        if value.contains('\0') || covered(&shown) != shown {
            let error = sources.error("a plan would show this secret", span);
            return Err(error.hint(format!("write `pass = [\"{name}\"]`, and set `{name}`")));
        }
        env.insert(name, value);
    }
    let mut pass = Vec::new();
    for name in written.pass {
        let (span, Checked(Variable(name))) = (name.span(), name.into_inner());
        if OURS.contains(&name.as_str()) || env.contains_key(&name) {
            let why = if env.contains_key(&name) { "set in `env` already" } else { "ttplan's own" };
            return Err(sources.error(format!("the variable `{name}` is {why}"), span));
        }
        pass.push(name);
    }
    pass.sort();
    pass.dedup();
    Ok(HostCommand {
        argv,
        directory: absolute(&written.directory)?,
        env,
        pass,
        url_variable: written.url_variable.map(|Checked(Variable(name))| name),
        timeout_seconds: written.timeout.map(|time| time.0.0),
        lock_timeout_seconds: written.lock_timeout.map(|time| time.0.0),
    })
}

/// The client programs that the host names: both of a pair or neither, so that they fit.
pub fn programs(written: &WrittenPrograms, absolute: Absolute<'_>) -> Result<ClientPrograms> {
    let WrittenPrograms { pg_dump, pg_restore } = written;
    let missing = match (pg_dump, pg_restore) {
        (Some(_), None) => Some("pg_restore"),
        (None, Some(_)) => Some("pg_dump"),
        _ => None,
    };
    if let Some(name) = missing {
        let message = "`[programs]` names only one of `pg_dump` and `pg_restore`";
        return Err(Error::new(crate::error::Kind::Config, message)
            .hint(format!("name `{name}` of the same version too")));
    }
    Ok(ClientPrograms {
        pg_dump: pg_dump.as_ref().map(absolute).transpose()?,
        pg_restore: pg_restore.as_ref().map(absolute).transpose()?,
    })
}

/// The names of the variables that are no secrets.
pub fn public(written: WrittenVariables) -> Vec<String> {
    written.public.into_iter().map(|Checked(Variable(name))| name).collect()
}

/// What may be done when nobody looks on.
pub fn unattended(written: &WrittenStart) -> Vec<Unattended> {
    written.unattended.iter().map(|Checked(one)| *one).collect()
}
