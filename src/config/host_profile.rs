//! The host's own copy of a profile: a name of one that comes with ttplan, or a file of the host's.
//! Must never read a profile that others than the host's administrator could have written.

use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use crate::config::file::{File, head};
use crate::config::interpolate;
use crate::config::profiles;
use crate::config::source::{ConfigText, ConfigTexts};
use crate::config::values::{Checked, Label, Word, Written, choice};
use crate::error::Result;
use crate::frameworks;
use crate::fs::ownership::check_ownership;
use crate::model::host_profile::{HostProfile, HostVersionTable, RewritableColumn, Tolerated};

/// A host's own profile as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct ProfileFile {
    /// Judged in [`head`]; listed because it is a known key.
    #[serde(rename = "version")]
    _version: Option<IgnoredAny>,
    #[serde(default)]
    revisions: WrittenRevisions,
    #[serde(default)]
    uploads: Vec<WrittenUpload>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct WrittenRevisions {
    system: Option<Spanned<Checked<Word>>>,
    version_table: Option<Spanned<Checked<Label>>>,
    #[serde(default)]
    tolerate: Vec<Checked<Tolerated>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct WrittenUpload {
    name: Checked<Label>,
    references: Vec<WrittenReference>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct WrittenReference {
    table: Checked<Label>,
    column: Checked<Label>,
}

impl Written for Tolerated {
    fn from_text(text: &str) -> Result<Self, String> {
        choice(text, Self::ALL)
    }
}

/// The profile that `host.toml` names.
///
/// Errors: `Kind::Refused` when others could have written its file, `Kind::Config` for one that is
/// not there or cannot be read as it stands.
pub fn open(name: &Spanned<String>, sources: &ConfigTexts<'_>) -> Result<HostProfile> {
    let written = name.get_ref();
    if let Some(profile) = shipped(written)? {
        return Ok(profile);
    }
    if !written.starts_with('/') {
        let message = format!("no profile `{written}` comes with ttplan");
        return Err(sources
            .error(message, name.span())
            .hint("name a profile of this host by its absolute path"));
    }
    check_ownership(Path::new(written))?;
    read(written, &ConfigText::read(Path::new(written), None)?)
}

/// What a profile that comes with ttplan says; `None` where there is none of that name.
pub fn shipped(name: &str) -> Result<Option<HostProfile>> {
    let Some((name, text)) = profiles::ALL.iter().find(|(known, _)| *known == name) else {
        return Ok(None);
    };
    let source = ConfigText::new(format!("profile {name}"), text, None);
    let file: File = ConfigTexts(vec![&source]).read(profiles::table(&source)?)?;
    let version_table = file.revisions.as_ref().and_then(|r| default_table(&r.system.0.0));
    let mut columns = Vec::new();
    for upload in file.uploads {
        for reference in upload.references {
            let reference = reference.into_inner();
            columns.push(RewritableColumn {
                table: reference.table.0.0,
                column: reference.column.0.0,
                upload: upload.name.0.0.clone(),
            });
        }
    }
    columns.sort();
    let source = (*name).to_owned();
    Ok(Some(HostProfile { source, version_table, columns, tolerate: Vec::new() }))
}

/// Where a framework records what it applied, unless somebody says otherwise.
pub fn default_table(system: &str) -> Option<HostVersionTable> {
    frameworks::by_name(system).map(|framework| HostVersionTable {
        table: framework.book_table.to_owned(),
        column: framework.book_column.to_owned(),
    })
}

fn read(name: &str, source: &ConfigText) -> Result<HostProfile> {
    let sources = ConfigTexts(vec![source]);
    head(source)?;
    let mut table = source.parse()?;
    interpolate::refuse(table.get_mut(), &sources)?;
    let written: ProfileFile = sources.read(table)?;
    let WrittenRevisions { system, version_table, tolerate } = written.revisions;
    let version_table = match (system, version_table) {
        (None, None) => None,
        (None, Some(table)) => {
            let message = "a version table is one of a framework: name it as `system`";
            return Err(sources.error(message, table.span()));
        }
        (Some(system), table) => {
            let found = default_table(&system.get_ref().0.0);
            let known = found.ok_or_else(|| {
                sources.error("there is no such migration framework", system.span())
            })?;
            let table = table.map(|table| table.into_inner().0.0);
            Some(HostVersionTable { table: table.unwrap_or(known.table), column: known.column })
        }
    };
    let mut columns: Vec<RewritableColumn> = Vec::new();
    for WrittenUpload { name: Checked(Label(upload)), references } in written.uploads {
        columns.extend(references.into_iter().map(|reference| RewritableColumn {
            table: reference.table.0.0,
            column: reference.column.0.0,
            upload: upload.clone(),
        }));
    }
    columns.sort();
    let tolerate = tolerate.into_iter().map(|Checked(kind)| kind).collect();
    Ok(HostProfile { source: name.to_owned(), version_table, columns, tolerate })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<HostProfile> {
        read("/p", &ConfigText::new("/p", text, None))
    }

    #[test]
    fn every_profile_that_comes_with_ttplan_can_be_the_hosts() {
        for (name, _) in profiles::ALL {
            let profile = shipped(name).unwrap().unwrap();
            assert!(profile.version_table.is_some() && !profile.columns.is_empty(), "{name}");
        }
        assert_eq!(shipped("nobody").unwrap(), None);
    }

    #[test]
    fn a_profile_says_what_may_be_stamped_and_rewritten_and_nothing_else() {
        let framework = frameworks::ALL[0];
        let of = |text: &str| of(&text.replace("FRAMEWORK", framework.name));
        let profile = of("version = 1\n[revisions]\nsystem = 'FRAMEWORK'\n\
             version_table = 'ops.book'\ntolerate = ['comment']\n[[uploads]]\nname = 'a'\n\
             references = [{ table = 'users', column = 'avatar' }]")
        .unwrap();
        let table = profile.version_table.as_ref().unwrap();
        assert_eq!(
            (table.table.as_str(), table.column.as_str()),
            ("ops.book", framework.book_column)
        );
        assert_eq!(profile.columns[0].upload, "a");
        assert_eq!(profile.tolerate, [Tolerated::Comment]);
        for (text, why) in [
            ("version = 1\n[app]\nroot = '/'", "app"),
            ("version = 1\n[revisions]\nversion_table = 'x'", "system"),
            ("version = 1\n[revisions]\nsystem = 'nobody'", "no such"),
            ("version = 1\n[revisions]\nsystem = '${X}'", "no variables"),
            ("version = 1\n[revisions]\ntolerate = ['all']", "expected one of"),
            ("[revisions]\nsystem = 'FRAMEWORK'", "version"),
        ] {
            let error = of(text).unwrap_err();
            assert!(error.message().contains(why), "{text}: {error}");
        }
    }
}
