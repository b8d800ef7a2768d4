//! Answers questions about rows, as text.
//!
//! Names stand qualified in every statement: SQLite takes a quoted name that no column has for
//! a text otherwise, and would answer a question about a missing column with that text.

use crate::engines::database::{RowQuery, Rows};
use crate::engines::sqlite::connection::Connection;
use crate::error::Result;
use crate::model::database::names::{qualified, quote};
use crate::model::names::ObjectRef;

/// The answers to all questions, in their order.
pub(super) fn answer(connection: &mut Connection, questions: &[RowQuery]) -> Result<Vec<Rows>> {
    questions.iter().map(|question| one(connection, question)).collect()
}

fn one(connection: &mut Connection, question: &RowQuery) -> Result<Rows> {
    match question {
        RowQuery::Count(table) => {
            let rows = connection.number(&format!("SELECT count(*) FROM {} AS t", name(table)))?;
            Ok(vec![vec![rows.to_string()]])
        }
        RowQuery::Column { table, column } => {
            let rows = texts(connection, table, &[column])?;
            let mut rows: Rows =
                rows.into_iter().map(|row| row.into_iter().flatten().collect()).collect();
            rows.retain(|row: &Vec<String>| !row.is_empty());
            rows.sort();
            Ok(rows)
        }
        RowQuery::Keyed { table, key, column, containing } => {
            let columns: Vec<&String> = key.iter().chain([column]).collect();
            let mut rows: Rows =
                texts(connection, table, &columns)?.into_iter().filter_map(keyed).collect();
            rows.retain(|row| row.last().is_some_and(|value| value.contains(containing.as_str())));
            rows.sort();
            Ok(rows)
        }
    }
}

/// The key's texts joined, and the value; nothing where the value is null or empty.
fn keyed(mut row: Vec<Option<String>>) -> Option<Vec<String>> {
    let value = row.pop().flatten().filter(|value| !value.is_empty())?;
    let key: Vec<String> = row.into_iter().map(Option::unwrap_or_default).collect();
    Some(vec![key.join(","), value])
}

/// These columns of every row as SQLite's own text, blobs as hexadecimal digits.
fn texts(
    connection: &mut Connection,
    table: &ObjectRef,
    columns: &[&String],
) -> Result<Vec<Vec<Option<String>>>> {
    let columns: Vec<String> = columns
        .iter()
        .map(|column| format!("t.{}", quote(column)))
        .map(|column| {
            format!("CASE typeof({column}) WHEN 'blob' THEN lower(hex({column})) ELSE CAST({column} AS TEXT) END")
        })
        .collect();
    let mut rows = Vec::new();
    connection.each(
        &format!("SELECT {} FROM {} AS t", columns.join(", "), name(table)),
        |row| {
            rows.push((0..columns.len()).map(|index| row.optional(index)).collect());
            Ok(())
        },
    )?;
    Ok(rows)
}

fn name(table: &ObjectRef) -> String {
    qualified(&table.schema, &table.name)
}
