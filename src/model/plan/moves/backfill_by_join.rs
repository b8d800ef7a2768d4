//! `backfill_by_join`: a column gets the key of the row of a lookup table that has an equal value.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::names::ObjectRef;
use crate::model::plan::moves::effects::{Act, Effects, Guards, Surroundings, Use};
use crate::model::plan::moves::saved_objects::{RestoreObjects, SaveObjects};
use crate::model::plan::probe::Probe;
use crate::model::plan::reversal::{By, Reversal};
use crate::model::plan::risk::Risk;
use crate::model::plan::step::Move;
use crate::model::text::counted;

/// Fills a column by equality of another with a lookup table's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BackfillByJoin {
    pub table: ObjectRef,
    /// What is filled.
    pub column: String,
    /// What is compared.
    pub by: String,
    pub lookup: ObjectRef,
    pub lookup_column: String,
    pub lookup_key: String,
    /// How many rows are filled.
    pub rows: u64,
}

impl Act for BackfillByJoin {
    fn effects(&self) -> Effects<'_> {
        let (many, table) = (counted(self.rows, "row"), &self.table);
        let title = format!("fill `{}` in {many} of {table} from {}", self.column, self.lookup);
        Effects::in_database(Risk::Caution, title)
            .object(table, Use::Change)
            .object(&self.lookup, Use::Read)
            .detail(format!(
                "where `{}` equals `{}`, with its `{}`",
                self.by, self.lookup_column, self.lookup_key
            ))
    }

    fn guards(&self, around: &Surroundings<'_>) -> Guards {
        let save = SaveObjects { name: around.copy.to_owned(), objects: vec![self.table.clone()] };
        Guards {
            ready: vec![Probe::NoTriggers { table: self.table.clone() }, Probe::NoOtherWriter {}],
            save: vec![Move::SaveObjects(save)],
            done: vec![Probe::ValuesAgree {
                table: self.table.clone(),
                column: self.column.clone(),
                lookup: self.lookup.clone(),
                lookup_column: self.lookup_key.clone(),
            }],
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
        (self.table == self.lookup).then(|| "it fills a table from itself".to_owned())
    }
}
