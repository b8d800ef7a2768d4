//! `rewrite_references`: makes the values of a column name their files the way the application does
//! now, after those have been moved. Every value comes back by undo.

use crate::actions::{Action, Draft, Phase, draft};
use crate::model::files::references::Outdated;
use crate::model::files::rewriting::Rewriting;
use crate::model::plan::derive::copy_name;
use crate::model::plan::step::{Move, WriteRows};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "rewrite_references",
    phase: Phase::Rewrite,
    makes: |moves| matches!(moves, [Move::WriteRows(_)]),
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
    pub fn step(self) -> Draft {
        let Rewriting { table, column, .. } = &self.rewriting;
        let address = format!("database/{}.{}/{column}", table.schema, table.name);
        let write = WriteRows {
            name: copy_name(ACTION.kind, &address, 0),
            rewriting: self.rewriting,
            rows: self.outdated.rows,
            sha256: self.outdated.sha256,
            online: !self.alone,
        };
        draft(&ACTION, address, self.reason, vec![Move::WriteRows(write)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::tests::step_of;
    use crate::model::files::references::Form;
    use crate::model::files::rewriting::outdated;
    use crate::model::names::ObjectRef;
    use crate::model::plan::step::{Probe, Risk};

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
        let rewrite = RewriteReferences { rewriting, outdated: seen, alone: true, reason: "x" };
        let step = step_of(rewrite.step());
        assert_eq!((seen.rows, step.risk), (1, Risk::Caution));
        assert_eq!(step.title, "rewrite 1 reference in `path` of table `exports`");
        assert!(matches!(&step.done[..], [Probe::OutdatedRowsAre { rows: 0, .. }]));
    }
}
