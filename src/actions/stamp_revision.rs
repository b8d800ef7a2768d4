//! `stamp_revision`: records revisions without running anything. Safe only where the schema
//! itself shows them; a stamp that a person assumed counts as destructive.

use crate::actions::widen_version_column::WIDTH;
use crate::actions::{Action, Parts, Phase, step};
use crate::model::database::revisions::VersionTable;
use crate::model::dialect::Dialect;
use crate::model::plan::step::{Basis, CreateObject, DropObject, Move, Probe, SetRevisions, Step};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "stamp_revision",
    phase: Phase::Stamp,
    about: "records the revisions that the schema shows, without running anything",
    page: include_str!("../../docs/actions/stamp_revision.md"),
};

/// The intention.
pub struct StampRevision<'a> {
    pub book: &'a VersionTable,
    pub to: &'a [String],
    pub basis: Basis,
    /// What has to hold of the schema for it to show them.
    pub evidence: Option<Probe>,
    pub reason: &'a str,
}

impl StampRevision<'_> {
    /// Its step, or `None` where the engine could not take the record away again.
    pub fn step(&self, dialect: &dyn Dialect) -> Option<Step> {
        let (table, column) = (&self.book.table, &self.book.column);
        let from = self.book.rows().to_vec();
        let set = |from: &[String], to: &[String], basis| {
            Move::SetRevisions(SetRevisions {
                table: table.clone(),
                column: column.clone(),
                from: from.to_vec(),
                to: to.to_vec(),
                basis,
            })
        };
        let recorded = |recorded| Probe::RevisionsAre {
            table: table.clone(),
            column: column.clone(),
            recorded,
        };
        let mut moves = vec![set(&from, self.to, self.basis)];
        let mut undo = vec![set(self.to, &from, Basis::Assumed)];
        if self.book.recorded.is_none() {
            let create = dialect.create_book(table, column, WIDTH);
            moves
                .insert(0, Move::CreateObject(CreateObject { object: table.clone(), sql: create }));
            undo.push(Move::DropObject(DropObject {
                object: table.clone(),
                sql: dialect.drop_object(table)?,
            }));
        }
        let mut ready = vec![recorded(self.book.recorded.clone()), Probe::NoOtherWriter {}];
        ready.extend(self.evidence.clone());
        Some(step(
            &ACTION,
            Parts {
                address: format!("database/{}.{}", table.schema, table.name),
                reason: self.reason.into(),
                ready,
                moves,
                done: vec![recorded(Some(self.to.to_vec()))],
                undo,
                ..Parts::default()
            },
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::drop_table::tests::Plain;
    use crate::model::names::ObjectRef;
    use crate::model::plan::step::Risk;

    fn stamp(recorded: Option<Vec<String>>, basis: Basis) -> Step {
        let table = ObjectRef::table("public", "versions");
        let book = VersionTable { table, column: "v".into(), width: None, recorded };
        let to = ["062".to_owned()];
        let stamp = StampRevision { book: &book, to: &to, basis, evidence: None, reason: "x" };
        stamp.step(&Plain).unwrap()
    }

    #[test]
    fn a_missing_record_is_made_and_taken_away_again() {
        let step = stamp(None, Basis::Exact);
        crate::actions::tests::check(&Step { save: step.moves.clone(), ..step.clone() });
        assert_eq!(step.title, "create table `versions`, stamp `062`");
        assert_eq!(step.undo.len(), 2);
        assert_eq!(stamp(Some(Vec::new()), Basis::Exact).title, "stamp `062`");
    }

    #[test]
    fn what_a_person_assumed_counts_as_destructive() {
        assert_eq!(stamp(Some(Vec::new()), Basis::Exact).risk, Risk::Safe);
        assert_eq!(stamp(Some(Vec::new()), Basis::Assumed).risk, Risk::Destructive);
    }
}
