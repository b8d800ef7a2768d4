//! From the keys that were written to the settled configuration: defaults, absolute paths, the
//! address of the database.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::ops::Range;

use toml::Spanned;

use crate::config::file::{self, File, PathAt};
use crate::config::interpolate;
use crate::config::overrides::{CliOverrides, FILE};
use crate::config::paths::resolve;
use crate::config::redact::covered;
use crate::config::source::ConfigTexts;
use crate::config::url::{self, Address, Engines};
use crate::config::values::{Checked, Label, Public, Variable, Written};
use crate::error::{Error, Kind, Result};
use crate::model::client_programs::ClientPrograms;
use crate::model::config::{
    Access, Backup, Cleanup, Config, Database, Legacy, RevisionsConfig, Tables, Upgrade, Upload,
    Wait,
};
use crate::model::files::references::Reference;
use crate::model::names::{FilePath, Secret};
use crate::model::variables::is_true;

/// The variable that holds the database's URL when nobody names another.
pub const URL_VARIABLE: &str = "DATABASE_URL";

/// What else is needed to resolve a file.
pub struct Resolver<'a> {
    pub said: &'a CliOverrides,
    /// The working directory.
    pub here: &'a FilePath,
    /// The directory of the file, or the working directory without one.
    pub base: &'a FilePath,
    pub sources: &'a ConfigTexts<'a>,
    pub engines: Engines<'a>,
}

