//! Fingerprints of what tables hold: equal for equal rows in any order.
//!
//! A row's print covers its stored values with their storage class (`1`, `'1'`, `1.0` and a blob
//! are four values) in the order of the columns. Left out are generated columns, which follow from
//! the others, and a hidden rowid, which is no part of what `.dump` shows. A table's print is the
//! sum of its rows' prints, so rows are read once, in any order, in bounded memory, and from the
//! table itself rather than from an index that has the same values.

use sha2::{Digest, Sha256};

use crate::engines::database::TableContent;
use crate::engines::sqlite::catalogue::{stored_columns, stored_tables};
use crate::engines::sqlite::connection::{Connection, Row, SqlValue};
use crate::error::Result;
use crate::model::database::names::{qualified, quote};
use crate::model::names::ObjectRef;

/// The content of every table that has rows of its own, sorted by table.
pub(super) fn of_all(connection: &mut Connection) -> Result<Vec<TableContent>> {
    stored_tables(connection)?.iter().map(|table| of(connection, table)).collect()
}

/// The content of one table.
pub(super) fn of(connection: &mut Connection, table: &str) -> Result<TableContent> {
    let columns = stored_columns(connection, table)?;
    let columns: Vec<String> =
        columns.iter().map(|column| format!("t.{}", quote(column))).collect();
    let sql =
        format!("SELECT {} FROM {} AS t NOT INDEXED", columns.join(", "), qualified("main", table));
    let (mut rows, mut sum) = (0_u64, 0_u128);
    connection.each(&sql, |row| {
        rows = rows.saturating_add(1);
        sum = sum.wrapping_add(print_of(&row));
        Ok(())
    })?;
    Ok(TableContent { table: ObjectRef::table("main", table), rows, digest: format!("{sum:032x}") })
}

/// The first 16 bytes of the SHA-256 over a row's values, each with its class and, where it varies,
/// its length.
fn print_of(row: &Row) -> u128 {
    let mut hash = Sha256::new();
    for value in &row.0 {
        match value {
            SqlValue::Null => hash.update([0]),
            SqlValue::Integer(number) => {
                hash.update([1]);
                hash.update(number.to_be_bytes());
            }
            SqlValue::Real(number) => {
                hash.update([2]);
                hash.update(number.to_bits().to_be_bytes());
            }
            SqlValue::Text(bytes) => add_bytes(&mut hash, 3, bytes),
            SqlValue::Blob(bytes) => add_bytes(&mut hash, 4, bytes),
        }
    }
    hash.finalize().iter().take(16).fold(0, |sum, byte| sum << 8 | u128::from(*byte))
}

fn add_bytes(hash: &mut Sha256, class: u8, bytes: &[u8]) {
    hash.update([class]);
    hash.update((bytes.len() as u64).to_be_bytes());
    hash.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_storage_class_and_the_place_of_a_value_count() {
        let rows = [
            vec![SqlValue::Integer(1)],
            vec![SqlValue::Real(1.0)],
            vec![SqlValue::Text(b"1".into())],
            vec![SqlValue::Blob(b"1".into())],
            vec![SqlValue::Null],
            vec![],
            vec![SqlValue::Text(b"ab".into()), SqlValue::Text(b"c".into())],
            vec![SqlValue::Text(b"a".into()), SqlValue::Text(b"bc".into())],
        ];
        let mut prints: Vec<u128> = rows.into_iter().map(|row| print_of(&Row(row))).collect();
        prints.sort_unstable();
        prints.dedup();
        assert_eq!(prints.len(), 8);
    }
}
