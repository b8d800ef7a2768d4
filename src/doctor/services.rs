//! What the compose files beside an application say of its services. A reader of just that:
//! indented blocks, lists and maps, as such files are written. What it cannot read it says it has
//! not read; nothing is guessed from it.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::model::names::FilePath;

/// A compose file is written by hand; of a larger file no more is read.
const LARGEST: u64 = 1024 * 1024;

/// One compose file.
pub(super) struct Compose {
    /// Its name, without its directory.
    pub name: String,
    pub services: Vec<Service>,
    /// Whether it takes parts from elsewhere, which are not read here: anchors, `extends`,
    /// `include`.
    pub is_partial: bool,
}

/// One service of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Service {
    pub name: String,
    pub image: Option<String>,
    /// What is mounted where: `(source, target)`, the source empty where it has none.
    pub mounts: Vec<(String, String)>,
    /// Variables with their values, as written.
    pub environment: BTreeMap<String, String>,
    pub env_files: Vec<String>,
}

/// What a service says of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ComposeValue {
    Missing,
    Is(String),
    /// It depends on this text, which is filled in when the service is started.
    Open(String),
}

/// The compose files in a directory, by name; of one that cannot be read, its name and why.
pub(super) fn files(directory: &Path) -> Vec<Result<Compose, (String, std::io::Error)>> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut paths: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| is_compose(path)).collect();
    paths.sort();
    let read = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match text_of(path) {
            Ok(text) => {
                Ok(Compose { name, services: services(&text), is_partial: is_partial(&text) })
            }
            Err(error) => Err((name, error)),
        }
    };
    paths.iter().map(read).collect()
}

fn text_of(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(LARGEST).read_to_string(&mut text)?;
    Ok(text)
}

fn is_compose(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_yaml = name.ends_with(".yml") || name.ends_with(".yaml");
    is_yaml && (name.starts_with("docker-compose") || name.starts_with("compose")) && path.is_file()
}

fn is_partial(text: &str) -> bool {
    lines(text).any(|(_, content)| {
        let key = content.trim_start_matches("- ");
        key.starts_with("<<:")
            || key.starts_with("extends:")
            || key.starts_with("include:")
            || key.contains(": *")
    })
}

impl Service {
    /// What it says of a variable. Files that it names are looked for in `directory`.
    pub fn variable(&self, name: &str, directory: &Path) -> ComposeValue {
        if let Some(written) = self.environment.get(name) {
            return filled(written, directory);
        }
        // Of several files the last one counts.
        let files = self.env_files.iter().rev().map(|file| (file, directory.join(file)));
        for (file, path) in files {
            match text_of(&path) {
                Ok(text) => match assigned(&text, name) {
                    Some(value) => return ComposeValue::Is(value),
                    None => continue,
                },
                Err(_) => return ComposeValue::Open(format!("env_file {file}")),
            }
        }
        ComposeValue::Missing
    }

    /// What it mounts that holds `root`: the innermost.
    pub fn mount_of(&self, root: &FilePath) -> Option<&(String, String)> {
        let holds = self.mounts.iter().filter(|(_, target)| root.is_within(&FilePath::new(target)));
        holds.max_by_key(|(_, target)| target.len())
    }
}

/// `NAME=value` in a file of variables.
fn assigned(text: &str, name: &str) -> Option<String> {
    let value = |line: &str| {
        let line = line.trim().strip_prefix("export ").unwrap_or(line.trim());
        let (key, value) = line.split_once('=')?;
        (key.trim() == name).then(|| plain(value))
    };
    text.lines().filter(|line| !line.trim_start().starts_with('#')).filter_map(value).next_back()
}

/// A value with `${NAME}` and `${NAME:-default}` filled in from the `.env` beside the file, as
/// compose does where nobody sets the variable otherwise.
fn filled(written: &str, directory: &Path) -> ComposeValue {
    let Some(inside) = written.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
        return if written.contains('$') {
            ComposeValue::Open(written.to_owned())
        } else {
            ComposeValue::Is(written.to_owned())
        };
    };
    let (name, default) =
        inside.split_once(":-").or_else(|| inside.split_once('-')).unwrap_or((inside, ""));
    match text_of(&directory.join(".env")).ok().and_then(|text| assigned(&text, name)) {
        Some(value) => ComposeValue::Is(value),
        None if default.is_empty() || default.contains('$') => {
            ComposeValue::Open(written.to_owned())
        }
        None => ComposeValue::Is(default.to_owned()),
    }
}

