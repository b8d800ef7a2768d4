//! `save_objects`, `restore_objects`: faithful copies of objects, rows included, in the run's
//! keeping, and the way back from them. Derived from what a step removes, never moves of their own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::names::ObjectRef;
use crate::model::plan::moves::effects::{Act, Effects, Guards, Surroundings, Use};
use crate::model::plan::moves::values;
use crate::model::plan::reversal::{By, Reversal};
use crate::model::plan::risk::Risk;
use crate::model::plan::step::Move;

/// Puts faithful copies of objects, rows included, into the run's keeping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveObjects {
    /// Name of the copy within the run; a plain file name.
    pub name: String,
    pub objects: Vec<ObjectRef>,
}

/// Restores saved objects as they were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoreObjects {
    pub name: String,
    pub objects: Vec<ObjectRef>,
}

fn named(objects: &[ObjectRef]) -> String {
    objects.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl Act for SaveObjects {
    fn effects(&self) -> Effects<'_> {
        let title = format!("save {}", named(&self.objects));
        let mut effects = Effects::in_database(Risk::Safe, title);
        effects.objects.extend(self.objects.iter().map(|object| (object, Use::Read)));
        effects.saves = Some(&self.name);
        effects.detail(values::kept(&self.name, None))
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

impl Act for RestoreObjects {
    fn effects(&self) -> Effects<'_> {
        let title = format!("restore {}", named(&self.objects));
        let mut effects = Effects::in_database(Risk::Destructive, title);
        effects.objects.extend(self.objects.iter().map(|object| (object, Use::Create)));
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
