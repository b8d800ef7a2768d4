//! STAGE: what people said becomes settled wishes. Flags, variables, `ttplan.toml` and a profile
//! become a [`Config`]; the host's own file becomes a [`HostConfig`](crate::model::host::HostConfig).
//!
//! What is said nearer wins: flags, `TTPLAN_*` variables, the file, the profile, defaults. Nothing
//! here reads the environment or asks anybody: all of that is handed in as [`CliOverrides`]. Files are
//! read, and none is written. No error shows a password, and no secret gets into a `Config`.

use crate::artifact::document;
use crate::config::source::{ConfigText, ConfigTexts};
use crate::config::url::Engines;
use crate::engines;
use crate::error::{Error, Result, TextPosition};
use crate::fs::files;
use crate::model::config::{Access, Config};
use crate::model::database::catalogue::Catalogue;
use crate::model::host::HostConfig;
use crate::model::names::FilePath;

mod discover;
mod file;
mod host;
mod host_profile;
mod host_word;
mod interpolate;
mod layers;
mod links;
mod merge;
mod overrides;
mod paths;
mod profiles;
mod proposal;
mod redact;
mod resolve;
mod source;
mod suggest;
mod url;
mod values;

pub use crate::fs::ownership::check_ownership;
pub use discover::{Discovery, discover};
pub use host::{check_together, host};
pub use overrides::{CliOverrides, FILE};
pub use proposal::propose;

/// The settled wishes, and what is needed to reach the database.
#[derive(Clone, Debug)]
pub struct ResolvedConfig {
    pub config: Config,
    pub access: Access,
    /// The file they came from, if there was one.
    pub file: Option<FilePath>,
    /// What the host decides, where it has a file of its own and the caller asked for it.
    pub host: Option<HostConfig>,
}

/// Settles what was said.
///
/// Errors: `Kind::Config`, with the place in the file where there is one.
pub fn resolve(said: &CliOverrides) -> Result<ResolvedConfig> {
    let engines: Vec<_> = engines::ALL.iter().map(|engine| (engine.name, engine.schemes)).collect();
    settle_for(said, &engines)
}

/// The catalogue of the configured application on the configured engine: one's own, or the
/// profile's; none where there is neither.
///
/// Errors: `Kind::Config` and `Kind::Refused` for one that cannot be used.
pub fn catalogue(config: &Config) -> Result<Option<Catalogue>> {
    let Some(revisions) = &config.revisions else { return Ok(None) };
    if let Some(path) = &revisions.catalogue {
        let bytes = files::read(path.as_path())?;
        return document::read_catalogue(&path.to_text(), &bytes)
            .map(Some)
            .map_err(|error| without_content(&error, path));
    }
    let engine = &config.database.engine;
    let ours = profiles::CATALOGUES
        .iter()
        .find(|(profile, on, _)| config.profile.as_deref() == Some(profile) && on == engine);
    ours.map(|(profile, on, bytes)| document::read_catalogue(&format!("{profile} on {on}"), bytes))
        .transpose()
}

/// A repository can name any file of the host as its catalogue, and whoever wrote it reads the
/// errors: they say where something is wrong, and nothing of what stands there.
fn without_content(error: &Error, path: &FilePath) -> Error {
    let message = format!("`{}` is not a catalogue that can be read", path.to_text());
    let told = Error::new(error.kind(), message).code(error.stable_code()).about(path.to_text());
    match error.place().map(TextPosition::line_column) {
        Some((line, column)) => {
            told.because(format!("something is wrong at line {line}, column {column}"))
        }
        None => told,
    }
}

/// The catalogues that this host believes, for one engine: those that come with ttplan, and the
/// host's own.
///
/// Errors: as [`catalogue`], and `Kind::Refused` when others could have written one.
pub fn host_catalogues(site: &HostConfig, engine: &str) -> Result<Vec<Catalogue>> {
    let shipped = profiles::CATALOGUES
        .iter()
        .filter(|(_, on, _)| *on == engine)
        .map(|(profile, on, bytes)| document::read_catalogue(&format!("{profile} on {on}"), bytes));
    let own = site.trust.catalogues.iter().map(|path| {
        check_ownership(path.as_path())?;
        document::read_catalogue(&path.to_text(), &files::read(path.as_path())?)
    });
    let mut all = shipped.chain(own).collect::<Result<Vec<_>>>()?;
    all.retain(|catalogue| catalogue.engine == engine);
    Ok(all)
}

/// The offline script of the configured migrations; none where none is configured.
///
/// Errors: `Kind::Failed` for one that cannot be read.
pub fn offline(config: &Config) -> Result<Option<String>> {
    let path = config.revisions.as_ref().and_then(|revisions| revisions.sql.as_ref());
    path.map(|path| Ok(String::from_utf8_lossy(&files::read(path.as_path())?).into_owned()))
        .transpose()
}

/// The same for other engines than those on the shelf.
pub fn settle_for(said: &CliOverrides, engines: Engines<'_>) -> Result<ResolvedConfig> {
    let here = paths::resolve(&FilePath::default(), &said.working_directory)?;
    let path = layers::find(said, &here)?;
    let base = path
        .as_ref()
        .and_then(|path| path.as_path().parent())
        .map_or_else(|| here.clone(), FilePath::new);
    let file = path.as_ref().map(|path| ConfigText::read(path.as_path(), None)).transpose()?;
    let chosen = layers::choose(said, &here, &base, file.as_ref())?;
    let profile = chosen.as_ref().map(|chosen| layers::open(chosen, file.as_ref())).transpose()?;
    let written = layers::read(said, file.as_ref(), profile.as_ref())?;
    let sources = ConfigTexts(file.iter().chain(&profile).collect());
    let settling = resolve::Resolver { said, here: &here, base: &base, sources: &sources, engines };
    let (config, access) = settling.resolve(written, chosen.map(|chosen| chosen.name))?;
    Ok(ResolvedConfig { config, access, file: path, host: None })
}
