//! Saves objects into a file of their own, so that bringing them back cannot fail: they are made
//! there by the very statements that will make them again, and compared row by row.
//!
//! The rows are read by a second connection, which sees the state that was committed last. The
//! transaction holds the write lock, so nothing but the transaction itself can differ from that
//! state; an object that it changed already is found out by the comparison and refused.

use std::path::Path;

use crate::engines::database::SavedCopy;
use crate::engines::sqlite::catalogue::stored_columns;
use crate::engines::sqlite::connection::{Connection, SqlValue, literal};
use crate::engines::sqlite::content;
use crate::engines::sqlite::kept::KeptFile;
use crate::engines::sqlite::objects::{
    self, APPLICATION_ID, BOOKS, FORMAT, LIVE, ORIGIN, SchemaRow,
};
use crate::engines::sqlite::place::DatabasePath;
use crate::error::{Error, Kind, Result};
use crate::model::database::names::{qualified, quote};
use crate::model::names::ObjectRef;

/// Saves `objects` as they are. `connection` holds the transaction.
pub(super) fn save(
    connection: &mut Connection,
    place: &DatabasePath,
    objects: &[ObjectRef],
    to: &Path,
) -> Result<SavedCopy> {
    let entries = objects::entries(connection, LIVE, objects)?;
    let encoding =
        connection.rows("PRAGMA encoding")?.first().map(|row| row.text(0)).unwrap_or_default();
    let file = KeptFile::create(to)?;
    let mut copy = file.open()?;
    copy.run(&format!("PRAGMA encoding = {}", literal(&encoding)))?;
    copy.run(&format!("ATTACH {} AS origin", literal(&read_only_uri(place))))?;
    copy.run(&format!(
        "PRAGMA main.application_id = {APPLICATION_ID}; PRAGMA main.user_version = {FORMAT}"
    ))?;
    copy.run("BEGIN")?;
    if objects::entries(&mut copy, ORIGIN, objects).ok().as_ref() != Some(&entries) {
        return Err(changed_already(place));
    }
    write_schema(&mut copy, &entries)?;
    for table in objects::tables(&entries) {
        copy_rows(&mut copy, table)?;
    }
    write_books(&mut copy, &entries)?;
    make(&mut copy, &entries, &["index", "view"])?;
    make(&mut copy, &entries, &["trigger"])?;
    copy.run("COMMIT")?;
    compare(connection, &mut copy, place, &entries)?;
    drop(copy);
    let kept = file.finish()?;
    file.leave();
    Ok(kept)
}

/// Makes the tables, and notes where every object stood.
fn write_schema(copy: &mut Connection, entries: &[SchemaRow]) -> Result<()> {
    make(copy, entries, &["table"])?;
    copy.run(
        "CREATE TABLE main.ttplan_kept_schema (row INTEGER PRIMARY KEY, type TEXT, name TEXT, tbl_name TEXT, sql TEXT); \
         CREATE TABLE main.ttplan_kept_tables (name TEXT PRIMARY KEY, rows INTEGER, digest TEXT)",
    )?;
    let rows: Vec<String> = entries.iter().map(|entry| entry.row.to_string()).collect();
    let rows = rows.join(", ");
    copy.run(&format!(
        "INSERT INTO main.ttplan_kept_schema SELECT * FROM {ORIGIN} WHERE row IN ({rows})"
    ))
    .map(|_| ())
}

/// Runs the statements of the entries of these kinds. What belongs to a table or view that is not
/// saved itself is only noted: here it has nothing to belong to.
fn make(copy: &mut Connection, entries: &[SchemaRow], kinds: &[&str]) -> Result<()> {
    let owners: Vec<&str> = entries
        .iter()
        .filter(|entry| matches!(&*entry.kind, "table" | "view"))
        .map(|entry| &*entry.name)
        .collect();
    for entry in entries.iter().filter(|entry| kinds.contains(&&*entry.kind)) {
        let has_owner = owners.iter().any(|owner| owner.eq_ignore_ascii_case(&entry.table));
        if let (Some(sql), true) = (&entry.sql, has_owner) {
            copy.run(sql)?;
        }
    }
    Ok(())
}

/// All rows of a table, with their rowids where they have them, and without what is computed.
fn copy_rows(copy: &mut Connection, table: &str) -> Result<()> {
    let columns = stored_columns(copy, table)?;
    let mut names: Vec<String> = columns.iter().map(|column| quote(column)).collect();
    names.extend(objects::rowid(copy, table, &columns)?.map(str::to_owned));
    let values: Vec<String> = names.iter().map(|name| format!("o.{name}")).collect();
    let (into, from) = (qualified("main", table), qualified("origin", table));
    let (names, values) = (names.join(", "), values.join(", "));
    copy.run(&format!("INSERT INTO {into} ({names}) SELECT {values} FROM {from} AS o NOT INDEXED"))
        .map(|_| ())
}

fn write_books(copy: &mut Connection, entries: &[SchemaRow]) -> Result<()> {
    let tables: Vec<String> = objects::tables(entries).into_iter().map(literal).collect();
    let tables = tables.join(", ");
    for (book, key) in BOOKS {
        if copy
            .number(&format!("SELECT count(*) FROM origin.sqlite_schema WHERE name = '{book}'"))?
            > 0
        {
            copy.run(&format!(
                "CREATE TABLE main.ttplan_kept_{book} AS \
                 SELECT rowid AS row, * FROM origin.{book} WHERE {key} IN ({tables}) ORDER BY rowid"
            ))?;
        }
    }
    Ok(())
}

/// Compares every table with what the transaction sees, and notes its fingerprint.
fn compare(
    connection: &mut Connection,
    copy: &mut Connection,
    place: &DatabasePath,
    entries: &[SchemaRow],
) -> Result<()> {
    for table in objects::tables(entries) {
        let original = content::of(connection, table)?;
        let saved = content::of(copy, table)?;
        if original != saved {
            return Err(changed_already(place).because(format!("the rows of `{table}` differ")));
        }
        let rows = i64::try_from(saved.rows).unwrap_or(i64::MAX);
        let values = [
            SqlValue::Text(table.into()),
            SqlValue::Integer(rows),
            SqlValue::Text(saved.digest.into()),
        ];
        copy.run_with("INSERT INTO main.ttplan_kept_tables VALUES (?, ?, ?)", &values)?;
    }
    Ok(())
}

fn changed_already(place: &DatabasePath) -> Error {
    let message = format!("objects of `{}` cannot be saved faithfully", place.name());
    Error::new(Kind::Failed, message)
        .because("the transaction has changed them already, or SQLite would not store their rows as they are")
}

/// The file as a URI that cannot be written to: <https://www.sqlite.org/uri.html>.
fn read_only_uri(place: &DatabasePath) -> String {
    let mut uri = "file:".to_owned();
    for byte in place.name().bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                uri.push(char::from(byte));
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri + "?mode=ro"
}
