//! How SQLite spells what plans do.

use crate::engines::dialect::{Dialect, Spelling, version_table};
use crate::model::database::names::qualified;
use crate::model::names::{ObjectKind, ObjectRef};
use crate::model::plan::step::Move;

pub(super) struct SqliteDialect;

impl Dialect for SqliteDialect {
    fn name(&self) -> &'static str {
        super::NAME
    }

    fn is_one_file(&self) -> bool {
        true
    }

    /// SQLite takes texts of any length, whatever a column says.
    fn enforces_widths(&self) -> bool {
        false
    }

    fn is_of_the_system(&self, object: &ObjectRef) -> bool {
        object.name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"))
    }

    fn spell(&self, mv: &Move) -> Spelling {
        match mv {
            Move::DropObject(drop) => match dropped(&drop.object) {
                Some(sql) => Spelling::one(sql),
                None => Spelling::Unsupported(format!("{} cannot be dropped", drop.object)),
            },
            Move::CreateVersionTable(create) => Spelling::one(version_table(create)),
            Move::WidenColumn(_) | Move::NarrowColumn(_) => {
                Spelling::Unsupported("SQLite takes values of any length as it is".to_owned())
            }
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

/// Constraints are part of their table's text and cannot be dropped by themselves.
pub(super) fn dropped(object: &ObjectRef) -> Option<String> {
    let kind = match object.kind {
        ObjectKind::Table => "TABLE",
        ObjectKind::View => "VIEW",
        ObjectKind::Index => "INDEX",
        ObjectKind::Trigger => "TRIGGER",
        ObjectKind::MaterializedView
        | ObjectKind::Sequence
        | ObjectKind::Constraint
        | ObjectKind::Policy
        | ObjectKind::Function
        | ObjectKind::Type
        | ObjectKind::Schema
        | ObjectKind::Other => return None,
    };
    Some(format!("DROP {kind} {}", qualified(&object.schema, &object.name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::database::version_table::VersionTable;
    use crate::model::plan::step::CreateVersionTable;

    #[test]
    fn a_drop_names_one_object_and_nothing_else() {
        let table = ObjectRef::table("main", "My Table; drop");
        assert_eq!(dropped(&table).as_deref(), Some("DROP TABLE \"main\".\"My Table; drop\""));
        let trigger = ObjectRef::of_table(ObjectKind::Trigger, "main", "t", "a\"b");
        assert_eq!(dropped(&trigger).as_deref(), Some("DROP TRIGGER \"main\".\"a\"\"b\""));
        let constraint = ObjectRef::of_table(ObjectKind::Constraint, "main", "t", "fk");
        assert_eq!(dropped(&constraint), None);
    }

    #[test]
    fn the_version_table_is_spelled_as_the_framework_spells_it() {
        let versions = VersionTable::of_heads(ObjectRef::table("main", "versions"), "version_num");
        let create = Move::CreateVersionTable(CreateVersionTable { versions, width: 32 });
        assert_eq!(
            SqliteDialect.spell(&create).lines(),
            ["CREATE TABLE \"main\".\"versions\" (\"version_num\" VARCHAR(32) NOT NULL, \
                CONSTRAINT \"versions_pkc\" PRIMARY KEY (\"version_num\"))"]
        );
    }
}
