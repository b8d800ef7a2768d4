//! `drop_object`: one object goes, never with its dependents; what it was is saved first.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::names::{Digest, ObjectKind, ObjectRef};
use crate::model::plan::moves::effects::{Act, Effects, Guards, Surroundings, Use};
use crate::model::plan::moves::saved_objects::{RestoreObjects, SaveObjects};
use crate::model::plan::probe::Probe;
use crate::model::plan::reversal::{By, Reversal};
use crate::model::plan::risk::Risk;
use crate::model::plan::step::Move;
use crate::model::text::counted;

/// The transaction that all removals of a plan share: they happen together or not at all.
pub const CLEARING: &str = "clear";

/// Drops one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DropObject {
    pub object: ObjectRef,
    /// Of its definition as it was seen; its text is among the plan's definitions. Null only where
    /// the same step created it.
    pub definition: Option<Digest>,
    /// How many rows go with it; null for what has none of its own.
    pub rows: Option<u64>,
    /// What depends on it and is removed by earlier steps of the plan; sorted.
    pub dependents: Vec<ObjectRef>,
}

/// `drop table `x` (2 rows)`, with another verb where it is another act.
pub fn titled(verb: &str, object: &ObjectRef, rows: Option<u64>) -> String {
    let rows = rows.map(|rows| format!(" ({})", counted(rows, "row"))).unwrap_or_default();
    format!("{verb} {object}{rows}")
}

impl Act for DropObject {
    fn effects(&self) -> Effects<'_> {
        let title = titled("drop", &self.object, self.rows);
        let table = self.object.kind == ObjectKind::Table;
        let mut effects = Effects::in_database(Risk::Destructive, title)
            .object(&self.object, Use::Remove)
            .details(self.dependents.iter().map(|gone| format!("after {gone} is gone")))
            .count(|sum| sum.tables_to_drop += u64::from(table));
        effects.shares = Some(CLEARING);
        effects
    }

    fn guards(&self, around: &Surroundings<'_>) -> Guards {
        let object = &self.object;
        let mut ready = Vec::new();
        if let Some(sha256) = self.definition.filter(|_| !around.is_changed(object)) {
            ready.push(Probe::ObjectIs { object: object.clone(), sha256 });
        }
        ready.extend(self.rows.map(|count| Probe::Rows { table: object.clone(), count }));
        ready.push(Probe::NoDependentsBut {
            object: object.clone(),
            dependents: self.dependents.clone(),
        });
        if matches!(object.kind, ObjectKind::Table | ObjectKind::MaterializedView) {
            ready.push(Probe::NoOtherWriter {});
        }
        let name = around.copy.to_owned();
        let objects = vec![object.clone()];
        let save = vec![Move::SaveObjects(SaveObjects { name, objects })];
        Guards { ready, save, done: vec![Probe::ObjectAbsent { object: object.clone() }] }
    }

    fn reversal(&self) -> Reversal {
        Reversal::By(By::Saved)
    }

    fn way_back(&self, around: &Surroundings<'_>) -> Vec<Move> {
        let (name, objects) = (around.copy.to_owned(), vec![self.object.clone()]);
        vec![Move::RestoreObjects(RestoreObjects { name, objects })]
    }

    fn problem(&self) -> Option<String> {
        use ObjectKind::{Constraint, Index, MaterializedView, Table, Trigger, View};
        let object = &self.object;
        match object.kind {
            Table if self.rows.is_none() => {
                Some(format!("it does not say how many rows go with {object}"))
            }
            Table | MaterializedView | View => None,
            Constraint | Index | Trigger if self.rows.is_some() => {
                Some(format!("{object} has no rows of its own"))
            }
            Constraint | Trigger if object.table.is_none() => {
                Some(format!("{object} is of no table"))
            }
            Constraint | Index | Trigger => None,
            ObjectKind::Sequence
            | ObjectKind::Policy
            | ObjectKind::Function
            | ObjectKind::Type
            | ObjectKind::Schema
            | ObjectKind::Other => Some(format!("{object} cannot be dropped by itself")),
        }
        .or_else(|| {
            let sorted = self.dependents.is_sorted_by(|one, next| one < next);
            (!sorted).then(|| format!("what depends on {object} is not sorted"))
        })
    }

    fn definitions(&self) -> Vec<Digest> {
        self.definition.into_iter().collect()
    }

    fn dependents(&self) -> &[ObjectRef] {
        &self.dependents
    }
}
