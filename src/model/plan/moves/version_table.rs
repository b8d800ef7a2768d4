//! `create_version_table`: the table in which a framework records its revisions, as the framework
//! makes it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::database::version_table::VersionTable;
use crate::model::plan::moves::drop_object::DropObject;
use crate::model::plan::moves::effects::{Act, Effects, Guards, Surroundings, Use};
use crate::model::plan::probe::Probe;
use crate::model::plan::reversal::{By, Reversal};
use crate::model::plan::risk::Risk;
use crate::model::plan::step::Move;

/// Creates the table that records revisions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateVersionTable {
    pub versions: VersionTable,
    /// How many characters an id may have.
    pub width: u32,
}

impl Act for CreateVersionTable {
    fn effects(&self) -> Effects<'_> {
        let title = format!("create {}", self.versions.table);
        Effects::in_database(Risk::Safe, title)
            .object(&self.versions.table, Use::Create)
            .detail(format!(
                "`{}`, at most {} characters",
                self.versions.columns.join("`, `"),
                self.width
            ))
            .count(|sum| sum.tables_to_create = 1)
    }

    fn guards(&self, _: &Surroundings<'_>) -> Guards {
        let absent = Probe::RevisionsAre { versions: self.versions.clone(), rows: None };
        Guards { ready: vec![absent], ..Guards::default() }
    }

    fn reversal(&self) -> Reversal {
        Reversal::By(By::Inverse)
    }

    fn way_back(&self, _: &Surroundings<'_>) -> Vec<Move> {
        vec![Move::DropObject(DropObject {
            object: self.versions.table.clone(),
            definition: None,
            rows: Some(0),
            dependents: Vec::new(),
        })]
    }

    fn problem(&self) -> Option<String> {
        let odd = self.versions.columns.is_empty() || self.width == 0;
        odd.then(|| "a version table has a column, and room for an id".to_owned())
    }

    fn versions(&self) -> Option<&VersionTable> {
        Some(&self.versions)
    }
}
