//! How SQL is spelled: pure text, one implementation per engine. Plans carry no SQL; it is spelled
//! here when a move is executed, and for whoever reads a plan.
//!
//! [`Sql`] can be made in this room alone, and databases execute nothing else: no other room can
//! hand text to one.

use std::fmt;

use crate::model::database::names::{qualified, quote};
use crate::model::files::rewriting::Rewriting;
use crate::model::names::ObjectRef;
use crate::model::plan::step::{CreateVersionTable, Move};

/// One statement, spelled by an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sql(String);

impl Sql {
    pub(in crate::engines) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A statement that is part of this program itself, such as those of its demo.
    pub fn shipped(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    pub(in crate::engines) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Sql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a move is to an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// These statements, one after the other.
    Statements(Vec<Sql>),
    /// No statements: files, copies, backups, commands.
    Elsewise,
    /// This engine, or this ttplan, has no way to do it: why.
    Unsupported(String),
}

impl Spelling {
    /// One statement.
    pub(in crate::engines) fn one(text: String) -> Self {
        Self::Statements(vec![Sql::new(text)])
    }

    /// Of a move that is part of the format and that nothing executes yet.
    pub(in crate::engines) fn reserved(mv: &Move) -> Self {
        Self::Unsupported(format!("this ttplan cannot execute `{}`", mv.word()))
    }

    /// The statements, for people.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Statements(all) => all.iter().map(ToString::to_string).collect(),
            Self::Elsewise => Vec::new(),
            Self::Unsupported(why) => vec![why.clone()],
        }
    }
}

/// The spelling of one engine.
pub trait Dialect: Sync {
    /// The engine's name on its shelf.
    fn name(&self) -> &'static str;

    /// Whether the whole database is one file of its own, so that what other programs keep
    /// in it is unlikely to be rubbish.
    fn is_one_file(&self) -> bool;

    /// Whether a text column holds no more characters than its type says.
    fn enforces_widths(&self) -> bool;

    /// Whether the object is part of the database system and no application's.
    fn is_of_the_system(&self, object: &ObjectRef) -> bool;

    /// What a move is to this engine. Every name in it is qualified and quoted.
    fn spell(&self, mv: &Move) -> Spelling;

    /// Sets the value of the row with this key from `old` to `new`. Rows with the same key and
    /// value are one and the same to it.
    fn update_row(&self, rewriting: &Rewriting, key: &str, old: &str, new: &str) -> Sql {
        let column = quote(&rewriting.column);
        let key = match rewriting.key.as_slice() {
            [] => String::new(),
            // Compared in the column's own type, so that its index is used.
            [only] => format!("{} = {} AND ", quote(only), literal(key)),
            several => {
                let text = |part: &String| format!("coalesce(CAST({} AS TEXT), '')", quote(part));
                let joined: Vec<String> = several.iter().map(text).collect();
                format!("{} = {} AND ", joined.join(" || ',' || "), literal(key))
            }
        };
        Sql::new(format!(
            "UPDATE {} SET {column} = {} WHERE {key}CAST({column} AS TEXT) = {}",
            qualified(&rewriting.table.schema, &rewriting.table.name),
            literal(new),
            literal(old)
        ))
    }
}

/// The same names that the framework gives, so that later migrations find what they expect.
pub(in crate::engines) fn version_table(create: &CreateVersionTable) -> String {
    let table = &create.versions.table;
    let key = quote(&format!("{}_pkc", table.name));
    let names: Vec<String> = create.versions.columns.iter().map(|name| quote(name)).collect();
    let width = create.width;
    let columns: Vec<String> =
        names.iter().map(|name| format!("{name} VARCHAR({width}) NOT NULL")).collect();
    format!(
        "CREATE TABLE {} ({}, CONSTRAINT {key} PRIMARY KEY ({}))",
        qualified(&table.schema, &table.name),
        columns.join(", "),
        names.join(", ")
    )
}

/// A text as SQL spells it; right while the engine reads backslashes as themselves, which every
/// session of ours sees to.
pub(in crate::engines) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::engines::ALL;
    use crate::model::files::references::Form;

    #[test]
    fn values_and_names_stay_what_they_are() {
        let rewriting = Rewriting {
            table: ObjectRef::table("public", "t"),
            key: vec!["id".into()],
            column: "c".into(),
            form: Form::Text,
            from: vec!["a/".into()],
            to: "b/".into(),
            renamed: BTreeMap::new(),
        };
        for engine in ALL {
            let sql = engine.dialect.update_row(&rewriting, "1", "it's", "'); DROP TABLE t; --");
            assert_eq!(
                sql.text(),
                "UPDATE \"public\".\"t\" SET \"c\" = '''); DROP TABLE t; --' \
                 WHERE \"id\" = '1' AND CAST(\"c\" AS TEXT) = 'it''s'"
            );
        }
    }
}
