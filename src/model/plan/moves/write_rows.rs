//! `write_rows`, `restore_rows`: references to files are rewritten, row by row and exactly those that
//! were counted; `save_rows` is what later steps may keep of a table's rows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::files::rewriting::{Rewriting, outdated};
use crate::model::names::{Digest, ObjectRef};
use crate::model::plan::moves::effects::{Act, Effects, Guards, Surroundings, Use};
use crate::model::plan::moves::values;
use crate::model::plan::probe::Probe;
use crate::model::plan::reversal::{By, Reversal};
use crate::model::plan::risk::Risk;
use crate::model::plan::step::Move;
use crate::model::text::counted;

/// Rewrites the rows that spell a reference as of old, and keeps what they said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteRows {
    /// Name of the list of old and new values within the run; a plain file name.
    pub name: String,
    pub rewriting: Rewriting,
    /// Exactly so many rows.
    pub rows: u64,
    /// Over the keys and old values of exactly these rows.
    pub sha256: Digest,
    /// Whether others may have the database open meanwhile.
    pub online: bool,
}

/// Gives rewritten rows their old values again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoreRows {
    pub name: String,
    pub rewriting: Rewriting,
}

/// Puts whole rows of a table into the run's keeping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveRows {
    pub name: String,
    pub table: ObjectRef,
    pub columns: Vec<String>,
}

impl Act for WriteRows {
    fn effects(&self) -> Effects<'_> {
        let (column, table) = (&self.rewriting.column, &self.rewriting.table);
        let many = counted(self.rows, "reference");
        let title = format!("rewrite {many} in `{column}` of {table}");
        let online = if self.online { "others may" } else { "nobody else may" };
        let mut effects = Effects::in_database(Risk::Caution, title)
            .object(table, Use::Change)
            .details(self.rewriting.lines())
            .detail(format!("old values kept as `{}`", self.name))
            .detail(format!("{online} have the database open meanwhile"))
            .count(|sum| sum.references_to_rewrite = self.rows);
        effects.saves = Some(&self.name);
        effects.names_files = true;
        effects.shares = Some("rewrite");
        effects
    }

    fn guards(&self, _: &Surroundings<'_>) -> Guards {
        let are = |rows, sha256| Probe::OutdatedRowsAre {
            rewriting: self.rewriting.clone(),
            rows,
            sha256,
        };
        let mut ready = vec![
            are(self.rows, self.sha256),
            // A trigger or rule on the table would do more than this move says.
            Probe::NoDependentsBut { object: self.rewriting.table.clone(), dependents: Vec::new() },
        ];
        ready.clear();
        ready.push(are(self.rows, self.sha256));
        ready.push(Probe::NoTriggers { table: self.rewriting.table.clone() });
        ready.extend((!self.online).then_some(Probe::NoOtherWriter {}));
        let none = outdated(&[]);
        Guards { ready, save: Vec::new(), done: vec![are(none.rows, none.sha256)] }
    }

    fn reversal(&self) -> Reversal {
        Reversal::By(By::Inverse)
    }

    fn way_back(&self, _: &Surroundings<'_>) -> Vec<Move> {
        let (name, rewriting) = (self.name.clone(), self.rewriting.clone());
        vec![Move::RestoreRows(RestoreRows { name, rewriting })]
    }

    fn problem(&self) -> Option<String> {
        let none = (self.rows == 0).then(|| "it rewrites no rows".to_owned());
        none.or_else(|| values::name(&self.name)).or_else(|| self.rewriting.problem())
    }

    fn rewriting(&self) -> Option<&Rewriting> {
        Some(&self.rewriting)
    }
}

impl Act for RestoreRows {
    fn effects(&self) -> Effects<'_> {
        let (column, table) = (&self.rewriting.column, &self.rewriting.table);
        let title = format!("restore the old values of `{column}` of {table}");
        let mut effects = Effects::in_database(Risk::Destructive, title).object(table, Use::Change);
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
        values::name(&self.name).or_else(|| self.rewriting.problem())
    }

    fn rewriting(&self) -> Option<&Rewriting> {
        Some(&self.rewriting)
    }
}

impl Act for SaveRows {
    fn effects(&self) -> Effects<'_> {
        let title = format!("save the rows of {}", self.table);
        let mut effects = Effects::in_database(Risk::Safe, title)
            .object(&self.table, Use::Read)
            .detail(format!("columns {}", self.columns.join(", ")))
            .detail(values::kept(&self.name, None));
        effects.saves = Some(&self.name);
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
