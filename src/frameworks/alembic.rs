//! Alembic, alone or under Flask-Migrate: how its scripts form a graph.
//!
//! Nothing is imported or run. The rules are those of Alembic 1.13 to 1.20 (`script/base.py`,
//! `script/revision.py`, `operations/batch.py`); where Alembic would stop with an error, the
//! file is unread. The module's docstring also names revisions, and is never believed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rayon::iter::Either;
use rayon::prelude::*;

use crate::frameworks::python;
use crate::frameworks::python::{Module, PyValue};
use crate::frameworks::{Framework, Leftover, digest};
use crate::model::database::revisions::{Revisions, Script, Unread};
use crate::model::names::{Digest, FilePath};
use crate::stores::store::ScriptFile;

/// This framework.
pub const FRAMEWORK: Framework = Framework {
    name: "alembic",
    book_table: "alembic_version",
    book_column: "version_num",
    book_width: 32,
    tree,
    read,
    leftover,
    offline,
    merge,
};

/// Where settings lie in the tree, if they lie there; an `alembic.ini` further out takes no part.
const SETTINGS: &str = "alembic.ini";

/// How Alembic begins the name of the copy it makes to alter a table by batch, and to how many
/// characters it cuts that name.
const COPY: (&str, usize) = ("_alembic_tmp_", 50);

/// How many characters of a docstring's first line become the title.
const TITLE: usize = 200;

/// Characters that Alembic refuses in an id, because they mean something in its commands.
const NOT_IN_AN_ID: &[char] = &['@', '-', '+'];

/// A directory called `versions` stands, as Alembic makes it, beside `env.py` and
/// `script.py.mako`, and under Flask-Migrate `alembic.ini`: then it is the parent's tree. Around
/// a directory of another name may be anything, so that takes part alone.
fn tree(directory: &FilePath) -> FilePath {
    let path = directory.as_path();
    match path.parent() {
        Some(parent) if path.ends_with("versions") => FilePath::new(parent),
        _ => directory.clone(),
    }
}

/// Parts an offline script at its comments `-- Running upgrade FROM -> TO`. ScriptFile: Alembic's
/// `runtime/migration.py`, `run_migrations`.
fn offline(script: &str) -> Vec<(String, String)> {
    let mut parts: Vec<(String, String)> = Vec::new();
    for line in script.lines() {
        let begun =
            line.strip_prefix("-- Running upgrade ").and_then(|rest| rest.rsplit_once("-> "));
        if let Some((_, id)) = begun {
            parts.push((id.trim().to_owned(), String::new()));
        } else if let Some((_, sql)) = parts.last_mut() {
            sql.push_str(line);
            sql.push('\n');
        }
    }
    parts
}

fn merge(heads: &[String]) -> String {
    format!("alembic merge -m 'merge heads' {}", heads.join(" "))
}

fn leftover(table: &str) -> Option<Leftover<'_>> {
    let (prefix, longest) = COPY;
    let of = table.strip_prefix(prefix)?;
    Some(Leftover { of, cut: table.chars().count() >= longest })
}

fn read(directory: &FilePath, sources: &[ScriptFile]) -> Revisions {
    let tree = tree(directory);
    let below = directory.as_path().strip_prefix(tree.as_path()).unwrap_or(Path::new(""));
    let settings = sources.iter().find(|source| source.path.as_path() == Path::new(SETTINGS));
    let settings = settings.map(|source| Settings::read(&source.content)).unwrap_or_default();

    let files: Vec<(FilePath, &ScriptFile)> = sources
        .iter()
        .filter_map(|source| Some((source.path.as_path().strip_prefix(below).ok()?, source)))
        .filter(|(path, _)| is_script(path, settings.is_true("recursive_version_locations")))
        .map(|(path, source)| (FilePath::new(path), source))
        .collect();
    let (mut scripts, mut unread): (Vec<Script>, Vec<Unread>) = files
        .into_par_iter()
        .partition_map(|(file, source)| match script(&file, &source.content) {
            Ok(script) => Either::Left(script),
            Err(reason) => Either::Right(Unread { file, reason }),
        });
    scripts.sort_by(|a, b| a.file.cmp(&b.file));
    unread.extend(resolve_labels(&mut scripts));
    let up = if below.as_os_str().is_empty() { Path::new("") } else { Path::new("..") };
    unread.extend(
        settings
            .beyond_us()
            .map(|reason| Unread { file: FilePath::new(up.join(SETTINGS)), reason }),
    );
    unread.sort();
    Revisions {
        system: FRAMEWORK.name.to_owned(),
        directory: directory.clone(),
        digest: Some(digest(sources)),
        scripts,
        unread,
    }
}

/// Whether Alembic loads this file, whose path is relative to the scripts' directory.
fn is_script(path: &Path, recursive: bool) -> bool {
    let Some(name) = path.file_name() else { return false };
    let name = name.as_encoded_bytes();
    let here = path.components().count() == 1;
    name.ends_with(b".py")
        && !name.starts_with(b".#")
        && !name.starts_with(b"__init__")
        && (here || recursive)
}

