//! `drop_table`: drops one table that nothing explains, never with its dependents; it is saved
//! inside the lock in which it is dropped.

use crate::actions::{Action, Draft, Phase, draft};
use crate::model::names::{Digest, ObjectKind, ObjectRef};
use crate::model::plan::step::{DropObject, Move};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "drop_table",
    phase: Phase::Clear,
    makes: |moves| matches!(moves, [Move::DropObject(drop)] if drop.object.kind == ObjectKind::Table),
    about: "drops a table, saved first, never with its dependents",
    page: include_str!("../../docs/actions/drop_table.md"),
};

/// The intention.
pub struct DropTable<'a> {
    pub table: &'a ObjectRef,
    /// Its definition as it was seen.
    pub definition: &'a str,
    pub rows: u64,
    /// What depends on it and is removed by earlier steps of the same plan.
    pub dependents: &'a [ObjectRef],
    pub reason: &'a str,
}

impl DropTable<'_> {
    /// Its step.
    pub fn step(&self) -> Draft {
        let object = self.table.clone();
        let address = format!("database/{}.{}", object.schema, object.name);
        let mut dependents = self.dependents.to_vec();
        dependents.sort();
        let definition = Some(Digest::of(self.definition));
        let drop = DropObject { object, definition, rows: Some(self.rows), dependents };
        draft(&ACTION, address, self.reason, vec![Move::DropObject(drop)]).defined(self.definition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::tests::step_of;
    use crate::model::plan::step::Risk;

    #[test]
    fn a_drop_is_destructive_saved_and_says_how_many_rows_go() {
        let table = ObjectRef::table("public", "My Table; drop");
        let drop =
            DropTable { table: &table, definition: "d", rows: 2, dependents: &[], reason: "x" };
        let step = step_of(drop.step());
        assert_eq!(step.risk, Risk::Destructive);
        assert_eq!(step.title, "drop table `My Table; drop` (2 rows)");
        assert!(!step.save.is_empty() && !step.undo.is_empty(), "nothing is dropped unsaved");
    }
}
