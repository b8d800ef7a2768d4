//! `drop_view`: drops a view or materialized view that stands on something that has to go. Its
//! definition is saved, so that undo makes it again.

use crate::actions::{Action, CLEARING, Parts, Phase, save_name, step};
use crate::model::database::schema::View;
use crate::model::dialect::Dialect;
use crate::model::names::{Digest, ObjectRef};
use crate::model::plan::step::{DropObject, Move, Probe, RestoreObjects, SaveObjects, Step};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "drop_view",
    phase: Phase::Clear,
    about: "drops a view that stands on a table that has to go; its definition is saved",
    page: include_str!("../../docs/actions/drop_view.md"),
};

/// The intention.
pub struct DropView<'a> {
    pub view: &'a View,
    /// What depends on it and is removed by earlier steps of the same plan.
    pub dependents: &'a [ObjectRef],
    pub reason: &'a str,
}

impl DropView<'_> {
    /// Its step, or `None` where the engine cannot drop such a view.
    pub fn step(&self, dialect: &dyn Dialect) -> Option<Step> {
        let object = self.view.reference();
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
                    Probe::ObjectIs { object: object.clone(), sha256: Digest::of_json(self.view) },
                    Probe::NoDependentsBut {
                        object: object.clone(),
                        dependents: self.dependents.to_vec(),
                    },
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

    #[test]
    fn a_materialized_view_is_dropped_as_one() {
        let view = View {
            schema: "public".into(),
            name: "v".into(),
            materialized: true,
            ..View::default()
        };
        let step = DropView { view: &view, dependents: &[], reason: "x" }.step(&Plain).unwrap();
        crate::actions::tests::check(&step);
        assert_eq!(step.title, "drop materialized view `v`");
    }
}
