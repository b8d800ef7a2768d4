//! `widen_version_column`: makes room for revision ids longer than the framework's column, on
//! engines that enforce widths.

use crate::actions::{Action, Draft, Phase, draft};
use crate::model::database::column_type::ColumnType;
use crate::model::database::revisions::RecordedRevisions;
use crate::model::plan::step::{Move, WidenColumn};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "widen_version_column",
    phase: Phase::Repair,
    makes: |moves| matches!(moves, [Move::WidenColumn(_)]),
    about: "makes room for revision ids that are longer than the column that records them",
    page: include_str!("../../docs/actions/widen_version_column.md"),
};

/// Wide enough for every id in the field, and what frameworks' own repairs use.
pub const WIDTH: u32 = 255;

/// The intention.
pub struct WidenVersionColumn<'a> {
    pub book: &'a RecordedRevisions,
    pub reason: &'a str,
}

impl WidenVersionColumn<'_> {
    /// Its step, or `None` where there is nothing to widen.
    pub fn step(&self) -> Option<Draft> {
        let width = self.book.width.filter(|width| *width < WIDTH)?;
        let table = self.book.versions.table.clone();
        let column = self.book.versions.column().to_owned();
        let address = format!("database/{}.{}/{column}", table.schema, table.name);
        let (from, to) = (ColumnType::Varchar(Some(width)), ColumnType::Varchar(Some(WIDTH)));
        let widen = WidenColumn { table, column, from, to };
        Some(draft(&ACTION, address, self.reason, vec![Move::WidenColumn(widen)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::tests::step_of;
    use crate::model::database::version_table::VersionTable;
    use crate::model::names::ObjectRef;

    #[test]
    fn only_a_narrow_column_is_widened() {
        let versions = VersionTable::of_heads(ObjectRef::table("public", "v"), "id");
        let book = |width| RecordedRevisions { versions: versions.clone(), width, recorded: None };
        let step = |width| WidenVersionColumn { book: &book(width), reason: "x" }.step();
        let widened = step_of(step(Some(32)).unwrap());
        assert_eq!(widened.title, "widen column `id` of table `v` to varchar(255)");
        assert!(step(Some(255)).is_none() && step(None).is_none());
    }
}
