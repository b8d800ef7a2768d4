//! The table in which a framework records what has been run, neutral to the framework: which
//! columns name a revision, and whether a row stands for a head or for every script that was
//! applied.
//!
//! Never spelled as SQL here, and never a guess about which table it is.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::names::ObjectRef;

/// One row, by column: `{"version_num": "062"}`, `{"app": "auth", "name": "0001_initial"}`.
pub type VersionRow = BTreeMap<String, String>;

/// Where revisions are recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VersionTable {
    pub table: ObjectRef,
    /// The columns that name a revision together, in the order of its id.
    pub columns: Vec<String>,
    pub records: Records,
}

/// What a row stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Records {
    /// The end of a branch; what comes before it is implied.
    Heads,
    /// One script that was applied; nothing is implied.
    EveryApplied,
}

impl VersionTable {
    /// A table with one column in which the heads stand.
    pub fn of_heads(table: ObjectRef, column: impl Into<String>) -> Self {
        Self { table, columns: vec![column.into()], records: Records::Heads }
    }

    /// The first of its columns; empty only for a table that no framework has.
    pub fn column(&self) -> &str {
        self.columns.first().map_or("", String::as_str)
    }

    /// The row that records a revision: the parts of its id (`app.name`), one for each column.
    pub fn row(&self, id: &str) -> VersionRow {
        let parts = id.splitn(self.columns.len().max(1), '.');
        self.columns.iter().cloned().zip(parts.map(str::to_owned)).collect()
    }

    /// The rows of several ids.
    pub fn rows(&self, ids: &[String]) -> Vec<VersionRow> {
        ids.iter().map(|id| self.row(id)).collect()
    }

    /// The id that a row records.
    pub fn id(&self, row: &VersionRow) -> String {
        let parts: Vec<&str> =
            self.columns.iter().filter_map(|column| row.get(column)).map(String::as_str).collect();
        parts.join(".")
    }

    /// The ids of several rows, for people.
    pub fn ids(&self, rows: &[VersionRow]) -> Vec<String> {
        rows.iter().map(|row| self.id(row)).collect()
    }

    /// Whether a row has exactly the columns of this table.
    pub fn holds(&self, row: &VersionRow) -> bool {
        row.len() == self.columns.len() && self.columns.iter().all(|name| row.contains_key(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_parts_of_its_row() {
        let one = VersionTable::of_heads(ObjectRef::table("public", "v"), "version_num");
        assert_eq!(one.id(&one.row("1.2")), "1.2");
        let two = VersionTable {
            columns: vec!["app".into(), "name".into()],
            records: Records::EveryApplied,
            ..one.clone()
        };
        let row = two.row("auth.0001_initial.x");
        assert_eq!(row["app"], "auth");
        assert_eq!(row["name"], "0001_initial.x");
        assert_eq!(two.id(&row), "auth.0001_initial.x");
        assert!(two.holds(&row) && !one.holds(&row) && !two.holds(&two.row("auth")));
    }
}
