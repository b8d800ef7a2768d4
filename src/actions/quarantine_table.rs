//! `quarantine_table`: takes a table out of the application's sight without destroying it.

use crate::actions::{Action, CLEARING, Parts, Phase, save_name, step};
use crate::model::names::{Digest, ObjectRef};
use crate::model::plan::step::{Move, Probe, Quarantine, Step, Unquarantine};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "quarantine_table",
    phase: Phase::Clear,
    about: "takes a table, or a view on it, out of the application's sight without destroying it",
    page: include_str!("../../docs/actions/quarantine_table.md"),
};

/// The intention. Works for views that stand on quarantined tables too.
pub struct QuarantineTable<'a> {
    pub object: &'a ObjectRef,
    /// Of its definition as it was seen.
    pub sha256: Digest,
    /// Null for a view.
    pub rows: Option<u64>,
    pub reason: &'a str,
}

impl QuarantineTable<'_> {
    /// Its step.
    pub fn step(&self) -> Step {
        let object = self.object.clone();
        let address = format!("database/{}.{}", object.schema, object.name);
        let name = save_name(&ACTION, &address);
        let mut ready = vec![Probe::ObjectIs { object: object.clone(), sha256: self.sha256 }];
        if let Some(count) = self.rows {
            ready.push(Probe::Rows { table: object.clone(), count });
        }
        ready.push(Probe::NoOtherWriter {});
        step(
            &ACTION,
            Parts {
                address,
                reason: self.reason.into(),
                transaction: Some(CLEARING),
                ready,
                moves: vec![Move::Quarantine(Quarantine {
                    object: object.clone(),
                    name: name.clone(),
                })],
                done: vec![Probe::ObjectAbsent { object: object.clone() }],
                undo: vec![Move::Unquarantine(Unquarantine { object, name })],
                ..Parts::default()
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::step::Risk;

    #[test]
    fn quarantine_is_for_care_not_destruction() {
        let object = ObjectRef::table("public", "t");
        let step =
            QuarantineTable { object: &object, sha256: Digest::of(""), rows: Some(1), reason: "x" }
                .step();
        crate::actions::tests::check(&step);
        assert_eq!(
            (step.risk, step.title.as_str()),
            (Risk::Caution, "quarantine table `t` (1 row)")
        );
    }
}
