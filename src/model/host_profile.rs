//! What the host knows of its application: the table that records its revisions, and the columns
//! that name uploaded files. What is not here no plan may stamp or rewrite.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::host_command::toml_text;
use crate::model::names::{ObjectKind, ObjectRef};

/// The host's own copy of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostProfile {
    /// The name of a profile that comes with ttplan, or the path of the host's own.
    pub source: String,
    /// Null: no revision may be recorded by ttplan.
    pub version_table: Option<HostVersionTable>,
    /// Sorted.
    pub columns: Vec<RewritableColumn>,
    /// Differences of schemas that are not taken for drift.
    pub tolerate: Vec<Tolerated>,
}

/// Where the migration framework records what it applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostVersionTable {
    /// `table`, or `schema.table` where it is not the application's home schema.
    pub table: String,
    pub column: String,
}

/// A column that names files of an upload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RewritableColumn {
    pub table: String,
    pub column: String,
    pub upload: String,
}

/// Kinds of difference between schemas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tolerated {
    Nullability,
    Default,
    IndexName,
    Comment,
    ColumnOrder,
}

impl Tolerated {
    /// All kinds as written in a profile.
    pub const ALL: &[(&str, Tolerated)] = &[
        ("nullability", Tolerated::Nullability),
        ("default", Tolerated::Default),
        ("index_name", Tolerated::IndexName),
        ("comment", Tolerated::Comment),
        ("column_order", Tolerated::ColumnOrder),
    ];
}

impl HostProfile {
    /// Whether revisions may be recorded in this column of this table.
    pub fn permits_stamp(&self, table: &ObjectRef, column: Option<&str>) -> bool {
        self.version_table.as_ref().is_some_and(|known| {
            is_named(table, &known.table) && column.is_none_or(|column| column == known.column)
        })
    }

    /// Whether references in this column of this table may be rewritten.
    pub fn permits_rewrite(&self, table: &ObjectRef, column: &str) -> bool {
        let known = |one: &RewritableColumn| is_named(table, &one.table) && one.column == column;
        self.columns.iter().any(known)
    }
}

impl HostProfile {
    /// Whether the table is meant in the application's home schema alone: no entry names its schema.
    pub fn means_home(&self, table: &ObjectRef) -> bool {
        let version_table = self.version_table.iter().map(|known| known.table.as_str());
        let columns = self.columns.iter().map(|known| known.table.as_str());
        let mut named = version_table.chain(columns).filter(|known| is_named(table, known));
        !named.any(|known| known.contains('.'))
    }
}

/// The lines of a profile that permit it.
pub fn line_of_version_table(table: &str) -> String {
    format!("`[revisions]` `version_table = {}`", toml_text(table))
}

/// The lines of a profile that permit it.
pub fn line_of_column(table: &str, column: &str) -> String {
    let (table, column) = (toml_text(table), toml_text(column));
    format!("`[[uploads]]` `references = [{{ table = {table}, column = {column} }}]`")
}

/// Without a schema any schema is meant: `apply` asks the database for its home schema.
fn is_named(object: &ObjectRef, written: &str) -> bool {
    let name = match written.split_once('.') {
        Some((schema, _)) if schema != object.schema => return false,
        Some((_, name)) => name,
        None => written,
    };
    object.kind == ObjectKind::Table && object.name == name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_known_by_its_name_and_by_its_schema_where_one_is_given() {
        let profile = |table: &str| HostProfile {
            source: "p".into(),
            version_table: Some(HostVersionTable { table: table.into(), column: "v".into() }),
            columns: vec![RewritableColumn {
                table: "users".into(),
                column: "avatar".into(),
                upload: "avatars".into(),
            }],
            tolerate: Vec::new(),
        };
        let book = ObjectRef::table("ops", "book");
        assert!(profile("book").permits_stamp(&book, Some("v")));
        assert!(profile("book").means_home(&book) && !profile("ops.book").means_home(&book));
        assert!(profile("ops.book").permits_stamp(&book, None));
        assert!(!profile("public.book").permits_stamp(&book, Some("v")));
        assert!(!profile("book").permits_stamp(&book, Some("w")));
        assert!(!profile("users").permits_stamp(&book, Some("v")));
        let users = ObjectRef::table("public", "users");
        assert!(profile("x").permits_rewrite(&users, "avatar"));
        assert!(!profile("x").permits_rewrite(&users, "reset_url"));
        assert!(!profile("x").permits_rewrite(&book, "avatar"));
    }
}
