//! Rewriting references: which rows name files in an older way, and what they are to say instead.
//!
//! Pure. `inspect` counts with it, a step carries it, `apply` works with it: what is planned, asked
//! and done is the same by construction.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::config::Upload;
use crate::model::database::schema::Table;
use crate::model::dialect::{qualified, quote};
use crate::model::files::reference_text;
use crate::model::files::references::{Form, Outdated, Reference};
use crate::model::names::{Digest, ObjectRef};

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
        let slashed = |path: &crate::model::names::FilePath| format!("{}/", path.to_text());
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

    /// The SQL that sets the value of the row with this key from `old` to `new`, in the words that
    /// every engine on the shelf understands. Rows with the same key and value are one and the same
    /// to it.
    pub fn update(&self, key: &str, old: &str, new: &str) -> String {
        let column = quote(&self.column);
        let key = match self.key.as_slice() {
            [] => String::new(),
            // Compared in the column's own type, so that its index is used.
            [only] => format!("{} = {} AND ", quote(only), literal(key)),
            several => {
                let text = |part: &String| format!("coalesce(CAST({} AS TEXT), '')", quote(part));
                let joined: Vec<String> = several.iter().map(text).collect();
                format!("{} = {} AND ", joined.join(" || ',' || "), literal(key))
            }
        };
        format!(
            "UPDATE {} SET {column} = {} WHERE {key}CAST({column} AS TEXT) = {}",
            qualified(&self.table.schema, &self.table.name),
            literal(new),
            literal(old)
        )
    }
}

/// What a plan remembers of the rows that are to be changed.
pub fn outdated(changes: &[(Row, String)]) -> Outdated {
    let rows: Vec<&Row> = changes.iter().map(|(row, _)| row).collect();
    Outdated { rows: rows.len() as u64, sha256: Digest::of_json(&rows) }
}

/// A text as SQL spells it; right while the engine reads backslashes as themselves, which it does.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
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

    #[test]
    fn values_and_names_stay_what_they_are_in_sql() {
        let sql = rewriting(Form::Text, &["a"], "b").update("1", "it's", "'); DROP TABLE t; --");
        assert_eq!(
            sql,
            "UPDATE \"public\".\"t\" SET \"c\" = '''); DROP TABLE t; --' WHERE \"id\" = '1' AND CAST(\"c\" AS TEXT) = 'it''s'"
        );
    }
}
