//! `quarantine_table`: takes a table out of the application's sight without destroying it.

use crate::actions::{Action, Draft, Phase, draft};
use crate::model::names::{Digest, ObjectRef};
use crate::model::plan::derive::copy_name;
use crate::model::plan::step::{Move, Quarantine};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "quarantine_table",
    phase: Phase::Clear,
    makes: |moves| matches!(moves, [Move::Quarantine(_)]),
    about: "takes a table, or a view on it, out of the application's sight without destroying it",
    page: include_str!("../../docs/actions/quarantine_table.md"),
};

/// The intention. Works for views that stand on quarantined tables too.
pub struct QuarantineTable<'a> {
    pub object: &'a ObjectRef,
    /// Its definition as it was seen.
    pub definition: &'a str,
    /// Null for a view.
    pub rows: Option<u64>,
    pub reason: &'a str,
}

impl QuarantineTable<'_> {
    /// Its step.
    pub fn step(&self) -> Draft {
        let object = self.object.clone();
        let address = format!("database/{}.{}", object.schema, object.name);
        let name = copy_name(ACTION.kind, &address, 0);
        let definition = Digest::of(self.definition);
        let put = Quarantine { object, definition, rows: self.rows, name };
        draft(&ACTION, address, self.reason, vec![Move::Quarantine(put)]).defined(self.definition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::tests::step_of;
    use crate::model::plan::step::Risk;

    #[test]
    fn quarantine_is_for_care_not_destruction() {
        let object = ObjectRef::table("public", "t");
        let put = QuarantineTable { object: &object, definition: "t", rows: Some(1), reason: "x" };
        let step = step_of(put.step());
        assert_eq!(
            (step.risk, step.title.as_str()),
            (Risk::Caution, "quarantine table `t` (1 row)")
        );
    }
}
