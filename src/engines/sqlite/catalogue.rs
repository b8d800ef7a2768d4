//! What SQLite's own catalogue says, in a constant number of queries: the schema table joined to
//! the pragma functions, never a query per table.
//!
//! The columns of virtual tables are not asked for: that would need their module.

use std::collections::{BTreeMap, BTreeSet};

use crate::engines::sqlite::connection::{Connection, Row, literal};
use crate::error::Result;

/// A row of the schema table.
#[derive(Clone, Debug)]
pub(super) struct Object {
    /// `table`, `view`, `index` or `trigger`.
    pub(super) kind: String,
    pub(super) name: String,
    /// The table or view it belongs to; its own name for these.
    pub(super) table: String,
    /// Whether it has pages of its own.
    pub(super) stored: bool,
    /// Null for the indexes that SQLite makes behind constraints.
    pub(super) sql: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct ColumnEntry {
    pub(super) name: String,
    pub(super) data_type: String,
    pub(super) not_null: bool,
    pub(super) default: Option<String>,
    /// The place in the primary key counted from 1; 0 outside of it.
    pub(super) key: i64,
}

#[derive(Clone, Debug)]
pub(super) struct IndexEntry {
    pub(super) name: String,
    pub(super) unique: bool,
    /// `c` made by a statement, `u` behind a unique constraint, `pk` behind a primary key.
    pub(super) origin: String,
    pub(super) partial: bool,
}

/// One column of a foreign key.
#[derive(Clone, Debug)]
pub(super) struct ForeignKeyEntry {
    /// Counted from the last key of the definition to the first.
    pub(super) id: i64,
    pub(super) table: String,
    pub(super) from: String,
    /// Null where the primary key is implied.
    pub(super) to: Option<String>,
    pub(super) on_update: String,
    pub(super) on_delete: String,
}

/// What sort of table it is.
#[derive(Clone, Debug, Default)]
pub(super) struct Sort {
    /// `table`, `virtual`, `shadow` or `view`.
    pub(super) word: String,
    pub(super) without_rowid: bool,
    pub(super) strict: bool,
}

/// All of it. The maps go by the name of the table, but `index_columns` by that of the index.
#[derive(Clone, Debug, Default)]
pub(super) struct Catalogue {
    /// In the order in which they were made; SQLite's own left out.
    pub(super) objects: Vec<Object>,
    pub(super) sorts: BTreeMap<String, Sort>,
    pub(super) columns: BTreeMap<String, Vec<ColumnEntry>>,
    pub(super) indexes: BTreeMap<String, Vec<IndexEntry>>,
    /// Null for an expression.
    pub(super) index_columns: BTreeMap<String, Vec<Option<String>>>,
    pub(super) foreign_keys: BTreeMap<String, Vec<ForeignKeyEntry>>,
    /// The virtual table modules that this SQLite has.
    pub(super) modules: BTreeSet<String>,
    /// Row counts as `ANALYZE` found them last.
    pub(super) estimates: BTreeMap<String, u64>,
    pub(super) version: String,
}

const OBJECTS: &str =
    "SELECT type, name, tbl_name, rootpage > 0, sql FROM main.sqlite_schema ORDER BY rowid";
const SORTS: &str = "SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main'";
const COLUMNS: &str = "SELECT m.name, x.name, x.type, x.\"notnull\", x.dflt_value, x.pk \
    FROM main.sqlite_schema AS m, pragma_table_xinfo(m.name, 'main') AS x \
    WHERE m.type = 'table' AND m.rootpage > 0 ORDER BY m.rowid, x.cid";
const INDEXES: &str = "SELECT m.name, l.name, l.\"unique\", l.origin, l.partial \
    FROM main.sqlite_schema AS m, pragma_index_list(m.name, 'main') AS l \
    WHERE m.type = 'table' AND m.rootpage > 0 ORDER BY m.rowid, l.seq";
const INDEX_COLUMNS: &str = "SELECT m.name, x.name \
    FROM main.sqlite_schema AS m, pragma_index_xinfo(m.name, 'main') AS x \
    WHERE m.type = 'index' AND x.key ORDER BY m.rowid, x.seqno";
const FOREIGN_KEYS: &str = "SELECT m.name, f.id, f.\"table\", f.\"from\", f.\"to\", f.on_update, f.on_delete \
    FROM main.sqlite_schema AS m, pragma_foreign_key_list(m.name, 'main') AS f \
    WHERE m.type = 'table' AND m.rootpage > 0 ORDER BY m.rowid, f.id, f.seq";
const STATISTICS: &str = "SELECT tbl, stat FROM main.sqlite_stat1";

/// Whether SQLite keeps the table for itself.
pub(super) fn is_internal(name: &str) -> bool {
    name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"))
}

/// Names are the same to SQLite when they are so in lower case, ASCII letters only.
pub(super) fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// Reads it. The caller sees to it that nothing changes meanwhile.
pub(super) fn read(connection: &mut Connection) -> Result<Catalogue> {
    let objects: Vec<Object> = connection.rows(OBJECTS)?.iter().map(object).collect();
    let estimates = match objects.iter().any(|object| object.name == "sqlite_stat1") {
        true => estimates(&connection.rows(STATISTICS)?),
        false => BTreeMap::new(),
    };
    let sort = |row: &Row| Sort {
        word: row.text(1),
        without_rowid: row.integer(2) != 0,
        strict: row.integer(3) != 0,
    };
    Ok(Catalogue {
        objects: objects.into_iter().filter(|object| !is_internal(&object.table)).collect(),
        sorts: connection.rows(SORTS)?.iter().map(|row| (row.text(0), sort(row))).collect(),
        columns: grouped(&connection.rows(COLUMNS)?, column),
        indexes: grouped(&connection.rows(INDEXES)?, index),
        index_columns: grouped(&connection.rows(INDEX_COLUMNS)?, |row| row.optional(1)),
        foreign_keys: grouped(&connection.rows(FOREIGN_KEYS)?, foreign_key),
        modules: connection
            .rows("SELECT name FROM pragma_module_list")?
            .iter()
            .map(|row| folded(&row.text(0)))
            .collect(),
        estimates,
        version: connection
            .rows("SELECT sqlite_version()")?
            .first()
            .map(|row| row.text(0))
            .unwrap_or_default(),
    })
}

/// The names of all tables that have pages of their own, SQLite's excepted, sorted. The tables in
/// which a virtual table keeps its content are among them, the virtual table itself is not.
pub(super) fn stored_tables(connection: &mut Connection) -> Result<Vec<String>> {
    let sql = "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND rootpage > 0 \
               AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    let mut names: Vec<String> = connection.rows(sql)?.iter().map(|row| row.text(0)).collect();
    names.sort();
    Ok(names)
}

/// The columns of a table whose values are stored rather than computed, in their order.
pub(super) fn stored_columns(connection: &mut Connection, table: &str) -> Result<Vec<String>> {
    let table = literal(table);
    let sql = format!(
        "SELECT name FROM pragma_table_xinfo({table}, 'main') WHERE hidden = 0 ORDER BY cid"
    );
    Ok(connection.rows(&sql)?.iter().map(|row| row.text(0)).collect())
}

fn grouped<T>(rows: &[Row], entry: impl Fn(&Row) -> T) -> BTreeMap<String, Vec<T>> {
    let mut groups: BTreeMap<String, Vec<T>> = BTreeMap::new();
    for row in rows {
        groups.entry(row.text(0)).or_default().push(entry(row));
    }
    groups
}

fn object(row: &Row) -> Object {
    Object {
        kind: row.text(0),
        name: row.text(1),
        table: row.text(2),
        stored: row.integer(3) != 0,
        sql: row.optional(4),
    }
}

fn column(row: &Row) -> ColumnEntry {
    ColumnEntry {
        name: row.text(1),
        data_type: row.text(2),
        not_null: row.integer(3) != 0,
        default: row.optional(4),
        key: row.integer(5),
    }
}

fn index(row: &Row) -> IndexEntry {
    IndexEntry {
        name: row.text(1),
        unique: row.integer(2) != 0,
        origin: row.text(3),
        partial: row.integer(4) != 0,
    }
}

fn foreign_key(row: &Row) -> ForeignKeyEntry {
    ForeignKeyEntry {
        id: row.integer(1),
        table: row.text(2),
        from: row.text(3),
        to: row.optional(4),
        on_update: row.text(5),
        on_delete: row.text(6),
    }
}

/// The first number of a `stat` is the number of rows; of several indexes, the largest is least
/// partial.
fn estimates(rows: &[Row]) -> BTreeMap<String, u64> {
    let mut estimates: BTreeMap<String, u64> = BTreeMap::new();
    for row in rows {
        if let Some(rows) = row.text(1).split(' ').next().and_then(|rows| rows.parse().ok()) {
            let most = estimates.entry(row.text(0)).or_insert(rows);
            *most = rows.max(*most);
        }
    }
    estimates
}
