//! How SQLite spells what plans do.

use crate::model::dialect::{Dialect, qualified, quote};
use crate::model::names::{ObjectKind, ObjectRef};

pub(super) struct SqliteDialect;

impl Dialect for SqliteDialect {
    fn name(&self) -> &'static str {
        super::NAME
    }

    fn is_one_file(&self) -> bool {
        true
    }

    /// Constraints are part of their table's text and cannot be dropped by themselves.
    fn drop_object(&self, object: &ObjectRef) -> Option<String> {
        let kind = match object.kind {
            ObjectKind::Table => "TABLE",
            ObjectKind::View => "VIEW",
            ObjectKind::Index => "INDEX",
            ObjectKind::Trigger => "TRIGGER",
            _ => return None,
        };
        Some(format!("DROP {kind} {}", qualified(&object.schema, &object.name)))
    }

    fn is_of_the_system(&self, object: &ObjectRef) -> bool {
        object.name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"))
    }

    /// As the framework makes it.
    fn create_book(&self, table: &ObjectRef, column: &str, width: u32) -> String {
        let (key, column) = (quote(&format!("{}_pkc", table.name)), quote(column));
        let table = qualified(&table.schema, &table.name);
        format!(
            "CREATE TABLE {table} ({column} VARCHAR({width}) NOT NULL, CONSTRAINT {key} PRIMARY KEY ({column}))"
        )
    }

    /// SQLite takes texts of any length, whatever a column says.
    fn widen_column(&self, _: &ObjectRef, _: &str, _: u32) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::step::{CreateObject, Move, Risk};
    use crate::model::risk;

    #[test]
    fn a_drop_names_one_object_and_nothing_else() {
        let table = ObjectRef::table("main", "My Table; drop");
        assert_eq!(
            SqliteDialect.drop_object(&table).as_deref(),
            Some("DROP TABLE \"main\".\"My Table; drop\"")
        );
        let trigger = ObjectRef::of_table(ObjectKind::Trigger, "main", "t", "a\"b");
        assert_eq!(
            SqliteDialect.drop_object(&trigger).as_deref(),
            Some("DROP TRIGGER \"main\".\"a\"\"b\"")
        );
        let constraint = ObjectRef::of_table(ObjectKind::Constraint, "main", "t", "fk");
        assert_eq!(SqliteDialect.drop_object(&constraint), None);
        assert!(
            SqliteDialect.drop_object(&table).is_some_and(|sql| risk::is_single_plain_drop(&sql))
        );
    }

    #[test]
    fn a_new_book_is_not_taken_for_harm() {
        let table = ObjectRef::table("main", "versions");
        let sql = SqliteDialect.create_book(&table, "version_num", 32);
        assert_eq!(
            sql,
            "CREATE TABLE \"main\".\"versions\" (\"version_num\" VARCHAR(32) NOT NULL, \
             CONSTRAINT \"versions_pkc\" PRIMARY KEY (\"version_num\"))"
        );
        assert_eq!(
            risk::of_move(&Move::CreateObject(CreateObject { object: table, sql })),
            Risk::Caution
        );
    }
}
