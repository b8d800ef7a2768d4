//! `drop_view`: drops a view or materialized view that stands on something that has to go. Its
//! definition is saved, so that undo makes it again.

use crate::actions::{Action, Draft, Phase, draft};
use crate::model::names::{Digest, ObjectKind, ObjectRef};
use crate::model::plan::step::{DropObject, Move};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "drop_view",
    phase: Phase::Clear,
    makes: |moves| {
        matches!(moves, [Move::DropObject(drop)]
        if matches!(drop.object.kind, ObjectKind::View | ObjectKind::MaterializedView))
    },
    about: "drops a view that stands on a table that has to go; its definition is saved",
    page: include_str!("../../docs/actions/drop_view.md"),
};

/// The intention.
pub struct DropView<'a> {
    pub view: &'a ObjectRef,
    /// Its definition as it was seen.
    pub definition: &'a str,
    /// How many rows a materialized view holds.
    pub rows: Option<u64>,
    /// What depends on it and is removed by earlier steps of the same plan.
    pub dependents: &'a [ObjectRef],
    pub reason: &'a str,
}

impl DropView<'_> {
    /// Its step.
    pub fn step(&self) -> Draft {
        let object = self.view.clone();
        let address = format!("database/{}.{}", object.schema, object.name);
        let mut dependents = self.dependents.to_vec();
        dependents.sort();
        let definition = Some(Digest::of(self.definition));
        let drop = DropObject { object, definition, rows: self.rows, dependents };
        draft(&ACTION, address, self.reason, vec![Move::DropObject(drop)]).defined(self.definition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::tests::step_of;

    #[test]
    fn a_materialized_view_is_dropped_as_one() {
        let view = ObjectRef::free(ObjectKind::MaterializedView, "public", "v");
        let drop =
            DropView { view: &view, definition: "d", rows: Some(3), dependents: &[], reason: "x" };
        assert_eq!(step_of(drop.step()).title, "drop materialized view `v` (3 rows)");
    }
}
