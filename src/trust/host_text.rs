//! The text of a host's own files as `trust init` writes them, line by line, each with where it
//! comes from. Never decides what stands in them.

use crate::error::{Error, Kind, Result};
use crate::fs::way::{Links, links_to_pin};
use crate::model::host_command::toml_text;
use crate::model::host_proposal::{ProposedCommand, ProposedProfile};
use crate::model::names::FilePath;

/// A line of a file, and where it comes from; comments and headings come from nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub text: String,
    pub source: Option<String>,
}

impl Line {
    pub fn new(text: impl Into<String>, source: &str) -> Self {
        Self { text: text.into(), source: Some(source.to_owned()).filter(|s| !s.is_empty()) }
    }

    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), source: None }
    }
}

/// The whole text.
pub fn text(lines: &[Line]) -> String {
    lines.iter().map(|line| format!("{}\n", line.text)).collect()
}

/// Words as TOML writes them.
pub fn list(words: &[impl AsRef<str>]) -> String {
    let words: Vec<String> = words.iter().map(|word| toml_text(word.as_ref())).collect();
    format!("[{}]", words.join(", "))
}

/// `[commands.NAME]`.
pub fn command(proposed: &ProposedCommand) -> Vec<Line> {
    let ProposedCommand { name, command, .. } = proposed;
    let mut lines = vec![Line::plain(""), Line::plain(format!("[commands.{name}]"))];
    let mut add = |key: &str, value: String| {
        lines.push(Line::new(format!("{key} = {value}"), proposed.source_of(key)));
    };
    add("argv", list(&command.argv));
    add("directory", toml_text(&command.directory.to_text()));
    if !command.env.is_empty() {
        let pairs =
            command.env.iter().map(|(name, value)| format!("{name} = {}", toml_text(value)));
        add("env", format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", ")));
    }
    if !command.pass.is_empty() {
        add("pass", list(&command.pass));
    }
    if let Some(variable) = &command.url_variable {
        add("url_variable", toml_text(variable));
    }
    if let Some(seconds) = command.timeout_seconds {
        add("timeout", format!("\"{seconds}s\""));
    }
    lines
}

/// The line of host.toml that names the profile; `own` is where a file of the host's would lie.
pub fn profile_line(profile: &ProposedProfile, own: &FilePath) -> Line {
    let name = profile.shipped.clone().unwrap_or_else(|| own.to_text().into_owned());
    Line::new(format!("profile = {}", toml_text(&name)), &profile.source)
}

/// The text of a host's own profile.
pub fn profile(profile: &ProposedProfile) -> Vec<Line> {
    let mut lines = vec![
        Line::plain(
            "# What this host knows of its application. What is not here no plan may stamp",
        ),
        Line::plain("# or rewrite."),
        Line::plain("version = 1"),
    ];
    if let Some(system) = &profile.system {
        lines.extend([Line::plain(""), Line::plain("[revisions]")]);
        lines.push(Line::new(format!("system = {}", toml_text(&system.value)), &system.source));
        if let Some(table) = &profile.version_table {
            let text = format!("version_table = {}", toml_text(&table.value.table));
            lines.push(Line::new(text, &table.source));
        }
        lines.push(Line::new("tolerate = []", "default"));
    }
    let mut uploads: Vec<&str> =
        profile.columns.iter().map(|column| column.value.upload.as_str()).collect();
    uploads.sort_unstable();
    uploads.dedup();
    for upload in uploads {
        lines.extend([Line::plain(""), Line::plain("[[uploads]]")]);
        let of = profile.columns.iter().find(|column| column.value.upload == upload);
        let source = of.map_or("", |column| column.source.as_str());
        lines.push(Line::new(format!("name = {}", toml_text(upload)), source));
        lines.push(Line::plain("references = ["));
        for column in profile.columns.iter().filter(|column| column.value.upload == upload) {
            let (table, name) = (toml_text(&column.value.table), toml_text(&column.value.column));
            let text = format!("    {{ table = {table}, column = {name} }},");
            lines.push(Line::new(text, &column.source));
        }
        lines.push(Line::plain("]"));
    }
    lines
}

/// The links on the way to the permitted places, each with what it says now.
pub fn links<'a>(places: impl Iterator<Item = &'a FilePath>) -> Result<Vec<Line>> {
    let mut found = Links::new();
    for place in places {
        match links_to_pin(place) {
            Ok(links) => found.extend(links),
            Err(error) if error.kind() == Kind::Refused => return Err(error),
            // A place that cannot be looked at yet is looked at by each run.
            Err(_) => {}
        }
    }
    let mut lines = Vec::new();
    if !found.is_empty() {
        lines.extend([
            Line::plain(""),
            Line::plain("[links]"),
            Line::plain(
                "# Links on the way to these places, and what each says; no other is followed.",
            ),
        ]);
    }
    for (at, says) in &found {
        let line = format!("{} = {}", toml_text(text_of(at)?), toml_text(&says.to_text()));
        lines.push(Line::new(line, "as it is now"));
    }
    Ok(lines)
}

/// A path as these files name it.
///
/// # Errors
///
/// Usage when it is not a plain absolute path in UTF-8.
pub fn text_of(path: &FilePath) -> Result<&str> {
    let text = std::str::from_utf8(path.as_bytes()).ok().filter(|_| path.is_plain_absolute());
    text.ok_or_else(|| {
        let message = format!("`{}` is not a plain absolute path in UTF-8", path.to_text());
        Error::new(Kind::Usage, message)
    })
}
