//! `drop_column`: a column goes with its values; the table is saved first.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::database::column_type::ColumnType;
use crate::model::names::ObjectRef;
use crate::model::plan::moves::effects::{Act, Effects, Guards, Surroundings, Use};
use crate::model::plan::moves::saved_objects::{RestoreObjects, SaveObjects};
use crate::model::plan::probe::Probe;
use crate::model::plan::reversal::{By, Reversal};
use crate::model::plan::risk::Risk;
use crate::model::plan::step::Move;
use crate::model::text::counted;

/// Drops one column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DropColumn {
    pub table: ObjectRef,
    pub column: String,
    pub data_type: ColumnType,
    /// How many rows have a value in it.
    pub rows: u64,
}

impl Act for DropColumn {
    fn effects(&self) -> Effects<'_> {
        let (column, values) = (&self.column, counted(self.rows, "value"));
        let title = format!("drop column `{column}` of {} ({values})", self.table);
        Effects::in_database(Risk::Destructive, title)
            .object(&self.table, Use::Change)
            .detail(format!("`{column}` {}", self.data_type))
            .count(|sum| sum.columns_to_drop = 1)
    }

    fn guards(&self, around: &Surroundings<'_>) -> Guards {
        let is = |data_type| Probe::ColumnIs {
            table: self.table.clone(),
            column: self.column.clone(),
            data_type,
        };
        let save = SaveObjects { name: around.copy.to_owned(), objects: vec![self.table.clone()] };
        Guards {
            ready: vec![is(Some(self.data_type)), Probe::NoOtherWriter {}],
            save: vec![Move::SaveObjects(save)],
            done: vec![is(None)],
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
        self.column.is_empty().then(|| "a column has no name".to_owned())
    }
}
