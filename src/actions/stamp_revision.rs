//! `stamp_revision`: records revisions without running anything. Safe only where the schema
//! itself shows them; a stamp that a person assumed counts as destructive.

use crate::actions::widen_version_column::WIDTH;
use crate::actions::{Action, Draft, Phase, draft};
use crate::model::database::revisions::{RecordedRevisions, sorted_rows};
use crate::model::plan::step::{Basis, CreateVersionTable, Move, SetRevisions};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "stamp_revision",
    phase: Phase::Stamp,
    makes: |moves| {
        matches!(
            moves,
            [Move::SetRevisions(_)] | [Move::CreateVersionTable(_), Move::SetRevisions(_)]
        )
    },
    about: "records the revisions that the schema shows, without running anything",
    page: include_str!("../../docs/actions/stamp_revision.md"),
};

/// The intention.
pub struct StampRevision<'a> {
    pub book: &'a RecordedRevisions,
    pub to: &'a [String],
    pub basis: Basis,
    pub reason: &'a str,
}

impl StampRevision<'_> {
    /// Its step.
    pub fn step(&self) -> Draft {
        let versions = &self.book.versions;
        let before = self.book.rows().unwrap_or_default();
        let after = sorted_rows(versions, self.to);
        let (kept, removed) = before.iter().cloned().partition(|row| after.contains(row));
        let added = after.iter().filter(|row| !before.contains(row)).cloned().collect();
        let set = SetRevisions {
            versions: versions.clone(),
            kept,
            removed,
            added,
            basis: self.basis.clone(),
        };
        let mut moves = Vec::new();
        if self.book.recorded.is_none() {
            let create = CreateVersionTable { versions: versions.clone(), width: WIDTH };
            moves.push(Move::CreateVersionTable(create));
        }
        moves.push(Move::SetRevisions(set));
        let address = format!("database/{}.{}", versions.table.schema, versions.table.name);
        draft(&ACTION, address, self.reason, moves)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::tests::step_of;
    use crate::model::database::version_table::VersionTable;
    use crate::model::names::{Digest, ObjectRef};
    use crate::model::plan::step::{Probe, Risk, ShapeFact, Step};

    fn exact() -> Basis {
        Basis::Exact(ShapeFact { sha256: Digest::of(""), normaliser: 1, except: Vec::new() })
    }

    fn stamp(recorded: Option<&[&str]>, basis: Basis) -> Step {
        let versions = VersionTable::of_heads(ObjectRef::table("public", "versions"), "v");
        let recorded = recorded.map(|ids| ids.iter().map(|id| (*id).to_owned()).collect());
        let book = RecordedRevisions { versions, width: None, recorded };
        let to = ["062".to_owned()];
        step_of(StampRevision { book: &book, to: &to, basis, reason: "x" }.step())
    }

    #[test]
    fn a_missing_record_is_made_and_removed_again() {
        let step = stamp(None, exact());
        assert_eq!(step.title, "create table `versions`, stamp `062`");
        assert_eq!(step.undo.len(), 2);
        assert!(matches!(&step.ready[0], Probe::RevisionsAre { rows: None, .. }));
        assert!(!step.ready.iter().any(|probe| matches!(probe, Probe::NoTriggers { .. })));
        assert_eq!(stamp(Some(&[]), exact()).title, "stamp `062`");
    }

    #[test]
    fn rows_that_stay_are_neither_removed_nor_added() {
        let step = stamp(Some(&["061", "062"]), exact());
        let Move::SetRevisions(set) = &step.moves[0] else { panic!() };
        assert_eq!((set.kept.len(), set.removed.len(), set.added.len()), (1, 1, 0));
        assert_eq!(step.title, "clear `061` of table `versions`");
    }

    #[test]
    fn what_a_person_assumed_counts_as_destructive() {
        assert_eq!(stamp(Some(&[]), exact()).risk, Risk::Safe);
        assert_eq!(stamp(Some(&[]), Basis::Assumed).risk, Risk::Destructive);
    }
}
