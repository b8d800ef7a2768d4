//! `host.toml`: what the host decides and nobody else. No variable is filled in, nothing else
//! can override it, and it is believed only if it is the host's own.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use crate::config::file::{Head, PathAt, check_version};
use crate::config::host_profile;
use crate::config::host_word::{
    self, WrittenCommand, WrittenPrograms, WrittenStart, WrittenVariables,
};
use crate::config::interpolate;
use crate::config::links::WrittenLinks;
use crate::config::overrides::CliOverrides;
use crate::config::paths::resolve;
use crate::config::source::{ConfigText, ConfigTexts};
use crate::config::values::{Checked, Label, Seconds, Word};
use crate::error::{Error, Kind, Result};
use crate::fs::ownership::check_ownership;
use crate::model::config::Config;
use crate::model::host::{HostConfig, Observations, Policy, Trust};
use crate::model::names::FilePath;
use crate::model::plan::version;

/// Where the host's file is when no flag names another.
const HOST_FILE: &str = "/etc/ttplan/host.toml";

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct HostFile {
    /// Judged in [`Head`]; listed because it is a known key.
    #[serde(rename = "version")]
    _version: Option<IgnoredAny>,
    site: Checked<Label>,
    environment: Option<Checked<Label>>,
    #[serde(default)]
    roots: Vec<PathAt>,
    profile: Option<Spanned<String>>,
    #[serde(default)]
    links: WrittenLinks,
    #[serde(default)]
    commands: BTreeMap<Checked<Word>, WrittenCommand>,
    #[serde(default)]
    programs: WrittenPrograms,
    #[serde(default)]
    variables: WrittenVariables,
    #[serde(default)]
    start: WrittenStart,
    state: WrittenState,
    trust: WrittenTrust,
    #[serde(default)]
    policy: WrittenPolicy,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct WrittenState {
    directory: PathAt,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct WrittenTrust {
    allowed_signers: PathAt,
    revoked_keys: Option<PathAt>,
    #[serde(default)]
    catalogues: Vec<PathAt>,
    required: Option<NonZeroU32>,
    required_for_destructive: Option<Spanned<NonZeroU32>>,
    #[serde(default)]
    roles: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    roles_for_destructive: Vec<Spanned<String>>,
    #[serde(default)]
    separate_author: bool,
    observations: Option<WrittenObservations>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct WrittenObservations {
    required: Option<NonZeroU32>,
    max_age: Option<Checked<Seconds>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct WrittenPolicy {
    #[serde(default)]
    allow_unsigned: bool,
    #[serde(default)]
    forbid_destructive: bool,
    #[serde(default)]
    break_glass: bool,
    #[serde(default)]
    prove_backup: bool,
    minimum_format: Option<Spanned<String>>,
}

/// What the host decides, or `None` on a host that has no such file.
///
/// Errors: `Kind::Refused` when others could have written the file, `Kind::Config` when a flag
/// names a file that is not there and when it cannot be read as it stands.
pub fn host(said: &CliOverrides) -> Result<Option<HostConfig>> {
    let path = match &said.host_config {
        Some(named) => resolve(&FilePath::new(&said.working_directory), named)?,
        None if is_absent(Path::new(HOST_FILE))? => return Ok(None),
        None => FilePath::new(HOST_FILE),
    };
    check_ownership(path.as_path())?;
    let source = ConfigText::read(path.as_path(), None)?;
    read(&source, path).map(Some)
}

/// Whether there is certainly no such file.
fn is_absent(path: &Path) -> Result<bool> {
    match path.symlink_metadata() {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) => {
            let message = format!("nobody can say whether there is a `{}`", path.display());
            Err(Error::new(Kind::Refused, message).code("host_config_missing").because(error))
        }
    }
}

fn read(source: &ConfigText, file: FilePath) -> Result<HostConfig> {
    let sources = ConfigTexts(vec![source]);
    let mut table = source.parse()?;
    interpolate::refuse(table.get_mut(), &sources)?;
    let head: Head = sources.read(table.clone())?;
    if let Some(version) = &head.version {
        check_version(version, source)?;
    }
    let written: HostFile = sources.read(table)?;
    let absolute = |written: &PathAt| {
        let path = FilePath::new(&written.get_ref().0.0);
        let message =
            "a path of the host is absolute and has neither `.` nor `..` nor a slash too many";
        if path.is_plain_absolute() {
            Ok(path)
        } else {
            Err(sources.error(message, written.span()))
        }
    };
    let required = written.trust.required.map_or(1, NonZeroU32::get);
    let required_for_destructive = match written.trust.required_for_destructive {
        Some(number) if number.get_ref().get() < required => {
            return Err(sources.error(
                "a destructive plan cannot need fewer signatures than any other",
                number.span(),
            ));
        }
        Some(number) => number.into_inner().get(),
        None => required,
    };
    let roles = written.trust.roles;
    let unknown =
        written.trust.roles_for_destructive.iter().find(|role| !roles.contains_key(role.get_ref()));
    if let Some(role) = unknown {
        return Err(sources
            .error("nobody has this role: name its members under `[trust.roles]`", role.span()));
    }
    let minimum_format = match written.policy.minimum_format {
        None => None,
        Some(text) => match version(text.get_ref()) {
            None => {
                return Err(sources.error("a version is two numbers such as \"1.0\"", text.span()));
            }
            found => found,
        },
    };
    Ok(HostConfig {
        file,
        name: written.site.0.0,
        environment: written.environment.map(|label| label.0.0),
        roots: written.roots.iter().map(absolute).collect::<Result<_>>()?,
        links: written.links.read(&sources)?,
        commands: host_word::commands(written.commands, &absolute, &sources)?,
        programs: host_word::programs(&written.programs, &absolute)?,
        public_variables: host_word::public(written.variables),
        profile: written
            .profile
            .map(|profile| host_profile::open(&profile, &sources))
            .transpose()?,
        unattended: host_word::unattended(&written.start),
        state: absolute(&written.state.directory)?,
        trust: Trust {
            allowed_signers: absolute(&written.trust.allowed_signers)?,
            revoked_keys: written.trust.revoked_keys.as_ref().map(absolute).transpose()?,
            catalogues: written.trust.catalogues.iter().map(absolute).collect::<Result<_>>()?,
            required,
            required_for_destructive,
            roles,
            roles_for_destructive: written
                .trust
                .roles_for_destructive
                .into_iter()
                .map(Spanned::into_inner)
                .collect(),
            separate_author: written.trust.separate_author,
            observations: written.trust.observations.map(|written| Observations {
                required: written.required.map_or(1, NonZeroU32::get),
                max_age: written.max_age.map(|age| age.0.0),
            }),
        },
        policy: Policy {
            allow_unsigned: written.policy.allow_unsigned,
            forbid_destructive: written.policy.forbid_destructive,
            break_glass: written.policy.break_glass,
            prove_backup: written.policy.prove_backup,
            minimum_format,
        },
    })
}

/// Refuses a state directory that lies among uploads, or uploads that lie in it: a run would
/// move its own journal and backups, or publish them.
pub fn check_together(config: &Config, site: &HostConfig) -> Result<()> {
    for upload in &config.uploads {
        let places = upload.from.iter().chain([&upload.to]);
        let mut together =
            places.filter(|place| site.state.is_within(place) || place.is_within(&site.state));
        if let Some(place) = together.next() {
            let (state, place) = (site.state.to_text(), place.to_text());
            let message = format!(
                "the state directory `{state}` and the uploads `{}` in `{place}` lie together",
                upload.name
            );
            let hint =
                format!("choose another `directory` under `[state]` in `{}`", site.file.to_text());
            return Err(Error::new(Kind::Config, message).hint(hint));
        }
    }
    Ok(())
}
