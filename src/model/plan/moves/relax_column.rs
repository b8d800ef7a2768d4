//! `relax_column`, `set_not_null`, `set_default`: what a column takes when nobody says its value.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::names::ObjectRef;
use crate::model::plan::moves::column::DefaultValue;
use crate::model::plan::moves::effects::{Act, Effects, Guards, Surroundings, Use};
use crate::model::plan::probe::{ColumnFact, Probe};
use crate::model::plan::reversal::{By, Reversal};
use crate::model::plan::risk::Risk;
use crate::model::plan::step::Move;

/// Lets a column be null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RelaxColumn {
    pub table: ObjectRef,
    pub column: String,
}

/// Lets a column never be null again; no row may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetNotNull {
    pub table: ObjectRef,
    pub column: String,
}

/// Gives a column a default, or none; rows that are there stay as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetDefault {
    pub table: ObjectRef,
    pub column: String,
    pub from: Option<DefaultValue>,
    pub to: Option<DefaultValue>,
}

fn fact(table: &ObjectRef, column: &str, fact: ColumnFact) -> Probe {
    Probe::ColumnHas { table: table.clone(), column: column.to_owned(), fact }
}

impl Act for RelaxColumn {
    fn effects(&self) -> Effects<'_> {
        let title = format!("let column `{}` of {} be null", self.column, self.table);
        Effects::in_database(Risk::Caution, title).object(&self.table, Use::Change)
    }

    fn guards(&self, _: &Surroundings<'_>) -> Guards {
        let is = |nullable| fact(&self.table, &self.column, ColumnFact::Nullable(nullable));
        Guards { ready: vec![is(false)], save: Vec::new(), done: vec![is(true)] }
    }

    fn reversal(&self) -> Reversal {
        Reversal::By(By::Inverse)
    }

    fn way_back(&self, _: &Surroundings<'_>) -> Vec<Move> {
        let (table, column) = (self.table.clone(), self.column.clone());
        vec![Move::SetNotNull(SetNotNull { table, column })]
    }

    fn problem(&self) -> Option<String> {
        None
    }
}

impl Act for SetNotNull {
    fn effects(&self) -> Effects<'_> {
        let title = format!("let column `{}` of {} never be null", self.column, self.table);
        Effects::in_database(Risk::Caution, title).object(&self.table, Use::Change)
    }

    fn guards(&self, _: &Surroundings<'_>) -> Guards {
        let is = |nullable| fact(&self.table, &self.column, ColumnFact::Nullable(nullable));
        Guards { ready: vec![is(true)], save: Vec::new(), done: vec![is(false)] }
    }

    fn reversal(&self) -> Reversal {
        Reversal::By(By::Inverse)
    }

    fn way_back(&self, _: &Surroundings<'_>) -> Vec<Move> {
        let (table, column) = (self.table.clone(), self.column.clone());
        vec![Move::RelaxColumn(RelaxColumn { table, column })]
    }

    fn problem(&self) -> Option<String> {
        None
    }
}

impl Act for SetDefault {
    fn effects(&self) -> Effects<'_> {
        let title = format!("set the default of column `{}` of {}", self.column, self.table);
        let text = |value: &Option<DefaultValue>| format!("{value:?}");
        Effects::in_database(Risk::Caution, title).object(&self.table, Use::Change).detail(format!(
            "{} -> {}",
            text(&self.from),
            text(&self.to)
        ))
    }

    fn guards(&self, _: &Surroundings<'_>) -> Guards {
        let is = |value: &Option<DefaultValue>| {
            fact(&self.table, &self.column, ColumnFact::Default(value.clone()))
        };
        Guards { ready: vec![is(&self.from)], save: Vec::new(), done: vec![is(&self.to)] }
    }

    fn reversal(&self) -> Reversal {
        Reversal::By(By::Inverse)
    }

    fn way_back(&self, _: &Surroundings<'_>) -> Vec<Move> {
        vec![Move::SetDefault(Self {
            table: self.table.clone(),
            column: self.column.clone(),
            from: self.to.clone(),
            to: self.from.clone(),
        })]
    }

    fn problem(&self) -> Option<String> {
        (self.from == self.to).then(|| "it sets the default that is there".to_owned())
    }
}
