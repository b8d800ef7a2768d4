//! Rewriting references: which rows name files in an older way, and what they are to say instead.
//!
//! Pure. `inspect` counts with it, a step carries it, `apply` works with it: what is planned, asked
//! and done is the same by construction.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::config::Upload;
use crate::model::database::schema::Table;
use crate::model::files::reference_text;
use crate::model::files::references::{Form, Outdated, Reference};
use crate::model::files::uploads::FileFact;
use crate::model::names::{Digest, FilePath, ObjectKind, ObjectRef};
use crate::model::text::is_printable;

/// What a column's older spellings become. Nothing but these prefixes changes in a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rewriting {
    pub table: ObjectRef,
    /// The primary key; may be empty.
    pub key: Vec<String>,
    pub column: String,
    pub form: Form,
    /// The older prefixes; the first that fits counts.
    pub from: Vec<String>,
    /// What stands there instead.
    pub to: String,
    /// Files that got another name as they were copied: the path below the old place, and the one
    /// below the new.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub renamed: BTreeMap<String, String>,
}

/// One row: its key as text, and the value of the column.
pub type Row = (String, String);

impl Rewriting {
    /// What is to be rewritten in a column; `None` where there is no older spelling of it.
    pub fn of(upload: &Upload, reference: &Reference, table: &Table) -> Option<Self> {
        let slashed = |path: &FilePath| format!("{}/", path.to_text());
        let (from, to): (Vec<String>, String) = match reference.form {
            Form::Name | Form::Relative => return None,
            Form::Absolute => (upload.from.iter().map(slashed).collect(), slashed(&upload.to)),
            _ => (reference.formerly.clone(), reference.prefix.clone()?),
        };
        Some(Self {
            table: table.reference(),
            key: table.primary_key.as_ref().map(|key| key.columns.clone()).unwrap_or_default(),
            column: reference.column.clone(),
            form: reference.form,
            from: from.into_iter().filter(|from| *from != to).collect(),
            to,
            renamed: BTreeMap::new(),
        })
        .filter(|rewriting| !rewriting.from.is_empty())
    }

    /// What a value becomes; `None` where nothing in it is to be rewritten.
    pub fn rewritten(&self, value: &str) -> Option<String> {
        let Some(kind) = self.form.spelling() else {
            // What reads as the new spelling already is not an older one, even if it begins alike.
            let rest = self.from.iter().find_map(|from| value.strip_prefix(from.as_str()));
            return rest.filter(|_| !value.starts_with(&self.to)).map(|rest| self.spelled(rest));
        };
        let mut value = value.to_owned();
        let before = value.clone();
        for from in &self.from {
            let outdated = reference_text::mentions(&value, from, kind)
                .into_iter()
                .filter(|mention| !format!("{from}{}", mention.path).starts_with(&self.to));
            let places: Vec<_> = outdated
                .map(|mention| match self.renamed.get(&mention.path) {
                    Some(_) => (mention.whole, self.spelled(&mention.path)),
                    None => (mention.prefix, self.to.clone()),
                })
                .collect();
            value = reference_text::replaced(&value, &places, kind);
        }
        (value != before).then_some(value)
    }

    /// What names a file now that had this path below its old place.
    fn spelled(&self, path: &str) -> String {
        let name = self.renamed.get(path.trim_start_matches('/')).map_or(path, String::as_str);
        format!("{}{name}", self.to)
    }

    /// Those of the rows that are to be rewritten, each with its new value.
    pub fn changes(&self, rows: impl IntoIterator<Item = Row>) -> Vec<(Row, String)> {
        let change = |row: Row| self.rewritten(&row.1).map(|new| (row, new));
        rows.into_iter().filter_map(change).collect()
    }

    /// All that it does, as lines for people.
    pub fn lines(&self) -> Vec<String> {
        let how = match self.form {
            Form::Absolute => "where it begins a value",
            _ => "wherever it names a file, in the spelling of each value",
        };
        let key = if self.key.is_empty() {
            String::new()
        } else {
            format!(", rows known by {}", self.key.join(", "))
        };
        let mut lines = vec![format!("`{}` becomes `{}`, {how}", self.from.join("`, `"), self.to)];
        let renamed = self.renamed.iter();
        lines.extend(renamed.map(|(old, new)| format!("`{old}` there becomes `{new}`")));
        lines.push(format!("in `{}` of {}{key}", self.column, self.table));
        lines
    }

