//! Transactions, single statements, the recorded revisions, and quarantine.

use super::dialect::routine;
use crate::engines::database::check_recorded;
use crate::engines::postgres::snapshot::{PostgresSnapshot, TransactionState};
use crate::engines::postgres::sql::{WITHIN, literal};
use crate::error::{Error, Kind, Result};
use crate::model::database::names::{qualified, quote};
use crate::model::database::schema::QUARANTINE_SCHEMA;
use crate::model::database::version_table::VersionRow;
use crate::model::names::{ObjectKind, ObjectRef};
use crate::model::plan::step::SetRevisions;

impl PostgresSnapshot {
    pub(super) fn begin_transaction(&mut self) -> Result<()> {
        if self.state != TransactionState::Idle {
            return Err(Error::new(Kind::Failed, "a transaction is begun inside another"));
        }
        if let Some(guard) = &mut self.guard {
            guard.is_well()?;
        }
        self.main.batch(format!("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {WITHIN}"))?;
        self.state = TransactionState::Open;
        self.apart.clear();
        Ok(())
    }

    pub(super) fn commit_transaction(&mut self) -> Result<()> {
        self.within_transaction()?;
        // A transaction that has failed would end in a roll-back that looks like a success; the
        // query before it does not let that pass.
        let ended = self.main.batch("SELECT 1; COMMIT").map(drop);
        self.state = TransactionState::Idle;
        ended.map_err(|error| {
            if error.kind() == Kind::Unreachable {
                return error.under("whether the changes were committed is not known");
            }
            // Where this fails as well the connection is gone, and the changes with it.
            let _ = self.main.batch("ROLLBACK");
            error
        })
    }

    pub(super) fn forget_transaction(&mut self) -> Result<()> {
        if self.state != TransactionState::Open {
            return Ok(());
        }
        self.state = TransactionState::Idle;
        match self.main.batch("ROLLBACK") {
            // The server forgets what a lost connection had not committed.
            Err(error) if error.kind() != Kind::Unreachable => Err(error),
            _ => Ok(()),
        }
    }

    pub(super) fn within_transaction(&self) -> Result<()> {
        if self.state == TransactionState::Open {
            return Ok(());
        }
        Err(Error::new(Kind::Failed, "something is to be changed outside of a transaction"))
    }

    pub(super) fn set_recorded(&mut self, set: &SetRevisions) -> Result<()> {
        self.within_transaction()?;
        let table = &set.versions.table;
        let name = qualified(&table.schema, &table.name);
        let columns: Vec<String> = set.versions.columns.iter().map(|name| quote(name)).collect();
        let texts: Vec<String> = columns.iter().map(|name| format!("{name}::text")).collect();
        let sets = self
            .main
            .batch(format!(
                "LOCK TABLE {name} IN SHARE ROW EXCLUSIVE MODE; SELECT {} FROM {name}",
                texts.join(", ")
            ))
            .map_err(
                |error| if error.is_transient() { error } else { error.of_kind(Kind::Stale) },
            )?;
        let cells = |row: Vec<Option<String>>| -> VersionRow {
            let values = row.into_iter().map(Option::unwrap_or_default);
            set.versions.columns.iter().cloned().zip(values).collect()
        };
        let mut found: Vec<VersionRow> = sets.into_iter().flatten().map(cells).collect();
        found.sort();
        check_recorded(set, &found)?;
        let mut statements = Vec::new();
        for row in &set.removed {
            let tests = set.versions.columns.iter().zip(&columns);
            let tests =
                tests.map(|(plain, name)| format!("{name} = {}", recorded_value(row, plain)));
            let tests = tests.collect::<Vec<_>>().join(" AND ");
            statements.push(format!("DELETE FROM {name} WHERE {tests}"));
        }
        for row in &set.added {
            let values: Vec<String> =
                set.versions.columns.iter().map(|plain| recorded_value(row, plain)).collect();
            let (columns, values) = (columns.join(", "), values.join(", "));
            statements.push(format!("INSERT INTO {name} ({columns}) VALUES ({values})"));
        }
        self.main.batch(statements.join("; ")).map(drop)
    }

