//! `drop_version_table`: removes a framework's record of revisions that stands for nothing,
//! when a person decided to start anew. Saved first.

use crate::actions::{Action, CLEARING, Parts, Phase, save_name, step};
use crate::model::database::revisions::VersionTable;
use crate::model::dialect::Dialect;
use crate::model::plan::step::{DropObject, Move, Probe, RestoreObjects, SaveObjects, Step};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "drop_version_table",
    phase: Phase::Clear,
    about: "removes a record of revisions that stands for nothing; saved first",
    page: include_str!("../../docs/actions/drop_version_table.md"),
};

/// The intention.
pub struct DropVersionTable<'a> {
    pub book: &'a VersionTable,
    pub reason: &'a str,
}

impl DropVersionTable<'_> {
    /// Its step, or `None` where the engine cannot drop a table.
    pub fn step(&self, dialect: &dyn Dialect) -> Option<Step> {
        let object = self.book.table.clone();
        let sql = dialect.drop_object(&object)?;
        let address = format!("database/{}.{}", object.schema, object.name);
        let name = save_name(&ACTION, &address);
        Some(step(
            &ACTION,
            Parts {
                address,
                reason: self.reason.into(),
                transaction: Some(CLEARING),
                ready: vec![
                    Probe::RevisionsAre {
                        table: object.clone(),
                        column: self.book.column.clone(),
                        recorded: self.book.recorded.clone(),
                    },
                    Probe::NoDependentsBut { object: object.clone(), dependents: Vec::new() },
                    Probe::NoOtherWriter {},
                ],
                save: vec![Move::SaveObjects(SaveObjects {
                    name: name.clone(),
                    objects: vec![object.clone()],
                })],
                moves: vec![Move::DropObject(DropObject { object: object.clone(), sql })],
                done: vec![Probe::ObjectAbsent { object: object.clone() }],
                undo: vec![Move::RestoreObjects(RestoreObjects { name, objects: vec![object] })],
            },
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::drop_table::tests::Plain;
    use crate::model::names::ObjectRef;

    #[test]
    fn the_record_is_bound_to_the_rows_that_were_seen() {
        let table = ObjectRef::table("public", "versions");
        let book = VersionTable {
            table,
            column: "v".into(),
            width: None,
            recorded: Some(vec!["062".into()]),
        };
        let step = DropVersionTable { book: &book, reason: "x" }.step(&Plain).unwrap();
        crate::actions::tests::check(&step);
        assert!(
            matches!(&step.ready[0], Probe::RevisionsAre { recorded: Some(rows), .. } if rows == &["062"])
        );
    }
}
