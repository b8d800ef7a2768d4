//! `widen_version_column`: makes room for revision ids longer than the framework's column, on
//! engines that enforce widths.

use crate::actions::{Action, Parts, Phase, step};
use crate::model::database::revisions::VersionTable;
use crate::model::dialect::Dialect;
use crate::model::plan::step::{AlterObject, Move, Probe, Step};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "widen_version_column",
    phase: Phase::Repair,
    about: "makes room for revision ids that are longer than the column that records them",
    page: include_str!("../../docs/actions/widen_version_column.md"),
};

/// Wide enough for every id in the field, and what frameworks' own repairs use.
pub const WIDTH: u32 = 255;

/// The intention.
pub struct WidenVersionColumn<'a> {
    pub book: &'a VersionTable,
    pub reason: &'a str,
}

impl WidenVersionColumn<'_> {
    /// Its step, or `None` where there is nothing to widen.
    pub fn step(&self, dialect: &dyn Dialect) -> Option<Step> {
        let width = self.book.width.filter(|width| *width < WIDTH)?;
        let (table, column) = (&self.book.table, &self.book.column);
        let sql = dialect.widen_column(table, column, WIDTH)?;
        let back = dialect.widen_column(table, column, width)?;
        let width_is = |width| Probe::ColumnWidth {
            table: table.clone(),
            column: column.clone(),
            width: Some(width),
        };
        let alter = |sql| vec![Move::AlterObject(AlterObject { object: table.clone(), sql })];
        Some(step(
            &ACTION,
            Parts {
                address: format!("database/{}.{}/{column}", table.schema, table.name),
                reason: self.reason.into(),
                ready: vec![width_is(width)],
                moves: alter(sql),
                done: vec![width_is(WIDTH)],
                undo: alter(back),
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

    #[test]
    fn a_narrow_column_is_widened_and_a_wide_one_left_alone() {
        let table = ObjectRef::table("public", "versions");
        let book =
            VersionTable { table, column: "v".into(), width: Some(32), recorded: Some(Vec::new()) };
        let step = WidenVersionColumn { book: &book, reason: "x" }.step(&Plain).unwrap();
        crate::actions::tests::check(&step);
        assert_eq!(step.risk, Risk::Caution);
        for width in [Some(255), None] {
            let book = VersionTable { width, ..book.clone() };
            assert!(WidenVersionColumn { book: &book, reason: "x" }.step(&Plain).is_none());
        }
    }
}
