//! How PostgreSQL spells it. Pure text.

use crate::model::dialect::{Dialect, qualified, quote};
use crate::model::names::{ObjectKind, ObjectRef};

/// The spelling of PostgreSQL.
pub struct PostgresDialect;

impl Dialect for PostgresDialect {
    fn name(&self) -> &'static str {
        super::NAME
    }

    fn is_one_file(&self) -> bool {
        false
    }

    fn drop_object(&self, object: &ObjectRef) -> Option<String> {
        let ObjectRef { schema, name, .. } = object;
        let whole = || object.table.is_none().then(|| qualified(schema, name));
        let table = || Some(qualified(schema, object.table.as_deref()?));
        Some(match object.kind {
            ObjectKind::Table => format!("DROP TABLE {}", whole()?),
            ObjectKind::View => format!("DROP VIEW {}", whole()?),
            ObjectKind::MaterializedView => format!("DROP MATERIALIZED VIEW {}", whole()?),
            ObjectKind::Sequence => format!("DROP SEQUENCE {}", whole()?),
            ObjectKind::Type => format!("DROP TYPE {}", whole()?),
            ObjectKind::Schema => format!("DROP SCHEMA {}", quote(name)),
            ObjectKind::Function => format!("DROP ROUTINE {}", routine(schema, name)?),
            // An index of a table lives in the schema of the table.
            ObjectKind::Index => format!("DROP INDEX {}", qualified(schema, name)),
            ObjectKind::Constraint => {
                format!("ALTER TABLE {} DROP CONSTRAINT {}", table()?, quote(name))
            }
            ObjectKind::Trigger => format!("DROP TRIGGER {} ON {}", quote(name), table()?),
            ObjectKind::Policy => format!("DROP POLICY {} ON {}", quote(name), table()?),
            ObjectKind::Other => return None,
        })
    }

    fn is_of_the_system(&self, object: &ObjectRef) -> bool {
        object.schema.starts_with("pg_") || object.schema == "information_schema"
    }

    fn create_book(&self, table: &ObjectRef, column: &str, width: u32) -> String {
        // The same names that the framework gives, so that later migrations find what they expect.
        let (column, key) = (quote(column), quote(&format!("{}_pkc", table.name)));
        format!(
            "CREATE TABLE {} ({column} VARCHAR({width}) NOT NULL, CONSTRAINT {key} PRIMARY KEY ({column}))",
            qualified(&table.schema, &table.name)
        )
    }

    fn widen_column(&self, table: &ObjectRef, column: &str, width: u32) -> Option<String> {
        let table = qualified(&table.schema, &table.name);
        Some(format!("ALTER TABLE {table} ALTER COLUMN {} TYPE VARCHAR({width})", quote(column)))
    }
}

/// `"schema"."name"(types)` of a routine that is named with the types of its arguments, as
/// observations name it; `None` for any other name, because the types alone tell overloaded ones
/// apart.
pub(super) fn routine(schema: &str, name: &str) -> Option<String> {
    let (plain, types) = name.strip_suffix(')')?.split_once('(')?;
    is_list_of_types(types).then(|| format!("{}({types})", qualified(schema, plain)))
}

/// Whether this can only be names of types, as the server itself lists them: words, quoted names,
/// dots, brackets and commas. Nothing in it can end the statement it is put into.
fn is_list_of_types(text: &str) -> bool {
    let mut quoted = false;
    for letter in text.chars() {
        match letter {
            '"' => quoted = !quoted,
            _ if quoted => {}
            ' ' | ',' | '.' | '[' | ']' | '_' | '$' => {}
            _ if letter.is_alphanumeric() => {}
            _ => return false,
        }
    }
    !quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dropped(object: &ObjectRef) -> Option<String> {
        PostgresDialect.drop_object(object)
    }

    #[test]
    fn a_drop_names_one_object_and_never_its_dependents() {
        let of = |kind, name: &str| dropped(&ObjectRef::free(kind, "public", name)).unwrap();
        assert_eq!(of(ObjectKind::Table, "test"), "DROP TABLE \"public\".\"test\"");
        assert_eq!(of(ObjectKind::View, "a\"b"), "DROP VIEW \"public\".\"a\"\"b\"");
        assert_eq!(
            of(ObjectKind::MaterializedView, "m"),
            "DROP MATERIALIZED VIEW \"public\".\"m\""
        );
        assert_eq!(of(ObjectKind::Sequence, "s"), "DROP SEQUENCE \"public\".\"s\"");
        let part = |kind, name: &str| dropped(&ObjectRef::of_table(kind, "s", "t", name)).unwrap();
        assert_eq!(
            part(ObjectKind::Constraint, "c"),
            "ALTER TABLE \"s\".\"t\" DROP CONSTRAINT \"c\""
        );
        assert_eq!(part(ObjectKind::Trigger, "x"), "DROP TRIGGER \"x\" ON \"s\".\"t\"");
        assert_eq!(part(ObjectKind::Policy, "p"), "DROP POLICY \"p\" ON \"s\".\"t\"");
        assert_eq!(part(ObjectKind::Index, "i"), "DROP INDEX \"s\".\"i\"");
    }

    #[test]
    fn what_cannot_be_named_for_certain_is_not_dropped() {
        assert_eq!(dropped(&ObjectRef::of_table(ObjectKind::Other, "s", "t", "rule r")), None);
        assert_eq!(dropped(&ObjectRef::free(ObjectKind::Constraint, "s", "c")), None);
        let function = |name: &str| dropped(&ObjectRef::free(ObjectKind::Function, "s", name));
        assert_eq!(function("f"), None);
        assert_eq!(function("f(integer); DROP TABLE users; --()"), None);
        assert_eq!(function("f(\"a)"), None);
        assert_eq!(function("f()").unwrap(), "DROP ROUTINE \"s\".\"f\"()");
        assert_eq!(
            function("f(character varying, s.\"My; Type\"[])").unwrap(),
            "DROP ROUTINE \"s\".\"f\"(character varying, s.\"My; Type\"[])"
        );
    }

    #[test]
    fn the_book_is_spelled_as_the_framework_spells_it() {
        let table = ObjectRef::table("public", "versions");
        assert_eq!(
            PostgresDialect.create_book(&table, "version_num", 32),
            "CREATE TABLE \"public\".\"versions\" (\"version_num\" VARCHAR(32) NOT NULL, \
             CONSTRAINT \"versions_pkc\" PRIMARY KEY (\"version_num\"))"
        );
        assert_eq!(
            PostgresDialect.widen_column(&table, "version_num", 255).unwrap(),
            "ALTER TABLE \"public\".\"versions\" ALTER COLUMN \"version_num\" TYPE VARCHAR(255)"
        );
    }
}
