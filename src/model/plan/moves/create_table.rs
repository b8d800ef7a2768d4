//! `create_table`: a table with typed columns, by the definition of a catalogue that counts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::names::{Digest, ObjectRef};
use crate::model::plan::moves::column::ColumnSpec;
use crate::model::plan::moves::drop_object::DropObject;
use crate::model::plan::moves::effects::{Act, Effects, Guards, Surroundings, Use};
use crate::model::plan::probe::Probe;
use crate::model::plan::reversal::{By, Reversal};
use crate::model::plan::risk::Risk;
use crate::model::plan::step::Move;

/// Creates one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTable {
    pub table: ObjectRef,
    pub columns: Vec<ColumnSpec>,
    /// Names of columns; empty for no primary key.
    pub primary_key: Vec<String>,
    /// Of its whole definition; its text is among the plan's definitions.
    pub definition: Digest,
}

impl Act for CreateTable {
    fn effects(&self) -> Effects<'_> {
        let key = (!self.primary_key.is_empty())
            .then(|| format!("primary key {}", self.primary_key.join(", ")));
        Effects::in_database(Risk::Caution, format!("create {}", self.table))
            .object(&self.table, Use::Create)
            .details(self.columns.iter().map(ColumnSpec::line))
            .details(key)
            .count(|sum| sum.tables_to_create = 1)
    }

    fn guards(&self, _: &Surroundings<'_>) -> Guards {
        let object = self.table.clone();
        let done = Probe::ObjectIs { object: object.clone(), sha256: self.definition };
        let ready = vec![Probe::ObjectAbsent { object }];
        Guards { ready, save: Vec::new(), done: vec![done] }
    }

    fn reversal(&self) -> Reversal {
        Reversal::By(By::Inverse)
    }

    fn way_back(&self, _: &Surroundings<'_>) -> Vec<Move> {
        vec![Move::DropObject(DropObject {
            object: self.table.clone(),
            definition: Some(self.definition),
            rows: Some(0),
            dependents: Vec::new(),
        })]
    }

    fn problem(&self) -> Option<String> {
        let named = |name: &String| self.columns.iter().any(|column| column.name == *name);
        let problem = self.columns.iter().find_map(ColumnSpec::problem);
        problem.or_else(|| {
            let key = self.primary_key.iter().find(|name| !named(name))?;
            Some(format!("its primary key names `{key}`, which is none of its columns"))
        })
    }

    fn definitions(&self) -> Vec<Digest> {
        let columns = self.columns.iter().filter_map(ColumnSpec::definition);
        std::iter::once(self.definition).chain(columns).collect()
    }
}
