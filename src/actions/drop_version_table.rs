//! `drop_version_table`: removes a framework's record of revisions that stands for nothing,
//! when a person decided to start anew. Saved first.

use crate::actions::{Action, Draft, Phase, draft};
use crate::model::database::revisions::RecordedRevisions;
use crate::model::names::{Digest, ObjectKind};
use crate::model::plan::step::{DropObject, Move};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "drop_version_table",
    phase: Phase::Clear,
    makes: |moves| matches!(moves, [Move::DropObject(drop)] if drop.object.kind == ObjectKind::Table),
    about: "removes a record of revisions that stands for nothing; saved first",
    page: include_str!("../../docs/actions/drop_version_table.md"),
};

/// The intention.
pub struct DropVersionTable<'a> {
    pub book: &'a RecordedRevisions,
    /// Its definition as it was seen.
    pub definition: &'a str,
    pub reason: &'a str,
}

impl DropVersionTable<'_> {
    /// Its step.
    pub fn step(&self) -> Draft {
        let object = self.book.versions.table.clone();
        let address = format!("database/{}.{}", object.schema, object.name);
        let rows = Some(self.book.ids().len() as u64);
        let definition = Some(Digest::of(self.definition));
        let drop = DropObject { object, definition, rows, dependents: Vec::new() };
        draft(&ACTION, address, self.reason, vec![Move::DropObject(drop)]).defined(self.definition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::tests::step_of;
    use crate::model::database::version_table::VersionTable;
    use crate::model::names::ObjectRef;
    use crate::model::plan::step::Probe;

    #[test]
    fn the_record_is_bound_to_the_rows_that_were_seen() {
        let table = ObjectRef::table("public", "v");
        let versions = VersionTable::of_heads(table.clone(), "id");
        let book = RecordedRevisions { versions, width: None, recorded: Some(vec!["062".into()]) };
        let step = step_of(DropVersionTable { book: &book, definition: "d", reason: "x" }.step());
        assert!(step.ready.contains(&Probe::Rows { table: table.clone(), count: 1 }));
    }
}
