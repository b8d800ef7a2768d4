//! Brings saved objects back into the database: by the statements that made them, with their rows
//! and rowids, in their old places in the schema table, so that `.dump` says what it said before.
//!
//! A database cannot be attached inside a transaction, so rows come from a second connection, one
//! at a time.

use std::collections::BTreeMap;
use std::path::Path;

use crate::engines::sqlite::catalogue::{folded, stored_columns};
use crate::engines::sqlite::connection::{Connection, OpenMode, Row, SqlValue, literal};
use crate::engines::sqlite::content;
use crate::engines::sqlite::kept::name_of;
use crate::engines::sqlite::objects::{self, APPLICATION_ID, BOOKS, FORMAT, KEPT, LIVE, SchemaRow};
use crate::error::{Error, Kind, Result};
use crate::model::database::names::{qualified, quote};
use crate::model::names::ObjectRef;

/// Brings `objects` back from the file. `connection` holds the transaction.
///
/// Errors: `Kind::Stale` when an object of that name is there already, `Kind::Verification` when
/// what came back is not what was saved.
pub(super) fn restore(
    connection: &mut Connection,
    objects: &[ObjectRef],
    from: &Path,
) -> Result<()> {
    let mut saved = Connection::open(from, name_of(from)?, OpenMode::Sealed)?;
    check_format(&mut saved)?;
    let entries = objects::entries(&mut saved, KEPT, objects)?;
    refuse_taken_names(connection, &entries)?;
    // The rows were in the table, so no check is to keep them out.
    connection.run("PRAGMA ignore_check_constraints = ON")?;
    let done = bring_back(connection, &mut saved, &entries);
    connection.run("PRAGMA ignore_check_constraints = OFF")?;
    done?;
    put_in_place(connection, &entries)?;
    verify(connection, &mut saved, &entries)
}

fn check_format(saved: &mut Connection) -> Result<()> {
    let found = (saved.number("PRAGMA application_id")?, saved.number("PRAGMA user_version")?);
    if found == (APPLICATION_ID, FORMAT) {
        return Ok(());
    }
    Err(Error::new(
        Kind::Failed,
        format!("`{}` is not a file of saved objects that can be read", saved.name()),
    ))
}

fn refuse_taken_names(connection: &mut Connection, entries: &[SchemaRow]) -> Result<()> {
    for entry in entries {
        let name = literal(&entry.name);
        let sql =
            format!("SELECT count(*) FROM main.sqlite_schema WHERE name = {name} COLLATE NOCASE");
        if connection.number(&sql)? > 0 {
            let message =
                format!("`{}` cannot be restored, because that name is taken", entry.name);
            return Err(Error::new(Kind::Stale, message));
        }
    }
    Ok(())
}

fn bring_back(
    connection: &mut Connection,
    saved: &mut Connection,
    entries: &[SchemaRow],
) -> Result<()> {
    for kinds in [&["table"][..], &["index", "view"], &["trigger"]] {
        for entry in entries.iter().filter(|entry| kinds.contains(&&*entry.kind)) {
            if let Some(sql) = &entry.sql {
                connection.run(sql)?;
            }
            if entry.kind == "table" {
                insert_rows(connection, saved, &entry.name)?;
                insert_into_books(connection, saved, &entry.name)?;
            }
        }
    }
    Ok(())
}

fn insert_rows(connection: &mut Connection, saved: &mut Connection, table: &str) -> Result<()> {
    let columns = stored_columns(connection, table)?;
    let mut names: Vec<String> = columns.iter().map(|column| quote(column)).collect();
    names.extend(objects::rowid(connection, table, &columns)?.map(str::to_owned));
    let values: Vec<String> = names.iter().map(|name| format!("t.{name}")).collect();
    let table = qualified("main", table);
    let mut rows =
        Rows { insert: format!("INSERT INTO {table} ({})", names.join(", ")), ..Rows::default() };
    saved.each(&format!("SELECT {} FROM {table} AS t NOT INDEXED", values.join(", ")), |row| {
        rows.add(connection, row)
    })?;
    rows.write(connection)
}

/// How many values and bytes one statement may have: far below SQLite's limit of 32,766 values.
const VALUES: usize = 1000;
const BYTES: usize = 1 << 20;

/// Rows on their way into a table; several go with one statement.
#[derive(Default)]
struct Rows {
    /// The statement without its values.
    insert: String,
    places: Vec<String>,
    values: Vec<SqlValue>,
    bytes: usize,
}

impl Rows {
    fn add(&mut self, connection: &mut Connection, Row(values): Row) -> Result<()> {
        let places: Vec<&str> = values.iter().map(placeholder).collect();
        self.places.push(format!("({})", places.join(", ")));
        self.bytes += values.iter().map(SqlValue::size).sum::<usize>();
        self.values.extend(values);
        if self.values.len() < VALUES && self.bytes < BYTES {
            Ok(())
        } else {
            self.write(connection)
        }
    }

    fn write(&mut self, connection: &mut Connection) -> Result<()> {
        if self.places.is_empty() {
            return Ok(());
        }
        let sql = format!("{} VALUES {}", self.insert, self.places.join(", "));
        connection.run_with(&sql, &self.values)?;
        self.places.clear();
        self.values.clear();
        self.bytes = 0;
        Ok(())
    }
}