impl Resolver<'_> {
    pub fn resolve(&self, file: File, profile: Option<String>) -> Result<(Config, Access)> {
        let root = match (&self.said.root, &file.app.root) {
            (Some(said), _) => resolve(self.here, said)?,
            (None, Some(written)) => self.path(self.base, written)?,
            (None, None) => self.base.clone(),
        };
        let revisions =
            file.revisions.map(|revisions| self.revisions(&root, revisions)).transpose()?;
        let upgrade = revisions.as_ref().and_then(|revisions| revisions.upgrade.as_ref());
        let variable =
            upgrade.and_then(|upgrade| upgrade.url_variable.as_deref()).unwrap_or(URL_VARIABLE);
        let runs_in = upgrade.map_or(&root, |upgrade| &upgrade.directory);
        let access = self.access(file.database, variable, runs_in)?;
        let uploads = file
            .uploads
            .into_iter()
            .map(|upload| self.upload(&root, upload))
            .collect::<Result<_>>()?;
        let config = Config {
            profile,
            site: self.site(file.site)?,
            revisions,
            database: access.database.clone(),
            tables: self.tables(file.tables)?,
            cleanup: self.cleanup(file.cleanup)?,
            uploads,
            backup: Backup {
                directory: file
                    .backup
                    .directory
                    .map(|written| self.path(&root, &written))
                    .transpose()?,
                keep: file.backup.keep.unwrap_or(5),
            },
            root,
        };
        Ok((config, access))
    }

    fn path(&self, base: &FilePath, written: &PathAt) -> Result<FilePath> {
        resolve(base, &written.get_ref().0.0)
            .map_err(|error| self.sources.at(error, written.span()))
    }

    fn refuse<T>(&self, message: &str, span: Range<usize>) -> Result<T> {
        Err(self.sources.error(message, span))
    }

    fn site(&self, written: Option<Checked<Label>>) -> Result<Option<String>> {
        match &self.said.site {
            Some(said) => match Label::from_text(said) {
                Ok(Label(site)) => Ok(Some(site)),
                Err(why) => {
                    Err(Error::new(Kind::Config, "the label of the site cannot be used")
                        .because(why))
                }
            },
            None => Ok(written.map(|Checked(Label(site))| site)),
        }
    }

    fn revisions(&self, root: &FilePath, written: file::Revisions) -> Result<RevisionsConfig> {
        Ok(RevisionsConfig {
            system: written.system.0.0,
            directory: self.path(root, &written.directory)?,
            target: written.target.map_or_else(|| vec!["head".to_owned()], |target| target.0),
            catalogue: written.catalogue.map(|written| self.path(root, &written)).transpose()?,
            sql: written.sql.map(|written| self.path(root, &written)).transpose()?,
            upgrade: written.upgrade.map(|upgrade| self.upgrade(root, upgrade)).transpose()?,
            releases: written
                .releases
                .into_iter()
                .map(|(name, heads)| (name.0.0, plain(heads)))
                .collect(),
        })
    }

    fn upgrade(&self, root: &FilePath, written: file::Upgrade) -> Result<Upgrade> {
        if written.command.get_ref().first().is_none_or(|program| program.0.0.is_empty()) {
            return self
                .refuse("a command begins with the name of a program", written.command.span());
        }
        let words = |words: Vec<Checked<Public>>| {
            words.into_iter().map(|word| word.0.0).collect::<Vec<_>>()
        };
        let mut env = BTreeMap::new();
        for (Checked(Variable(name)), value) in written.env {
            let span = value.span();
            let Checked(Public(value)) = value.into_inner();
            // `DB_PASSWORD = "${DB_PASSWORD}"` is how it should be, and is passed on.
            if covered(&format!("{name}={value}")) != format!("{name}={value}") {
                let error = self.sources.error("a plan would show this secret", span);
                return Err(error.hint(format!("write `{name} = \"${{{name}}}\"`")));
            }
            env.insert(name, value);
        }
        Ok(Upgrade {
            command: words(written.command.into_inner()),
            check: words(written.check),
            directory: written
                .directory
                .map_or_else(|| Ok(root.clone()), |written| self.path(root, &written))?,
            env,
            pass: written.pass,
            url_variable: Some(
                written.url_variable.map_or_else(|| URL_VARIABLE.to_owned(), |name| name.0.0),
            ),
            timeout_seconds: written.timeout.map_or(900, |timeout| timeout.0.0),
            accept_stumbles: written.accept_stumbles,
        })
    }

    fn tables(&self, written: file::Tables) -> Result<Tables> {
        let mut core = BTreeMap::new();
        for (Checked(Label(table)), columns) in written.core {
            if columns.get_ref().is_empty() {
                let message = "name a column that shows that this table is the application's own";
                return self.refuse(message, columns.span());
            }
            core.insert(table, plain(columns.into_inner()));
        }
        let legacy =
            written.legacy.into_iter().map(|legacy| self.legacy(legacy)).collect::<Result<_>>()?;
        Ok(Tables {
            core,
            unexpected: written.unexpected.map(|choice| choice.0).unwrap_or_default(),
            unexpected_on_sqlite: written
                .unexpected_on_sqlite
                .map(|choice| choice.0)
                .unwrap_or_default(),
            keep: plain(written.keep),
            legacy,
        })
    }

    fn legacy(&self, written: file::Legacy) -> Result<Legacy> {
        if written.tables.get_ref().is_empty() {
            return self.refuse("a schema without tables is every schema", written.tables.span());
        }
        let tables = written.tables.into_inner().into_iter();
        Ok(Legacy {
            name: written.name.0.0,
            tables: tables
                .map(|(Checked(Label(table)), columns)| (table, plain(columns)))
                .collect(),
            absent: plain(written.absent),
        })
    }

    fn cleanup(&self, written: file::Cleanup) -> Result<Cleanup> {
        let variable = written.variable.map(|Checked(Variable(name))| name);
        let value = match &variable {
            Some(name) => interpolate::variable(name, &self.said.environment)?.unwrap_or_default(),
            None => "",
        };
        Ok(Cleanup { at_start: written.at_start, skip: is_true(value), variable })
    }

    fn upload(&self, root: &FilePath, written: file::Upload) -> Result<Upload> {
        let to = self.path(root, &written.to)?;
        let mut from = Vec::new();
        for place in &written.from {
            let place = self.path(root, place)?;
            // Files that lie where they belong have nowhere to be moved from.
            if place != to && !from.contains(&place) {
                from.push(place);
            }
        }
        Ok(Upload {
            name: written.name.0.0,
            from,
            to,
            on_conflict: written.on_conflict.map(|choice| choice.0).unwrap_or_default(),
            ignore: written.ignore,
            references: written
                .references
                .into_iter()
                .map(|one| self.reference(one))
                .collect::<Result<_>>()?,
            mode: written.mode.map(|mode| mode.0.0),
            owner: written.owner.map(|owner| owner.0.0),
        })
    }

    fn reference(&self, written: Spanned<file::Reference>) -> Result<Reference> {
        let span = written.span();
        let file::Reference { table, column, form: Checked(form), prefix, formerly } =
            written.into_inner();
        let placeless = prefix.iter().chain(&formerly).any(|text| !text.contains('/'));
        if form.takes_prefix() && (prefix.is_none() || placeless) {
            return self
                .refuse(&format!("the form `{}` needs a `prefix` with a `/`", form.word()), span);
        }
        if !form.takes_prefix() && (prefix.is_some() || !formerly.is_empty()) {
            return self.refuse(&format!("the form `{}` takes no `prefix`", form.word()), span);
        }
        Ok(Reference { table: table.0.0, column: column.0.0, form, prefix, formerly })
    }

    /// The database's address and secrets; `variable` holds its URL when neither a flag nor the
    /// file says one.
    fn access(
        &self,
        written: file::Database,
        variable: &str,
        runs_in: &FilePath,
    ) -> Result<Access> {
        let (url, span) = match (&self.said.database_url, written.url) {
            (Some(said), _) => (said.clone(), None),
            (None, Some(url)) => (Secret::new(url.get_ref().as_str()), Some(url.span())),
            (None, None) => match interpolate::variable(variable, &self.said.environment)? {
                Some(url) if !url.is_empty() => (Secret::new(url), None),
                found => return Err(no_url(variable, found.is_some())),
            },
        };
        let read = url::parse(url.reveal(), self.engines).and_then(|(engine, address)| {
            let wait = Wait {
                attempts: written.wait.attempts.map_or(30, std::num::NonZero::get),
                delay_seconds: written.wait.delay.map_or(2, |delay| delay.0.0),
                timeout_seconds: written.wait.timeout.map_or(60, |timeout| timeout.0.0),
            };
            database(engine, address, wait, runs_in)
        });
        let (database, password) = read.map_err(|error| match span {
            Some(span) => self.sources.at(error, span),
            None => error,
        })?;
        let path = self.said.environment.get(OsStr::new("PATH")).cloned().unwrap_or_default();
        Ok(Access { database, password, url, path, programs: ClientPrograms::default() })
    }
}

