//! `add_constraint`: a table gets a constraint that it lacks, by the digest of a definition that is executed from a
//! catalogue that counts and never from the plan.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::names::{Digest, ObjectKind, ObjectRef};
use crate::model::plan::moves::drop_object::DropObject;
use crate::model::plan::moves::effects::{Act, Effects, Guards, Surroundings, Use};
use crate::model::plan::probe::Probe;
use crate::model::plan::reversal::{By, Reversal};
use crate::model::plan::risk::Risk;
use crate::model::plan::step::Move;

/// Adds a constraint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddConstraint {
    /// With the table that it belongs to.
    pub object: ObjectRef,
    /// Its text is among the plan's definitions.
    pub definition: Digest,
}

impl Act for AddConstraint {
    fn effects(&self) -> Effects<'_> {
        Effects::in_database(Risk::Caution, format!("add {}", self.object))
            .object(&self.object, Use::Create)
            .detail(format!("by definition {}", self.definition.short(12)))
    }

    fn guards(&self, _: &Surroundings<'_>) -> Guards {
        let object = self.object.clone();
        let done = Probe::ObjectIs { object: object.clone(), sha256: self.definition };
        let ready = vec![Probe::ObjectAbsent { object }, Probe::NoOtherWriter {}];
        Guards { ready, save: Vec::new(), done: vec![done] }
    }

    fn reversal(&self) -> Reversal {
        Reversal::By(By::Inverse)
    }

    fn way_back(&self, _: &Surroundings<'_>) -> Vec<Move> {
        vec![Move::DropObject(DropObject {
            object: self.object.clone(),
            definition: Some(self.definition),
            rows: None,
            dependents: Vec::new(),
        })]
    }

    fn problem(&self) -> Option<String> {
        let fits = self.object.kind == ObjectKind::Constraint && self.object.table.is_some();
        (!fits).then(|| format!("{} is not a constraint of a table", self.object))
    }

    fn definitions(&self) -> Vec<Digest> {
        vec![self.definition]
    }
}
