//! `insert_distinct`: a lookup table gets a row for each distinct value of a column.

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

/// Inserts one row for each value that is neither null nor empty, with its spelling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InsertDistinct {
    pub table: ObjectRef,
    pub column: String,
    pub source: ObjectRef,
    pub source_column: String,
    /// How many values there are.
    pub rows: u64,
}

impl Act for InsertDistinct {
    fn effects(&self) -> Effects<'_> {
        let (many, table) = (counted(self.rows, "row"), &self.table);
        let (column, source) = (&self.source_column, &self.source);
        let title =
            format!("insert {many} into {table}, one for each value of `{column}` of {source}");
        Effects::in_database(Risk::Caution, title)
            .object(table, Use::Change)
            .object(source, Use::Read)
            .detail(format!("into `{}`", self.column))
    }

    fn guards(&self, around: &Surroundings<'_>) -> Guards {
        let save = SaveObjects { name: around.copy.to_owned(), objects: vec![self.table.clone()] };
        Guards {
            ready: vec![Probe::NoTriggers { table: self.table.clone() }, Probe::NoOtherWriter {}],
            save: vec![Move::SaveObjects(save)],
            done: vec![Probe::ValuesAgree {
                table: self.source.clone(),
                column: self.source_column.clone(),
                lookup: self.table.clone(),
                lookup_column: self.column.clone(),
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
        (self.table == self.source).then(|| "it fills a table from itself".to_owned())
    }
}