fn no_url(variable: &str, is_empty: bool) -> Error {
    let error = Error::new(Kind::Config, "nobody said where the database is");
    let error = if is_empty {
        error.because(format!("the variable `{variable}` is set and empty"))
    } else {
        error
    };
    error
        .hint(format!("set the variable: `{variable}=postgresql://user:password@host/database`"))
        .hint("or give the flag: `--database-url URL`")
        .hint(format!("or write it into `{FILE}`: `[database]`, `url = \"...\"`"))
}

fn database(
    engine: &str,
    address: Address,
    wait: Wait,
    runs_in: &FilePath,
) -> Result<(Database, Option<Secret>)> {
    let engine = engine.to_owned();
    match address {
        Address::Server(server) => {
            let url::Server { host, port, user, password, database: name, options } = server;
            Ok((Database { engine, host, port, user, name, path: None, options, wait }, password))
        }
        Address::File(written) => {
            let path = resolve(runs_in, written)?;
            let name = path.as_path().file_name().map(FilePath::new);
            let name =
                name.ok_or_else(|| Error::new(Kind::Config, "the database URL names no file"))?;
            let (name, options) = (name.to_text().into_owned(), BTreeMap::new());
            let database = Database {
                engine,
                host: None,
                port: None,
                user: None,
                name,
                path: Some(path),
                options,
                wait,
            };
            Ok((database, None))
        }
    }
}

fn plain(labels: Vec<Checked<Label>>) -> Vec<String> {
    labels.into_iter().map(|Checked(Label(label))| label).collect()
}