    /// What in it makes no sense. A reference names a place, before and after; whatever else stands
    /// in a column, such as a role or a password, is not what this is for.
    pub fn problem(&self) -> Option<String> {
        let Self { table, column, form, from, to, renamed, .. } = self;
        let has_places = form.takes_prefix() || *form == Form::Absolute;
        if table.kind != ObjectKind::Table || !has_places {
            return Some(format!("`{column}` of {table} holds nothing that could be rewritten"));
        }
        let is_place = |text: &&String| match form {
            Form::Absolute => {
                text.strip_suffix('/').is_some_and(|path| FilePath::new(path).is_plain_absolute())
            }
            _ => text.contains('/') && text.chars().all(is_printable),
        };
        if let Some(text) = std::iter::once(to).chain(from).find(|text| !is_place(text)) {
            return Some(format!("`{text}` in `{column}` of {table} names no place"));
        }
        if let Some((old, _)) = renamed.iter().find(|(old, new)| !is_by_content(old, new)) {
            return Some(format!(
                "`{old}` in `{column}` of {table} gets another name than a copy may get"
            ));
        }
        (from.is_empty() || from.contains(to))
            .then(|| format!("`{column}` of {table} is rewritten to what it says"))
    }
}

/// Whether a path is that of a copy of the other, named by its content.
fn is_by_content(old: &str, new: &str) -> bool {
    let (old, new) = (FilePath::new(old), FilePath::new(new));
    let digits = |part: &[u8]| part.len() == 8 && part.iter().all(u8::is_ascii_hexdigit);
    let mut named = new.as_bytes().split(|byte| *byte == b'.').filter(|part| digits(part));
    let is_named = |part: &[u8]| {
        // Only the digits count of what the name is made from.
        let digest = Digest::parse(&format!("{}{}", String::from_utf8_lossy(part), "0".repeat(56)));
        digest.is_some_and(|digest| *FileFact(old.clone(), 0, digest).by_content().path() == new)
    };
    old.is_plain_relative() && named.any(is_named)
}

/// What a plan remembers of the rows that are to be changed.
pub fn outdated(changes: &[(Row, String)]) -> Outdated {
    let rows: Vec<&Row> = changes.iter().map(|(row, _)| row).collect();
    Outdated { rows: rows.len() as u64, sha256: Digest::of_json(&rows) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewriting(form: Form, from: &[&str], to: &str) -> Rewriting {
        Rewriting {
            table: ObjectRef::table("public", "t"),
            key: vec!["id".into()],
            column: "c".into(),
            form,
            from: from.iter().map(|from| (*from).to_owned()).collect(),
            to: to.into(),
            renamed: BTreeMap::new(),
        }
    }

    #[test]
    fn a_file_that_got_another_name_is_called_by_it_and_its_neighbours_keep_theirs() {
        let renamed = BTreeMap::from([("d/a b.png".to_owned(), "d/a b.12345678.png".to_owned())]);
        let absolute = Rewriting {
            renamed: renamed.clone(),
            ..rewriting(Form::Absolute, &["/old/"], "/new/")
        };
        assert_eq!(
            absolute.rewritten("/old/d/a b.png").as_deref(),
            Some("/new/d/a b.12345678.png")
        );
        assert_eq!(absolute.rewritten("/old/a b.png").as_deref(), Some("/new/a b.png"));
        let text = Rewriting { renamed, ..rewriting(Form::Text, &["/up/"], "/m/") };
        let said =
            text.rewritten("x \\/up\\/d\\/a%20b.png?v=2, /up/c.png and /up/d/a%20b.png.").unwrap();
        assert_eq!(
            said,
            "x \\/m\\/d\\/a%20b.12345678.png?v=2, /m/c.png and /m/d/a%20b.12345678.png."
        );
        assert_eq!(text.rewritten(&said), None);
    }

    #[test]
    fn only_what_begins_as_of_old_is_rewritten_and_only_once() {
        let absolute = rewriting(Form::Absolute, &["/old/"], "/old/new/");
        assert_eq!(absolute.rewritten("/old/a.png").as_deref(), Some("/old/new/a.png"));
        assert_eq!(absolute.rewritten("/old/new/a.png"), None);
        assert_eq!(absolute.rewritten("x/old/a.png"), None);
        let text = rewriting(Form::Text, &["/up/"], "/up/new/");
        let once = text.rewritten("a /up/x.png b \\/up\\/y.png /up/new/z.png").unwrap();
        assert_eq!(once, "a /up/new/x.png b \\/up\\/new\\/y.png /up/new/z.png");
        assert_eq!(text.rewritten(&once), None);
    }
}
