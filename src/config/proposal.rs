//! What a configuration would have a host permit: commands, version table, columns, each with the
//! file and line that says it. Reads no database and decides nothing.

use toml::Spanned;
use toml::de::DeValue;

use crate::config::host_profile::{default_table, shipped};
use crate::config::layers;
use crate::config::overrides::CliOverrides;
use crate::config::paths;
use crate::config::source::ConfigText;
use crate::error::Result;
use crate::model::config::{Config, Upgrade};
use crate::model::host_command::{CHECK, HostCommand, UPGRADE};
use crate::model::host_profile::RewritableColumn;
use crate::model::host_proposal::{HostProposal, ProposedCommand, ProposedProfile, Sourced};
use crate::model::names::FilePath;

/// A program as it lies on this host.
pub type Find<'a> = &'a mut dyn FnMut(&str) -> Option<FilePath>;

/// What `config`, as it was made of `said`, proposes; nothing where there is neither a file nor a
/// profile.
///
/// Errors: `Kind::Config` for files that cannot be read.
pub fn propose(said: &CliOverrides, config: &Config, find: Find<'_>) -> Result<HostProposal> {
    let texts = Texts::read(said)?;
    if texts.0.is_empty() {
        return Ok(HostProposal::default());
    }
    let upgrade = config.revisions.as_ref().and_then(|revisions| revisions.upgrade.as_ref());
    let mut proposal = HostProposal::default();
    for (name, key) in [(UPGRADE, "command"), (CHECK, "check")] {
        match upgrade.and_then(|upgrade| command(name, key, upgrade, &texts, find)) {
            Some(Ok(command)) => proposal.commands.push(command),
            Some(Err(left_out)) => proposal.left_out.push(left_out),
            None => {}
        }
    }
    proposal.profile = profile(config, &texts)?;
    Ok(proposal)
}

/// A command, or why it is left out; `None` where none is configured.
fn command(
    name: &str,
    key: &'static str,
    upgrade: &Upgrade,
    texts: &Texts,
    find: Find<'_>,
) -> Option<Result<ProposedCommand, String>> {
    let words = if key == "check" { &upgrade.check } else { &upgrade.command };
    let first = words.first()?;
    let of = |key| texts.source(&[Key("revisions"), Key("upgrade"), Key(key)]);
    let source = of(key).unwrap_or_default();
    let Some(program) = find(first) else {
        return Some(Err(format!("the command `{name}` ({source}): `{first}` is not here")));
    };
    let command = match key {
        "check" => HostCommand::of_check(upgrade, Some(&program))?,
        _ => HostCommand::of_upgrade(upgrade, Some(&program)),
    };
    let directory = of("directory").or_else(|| texts.source(&[Key("app"), Key("root")]));
    let keys = [
        ("directory", directory),
        ("env", of("env")),
        ("pass", of("env")),
        ("url_variable", of("url_variable")),
        ("timeout", of("timeout")),
    ];
    let keys = keys.into_iter().map(|(key, source)| (key, source.unwrap_or("default".to_owned())));
    Some(Ok(ProposedCommand { name: name.to_owned(), command, source, keys: keys.collect() }))
}

fn profile(config: &Config, texts: &Texts) -> Result<Option<ProposedProfile>> {
    let mut columns = Vec::new();
    for upload in &config.uploads {
        for reference in &upload.references {
            let (table, column) = (reference.table.as_str(), reference.column.as_str());
            let path = [
                Key("uploads"),
                Where(&[("name", upload.name.as_str())]),
                Key("references"),
                Where(&[("table", table), ("column", column)]),
            ];
            let source = texts.source(&path).or_else(|| texts.source(&path[..2]));
            let upload = upload.name.clone();
            let value = RewritableColumn { table: table.into(), column: column.into(), upload };
            columns.push(Sourced::new(value, source.unwrap_or_default()));
        }
    }
    columns.sort_by(|a: &Sourced<RewritableColumn>, b| a.value.cmp(&b.value));
    columns.dedup_by(|a, b| a.value == b.value);
    if config.revisions.is_none() && columns.is_empty() {
        return Ok(None);
    }
    let system = config.revisions.as_ref().map(|revisions| {
        let source = texts.source(&[Key("revisions"), Key("system")]);
        Sourced::new(revisions.system.clone(), source.unwrap_or_default())
    });
    let version_table = system.as_ref().and_then(|system| {
        let source = format!("`{}`, {}", system.value, system.source);
        default_table(&system.value).map(|table| Sourced::new(table, source))
    });
    let built_in = config.profile.as_deref().map(shipped).transpose()?.flatten();
    let says_all = built_in.filter(|known| {
        known.version_table.as_ref() == version_table.as_ref().map(|table| &table.value)
            && columns.iter().all(|column| known.columns.contains(&column.value))
    });
    let source = texts.source(&[Key("profile")]).unwrap_or("--profile".to_owned());
    let shipped = says_all.map(|known| known.source);
    Ok(Some(ProposedProfile { shipped, system, version_table, columns, source }))
}

/// A step on the way to a value: a key, or the entry of an array that has these values.
#[derive(Clone, Copy)]
enum At<'a> {
    Key(&'a str),
    Where(&'a [(&'a str, &'a str)]),
}
use At::{Key, Where};

/// The file and the profile behind it.
struct Texts(Vec<ConfigText>);

impl Texts {
    fn read(said: &CliOverrides) -> Result<Self> {
        let here = paths::resolve(&FilePath::default(), &said.working_directory)?;
        let path = layers::find(said, &here)?;
        let base = path
            .as_ref()
            .and_then(|path| path.as_path().parent())
            .map_or_else(|| here.clone(), FilePath::new);
        let file = path.map(|path| ConfigText::read(path.as_path(), None)).transpose()?;
        let chosen = layers::choose(said, &here, &base, file.as_ref())?;
        let profile = chosen.map(|chosen| layers::open(&chosen, None)).transpose()?;
        Ok(Self(file.into_iter().chain(profile).collect()))
    }

    /// File and line of a value: in the first text that has it.
    fn source(&self, path: &[At<'_>]) -> Option<String> {
        self.0.iter().find_map(|text| {
            let table = text.parse().ok()?;
            let (first, rest) = path.split_first()?;
            let Key(first) = first else { return None };
            let found = walk(table.get_ref().get(*first)?, rest)?;
            let place = text.place(found.span());
            Some(format!("{}:{}", place.file, place.line_column().0))
        })
    }
}

fn walk<'t, 'text>(
    value: &'t Spanned<DeValue<'text>>,
    path: &[At<'_>],
) -> Option<&'t Spanned<DeValue<'text>>> {
    let Some((first, rest)) = path.split_first() else { return Some(value) };
    let inside = match (first, value.get_ref()) {
        (Key(key), DeValue::Table(table)) => table.get(*key)?,
        (Where(wanted), DeValue::Array(entries)) => entries.iter().find(|entry| {
            let DeValue::Table(table) = entry.get_ref() else { return false };
            let has = |(key, text): &(&str, &str)| {
                table.get(*key).and_then(|value| value.get_ref().as_str()) == Some(*text)
            };
            wanted.iter().all(has)
        })?,
        _ => return None,
    };
    walk(inside, rest)
}
