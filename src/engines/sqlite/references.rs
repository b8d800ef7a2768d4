//! Rows that refer to rows that are not there. Our connections do not enforce foreign keys, so what
//! a transaction leaves dangling is found here before it is committed.

use std::collections::BTreeMap;

use crate::engines::sqlite::connection::{Connection, literal};
use crate::error::{Error, Kind, Result};

/// How many rows dangle, by the table they are in and the table they refer to. `None` for a table
/// whose keys cannot be checked: its parent has no unique columns for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Dangling(BTreeMap<String, Option<BTreeMap<String, i64>>>);

const TABLES: &str = "SELECT DISTINCT m.name FROM main.sqlite_schema AS m, pragma_foreign_key_list(m.name, 'main') \
    WHERE m.type = 'table' AND m.rootpage > 0";

/// Counts them in all tables.
pub(super) fn dangling(connection: &mut Connection) -> Result<Dangling> {
    let mut found = BTreeMap::new();
    for table in connection.rows(TABLES)?.iter().map(|row| row.text(0)) {
        let key = literal(&table);
        let check = format!(
            "SELECT parent, count(*) FROM pragma_foreign_key_check({key}, 'main') GROUP BY parent"
        );
        let rows = match connection.rows(&check) {
            Ok(rows) => Some(rows.iter().map(|row| (row.text(0), row.integer(1))).collect()),
            // To SQLite a key that does not fit its parent is an error of the statement.
            Err(error) if error.kind() == Kind::Failed => None,
            Err(error) => return Err(error),
        };
        found.insert(table, rows);
    }
    Ok(Dangling(found))
}

impl Dangling {
    /// Refuses to let more rows dangle than did before.
    ///
    /// Errors: `Kind::Verification`, and it names the tables.
    pub(super) fn no_worse_than(&self, before: &Dangling) -> Result<()> {
        for (table, now) in &self.0 {
            let earlier = before.0.get(table);
            let Some(now) = now else {
                match earlier {
                    Some(Some(_)) => {
                        return Err(worse(format!(
                            "the foreign keys of `{table}` would fit no table"
                        )));
                    }
                    _ => continue,
                }
            };
            for (parent, rows) in now {
                let known = earlier
                    .and_then(|earlier| earlier.as_ref()?.get(parent))
                    .copied()
                    .unwrap_or_default();
                if *rows > known {
                    let more = rows.saturating_sub(known);
                    let what = format!(
                        "{more} rows of `{table}` would refer to rows of `{parent}` that are not there"
                    );
                    return Err(worse(what));
                }
            }
        }
        Ok(())
    }
}

fn worse(what: String) -> Error {
    Error::new(Kind::Verification, what).hint("undo what was begun, then make a new plan")
}
