//! `drop_constraint`: takes a foreign key off a table that points at one that has to go. Its
//! definition is saved, so that undo puts it back.

use crate::actions::{Action, CLEARING, Parts, Phase, save_name, step};
use crate::model::dialect::Dialect;
use crate::model::names::{Digest, ObjectRef};
use crate::model::plan::step::{DropObject, Move, Probe, RestoreObjects, SaveObjects, Step};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "drop_constraint",
    phase: Phase::Clear,
    about: "takes off a foreign key that points at a table that has to go; its definition is saved",
    page: include_str!("../../docs/actions/drop_constraint.md"),
};

/// The intention.
pub struct DropConstraint<'a> {
    pub constraint: &'a ObjectRef,
    /// Of its definition as it was seen.
    pub sha256: Digest,
    pub reason: &'a str,
}

impl DropConstraint<'_> {
    /// Its step, or `None` where the engine cannot take a constraint off a table.
    pub fn step(&self, dialect: &dyn Dialect) -> Option<Step> {
        let object = self.constraint.clone();
        let sql = dialect.drop_object(&object)?;
        let table = object.table.as_deref().unwrap_or_default();
        let address = format!("database/{}.{table}/{}", object.schema, object.name);
        let name = save_name(&ACTION, &address);
        Some(step(
            &ACTION,
            Parts {
                address,
                reason: self.reason.into(),
                transaction: Some(CLEARING),
                ready: vec![Probe::ObjectIs { object: object.clone(), sha256: self.sha256 }],
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
    use crate::model::names::ObjectKind;

    #[test]
    fn a_constraint_is_named_with_its_table() {
        let constraint =
            ObjectRef::of_table(ObjectKind::Constraint, "public", "orders", "orders_fk");
        let step = DropConstraint { constraint: &constraint, sha256: Digest::of(""), reason: "x" }
            .step(&Plain)
            .unwrap();
        crate::actions::tests::check(&step);
        assert_eq!(step.title, "drop constraint `orders_fk` of table `orders`");
        assert_eq!(step.address, "database/public.orders/orders_fk");
    }
}