fn script(file: &FilePath, content: &[u8]) -> Result<Script, String> {
    let module = python::read(content)?;
    let id = match module.value("revision") {
        Some(PyValue::Text(id)) => id.clone(),
        None => id_by_name(file).ok_or("it has no `revision`")?,
        Some(other) => return Err(not_written_down("revision", other)),
    };
    if id.is_empty() || id.contains(NOT_IN_AN_ID) {
        return Err(format!("`{id}` cannot be the id of a revision"));
    }
    if module.value("down_revision").is_none() {
        return Err("it has no `down_revision`".to_owned());
    }
    Ok(Script {
        file: file.clone(),
        id,
        parents: texts(&module, "down_revision")?,
        depends_on: texts(&module, "depends_on")?,
        labels: texts(&module, "branch_labels")?,
        title: module.docstring.as_deref().and_then(title),
        empty: matches!(module.value("upgrade"), Some(PyValue::Function { idle: true })),
        sha256: Digest::of(content),
    })
}

/// The id of a script from before ids were written into them: a hexadecimal file name.
fn id_by_name(file: &FilePath) -> Option<String> {
    let name = file.as_path().file_name()?.to_str()?.strip_suffix(".py")?;
    let hexadecimal = name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    hexadecimal.then(|| name.to_owned())
}

/// One name or several, without repetition; none where the variable is missing or `None`.
fn texts(module: &Module, name: &str) -> Result<Vec<String>, String> {
    match module.value(name) {
        None | Some(PyValue::None) => Ok(Vec::new()),
        Some(PyValue::Text(text)) => Ok(vec![text.clone()]),
        Some(PyValue::Texts(texts)) => {
            let mut seen = BTreeSet::new();
            Ok(texts.iter().filter(|text| seen.insert(*text)).cloned().collect())
        }
        Some(other) => Err(not_written_down(name, other)),
    }
}

fn not_written_down(name: &str, value: &PyValue) -> String {
    match value {
        PyValue::Computed { line } => {
            format!("`{name}` is computed at line {line}, not written down")
        }
        _ => format!("`{name}` is not a text"),
    }
}

fn title(docstring: &str) -> Option<String> {
    let line = docstring.trim().lines().next()?.trim();
    Some(line.chars().take(TITLE).collect())
}

/// Puts the ids in place of the branch labels that dependencies may name, as Alembic does, and
/// takes out the scripts whose label is already the label or id of another. Parents are never
/// named by label, and nothing by part of an id.
fn resolve_labels(scripts: &mut Vec<Script>) -> Vec<Unread> {
    let mut names: BTreeMap<String, String> =
        scripts.iter().map(|script| (script.id.clone(), script.id.clone())).collect();
    let mut unread = Vec::new();
    scripts.retain(|script| {
        let taken =
            script.labels.iter().find_map(|label| names.get(label).map(|other| (label, other)));
        if let Some((label, other)) = taken {
            let reason =
                format!("its branch label `{label}` is already used by revision `{other}`");
            unread.push(Unread { file: script.file.clone(), reason });
            return false;
        }
        names.extend(script.labels.iter().map(|label| (label.clone(), script.id.clone())));
        true
    });
    for name in scripts.iter_mut().flat_map(|script| &mut script.depends_on) {
        if let Some(id) = names.get(name) {
            name.clone_from(id);
        }
    }
    unread
}

/// What `alembic.ini` says, whatever the section: keys in lower case.
#[derive(Default)]
struct Settings(BTreeMap<String, String>);

impl Settings {
    /// Reads the file as Python's `configparser` does: indented lines go on with the value above.
    fn read(content: &[u8]) -> Self {
        let text = String::from_utf8_lossy(content);
        let (mut settings, mut key) = (BTreeMap::<String, String>::new(), None);
        for line in text.lines().filter(|line| !line.trim_start().starts_with(['#', ';'])) {
            match line.split_once(['=', ':']) {
                _ if line.starts_with([' ', '\t']) => {
                    if let Some(value) = key.as_ref().and_then(|key| settings.get_mut(key)) {
                        value.push_str(line.trim());
                    }
                }
                Some((name, value)) => {
                    let name = name.trim().to_lowercase();
                    settings.insert(name.clone(), value.trim().to_owned());
                    key = Some(name);
                }
                None => {}
            }
        }
        Self(settings)
    }

    fn is_true(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|value| value == "true")
    }

    /// Why Alembic may find scripts that are not read here.
    fn beyond_us(&self) -> Option<String> {
        if self.0.get("version_locations").is_some_and(|value| !value.is_empty()) {
            return Some(
                "`version_locations` is set: there may be scripts in other directories".to_owned(),
            );
        }
        self.is_true("sourceless")
            .then(|| "`sourceless` is set: there may be scripts without source".to_owned())
    }
}
