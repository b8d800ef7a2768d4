//! The rows of the schema table that make up an object and all that goes with it, and the file
//! format in which they are saved: a SQLite database of its own, which any client can open.
//!
//! Besides the objects under their own names it has tables of ours: `ttplan_kept_schema` (the rows
//! of the original's schema table), `ttplan_kept_tables` (row counts and fingerprints), and one
//! for each of SQLite's own books that has rows about a saved table.

use std::collections::BTreeMap;

use crate::engines::sqlite::catalogue::folded;
use crate::engines::sqlite::connection::{Connection, Row, literal};
use crate::engines::sqlite::kept::OUR_PREFIX;
use crate::error::{Error, Kind, Result};
use crate::model::names::{ObjectKind, ObjectRef};

/// Marks a file of saved objects in its header: `ttp1`.
pub(super) const APPLICATION_ID: i64 = 0x7474_7031;
/// The version of its format.
pub(super) const FORMAT: i64 = 1;

/// The live schema, in the columns of `ttplan_kept_schema`.
pub(super) const LIVE: &str =
    "(SELECT rowid AS row, type, name, tbl_name, sql FROM main.sqlite_schema)";
/// The same of the original while objects are saved from it.
pub(super) const ORIGIN: &str =
    "(SELECT rowid AS row, type, name, tbl_name, sql FROM origin.sqlite_schema)";
/// The same in a file of saved objects.
pub(super) const KEPT: &str = "main.ttplan_kept_schema";

/// SQLite's own tables with rows about tables, and the column that names the table. SQLite removes
/// these rows when it drops a table.
pub(super) const BOOKS: &[(&str, &str)] =
    &[("sqlite_sequence", "name"), ("sqlite_stat1", "tbl"), ("sqlite_stat4", "tbl")];

/// A row of a schema table. Its place decides the order in which `.dump` shows the objects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SchemaRow {
    pub(super) row: i64,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) table: String,
    /// Null for what SQLite makes by itself.
    pub(super) sql: Option<String>,
}

impl SchemaRow {
    /// Whether both are the same object, in whatever row.
    pub(super) fn is(&self, other: &SchemaRow) -> bool {
        self.kind == other.kind && self.name == other.name
    }

    /// Whether it is the table or view that `other` belongs to.
    pub(super) fn owns(&self, other: &SchemaRow) -> bool {
        matches!(&*self.kind, "table" | "view")
            && !matches!(&*other.kind, "table" | "view")
            && self.name.eq_ignore_ascii_case(&other.table)
    }
}

/// The entries of these objects and of what goes with them, in the order of their rows.
///
/// Errors: `Kind::Stale` when an object is not there, `Kind::Failed` when it is of a kind that
/// cannot be saved by itself.
pub(super) fn entries(
    connection: &mut Connection,
    schema: &str,
    objects: &[ObjectRef],
) -> Result<Vec<SchemaRow>> {
    let mut found = BTreeMap::new();
    for object in objects {
        let kind = kind(object)?;
        let name = literal(&object.name);
        let with = match object.kind {
            ObjectKind::Table | ObjectKind::View => {
                format!("OR type IN ('index', 'trigger') AND tbl_name = {name} COLLATE NOCASE")
            }
            _ => String::new(),
        };
        let sql = format!(
            "SELECT row, type, name, tbl_name, sql FROM {schema} WHERE type = '{kind}' AND name = {name} {with}"
        );
        let entries: Vec<SchemaRow> = connection.rows(&sql)?.iter().map(entry).collect();
        if !entries.iter().any(|entry| entry.kind == kind && entry.name == object.name) {
            return Err(Error::new(
                Kind::Stale,
                format!("{object} is not in `{}`", connection.name()),
            ));
        }
        found.extend(entries.into_iter().map(|entry| (entry.row, entry)));
    }
    found.values().try_for_each(check)?;
    Ok(found.into_values().collect())
}

/// All entries, SQLite's own among them.
pub(super) fn all(connection: &mut Connection, schema: &str) -> Result<Vec<SchemaRow>> {
    let sql = format!("SELECT row, type, name, tbl_name, sql FROM {schema} ORDER BY row");
    Ok(connection.rows(&sql)?.iter().map(entry).collect())
}

/// The names of the tables among entries.
pub(super) fn tables(entries: &[SchemaRow]) -> Vec<&str> {
    entries.iter().filter(|entry| entry.kind == "table").map(|entry| entry.name.as_str()).collect()
}

/// A name for the rowid of a table that none of its columns takes; `None` where there is none.
pub(super) fn rowid(
    connection: &mut Connection,
    table: &str,
    columns: &[String],
) -> Result<Option<&'static str>> {
    let sql = format!(
        "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = {}",
        literal(table)
    );
    if connection.number(&sql)? != 0 {
        return Ok(None);
    }
    let taken = |alias: &&str| columns.iter().any(|column| column.eq_ignore_ascii_case(alias));
    Ok(["rowid", "_rowid_", "oid"].into_iter().find(|alias| !taken(alias)))
}

fn kind(object: &ObjectRef) -> Result<&'static str> {
    match object.kind {
        ObjectKind::Table => Ok("table"),
        ObjectKind::View => Ok("view"),
        ObjectKind::Index => Ok("index"),
        ObjectKind::Trigger => Ok("trigger"),
        _ => Err(Error::new(Kind::Failed, format!("{object} cannot be saved by itself in SQLite"))),
    }
}

fn check(entry: &SchemaRow) -> Result<()> {
    let refused =
        |why| Err(Error::new(Kind::Failed, format!("`{}` cannot be saved: {why}", entry.name)));
    if folded(&entry.name).starts_with(OUR_PREFIX) {
        return refused("its name is one that ttplan needs for itself");
    }
    if entry.kind == "table"
        && entry.sql.as_deref().is_some_and(|sql| folded(sql).starts_with("create virtual"))
    {
        return refused("it is a virtual table, and its content is kept by its module");
    }
    Ok(())
}

fn entry(row: &Row) -> SchemaRow {
    SchemaRow {
        row: row.integer(0),
        kind: row.text(1),
        name: row.text(2),
        table: row.text(3),
        sql: row.optional(4),
    }
}
