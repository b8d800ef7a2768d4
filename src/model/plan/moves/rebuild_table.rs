//! `rebuild_table`: a table becomes another definition of itself, its rows with it; the table is saved
//! first.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::names::{Digest, ObjectRef};
use crate::model::plan::moves::effects::{Act, Effects, Guards, Surroundings, Use};
use crate::model::plan::moves::saved_objects::{RestoreObjects, SaveObjects};
use crate::model::plan::probe::Probe;
use crate::model::plan::reversal::{By, Reversal};
use crate::model::plan::risk::Risk;
use crate::model::plan::step::Move;

/// Rebuilds one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RebuildTable {
    pub table: ObjectRef,
    /// Of its definition now.
    pub from: Digest,
    /// Of its definition then; both texts are among the plan's definitions.
    pub to: Digest,
    /// The columns whose values stay.
    pub columns: Vec<String>,
}

impl Act for RebuildTable {
    fn effects(&self) -> Effects<'_> {
        let (from, to) = (self.from.short(12), self.to.short(12));
        Effects::in_database(Risk::Destructive, format!("rebuild {}", self.table))
            .object(&self.table, Use::Change)
            .detail(format!("definition {from} -> {to}"))
            .detail(format!("columns that stay: {}", self.columns.join(", ")))
    }

    fn guards(&self, around: &Surroundings<'_>) -> Guards {
        let is = |sha256| Probe::ObjectIs { object: self.table.clone(), sha256 };
        let save = SaveObjects { name: around.copy.to_owned(), objects: vec![self.table.clone()] };
        Guards {
            ready: vec![is(self.from), Probe::NoOtherWriter {}],
            save: vec![Move::SaveObjects(save)],
            done: vec![is(self.to)],
        }
    }

    fn reversal(&self) -> Reversal {
        Reversal::By(By::Saved)
    }

    fn way_back(&self, around: &Surroundings<'_>) -> Vec<Move> {
        let (name, objects) = (around.copy.to_owned(), vec![self.table.clone()]);
        vec![Move::RestoreObjects(RestoreObjects { name, objects })]
    }

    fn problem(&self) -> Option<String> {
        (self.from == self.to).then(|| "it rebuilds a table as it is".to_owned())
    }

    fn definitions(&self) -> Vec<Digest> {
        vec![self.from, self.to]
    }
}
