//! `widen_column`: a column gets a type that holds every value of its old one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::database::column_type::ColumnType;
use crate::model::names::ObjectRef;
use crate::model::plan::moves::effects::{Act, Effects, Guards, Surroundings, Use};
use crate::model::plan::probe::Probe;
use crate::model::plan::reversal::{By, Reversal};
use crate::model::plan::risk::Risk;
use crate::model::plan::step::Move;

/// Gives a column a wider type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WidenColumn {
    pub table: ObjectRef,
    pub column: String,
    pub from: ColumnType,
    pub to: ColumnType,
}

/// Gives a column that was widened its old type again, while every value fits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NarrowColumn {
    pub table: ObjectRef,
    pub column: String,
    pub from: ColumnType,
    pub to: ColumnType,
}

impl Act for WidenColumn {
    fn effects(&self) -> Effects<'_> {
        let title = format!("widen column `{}` of {} to {}", self.column, self.table, self.to);
        Effects::in_database(Risk::Caution, title)
            .object(&self.table, Use::Change)
            .detail(format!("`{}`: {} -> {}", self.column, self.from, self.to))
    }

    fn guards(&self, _: &Surroundings<'_>) -> Guards {
        let is = |data_type| Probe::ColumnIs {
            table: self.table.clone(),
            column: self.column.clone(),
            data_type: Some(data_type),
        };
        Guards { ready: vec![is(self.from)], save: Vec::new(), done: vec![is(self.to)] }
    }

    fn reversal(&self) -> Reversal {
        Reversal::By(By::Inverse)
    }

    fn way_back(&self, _: &Surroundings<'_>) -> Vec<Move> {
        vec![Move::NarrowColumn(NarrowColumn {
            table: self.table.clone(),
            column: self.column.clone(),
            from: self.to,
            to: self.from,
        })]
    }

    fn problem(&self) -> Option<String> {
        let wider = self.from != self.to && self.from.fits(self.to);
        (!wider).then(|| format!("{} does not hold every value of {}", self.to, self.from))
    }
}

impl Act for NarrowColumn {
    fn effects(&self) -> Effects<'_> {
        let title = format!("give column `{}` of {} its type again", self.column, self.table);
        Effects::in_database(Risk::Destructive, title)
            .object(&self.table, Use::Change)
            .detail(format!("`{}`: {} -> {}", self.column, self.from, self.to))
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
        None
    }
}
