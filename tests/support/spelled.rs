//! What plans do to a database, for tests that do one such thing by itself: the statement as the
//! engine spells it, and revisions that take the place of others.

#![allow(dead_code, reason = "every test binary uses its own part of it")]

use ttplan::engines::dialect::{Dialect, Spelling, Sql};
use ttplan::model::database::version_table::{VersionRow, VersionTable};
use ttplan::model::names::ObjectRef;
use ttplan::model::plan::step::{Basis, CreateVersionTable, DropObject, Move, SetRevisions};

/// The statement that drops an object; none where the engine has no way to.
pub fn drop_object(dialect: &dyn Dialect, object: &ObjectRef) -> Option<Sql> {
    let object = object.clone();
    let drop = DropObject { object, definition: None, rows: None, dependents: Vec::new() };
    only(dialect.spell(&Move::DropObject(drop)))
}

/// The statement that makes the table of a framework.
pub fn create_version_table(dialect: &dyn Dialect, versions: &VersionTable) -> Sql {
    let create = CreateVersionTable { versions: versions.clone(), width: 32 };
    only(dialect.spell(&Move::CreateVersionTable(create))).unwrap()
}

/// What records the ids `to` where `from` are recorded.
pub fn set_revisions(versions: &VersionTable, from: &[&str], to: &[&str]) -> SetRevisions {
    let rows = |ids: &[&str]| -> Vec<VersionRow> {
        let mut rows: Vec<VersionRow> = ids.iter().map(|id| versions.row(id)).collect();
        rows.sort();
        rows
    };
    let (before, after) = (rows(from), rows(to));
    let (kept, removed) = before.iter().cloned().partition(|row| after.contains(row));
    let added = after.into_iter().filter(|row| !before.contains(row)).collect();
    SetRevisions { versions: versions.clone(), kept, removed, added, basis: Basis::Assumed }
}

fn only(spelling: Spelling) -> Option<Sql> {
    match spelling {
        Spelling::Statements(mut all) => {
            assert_eq!(all.len(), 1, "{all:?}");
            all.pop()
        }
        Spelling::Unsupported(_) => None,
        Spelling::Elsewise => panic!("a statement was expected"),
    }
}
