//! `add_column`: a table gets a column that it lacks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::names::{Digest, ObjectRef};
use crate::model::plan::moves::column::ColumnSpec;
use crate::model::plan::moves::drop_column::DropColumn;
use crate::model::plan::moves::effects::{Act, Effects, Guards, Surroundings, Use};
use crate::model::plan::probe::Probe;
use crate::model::plan::reversal::{By, Reversal};
use crate::model::plan::risk::Risk;
use crate::model::plan::step::Move;

/// Adds one column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddColumn {
    pub table: ObjectRef,
    pub column: ColumnSpec,
}

impl Act for AddColumn {
    fn effects(&self) -> Effects<'_> {
        let title = format!("add column `{}` to {}", self.column.name, self.table);
        Effects::in_database(Risk::Caution, title)
            .object(&self.table, Use::Change)
            .detail(self.column.line())
            .count(|sum| sum.columns_to_add = 1)
    }

    fn guards(&self, _: &Surroundings<'_>) -> Guards {
        let is = |present: bool| Probe::ColumnIs {
            table: self.table.clone(),
            column: self.column.name.clone(),
            data_type: present.then_some(self.column.data_type),
        };
        let ready = vec![is(false), Probe::NoOtherWriter {}];
        Guards { ready, save: Vec::new(), done: vec![is(true)] }
    }

    fn reversal(&self) -> Reversal {
        Reversal::By(By::Inverse)
    }

    fn way_back(&self, _: &Surroundings<'_>) -> Vec<Move> {
        vec![Move::DropColumn(DropColumn {
            table: self.table.clone(),
            column: self.column.name.clone(),
            data_type: self.column.data_type,
            rows: 0,
        })]
    }

    fn problem(&self) -> Option<String> {
        self.column.problem().or_else(|| {
            let unfilled = !self.column.nullable && self.column.default.is_none();
            unfilled.then(|| {
                format!("rows that are there would have nothing in `{}`", self.column.name)
            })
        })
    }

    fn definitions(&self) -> Vec<Digest> {
        self.column.definition().into_iter().collect()
    }
}