    pub(super) fn put_into_quarantine(&mut self, object: &ObjectRef) -> Result<()> {
        self.within_transaction()?;
        let moved = moved(object, &object.schema, QUARANTINE_SCHEMA)?;
        let ours = self.read_value(&format!(
            "SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = {}",
            literal(QUARANTINE_SCHEMA)
        ))?;
        let schema = quote(QUARANTINE_SCHEMA);
        match ours.as_deref() {
            Some("t") => {}
            Some(_) => {
                return Err(Error::new(
                    Kind::Failed,
                    format!("schema `{QUARANTINE_SCHEMA}` belongs to another role"),
                ));
            }
            None => {
                self.main.batch(format!(
                    "CREATE SCHEMA {schema}; REVOKE ALL ON SCHEMA {schema} FROM PUBLIC"
                ))?;
            }
        }
        self.main.batch(moved).map(drop).map_err(|error| collision(error, object))
    }

    /// Relations of one schema share their names, whatever they are.
    pub(super) fn quarantine_holds(&mut self, object: &ObjectRef) -> Result<bool> {
        let found = self.read_value(&format!(
            "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = {} AND c.relname = {}",
            literal(QUARANTINE_SCHEMA),
            literal(&object.name)
        ))?;
        Ok(found.is_some())
    }

    pub(super) fn take_out_of_quarantine(&mut self, object: &ObjectRef) -> Result<()> {
        self.within_transaction()?;
        let moved = moved(object, QUARANTINE_SCHEMA, &object.schema)?;
        self.main.batch(moved).map_err(|error| collision(error, object))?;
        let left = self.read_value(&format!(
            "SELECT 1 FROM pg_depend d JOIN pg_namespace n ON n.oid = d.refobjid \
             WHERE d.refclassid = 'pg_namespace'::regclass AND n.nspname = {} LIMIT 1",
            literal(QUARANTINE_SCHEMA)
        ))?;
        if left.is_none() {
            self.main.batch(format!("DROP SCHEMA {}", quote(QUARANTINE_SCHEMA)))?;
        }
        Ok(())
    }
}

/// The statement that moves an object between schemas. What belongs to a table moves along.
fn moved(object: &ObjectRef, from: &str, to: &str) -> Result<String> {
    let word = match object.kind {
        ObjectKind::Table => "TABLE",
        ObjectKind::View => "VIEW",
        ObjectKind::MaterializedView => "MATERIALIZED VIEW",
        ObjectKind::Sequence => "SEQUENCE",
        ObjectKind::Type => "TYPE",
        ObjectKind::Function => "ROUTINE",
        _ => {
            return Err(Error::new(
                Kind::Failed,
                format!("{object} cannot be quarantined by itself"),
            ));
        }
    };
    let name = match object.kind {
        ObjectKind::Function => routine(from, &object.name).ok_or_else(|| {
            Error::new(Kind::Failed, format!("{object} is not named for certain"))
        })?,
        _ => qualified(from, &object.name),
    };
    Ok(format!("ALTER {word} {name} SET SCHEMA {}", quote(to)))
}

fn collision(error: Error, object: &ObjectRef) -> Error {
    if error.is_transient() {
        error
    } else {
        error.under(format!("{object} cannot be moved into or out of quarantine"))
    }
}

fn recorded_value(row: &VersionRow, column: &str) -> String {
    literal(row.get(column).map_or("", String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_moves_between_schemas_under_its_own_kind() {
        let view = ObjectRef::free(ObjectKind::View, "public", "a\"b");
        assert_eq!(
            moved(&view, "public", "q").unwrap(),
            "ALTER VIEW \"public\".\"a\"\"b\" SET SCHEMA \"q\""
        );
        assert!(
            moved(&ObjectRef::of_table(ObjectKind::Trigger, "public", "t", "x"), "public", "q")
                .is_err()
        );
    }
}
