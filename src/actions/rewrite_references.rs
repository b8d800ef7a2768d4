//! `rewrite_references`: makes the values of a column name their files the way the application does
//! now, after those have been moved. Every value comes back by undo.

use crate::actions::{Action, Parts, Phase, save_name, step};
use crate::model::files::references::Outdated;
use crate::model::files::rewriting::{Rewriting, outdated};
use crate::model::plan::step::{Move, Probe, RestoreRows, Step, WriteRows};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "rewrite_references",
    phase: Phase::Rewrite,
    about: "makes values that name a file as of old name it as it is now",
    page: include_str!("../../docs/actions/rewrite_references.md"),
};

/// The intention.
pub struct RewriteReferences<'a> {
    pub rewriting: Rewriting,
    /// The rows that were seen to need it.
    pub outdated: Outdated,
    /// Whether others must not have the database open meanwhile.
    pub alone: bool,
    pub reason: &'a str,
}

impl RewriteReferences<'_> {
    /// Its step.
    pub fn step(self) -> Step {
        let Rewriting { table, column, .. } = &self.rewriting;
        let address = format!("database/{}.{}/{column}", table.schema, table.name);
        let name = save_name(&ACTION, &address);
        let outdated_are = |Outdated { rows, sha256 }| Probe::OutdatedAre {
            rewriting: self.rewriting.clone(),
            rows,
            sha256,
        };
        let mut ready = vec![outdated_are(self.outdated)];
        ready.extend(self.alone.then_some(Probe::NoOtherWriter {}));
        let done = vec![outdated_are(outdated(&[]))];
        let Outdated { rows, sha256 } = self.outdated;
        let rewriting = self.rewriting.clone();
        let write = WriteRows { name: name.clone(), rewriting, rows, sha256 };
        let restore = RestoreRows { name, rewriting: self.rewriting.clone() };
        step(
            &ACTION,
            Parts {
                address,
                reason: self.reason.into(),
                transaction: Some("rewrite"),
                ready,
                moves: vec![Move::WriteRows(write)],
                done,
                undo: vec![Move::RestoreRows(restore)],
                ..Parts::default()
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::files::references::Form;
    use crate::model::names::ObjectRef;
    use crate::model::plan::step::Risk;

    #[test]
    fn a_rewriting_says_how_many_rows_and_leaves_none() {
        let rewriting = Rewriting {
            table: ObjectRef::table("public", "exports"),
            key: vec!["id".into()],
            column: "path".into(),
            form: Form::Absolute,
            from: vec!["/old/".into()],
            to: "/new/".into(),
            renamed: Default::default(),
        };
        let changes = rewriting.changes([
            ("1".to_owned(), "/old/a".to_owned()),
            ("2".to_owned(), "/new/b".to_owned()),
        ]);
        let seen = outdated(&changes);
        let step = RewriteReferences { rewriting, outdated: seen, alone: true, reason: "x" }.step();
        crate::actions::tests::check(&step);
        assert_eq!((seen.rows, step.risk), (1, Risk::Caution));
        assert_eq!(step.title, "rewrite 1 reference in `path` of table `exports`");
        assert!(matches!(&step.done[..], [Probe::OutdatedAre { rows: 0, .. }]));
    }
}