/// Text that is not UTF-8 travels as bytes.
fn placeholder(value: &SqlValue) -> &'static str {
    match value {
        SqlValue::Text(bytes) if std::str::from_utf8(bytes).is_err() => "CAST(? AS TEXT)",
        _ => "?",
    }
}

/// What SQLite's own tables said about a table: the next number of its key, its statistics.
fn insert_into_books(
    connection: &mut Connection,
    saved: &mut Connection,
    table: &str,
) -> Result<()> {
    let table = literal(table);
    for (book, key) in BOOKS {
        let exists = format!("SELECT count(*) FROM main.sqlite_schema WHERE name = '{book}'");
        let kept =
            format!("SELECT count(*) FROM main.sqlite_schema WHERE name = 'ttplan_kept_{book}'");
        if connection.number(&exists)? == 0 || saved.number(&kept)? == 0 {
            continue;
        }
        connection.run(&format!("DELETE FROM main.{book} WHERE {key} = {table}"))?;
        let columns = stored_columns(connection, book)?
            .iter()
            .map(|column| quote(column))
            .collect::<Vec<_>>()
            .join(", ");
        saved.each(
            &format!("SELECT row, {columns} FROM main.ttplan_kept_{book} WHERE {key} = {table} ORDER BY row"),
            |Row(values)| {
                let places = (2..=values.len()).map(|place| format!("?{place}")).collect::<Vec<_>>().join(", ");
                let row =
                    format!("CASE WHEN EXISTS (SELECT 1 FROM main.{book} WHERE rowid = ?1) THEN NULL ELSE ?1 END");
                connection
                    .run_with(&format!("INSERT INTO main.{book} (rowid, {columns}) SELECT {row}, {places}"), &values)
            },
        )?;
    }
    Ok(())
}

/// Gives the entries their old rows in the schema table where that is possible.
///
/// Nothing in the database refers to these rows; they decide in which order objects are shown, and
/// read: an index or a trigger has to come after what it belongs to. So what belongs together
/// moves together or stays where it was made, at the end.
fn put_in_place(connection: &mut Connection, entries: &[SchemaRow]) -> Result<()> {
    let live: Vec<SchemaRow> = objects::all(connection, LIVE)?;
    let mut moving: BTreeMap<String, Vec<&SchemaRow>> = BTreeMap::new();
    for entry in entries {
        moving.entry(folded(&entry.table)).or_default().push(entry);
    }
    loop {
        let stays = |there: &&SchemaRow| !moving.values().flatten().any(|entry| entry.is(there));
        let staying: Vec<&SchemaRow> = live.iter().filter(stays).collect();
        let fits = |entry: &SchemaRow| {
            let is_taken = |there: &&SchemaRow| there.row == entry.row;
            let belongs_before = |there: &&SchemaRow| there.owns(entry) && there.row > entry.row;
            !staying.iter().any(|there| is_taken(there) || belongs_before(there))
        };
        let fitting: Vec<String> = moving
            .iter()
            .filter(|(_, group)| group.iter().all(|entry| fits(entry)))
            .map(|(owner, _)| owner.clone())
            .collect();
        if fitting.len() == moving.len() {
            break;
        }
        moving.retain(|owner, _| fitting.contains(owner));
    }
    connection.run("PRAGMA writable_schema = ON")?;
    for entry in moving.values().flatten() {
        // Through a negative number first, so that no two of them meet on the way.
        let (row, kind, name) = (entry.row, literal(&entry.kind), literal(&entry.name));
        connection.run(&format!(
            "UPDATE main.sqlite_schema SET rowid = -({row}) WHERE type = {kind} AND name = {name}"
        ))?;
    }
    connection.run("UPDATE main.sqlite_schema SET rowid = -rowid WHERE rowid < 0")?;
    // The schema is read anew: were it not in order, the next statement would fail, and the
    // transaction with it.
    connection.run("PRAGMA writable_schema = RESET").map(|_| ())
}

/// Compares what is there now with what was saved: every text, every row.
fn verify(
    connection: &mut Connection,
    saved: &mut Connection,
    entries: &[SchemaRow],
) -> Result<()> {
    let differs = |name: &str| {
        Error::new(Kind::Verification, format!("`{name}` is not what it was when it was saved"))
    };
    let live = objects::all(connection, LIVE)?;
    for entry in entries {
        let same = |there: &&SchemaRow| there.is(entry) && there.sql == entry.sql;
        live.iter().find(same).ok_or_else(|| differs(&entry.name))?;
    }
    for table in objects::tables(entries) {
        let now = content::of(connection, table)?;
        let sql = format!(
            "SELECT rows, digest FROM main.ttplan_kept_tables WHERE name = {}",
            literal(table)
        );
        let then = saved.rows(&sql)?;
        let same = |row: &Row| row.text(0) == now.rows.to_string() && row.text(1) == now.digest;
        if !then.first().is_some_and(same) {
            return Err(differs(table));
        }
    }
    Ok(())
}
