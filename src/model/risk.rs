//! How much harm a step could do, recomputed from its moves alone.
//!
//! Nobody has to believe a plan about itself: `show`, `sign`, `verify` and `apply` all
//! call this and refuse a plan that says otherwise. What cannot be read is destructive.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    AlterTableOperation, Expr, ObjectName, ObjectType, Statement, TableConstraint, Visit, Visitor,
    visit_expressions,
};
use sqlparser::dialect::{Dialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;

use crate::model::names::{ObjectKind, ObjectRef};
use crate::model::plan::step::{Basis, Move, Risk, Step};

/// The risk of a whole step: that of its worst move.
pub fn of_step(step: &Step) -> Risk {
    step.moves.iter().map(of_move).max().unwrap_or(Risk::Safe)
}

/// The risk of one move. `docs/actions/` and `docs/formats/plan.md` show the same table.
pub fn of_move(mv: &Move) -> Risk {
    match mv {
        Move::SaveObjects(_)
        | Move::BackupDatabase(_)
        | Move::MakeDirectory(_)
        | Move::CopyFiles(_)
        | Move::SaveFiles(_) => Risk::Safe,
        Move::SetRevisions(set) => match set.basis {
            Basis::Exact => Risk::Safe,
            Basis::Assumed => Risk::Destructive,
        },
        Move::Quarantine(_) | Move::Unquarantine(_) | Move::Run(_) | Move::WriteRows(_) => {
            Risk::Caution
        }
        Move::CreateObject(create) => of_sql(&create.sql, &create.object),
        Move::AlterObject(alter) => of_sql(&alter.sql, &alter.object),
        Move::DropObject(_)
        | Move::RestoreObjects(_)
        | Move::RestoreDatabase(_)
        | Move::RemoveDirectory(_)
        | Move::RemoveFiles(_)
        | Move::ReleaseFiles(_)
        | Move::ReplaceFiles(_)
        | Move::RestoreFiles(_)
        | Move::DiscardKept(_)
        | Move::RestoreRows(_) => Risk::Destructive,
    }
}

/// Functions that a default may call without doing anything to what is there.
const HARMLESS: &[&str] =
    &["now", "nextval", "gen_random_uuid", "uuid_generate_v4", "lower", "upper", "coalesce"];

/// The one statement that `sql` is made of; `None` where it cannot be read or there are more.
fn single_statement(sql: &str) -> Option<Statement> {
    let dialects: [&dyn Dialect; 2] = [&PostgreSqlDialect {}, &SQLiteDialect {}];
    let mut statements =
        dialects.iter().find_map(|dialect| Parser::parse_sql(*dialect, sql).ok())?;
    if statements.len() == 1 { statements.pop() } else { None }
}

/// The names of the columns and constraints that `sql` adds to a table.
pub fn added(sql: &str) -> BTreeSet<String> {
    let Some(Statement::AlterTable(alter)) = single_statement(sql) else { return BTreeSet::new() };
    let name = |operation: AlterTableOperation| match operation {
        AlterTableOperation::AddColumn { column_def, .. } => Some(column_def.name.value),
        AlterTableOperation::AddConstraint { constraint, .. } => constraint_name(&constraint),
        _ => None,
    };
    alter.operations.into_iter().filter_map(name).collect()
}

/// As SQL says it: `CONSTRAINT name ...`.
fn constraint_name(constraint: &TableConstraint) -> Option<String> {
    match constraint {
        TableConstraint::Unique(one) => one.name.as_ref(),
        TableConstraint::PrimaryKey(one) => one.name.as_ref(),
        TableConstraint::ForeignKey(one) => one.name.as_ref(),
        TableConstraint::Check(one) => one.name.as_ref(),
        _ => None,
    }
    .map(|name| name.value.clone())
}

/// Whether `sql` creates or changes `object` and nothing else. It may also take columns and
/// constraints away from it that were `added`: that is how they are undone.
pub fn stays_within(sql: &str, object: &ObjectRef, added: &BTreeSet<String>) -> bool {
    use sqlparser::ast::DropBehavior::Cascade;
    if of_sql(sql, object) != Risk::Destructive {
        return true;
    }
    let takes_away = |operation: &AlterTableOperation| match operation {
        AlterTableOperation::DropColumn { drop_behavior, column_names, .. } => {
            *drop_behavior != Some(Cascade)
                && column_names.iter().all(|name| added.contains(&name.value))
        }
        AlterTableOperation::DropConstraint { drop_behavior, name, .. } => {
            *drop_behavior != Some(Cascade) && added.contains(&name.value)
        }
        other => adds_or_widens(other),
    };
    match single_statement(sql) {
        // What a view calls is not run when the view is made.
        Some(Statement::CreateView(create)) => {
            object.kind == ObjectKind::View
                && !create.materialized
                && !create.or_replace
                && names(&create.name, object)
        }
        Some(statement @ Statement::AlterTable(_)) if calls_something_unknown(&statement) => false,
        Some(Statement::AlterTable(alter)) => {
            names(&alter.name, &owning_table(object)) && alter.operations.iter().all(takes_away)
        }
        _ => false,
    }
}

/// The table that `object` belongs to, or that it is.
fn owning_table(object: &ObjectRef) -> ObjectRef {
    ObjectRef::table(&object.schema, object.table.as_ref().unwrap_or(&object.name))
}

/// The risk of SQL that claims to create or change `object` and nothing else.
fn of_sql(sql: &str, object: &ObjectRef) -> Risk {
    let Some(statement) = single_statement(sql) else { return Risk::Destructive };
    if calls_something_unknown(&statement) {
        return Risk::Destructive;
    }
    let harmless = match &statement {
        Statement::CreateTable(create) => {
            create.query.is_none()
                && create.clone.is_none()
                && !create.or_replace
                && names(&create.name, object)
        }
        Statement::CreateView(create) => !create.or_replace && names(&create.name, object),
        Statement::CreateIndex(create) => {
            object.kind == ObjectKind::Index
                && create.name.as_ref().is_some_and(|name| names(name, object))
        }
        Statement::CreateSchema { .. } => object.kind == ObjectKind::Schema,
        Statement::AlterTable(alter) => {
            names(&alter.name, &owning_table(object)) && alter.operations.iter().all(adds_or_widens)
        }
        _ => false,
    };
    if harmless { Risk::Caution } else { Risk::Destructive }
}

fn adds_or_widens(operation: &AlterTableOperation) -> bool {
    use sqlparser::ast::AlterColumnOperation as Column;
    match operation {
        AlterTableOperation::AddColumn { .. } | AlterTableOperation::AddConstraint { .. } => true,
        AlterTableOperation::AlterColumn { op, .. } => {
            matches!(
                op,
                Column::SetDataType { using: None, .. }
                    | Column::SetDefault { .. }
                    | Column::DropNotNull
            )
        }
        _ => false,
    }
}

/// Whether a name in SQL is that of `object`. An unqualified name is taken for the object's schema.
fn names(name: &ObjectName, object: &ObjectRef) -> bool {
    let mut parts: Vec<&str> = Vec::new();
    for part in &name.0 {
        let Some(ident) = part.as_ident() else { return false };
        parts.push(&ident.value);
    }
    match parts.as_slice() {
        [only] => *only == object.name,
        [schema, only] => *schema == object.schema && *only == object.name,
        _ => false,
    }
}

fn calls_something_unknown(statement: &Statement) -> bool {
    let flow = visit_expressions(statement, |expr: &Expr| match expr {
        Expr::Function(call) => {
            let name = call.name.to_string().to_ascii_lowercase();
            let name = name.strip_prefix("pg_catalog.").unwrap_or(&name);
            if HARMLESS.contains(&name) {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        }
        _ => ControlFlow::Continue(()),
    });
    flow.is_break()
}

/// The tables and views that a definition reads, as `(schema or none, name)`; `None` where the
/// text cannot be read, and then it may depend on anything.
pub fn relations_in(sql: &str) -> Option<Vec<(Option<String>, String)>> {
    struct Collect(Vec<(Option<String>, String)>);
    impl Visitor for Collect {
        type Break = ();
        fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
            let parts: Vec<String> = name
                .0
                .iter()
                .filter_map(|part| part.as_ident())
                .map(|ident| ident.value.clone())
                .collect();
            match parts.as_slice() {
                [.., schema, name] => self.0.push((Some(schema.clone()), name.clone())),
                [name] => self.0.push((None, name.clone())),
                [] => {}
            }
            ControlFlow::Continue(())
        }
    }
    let statements = Parser::parse_sql(&SQLiteDialect {}, sql).ok()?;
    let mut collect = Collect(Vec::new());
    let _ = statements.visit(&mut collect);
    Some(collect.0)
}

/// Whether `sql` is one statement that drops exactly one object, without its dependents.
pub fn is_single_plain_drop(sql: &str) -> bool {
    let Ok(statements) = Parser::parse_sql(&PostgreSqlDialect {}, sql) else { return false };
    matches!(
        statements.as_slice(),
        [Statement::Drop { names, cascade: false, purge: false, object_type, .. }]
            if names.len() == 1 && !matches!(object_type, ObjectType::Schema | ObjectType::Database | ObjectType::Role)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::step::{AlterObject, CreateObject};

    fn alter(table: &str, sql: &str) -> Risk {
        of_move(&Move::AlterObject(AlterObject {
            object: ObjectRef::table("public", table),
            sql: sql.into(),
        }))
    }

    fn create(table: &str, sql: &str) -> Risk {
        of_move(&Move::CreateObject(CreateObject {
            object: ObjectRef::table("public", table),
            sql: sql.into(),
        }))
    }

    #[test]
    fn widening_and_adding_are_for_care_all_else_is_destructive() {
        assert_eq!(
            alter("v", "ALTER TABLE \"public\".\"v\" ALTER COLUMN \"n\" TYPE varchar(255)"),
            Risk::Caution
        );
        assert_eq!(alter("v", "ALTER TABLE v ADD COLUMN a integer"), Risk::Caution);
        assert_eq!(alter("v", "ALTER TABLE v DROP COLUMN a"), Risk::Destructive);
        assert_eq!(alter("v", "ALTER TABLE v RENAME TO w"), Risk::Destructive);
    }

    #[test]
    fn sql_that_says_one_thing_and_does_another_is_destructive() {
        assert_eq!(alter("v", "ALTER TABLE users ADD COLUMN a integer"), Risk::Destructive);
        assert_eq!(alter("v", "ALTER TABLE other.v ADD COLUMN a integer"), Risk::Destructive);
        assert_eq!(
            alter("v", "ALTER TABLE v ADD COLUMN a integer; DROP TABLE users"),
            Risk::Destructive
        );
        assert_eq!(create("v", "DROP TABLE users"), Risk::Destructive);
        assert_eq!(
            create("v", "CREATE TABLE v AS SELECT pg_terminate_backend(1)"),
            Risk::Destructive
        );
        assert_eq!(create("v", "CREATE TABLE v (a int DEFAULT wipe())"), Risk::Destructive);
        assert_eq!(create("v", "this is not sql"), Risk::Destructive);
        assert_eq!(create("v", ""), Risk::Destructive);
        assert_eq!(
            create("v", "CREATE TABLE v (a int DEFAULT 1, b timestamp DEFAULT now())"),
            Risk::Caution
        );
    }

    #[test]
    fn what_takes_something_back_stays_within_its_object() {
        let table = ObjectRef::table("public", "v");
        let view = ObjectRef::free(ObjectKind::View, "public", "w");
        let ours = added("ALTER TABLE v ADD COLUMN a int, ADD CONSTRAINT c UNIQUE (a)");
        let within = |sql, object| stays_within(sql, object, &ours);
        for sql in [
            "ALTER TABLE v DROP COLUMN a",
            "ALTER TABLE public.v DROP CONSTRAINT c",
            "ALTER TABLE v ADD COLUMN a int",
        ] {
            assert!(within(sql, &table), "{sql}");
        }
        assert!(within("CREATE VIEW public.w AS SELECT tidy(a) FROM v", &view));
        for sql in [
            "ALTER TABLE users DROP COLUMN a",
            "ALTER TABLE v DROP COLUMN b",
            "ALTER TABLE v DROP COLUMN a, DROP COLUMN b",
            "ALTER TABLE v DROP CONSTRAINT d",
            "ALTER TABLE v DROP COLUMN a CASCADE",
            "ALTER TABLE v RENAME TO users",
            "ALTER TABLE v ADD COLUMN a int DEFAULT wipe()",
            "ALTER TABLE v DROP COLUMN a; DROP TABLE users",
            "DROP TABLE v",
            "CREATE VIEW w AS SELECT 1",
            "DELETE FROM v",
            "not sql",
        ] {
            assert!(!within(sql, &table), "{sql}");
        }
        assert!(!within("CREATE OR REPLACE VIEW w AS SELECT f(1)", &view));
        assert!(!within("CREATE MATERIALIZED VIEW w AS SELECT f(1)", &view));
    }

    #[test]
    fn relations_are_found_in_views_and_not_in_what_cannot_be_read() {
        let found = relations_in("CREATE VIEW v AS SELECT * FROM a JOIN \"b c\" ON 1=1")
            .unwrap_or_default();
        assert!(
            found.contains(&(None, "a".into())) && found.contains(&(None, "b c".into())),
            "{found:?}"
        );
        assert_eq!(relations_in("CREATE GARBAGE"), None);
    }

    #[test]
    fn a_drop_that_cascades_or_drops_two_is_not_plain() {
        assert!(is_single_plain_drop("DROP TABLE \"public\".\"My Table; drop\""));
        assert!(!is_single_plain_drop("DROP TABLE a CASCADE"));
        assert!(!is_single_plain_drop("DROP TABLE a, b"));
        assert!(!is_single_plain_drop("DROP TABLE a; DROP TABLE b"));
    }
}
