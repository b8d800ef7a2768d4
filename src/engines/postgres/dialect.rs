//! How PostgreSQL spells it. Pure text.

use crate::engines::dialect::{Dialect, Spelling, version_table};
use crate::model::database::column_type::ColumnType;
use crate::model::database::names::{qualified, quote};
use crate::model::names::{ObjectKind, ObjectRef};
use crate::model::plan::step::Move;

/// The spelling of PostgreSQL.
pub struct PostgresDialect;

impl Dialect for PostgresDialect {
    fn name(&self) -> &'static str {
        super::NAME
    }

    fn is_one_file(&self) -> bool {
        false
    }

    fn enforces_widths(&self) -> bool {
        true
    }

    fn is_of_the_system(&self, object: &ObjectRef) -> bool {
        object.schema.starts_with("pg_") || object.schema == "information_schema"
    }

    fn spell(&self, mv: &Move) -> Spelling {
        match mv {
            Move::DropObject(drop) => match dropped(&drop.object) {
                Some(sql) => Spelling::one(sql),
                None => Spelling::Unsupported(format!("{} cannot be dropped", drop.object)),
            },
            Move::WidenColumn(widen) => retyped(&widen.table, &widen.column, widen.to),
            Move::NarrowColumn(narrow) => retyped(&narrow.table, &narrow.column, narrow.to),
            Move::CreateVersionTable(create) => Spelling::one(version_table(create)),
            Move::SaveObjects(_)
            | Move::RestoreObjects(_)
            | Move::Quarantine(_)
            | Move::Unquarantine(_)
            | Move::WriteRows(_)
            | Move::RestoreRows(_)
            | Move::SaveRows(_)
            | Move::SetRevisions(_)
            | Move::BackupDatabase(_)
            | Move::RestoreDatabase(_)
            | Move::RestoreUploads(_)
            | Move::MakeDirectory(_)
            | Move::RemoveDirectory(_)
            | Move::CopyFiles(_)
            | Move::ReplaceFiles(_)
            | Move::RemoveFiles(_)
            | Move::SaveFiles(_)
            | Move::ReleaseFiles(_)
            | Move::RestoreFiles(_)
            | Move::Run(_)
            | Move::DiscardSaved(_) => Spelling::Elsewise,
            Move::CreateTable(_)
            | Move::CreateObject(_)
            | Move::AddColumn(_)
            | Move::DropColumn(_)
            | Move::RelaxColumn(_)
            | Move::SetNotNull(_)
            | Move::SetDefault(_)
            | Move::RebuildTable(_)
            | Move::AddConstraint(_)
            | Move::AddIndex(_)
            | Move::InsertDistinct(_)
            | Move::BackfillByJoin(_) => Spelling::reserved(mv),
        }
    }
}

/// Drops exactly this object and nothing that depends on it.
fn dropped(object: &ObjectRef) -> Option<String> {
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

fn retyped(table: &ObjectRef, column: &str, to: ColumnType) -> Spelling {
    let table = qualified(&table.schema, &table.name);
    let to = spelled(to);
    Spelling::one(format!("ALTER TABLE {table} ALTER COLUMN {} TYPE {to}", quote(column)))
}

/// A type as PostgreSQL spells it, with nothing left to a search path.
fn spelled(data_type: ColumnType) -> String {
    match data_type {
        ColumnType::Varchar(None) => "pg_catalog.varchar".to_owned(),
        ColumnType::Varchar(Some(width)) => format!("pg_catalog.varchar({width})"),
        ColumnType::Numeric(None) => "pg_catalog.numeric".to_owned(),
        ColumnType::Numeric(Some((digits, scale))) => {
            format!("pg_catalog.numeric({digits}, {scale})")
        }
        ColumnType::Boolean => "pg_catalog.bool".to_owned(),
        ColumnType::SmallInt => "pg_catalog.int2".to_owned(),
        ColumnType::Integer => "pg_catalog.int4".to_owned(),
        ColumnType::BigInt => "pg_catalog.int8".to_owned(),
        ColumnType::Real => "pg_catalog.float4".to_owned(),
        ColumnType::Double => "pg_catalog.float8".to_owned(),
        ColumnType::Text => "pg_catalog.text".to_owned(),
        ColumnType::Date => "pg_catalog.date".to_owned(),
        ColumnType::Time => "pg_catalog.time".to_owned(),
        ColumnType::Timestamp => "pg_catalog.timestamp".to_owned(),
        ColumnType::TimestampTz => "pg_catalog.timestamptz".to_owned(),
        ColumnType::Uuid => "pg_catalog.uuid".to_owned(),
        ColumnType::Json => "pg_catalog.json".to_owned(),
        ColumnType::Jsonb => "pg_catalog.jsonb".to_owned(),
        ColumnType::Bytes => "pg_catalog.bytea".to_owned(),
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
    use crate::model::database::version_table::VersionTable;
    use crate::model::plan::step::{CreateVersionTable, WidenColumn};

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
    fn the_version_table_is_spelled_as_the_framework_spells_it() {
        let table = ObjectRef::table("public", "versions");
        let versions = VersionTable::of_heads(table.clone(), "version_num");
        let create = Move::CreateVersionTable(CreateVersionTable { versions, width: 32 });
        assert_eq!(
            PostgresDialect.spell(&create).lines(),
            ["CREATE TABLE \"public\".\"versions\" (\"version_num\" VARCHAR(32) NOT NULL, \
                CONSTRAINT \"versions_pkc\" PRIMARY KEY (\"version_num\"))"]
        );
        let widen = Move::WidenColumn(WidenColumn {
            table,
            column: "version_num".into(),
            from: ColumnType::Varchar(Some(32)),
            to: ColumnType::Varchar(Some(255)),
        });
        assert_eq!(
            PostgresDialect.spell(&widen).lines(),
            ["ALTER TABLE \"public\".\"versions\" ALTER COLUMN \"version_num\" \
                TYPE pg_catalog.varchar(255)"]
        );
    }
}