/// The lines that say something, with their indentation and without comments.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().filter_map(|line| {
        let line = line.split(" #").next().unwrap_or(line).trim_end();
        let content = line.trim_start();
        (!content.is_empty() && !content.starts_with('#'))
            .then_some((line.len() - content.len(), content))
    })
}

fn plain(text: &str) -> String {
    text.trim().trim_matches(['"', '\'']).to_owned()
}

fn services(text: &str) -> Vec<Service> {
    let mut found: Vec<Service> = Vec::new();
    let mut inside = false;
    // How deep names of services and keys of a service stand, and the key that the lines stand
    // below.
    let (mut names, mut keys, mut key) = (None, None, String::new());
    for (indent, content) in lines(text) {
        if indent == 0 {
            (inside, names, keys) = (content == "services:", None, None);
            continue;
        }
        if !inside {
            continue;
        }
        if indent <= *names.get_or_insert(indent) {
            keys = None;
            found
                .push(Service { name: plain(content.trim_end_matches(':')), ..Service::default() });
            continue;
        }
        let Some(service) = found.last_mut() else { continue };
        let depth = *keys.get_or_insert(indent);
        // A list may stand at the same depth as its key.
        if indent == depth && !content.starts_with('-') {
            let (name, value) = content.split_once(':').unwrap_or((content, ""));
            key = name.to_owned();
            service.key(&key, value.trim());
        } else {
            service.below(&key, content);
        }
    }
    found
}

impl Service {
    /// A key with what stands behind it on its line.
    fn key(&mut self, key: &str, value: &str) {
        match key {
            "image" => self.image = Some(plain(value)),
            "env_file" if !value.is_empty() => self.env_files.push(plain(value)),
            _ => {}
        }
    }

    /// A line below a key.
    fn below(&mut self, key: &str, content: &str) {
        let item = content.strip_prefix("- ").unwrap_or(content).trim();
        match key {
            "environment" => {
                let item =
                    if content.starts_with('-') { item.trim_matches(['"', '\'']) } else { item };
                let pair = if content.starts_with('-') {
                    item.split_once('=')
                } else {
                    item.split_once(':')
                };
                if let Some((name, value)) = pair {
                    self.environment.insert(plain(name), plain(value));
                }
            }
            "env_file" => {
                let path = item.strip_prefix("path:").unwrap_or(item);
                if !path.starts_with("required:") {
                    self.env_files.push(plain(path));
                }
            }
            "volumes" => self.volume(content, item),
            _ => {}
        }
    }

    /// `- SOURCE:/target:ro`, or `type:`, `source:` and `target:` of the long spelling.
    fn volume(&mut self, content: &str, item: &str) {
        if let Some(source) = item.strip_prefix("source:") {
            self.open_mount(content).0 = plain(source);
        } else if let Some(target) = item.strip_prefix("target:") {
            self.open_mount(content).1 = plain(target).trim_end_matches('/').to_owned();
        } else if item.starts_with("type:") {
            self.open_mount(content);
        } else if content.starts_with('-') {
            let item = plain(item);
            // The source may hold colons of its own: `${DATA:-./data}:/data`.
            match item.rsplit_once(":/") {
                Some((source, target)) => {
                    let target = target.split(':').next().unwrap_or(target);
                    self.mounts
                        .push((source.to_owned(), format!("/{}", target.trim_end_matches('/'))));
                }
                None if item.starts_with('/') => self.mounts.push((String::new(), item)),
                None => {}
            }
        }
    }

    /// The mount that a line of the long spelling is about: a new one where it begins an item.
    fn open_mount(&mut self, content: &str) -> &mut (String, String) {
        if content.starts_with('-') || self.mounts.is_empty() {
            self.mounts.push((String::new(), String::new()));
        }
        let last = self.mounts.len() - 1;
        &mut self.mounts[last]
    }
}

