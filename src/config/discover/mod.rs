//! What `ttplan init` finds in the directory of an application.
//!
//! Only hints are looked for, line by line, and no file is understood as a whole: a compose file is
//! not read as YAML. Of variables only names are taken along, never a value, because any value may
//! be a secret; the few variables that a framework needs to start are the exception.

mod draft;
mod hints;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use serde::Deserialize;

use crate::config::paths::resolve;
use crate::config::profiles;
use crate::config::resolve::URL_VARIABLE;
use crate::error::{Error, Kind, Result};
use crate::model::names::FilePath;

/// How migrations are recognised: data, so that no framework is known here by name.
const SYSTEMS: &str = include_str!("systems.toml");

/// More than any file that is looked at holds.
const LONGEST: u64 = 1 << 20;

/// What was found. [`Discovery::to_toml`] makes a first `ttplan.toml` of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovery {
    /// The profile that recognises the directory, and by which files.
    pub profile: Option<(&'static str, Vec<String>)>,
    pub revisions: Option<Migrations>,
    /// The variable that holds the database's URL, and the files that name it.
    pub url_variable: Option<(String, Vec<String>)>,
    /// Database files, relative to the directory.
    pub databases: Vec<String>,
    /// Volumes in compose files: the file, and the volume as it is written there.
    pub volumes: Vec<(String, String)>,
    /// Where the image's Dockerfile puts the application.
    pub image_root: Option<String>,
    /// Files that are there and could not be read.
    pub unread: Vec<String>,
}

/// Migration scripts, and how they are run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrations {
    pub system: String,
    /// Relative to the directory where it lies in it.
    pub directory: String,
    /// The file that says so.
    pub found_by: String,
    pub command: Vec<String>,
    pub check: Vec<String>,
    pub env: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Systems {
    systems: Vec<System>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct System {
    name: String,
    ini: Vec<String>,
    key: String,
    scripts: String,
    runs: Vec<Run>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    package: Option<String>,
    command: Vec<String>,
    check: Vec<String>,
    #[serde(default)]
    variables: BTreeMap<String, Vec<String>>,
}

/// Looks at `directory`, an absolute path.
///
/// Errors: `Kind::Config` when it cannot be listed. A single file that cannot be read is told in
/// the discovery.
pub fn discover(directory: &Path) -> Result<Discovery> {
    let mut files = Files { directory, unread: Vec::new() };
    let names = files.names("").map_err(|error| {
        Error::new(Kind::Config, format!("`{}` cannot be listed", directory.display()))
            .because(error)
    })?;
    let compose: Vec<&str> =
        names.iter().map(String::as_str).filter(|name| hints::is_compose(name)).collect();
    let mut found = Discovery {
        profile: profiles::recognised(directory)?,
        revisions: migrations(&mut files)?,
        ..Discovery::default()
    };

    let mut variables: Vec<(String, Vec<String>)> = Vec::new();
    for name in compose.iter().copied().chain([".env"]) {
        let text = files.text(name);
        for variable in hints::url_variables(&text) {
            match variables.iter_mut().find(|(known, _)| known == variable) {
                Some((_, seen)) if seen.iter().any(|file| file == name) => {}
                Some((_, seen)) => seen.push(name.to_owned()),
                None => variables.push((variable.to_owned(), vec![name.to_owned()])),
            }
        }
        found
            .volumes
            .extend(hints::volumes(&text).map(|volume| (name.to_owned(), volume.to_owned())));
    }
    let usual = variables.iter().position(|(variable, _)| variable == URL_VARIABLE).unwrap_or(0);
    found.url_variable = variables.into_iter().nth(usual);
    found.image_root = hints::image_root(&files.text("Dockerfile")).map(str::to_owned);
    found.databases = files.names("instance").unwrap_or_default();
    found.databases.retain(|name| hints::is_database(name));
    found.databases.iter_mut().for_each(|name| *name = format!("instance/{name}"));
    found.unread = files.unread;
    Ok(found)
}

fn migrations(files: &mut Files<'_>) -> Result<Option<Migrations>> {
    let systems: Systems = toml::from_str(SYSTEMS).map_err(|error| {
        Error::new(Kind::Failed, "the list of migration systems is broken").because(error.message())
    })?;
    let found = systems.systems.into_iter().find_map(|system| {
        let scripts =
            system.ini.iter().find_map(|ini| Some((ini.clone(), files.scripts(&system, ini)?)));
        scripts.and_then(|(ini, directory)| files.migrations(system, ini, directory))
    });
    Ok(found)
}

/// The files of the directory, and those that could not be read.
struct Files<'a> {
    directory: &'a Path,
    unread: Vec<String>,
}

impl Files<'_> {
    /// The names in a directory that are text, sorted.
    fn names(&self, below: &str) -> std::io::Result<Vec<String>> {
        let entries =
            self.directory.join(below).read_dir()?.collect::<std::io::Result<Vec<_>>>()?;
        let mut names: Vec<String> =
            entries.into_iter().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        Ok(names)
    }

    /// The text of a file; empty where there is none.
    fn text(&mut self, name: &str) -> String {
        let path = self.directory.join(name);
        let read = path.metadata().and_then(|seen| match seen.is_file() && seen.len() <= LONGEST {
            true => std::fs::read(&path),
            false => Err(ErrorKind::InvalidData.into()),
        });
        match read {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => {
                let absent = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory);
                if !absent && !self.unread.iter().any(|known| known == name) {
                    self.unread.push(name.to_owned());
                }
                String::new()
            }
        }
    }

    /// The directory of scripts that an ini file names, if it is there.
    fn scripts(&mut self, system: &System, ini: &str) -> Option<String> {
        let text = self.text(ini);
        let location = hints::ini_value(&text, &system.key)?;
        let above = ini.rsplit_once('/').map_or(".", |(above, _)| above);
        let location = location.replace("%(here)s", above);
        // Relative to the directory it is run in, or, as some write it, to the ini file.
        let base = FilePath::new(self.directory);
        let places = [
            format!("{location}/{}", system.scripts),
            format!("{above}/{location}/{}", system.scripts),
        ];
        let found = places
            .iter()
            .find_map(|place| resolve(&base, place).ok().filter(|path| path.as_path().is_dir()))?;
        let relative = found.as_path().strip_prefix(self.directory).unwrap_or(found.as_path());
        relative.to_str().map(str::to_owned)
    }

    fn migrations(
        &mut self,
        system: System,
        found_by: String,
        directory: String,
    ) -> Option<Migrations> {
        const REQUIREMENTS: [&str; 4] =
            ["requirements.txt", "pyproject.toml", "Pipfile", "setup.py"];
        let requirements = REQUIREMENTS.map(|name| self.text(name).to_ascii_lowercase()).join("\n");
        let required = |run: &Run| {
            run.package.as_ref().is_none_or(|package| hints::requires(&requirements, package))
        };
        let run = system.runs.into_iter().find(required)?;
        let mut env = BTreeMap::new();
        for (name, files) in run.variables {
            let value = files
                .iter()
                .find_map(|file| hints::plain_value(&self.text(file), &name).map(str::to_owned));
            env.extend(value.map(|value| (name, value)));
        }
        Some(Migrations {
            system: system.name,
            directory,
            found_by,
            command: run.command,
            check: run.check,
            env,
        })
    }
}
