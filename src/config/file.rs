//! `ttplan.toml` and profiles as they are written: which keys there are, and of which type.
//!
//! Everything may be missing here; what must be there and what stands in for the rest is
//! decided in `resolve`. Keys that are not listed are refused.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use crate::config::source::{ConfigText, ConfigTexts};
use crate::config::values::{
    Checked, Label, Mode, Owner, PathText, Public, RevisionTarget, Seconds, Timeout, Variable, Word,
};
use crate::error::{Error, Kind, Result};
use crate::model::config::{OnConflict, Unexpected};
use crate::model::files::references::Form;

/// The only version of a configuration there is.
const VERSION: i64 = 1;

/// A path with its place in the file, because it can only be judged when its base is known.
pub type PathAt = Spanned<Checked<PathText>>;

/// What has to be known of a text before the whole of it can be understood.
#[derive(Deserialize)]
#[serde(expecting = "a table")]
pub struct Head {
    pub version: Option<Spanned<i64>>,
    pub profile: Option<Spanned<String>>,
    pub recognise: Option<Recognise>,
}

/// Files that show, all together, that a directory holds the application of a profile.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Recognise {
    pub files: Vec<String>,
}

/// What a text says of itself, once it is known that this version of ttplan can read it.
pub fn head(source: &ConfigText) -> Result<Head> {
    let head: Head = ConfigTexts(vec![source]).read(source.parse()?)?;
    match &head.version {
        Some(version) => check_version(version, source)?,
        None => {
            let error = Error::new(Kind::Config, "the key `version` is missing");
            let error = source.at(error, source.top());
            return Err(error.hint(format!("begin with `version = {VERSION}`")));
        }
    }
    Ok(head)
}

/// Refuses every version but the one there is.
pub fn check_version(version: &Spanned<i64>, source: &ConfigText) -> Result<()> {
    match version.get_ref() {
        &VERSION => Ok(()),
        other => {
            let message = format!(
                "this ttplan reads version {VERSION} of a configuration, not version {other}"
            );
            Err(source.at(Error::new(Kind::Config, message), version.span()))
        }
    }
}

/// The whole of a file, laid over its profile.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct File {
    /// Judged in [`Head`], for each text by itself; listed because it is a known key.
    #[serde(rename = "version")]
    pub _version: Option<IgnoredAny>,
    #[serde(rename = "profile")]
    pub _profile: Option<IgnoredAny>,
    pub site: Option<Checked<Label>>,
    #[serde(default)]
    pub app: App,
    #[serde(default)]
    pub database: Database,
    pub revisions: Option<Revisions>,
    #[serde(default)]
    pub tables: Tables,
    #[serde(default)]
    pub cleanup: Cleanup,
    #[serde(default)]
    pub uploads: Vec<Upload>,
    #[serde(default)]
    pub backup: Backup,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct App {
    pub root: Option<PathAt>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Database {
    pub url: Option<Spanned<String>>,
    #[serde(default)]
    pub wait: Wait,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Wait {
    pub attempts: Option<std::num::NonZeroU32>,
    pub delay: Option<Checked<Seconds>>,
    pub timeout: Option<Checked<Timeout>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Revisions {
    pub system: Checked<Word>,
    pub directory: PathAt,
    pub target: Option<RevisionTarget>,
    pub catalogue: Option<PathAt>,
    pub sql: Option<PathAt>,
    pub upgrade: Option<Upgrade>,
    #[serde(default)]
    pub releases: BTreeMap<Checked<Label>, Vec<Checked<Label>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Upgrade {
    pub command: Spanned<Vec<Checked<Public>>>,
    #[serde(default)]
    pub check: Vec<Checked<Public>>,
    pub directory: Option<PathAt>,
    #[serde(default)]
    pub env: BTreeMap<Checked<Variable>, Spanned<Checked<Public>>>,
    /// The variables of `env` that stand for themselves; no key of its own.
    #[serde(skip)]
    pub pass: Vec<String>,
    pub url_variable: Option<Checked<Variable>>,
    pub timeout: Option<Checked<Timeout>>,
    #[serde(default)]
    pub accept_stumbles: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Tables {
    /// A core table without marker columns would be believed by its name alone.
    #[serde(default)]
    pub core: BTreeMap<Checked<Label>, Spanned<Vec<Checked<Label>>>>,
    pub unexpected: Option<Checked<Unexpected>>,
    pub unexpected_on_sqlite: Option<Checked<Unexpected>>,
    #[serde(default)]
    pub keep: Vec<Checked<Label>>,
    #[serde(default)]
    pub legacy: Vec<Legacy>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Legacy {
    pub name: Checked<Word>,
    pub tables: Spanned<BTreeMap<Checked<Label>, Vec<Checked<Label>>>>,
    #[serde(default)]
    pub absent: Vec<Checked<Label>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Cleanup {
    #[serde(default)]
    pub at_start: bool,
    pub variable: Option<Checked<Variable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Upload {
    pub name: Checked<Word>,
    #[serde(default)]
    pub from: Vec<PathAt>,
    pub to: PathAt,
    pub on_conflict: Option<Checked<OnConflict>>,
    /// Lines as in a gitignore file.
    #[serde(default)]
    pub ignore: Vec<String>,
    #[serde(default)]
    pub references: Vec<Spanned<Reference>>,
    pub mode: Option<Checked<Mode>>,
    pub owner: Option<Checked<Owner>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Reference {
    pub table: Checked<Label>,
    pub column: Checked<Label>,
    pub form: Checked<Form>,
    pub prefix: Option<String>,
    #[serde(default)]
    pub formerly: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Backup {
    pub directory: Option<PathAt>,
    pub keep: Option<u32>,
}
