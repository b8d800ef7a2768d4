//! `drop_constraint`: takes a foreign key off a table that points at one that has to go. Its
//! definition is saved, so that undo puts it back.

use crate::actions::{Action, Draft, Phase, draft};
use crate::model::names::{Digest, ObjectKind, ObjectRef};
use crate::model::plan::step::{DropObject, Move};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "drop_constraint",
    phase: Phase::Clear,
    makes: |moves| matches!(moves, [Move::DropObject(drop)] if drop.object.kind == ObjectKind::Constraint),
    about: "takes off a foreign key that points at a table that has to go; its definition is saved",
    page: include_str!("../../docs/actions/drop_constraint.md"),
};

/// The intention.
pub struct DropConstraint<'a> {
    pub constraint: &'a ObjectRef,
    /// Its definition as it was seen.
    pub definition: &'a str,
    pub reason: &'a str,
}

impl DropConstraint<'_> {
    /// Its step.
    pub fn step(&self) -> Draft {
        let object = self.constraint.clone();
        let table = object.table.as_deref().unwrap_or_default();
        let address = format!("database/{}.{table}/{}", object.schema, object.name);
        let definition = Some(Digest::of(self.definition));
        let drop = DropObject { object, definition, rows: None, dependents: Vec::new() };
        draft(&ACTION, address, self.reason, vec![Move::DropObject(drop)]).defined(self.definition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::tests::step_of;

    #[test]
    fn a_constraint_is_named_with_its_table() {
        let constraint =
            ObjectRef::of_table(ObjectKind::Constraint, "public", "orders", "orders_fk");
        let drop = DropConstraint { constraint: &constraint, definition: "fk", reason: "x" };
        let step = step_of(drop.step());
        assert_eq!(step.title, "drop constraint `orders_fk` of table `orders`");
        assert_eq!(step.address, "database/public.orders/orders_fk");
    }
}
