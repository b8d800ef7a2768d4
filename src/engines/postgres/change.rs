//! Transactions, single statements, the recorded revisions, and quarantine.

use super::dialect::routine;
use crate::engines::postgres::snapshot::{PostgresSnapshot, TransactionState};
use crate::engines::postgres::sql::{WITHIN, literal};
use crate::error::{Error, Kind, Result};
use crate::model::database::schema::QUARANTINE_SCHEMA;
use crate::model::dialect::{qualified, quote};
use crate::model::names::{ObjectKind, ObjectRef};
use crate::model::plan::step::SetRevisions;

/// Words that begin, end or divide a transaction, which is not a statement's business.
const TRANSACTION_WORDS: &[&str] =
    &["begin", "start", "commit", "end", "rollback", "abort", "prepare", "savepoint", "release"];

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

    pub(super) fn execute_one(&mut self, sql: &str) -> Result<u64> {
        self.within_transaction()?;
        let word: String =
            without_comments(sql).chars().take_while(char::is_ascii_alphabetic).collect();
        if TRANSACTION_WORDS.contains(&word.to_ascii_lowercase().as_str()) {
            return Err(Error::new(
                Kind::Refused,
                format!("`{word}` is no statement that a step may run"),
            ));
        }
        self.main.execute(sql)
    }

    pub(super) fn replace_revisions(&mut self, set: &SetRevisions) -> Result<()> {
        self.within_transaction()?;
        let (table, column) = (qualified(&set.table.schema, &set.table.name), quote(&set.column));
        let sets = self
            .main
            .batch(format!(
                "LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE; SELECT {column}::text FROM {table}"
            ))
            .map_err(
                |error| if error.is_transient() { error } else { error.of_kind(Kind::Stale) },
            )?;
        let mut found: Vec<String> = sets.into_iter().flatten().flatten().flatten().collect();
        let mut expected = set.from.clone();
        found.sort();
        expected.sort();
        if found != expected {
            return Err(Error::new(
                Kind::Stale,
                format!("{} does not record what the plan expects", set.table),
            )
            .code("revisions_differ")
            .because(format!(
                "expected {}, found {}",
                listed(&expected),
                listed(&found)
            )));
        }
        let rows: Vec<String> = set.to.iter().map(|id| format!("({})", literal(id))).collect();
        let insert = if rows.is_empty() {
            String::new()
        } else {
            format!("; INSERT INTO {table} ({column}) VALUES {}", rows.join(", "))
        };
        self.main.batch(format!("DELETE FROM {table}{insert}")).map(drop)
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

/// A statement from its first word on. Comments nest.
fn without_comments(sql: &str) -> &str {
    let mut rest = sql.trim_start();
    loop {
        rest = if let Some(line) = rest.strip_prefix("--") {
            line.split_once('\n').map_or("", |(_, after)| after)
        } else if rest.starts_with("/*") {
            let mut depth = 0_usize;
            loop {
                if let Some(after) = rest.strip_prefix("/*") {
                    (depth, rest) = (depth.saturating_add(1), after);
                } else if let Some(after) = rest.strip_prefix("*/") {
                    (depth, rest) = (depth.saturating_sub(1), after);
                } else {
                    let mut letters = rest.chars();
                    letters.next();
                    rest = letters.as_str();
                }
                if depth == 0 || rest.is_empty() {
                    break rest;
                }
            }
        } else {
            return rest;
        }
        .trim_start();
    }
}

fn collision(error: Error, object: &ObjectRef) -> Error {
    if error.is_transient() {
        error
    } else {
        error.under(format!("{object} cannot be moved into or out of quarantine"))
    }
}

fn listed(ids: &[String]) -> String {
    if ids.is_empty() {
        return "nothing".to_owned();
    }
    let quoted: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_begins_behind_its_comments() {
        assert_eq!(without_comments(" -- x\n/* a /* b */ é */ COMMIT"), "COMMIT");
        assert_eq!(without_comments("/* never closed"), "");
        assert_eq!(without_comments("-- alone"), "");
        assert_eq!(without_comments("DROP /* x */"), "DROP /* x */");
    }

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