/// Those of the services that are the application's: they know its database. All, where none does.
pub(super) fn of_application<'a>(compose: &'a Compose, variable: &str) -> Vec<&'a Service> {
    let knows = |service: &&Service| service.environment.contains_key(variable);
    let found: Vec<&Service> = compose.services.iter().filter(knows).collect();
    if found.is_empty() { compose.services.iter().collect() } else { found }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "x-common: &common
  a: b
services:
  app:
    image: \"ghcr.io/x/app:5.10.0\"
    # image: other
    volumes:
      - app_data:/data
      - \"${UPLOADS:-./up}:/app/app/static/uploads/:ro\"  # a comment
      # - old:/app/uploads
      - type: bind
        source: ./logs
        target: /app/logs
      - /anonymous
    environment:
      - X=/app/uploads:/app/uploads
      - \"DATABASE_URL=postgresql://db/app\"
      - SKIP=${SKIP:-true}
    env_file:
      - app.env
      - path: ./more.env
        required: false
  worker:
    environment:
      DATABASE_URL: ${DATABASE_URL}
      SKIP: 'yes'
    env_file: one.env
  db:
    image: postgres
    volumes:
    - db:/var/lib/db
volumes:
  app_data:
    driver: local
";

    #[test]
    fn services_are_read_as_they_are_written() {
        let found = services(FILE);
        let names: Vec<&str> = found.iter().map(|service| service.name.as_str()).collect();
        assert_eq!(names, ["app", "worker", "db"]);
        let mount = |source: &str, target: &str| (source.to_owned(), target.to_owned());
        assert_eq!(
            found[0].mounts,
            [
                mount("app_data", "/data"),
                mount("${UPLOADS:-./up}", "/app/app/static/uploads"),
                mount("./logs", "/app/logs"),
                mount("", "/anonymous")
            ]
        );
        assert_eq!(found[0].image.as_deref(), Some("ghcr.io/x/app:5.10.0"));
        assert_eq!(found[0].env_files, ["app.env", "./more.env"]);
        assert_eq!(found[1].env_files, ["one.env"]);
        assert_eq!(found[1].environment["SKIP"], "yes");
        assert_eq!(found[2].mounts, [mount("db", "/var/lib/db")]);
        let compose =
            Compose { name: String::new(), services: found, is_partial: is_partial(FILE) };
        let names: Vec<&str> = of_application(&compose, "DATABASE_URL")
            .iter()
            .map(|service| service.name.as_str())
            .collect();
        assert_eq!((names, compose.is_partial), (vec!["app", "worker"], false));
        assert!(
            is_partial("services:\n  app:\n    <<: *common\n")
                && is_partial("services:\n  a:\n    extends: b\n")
        );
    }

    #[test]
    fn a_variable_is_what_the_file_says_or_open() {
        let directory = tempfile::tempdir().unwrap();
        let value = |written: &str| filled(written, directory.path());
        assert_eq!(value("true"), ComposeValue::Is("true".into()));
        assert_eq!(value("${A:-yes}"), ComposeValue::Is("yes".into()));
        assert_eq!(value("${A}"), ComposeValue::Open("${A}".into()));
        assert_eq!(value("x${A}"), ComposeValue::Open("x${A}".into()));
        std::fs::write(directory.path().join(".env"), "# A=0\nexport A=\"1\"\n").unwrap();
        assert_eq!(
            (value("${A}"), value("${A:-yes}")),
            (ComposeValue::Is("1".into()), ComposeValue::Is("1".into()))
        );
        let service =
            Service { env_files: vec!["one.env".into(), "two.env".into()], ..Service::default() };
        assert_eq!(
            service.variable("B", directory.path()),
            ComposeValue::Open("env_file two.env".into())
        );
        std::fs::write(directory.path().join("one.env"), "B=1\nB=2\n").unwrap();
        std::fs::write(directory.path().join("two.env"), "C=3\n").unwrap();
        assert_eq!(service.variable("B", directory.path()), ComposeValue::Is("2".into()));
        assert_eq!(service.variable("D", directory.path()), ComposeValue::Missing);
    }

    #[test]
    fn whatever_stands_in_such_a_file_is_read_without_harm() {
        for text in [
            "",
            "services:",
            "services:\n  -\n -",
            "services:\n a:\n  volumes:\n   target: /x\n",
            "services:\n\u{a0}x",
        ] {
            services(text);
        }
    }
}
