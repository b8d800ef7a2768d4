//! The layers of a configuration: which file, which profile, and the two of them as one.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::file::{File, head};
use crate::config::overrides::{CliOverrides, FILE};
use crate::config::paths::resolve;
use crate::config::source::{ConfigText, ConfigTexts};
use crate::config::{interpolate, merge, profiles};
use crate::error::{Error, Kind, Result};
use crate::model::names::FilePath;

/// A profile that was asked for.
pub struct SelectedProfile {
    pub name: String,
    /// What a path is relative to.
    base: FilePath,
    /// Where the file names it.
    span: Option<Range<usize>>,
}

/// The file that was named, or the nearest one from the working directory upward.
pub fn find(said: &CliOverrides, here: &FilePath) -> Result<Option<FilePath>> {
    if let Some(named) = &said.config_file {
        return resolve(here, named).map(Some);
    }
    for directory in here.as_path().ancestors() {
        let candidate = directory.join(FILE);
        match candidate.symlink_metadata() {
            Ok(_) => return Ok(Some(FilePath::new(candidate))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                let message =
                    format!("nobody can say whether there is a `{}`", candidate.display());
                return Err(Error::new(Kind::Config, message)
                    .because(error)
                    .hint("name the file: `--config FILE`"));
            }
        }
    }
    Ok(None)
}

/// The profile that a flag names, or else the file, whose directory is `base`.
pub fn choose(
    said: &CliOverrides,
    here: &FilePath,
    base: &FilePath,
    file: Option<&ConfigText>,
) -> Result<Option<SelectedProfile>> {
    if let Some(name) = said.profile.clone() {
        return Ok(Some(SelectedProfile { name, base: here.clone(), span: None }));
    }
    let Some(file) = file else { return Ok(None) };
    let Some(written) = head(file)?.profile else { return Ok(None) };
    let span = written.span();
    let name = interpolate::filled(
        written.get_ref(),
        span.clone(),
        &said.environment,
        &ConfigTexts(vec![file]),
    )?;
    Ok(Some(SelectedProfile { name, base: base.clone(), span: Some(span) }))
}

/// The text of the chosen profile, placed behind the file's.
pub fn open(chosen: &SelectedProfile, file: Option<&ConfigText>) -> Result<ConfigText> {
    profiles::open(&chosen.name, chosen.base.as_path(), file).map_err(|error| {
        match (&chosen.span, file) {
            (Some(span), Some(file)) => error.at(file.place(span.clone())),
            _ => error,
        }
    })
}

/// The file laid over the profile, without what flags override, variables filled in.
pub fn read(
    said: &CliOverrides,
    file: Option<&ConfigText>,
    profile: Option<&ConfigText>,
) -> Result<File> {
    let sources = ConfigTexts(file.into_iter().chain(profile).collect());
    let mut merged = match profile {
        Some(profile) => profiles::table(profile)?,
        None => Spanned::new(0..0, DeTable::new()),
    };
    let table = merged.get_mut();
    if let Some(file) = file {
        head(file)?;
        let above = file.parse()?.into_inner();
        refuse_twins(&above, &sources)?;
        merge::overlay(table, above);
    }
    // A variable that only an overridden value names need not be set.
    for (overridden, path) in [
        (said.database_url.is_some(), ["database", "url"].as_slice()),
        (said.root.is_some(), &["app", "root"]),
        (said.site.is_some(), &["site"]),
        (said.profile.is_some(), &["profile"]),
    ] {
        if overridden {
            remove(table, path);
        }
    }
    let passed = at(table, &["revisions", "upgrade", "env"]).map(interpolate::take_passed);
    let private = &["database", "url"];
    let public = &said.public_variables;
    interpolate::fill_in(table, private, public, &said.environment, &sources)?;
    refuse_twins(table, &sources)?;
    let mut file: File = sources.read(merged)?;
    if let Some(upgrade) = file.revisions.as_mut().and_then(|all| all.upgrade.as_mut()) {
        upgrade.pass = passed.unwrap_or_default();
    }
    Ok(file)
}

/// The table that is reached along these keys.
fn at<'t, 'text>(table: &'t mut DeTable<'text>, path: &[&str]) -> Option<&'t mut DeTable<'text>> {
    path.iter().try_fold(table, |table, key| match table.get_mut(*key)?.get_mut() {
        DeValue::Table(inner) => Some(inner),
        _ => None,
    })
}

fn refuse_twins(table: &DeTable<'_>, sources: &ConfigTexts<'_>) -> Result<()> {
    merge::refuse_twins(table, &["uploads"], sources)?;
    merge::refuse_twins(table, &["tables", "legacy"], sources)
}

fn remove(table: &mut DeTable<'_>, path: &[&str]) {
    match path {
        [] => {}
        [last] => drop(table.remove(*last)),
        [first, rest @ ..] => {
            if let Some(DeValue::Table(table)) = table.get_mut(*first).map(Spanned::get_mut) {
                remove(table, rest);
            }
        }
    }
}
