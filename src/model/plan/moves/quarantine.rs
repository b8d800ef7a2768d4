//! `quarantine`, `unquarantine`: an object goes out of the application's sight and comes back,
//! without being destroyed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::names::{Digest, ObjectKind, ObjectRef};
use crate::model::plan::moves::drop_object::{CLEARING, titled};
use crate::model::plan::moves::effects::{Act, Effects, Guards, Surroundings, Use};
use crate::model::plan::moves::values;
use crate::model::plan::probe::Probe;
use crate::model::plan::reversal::{By, Reversal};
use crate::model::plan::risk::Risk;
use crate::model::plan::step::Move;

/// Moves an object out of the application's sight without destroying it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quarantine {
    pub object: ObjectRef,
    /// Of its definition as it was seen; its text is among the plan's definitions.
    pub definition: Digest,
    /// How many rows it has; null for a view.
    pub rows: Option<u64>,
    /// Name of the copy within the run, where the engine quarantines into a file.
    pub name: String,
}

/// Restores a quarantined object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unquarantine {
    pub object: ObjectRef,
    pub name: String,
}

impl Act for Quarantine {
    fn effects(&self) -> Effects<'_> {
        let title = titled("quarantine", &self.object, self.rows);
        let table = self.object.kind == ObjectKind::Table;
        let mut effects = Effects::in_database(Risk::Caution, title)
            .object(&self.object, Use::Remove)
            .detail(values::kept(&self.name, None))
            .count(|sum| sum.tables_to_quarantine += u64::from(table));
        effects.saves = Some(&self.name);
        effects.shares = Some(CLEARING);
        effects
    }

    fn guards(&self, around: &Surroundings<'_>) -> Guards {
        let object = &self.object;
        let mut ready = Vec::new();
        if !around.is_changed(object) {
            ready.push(Probe::ObjectIs { object: object.clone(), sha256: self.definition });
        }
        ready.extend(self.rows.map(|count| Probe::Rows { table: object.clone(), count }));
        ready.push(Probe::NoOtherWriter {});
        let done = vec![Probe::ObjectAbsent { object: object.clone() }];
        Guards { ready, save: Vec::new(), done }
    }

    fn reversal(&self) -> Reversal {
        Reversal::By(By::Inverse)
    }

    fn way_back(&self, _: &Surroundings<'_>) -> Vec<Move> {
        let (object, name) = (self.object.clone(), self.name.clone());
        vec![Move::Unquarantine(Unquarantine { object, name })]
    }

    fn problem(&self) -> Option<String> {
        let object = &self.object;
        values::name(&self.name).or_else(|| match object.kind {
            ObjectKind::Table if self.rows.is_none() => {
                Some(format!("it does not say how many rows {object} has"))
            }
            ObjectKind::Table | ObjectKind::MaterializedView | ObjectKind::View => None,
            ObjectKind::Sequence
            | ObjectKind::Index
            | ObjectKind::Constraint
            | ObjectKind::Trigger
            | ObjectKind::Policy
            | ObjectKind::Function
            | ObjectKind::Type
            | ObjectKind::Schema
            | ObjectKind::Other => Some(format!("{object} cannot be quarantined")),
        })
    }

    fn definitions(&self) -> Vec<Digest> {
        vec![self.definition]
    }

    fn quarantines(&self) -> Option<&ObjectRef> {
        Some(&self.object)
    }
}

impl Act for Unquarantine {
    fn effects(&self) -> Effects<'_> {
        let title = format!("restore {} from quarantine", self.object);
        let mut effects =
            Effects::in_database(Risk::Caution, title).object(&self.object, Use::Create);
        effects.needs = Some(&self.name);
        effects
    }

    fn guards(&self, _: &Surroundings<'_>) -> Guards {
        Guards::default()
    }

    fn reversal(&self) -> Reversal {
        Reversal::By(By::Nothing)
    }

    fn way_back(&self, _: &Surroundings<'_>) -> Vec<Move> {
        Vec::new()
    }

    fn problem(&self) -> Option<String> {
        values::name(&self.name)
    }
}
