//! `set_revisions`: rows of the framework's own table are added and removed, never all replaced.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::database::version_table::{VersionRow, VersionTable};
use crate::model::names::Digest;
use crate::model::plan::moves::effects::{Act, Effects, Guards, Surroundings, Use};
use crate::model::plan::probe::Probe;
use crate::model::plan::reversal::{By, Reversal};
use crate::model::plan::risk::Risk;
use crate::model::plan::step::Move;

/// Records and takes back revisions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetRevisions {
    pub versions: VersionTable,
    /// What is recorded and stays.
    pub kept: Vec<VersionRow>,
    pub removed: Vec<VersionRow>,
    pub added: Vec<VersionRow>,
    pub basis: Basis,
}

/// On what grounds a revision is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The live schema is the catalogued one of these revisions, and no other.
    Exact(ShapeFact),
    /// A person said so, or there was nothing to compare with.
    Assumed,
}

/// A whole schema in the words of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShapeFact {
    pub sha256: Digest,
    /// The version of the words.
    pub normaliser: u32,
    /// Tables and views that are passed over; sorted.
    pub except: Vec<String>,
}

impl ShapeFact {
    /// The question whether the live schema is so.
    pub fn probe(&self) -> Probe {
        let Self { sha256, normaliser, except } = self.clone();
        Probe::ShapeIs { sha256, normaliser, except }
    }

    /// As a line for people.
    pub fn line(&self) -> String {
        let but = if self.except.is_empty() {
            String::new()
        } else {
            format!(", but for {}", self.except.join(", "))
        };
        format!("schema {} in words of version {}{but}", self.sha256.short(12), self.normaliser)
    }
}

impl SetRevisions {
    /// What is recorded before.
    pub fn before(&self) -> Vec<VersionRow> {
        sorted(self.kept.iter().chain(&self.removed))
    }

    /// What is recorded after.
    pub fn after(&self) -> Vec<VersionRow> {
        sorted(self.kept.iter().chain(&self.added))
    }

    /// The ids that it records, for people.
    pub fn ids(&self) -> Vec<String> {
        self.versions.ids(&self.added)
    }
}

fn sorted<'a>(rows: impl Iterator<Item = &'a VersionRow>) -> Vec<VersionRow> {
    let mut rows: Vec<VersionRow> = rows.cloned().collect();
    rows.sort();
    rows
}

fn list(words: &[String]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

impl Act for SetRevisions {
    fn effects(&self) -> Effects<'_> {
        let table = &self.versions.table;
        let title = match (self.added.is_empty(), self.removed.is_empty()) {
            (true, _) => format!("clear {} of {table}", list(&self.versions.ids(&self.removed))),
            (false, _) => format!("stamp {}", list(&self.ids())),
        };
        let (risk, basis) = match &self.basis {
            Basis::Exact(shape) => (Risk::Safe, format!("exact: {}", shape.line())),
            Basis::Assumed => (Risk::Destructive, "assumed".to_owned()),
        };
        let ids = |rows: &[VersionRow]| self.versions.ids(rows).join(", ");
        Effects::in_database(risk, title)
            .object(table, Use::Change)
            .detail(format!(
                "{table}, `{}`: [{}] -> [{}] ({basis})",
                self.versions.columns.join("`, `"),
                ids(&self.before()),
                ids(&self.after())
            ))
            .count(|sum| sum.revisions_to_stamp = self.added.len() as u64)
    }

    fn guards(&self, _: &Surroundings<'_>) -> Guards {
        let are = |rows| Probe::RevisionsAre { versions: self.versions.clone(), rows: Some(rows) };
        let mut ready = vec![
            are(self.before()),
            Probe::NoTriggers { table: self.versions.table.clone() },
            Probe::NoOtherWriter {},
        ];
        if let Basis::Exact(shape) = &self.basis {
            ready.push(shape.probe());
        }
        Guards { ready, save: Vec::new(), done: vec![are(self.after())] }
    }

    fn reversal(&self) -> Reversal {
        Reversal::By(By::Inverse)
    }

    fn way_back(&self, _: &Surroundings<'_>) -> Vec<Move> {
        vec![Move::SetRevisions(Self {
            versions: self.versions.clone(),
            kept: self.kept.clone(),
            removed: self.added.clone(),
            added: self.removed.clone(),
            basis: Basis::Assumed,
        })]
    }

    fn problem(&self) -> Option<String> {
        let lists = [&self.kept, &self.removed, &self.added];
        let rows = || lists.iter().copied().flatten();
        let is_sorted = lists.iter().all(|rows| rows.is_sorted_by(|one, next| one < next));
        let overlap = self.kept.iter().chain(&self.removed).any(|row| self.added.contains(row));
        if self.versions.columns.is_empty() || !rows().all(|row| self.versions.holds(row)) {
            return Some("its rows do not have the columns of the version table".to_owned());
        }
        if self.added.is_empty() && self.removed.is_empty() {
            return Some("it neither adds nor removes a revision".to_owned());
        }
        (!is_sorted || overlap).then(|| "its rows are not sorted, or stand in two lists".to_owned())
    }

    fn versions(&self) -> Option<&VersionTable> {
        Some(&self.versions)
    }

    fn stamp(&self) -> Option<(Vec<String>, &ShapeFact)> {
        match &self.basis {
            Basis::Exact(shape) => Some((self.versions.ids(&self.after()), shape)),
            Basis::Assumed => None,
        }
    }
}
