//! `drop_table`: drops one table that nothing explains, never with its dependents; it is saved
//! inside the lock in which it is dropped.

use crate::actions::{Action, CLEARING, Parts, Phase, save_name, step};
use crate::model::database::schema::Table;
use crate::model::dialect::Dialect;
use crate::model::names::ObjectRef;
use crate::model::plan::step::{DropObject, Move, Probe, RestoreObjects, SaveObjects, Step};

/// The record on the shelf.
pub const ACTION: Action = Action {
    kind: "drop_table",
    phase: Phase::Clear,
    about: "drops a table, saved first, never with its dependents",
    page: include_str!("../../docs/actions/drop_table.md"),
};

/// The intention.
pub struct DropTable<'a> {
    pub table: &'a Table,
    pub rows: u64,
    /// What depends on it and is removed by earlier steps of the same plan.
    pub dependents: &'a [ObjectRef],
    /// Whether an earlier step takes something off the table itself, so that its definition
    /// will not be the one that was seen.
    pub changed_before: bool,
    pub reason: &'a str,
}

impl DropTable<'_> {
    /// Its step, or `None` where the engine cannot drop a table.
    pub fn step(&self, dialect: &dyn Dialect) -> Option<Step> {
        let object = self.table.reference();
        let sql = dialect.drop_object(&object)?;
        let address = format!("database/{}.{}", object.schema, object.name);
        let name = save_name(&ACTION, &address);
        let mut ready = vec![
            Probe::Rows { table: object.clone(), count: self.rows },
            Probe::NoDependentsBut { object: object.clone(), dependents: self.dependents.to_vec() },
            Probe::NoOtherWriter {},
        ];
        if !self.changed_before {
            ready
                .insert(0, Probe::ObjectIs { object: object.clone(), sha256: self.table.digest() });
        }
        Some(step(
            &ACTION,
            Parts {
                address,
                reason: self.reason.into(),
                transaction: Some(CLEARING),
                ready,
                save: vec![Move::SaveObjects(SaveObjects {
                    name: name.clone(),
                    objects: vec![object.clone()],
                })],
                moves: vec![Move::DropObject(DropObject { object: object.clone(), sql })],
                done: vec![Probe::ObjectAbsent { object: object.clone() }],
                undo: vec![Move::RestoreObjects(RestoreObjects { name, objects: vec![object] })],
            },
        ))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::plan::step::Risk;

    /// A dialect for tests of pure stages, spelled like the engines on the shelf.
    pub(crate) struct Plain;

    impl Dialect for Plain {
        fn name(&self) -> &'static str {
            "plain"
        }
        fn is_one_file(&self) -> bool {
            false
        }
        fn drop_object(&self, object: &ObjectRef) -> Option<String> {
            Some(format!("DROP {} \"{}\"", object.kind.words().to_uppercase(), object.name))
        }
        fn is_of_the_system(&self, object: &ObjectRef) -> bool {
            object.schema == "system"
        }
        fn create_book(&self, table: &ObjectRef, column: &str, width: u32) -> String {
            format!("CREATE TABLE \"{}\" (\"{column}\" varchar({width}) NOT NULL)", table.name)
        }
        fn widen_column(&self, table: &ObjectRef, column: &str, width: u32) -> Option<String> {
            Some(format!(
                "ALTER TABLE \"{}\" ALTER COLUMN \"{column}\" TYPE varchar({width})",
                table.name
            ))
        }
    }

    #[test]
    fn a_drop_is_destructive_saved_and_says_how_many_rows_go() {
        let table =
            Table { schema: "public".into(), name: "My Table; drop".into(), ..Table::default() };
        let drop = DropTable {
            table: &table,
            rows: 2,
            dependents: &[],
            changed_before: false,
            reason: "x",
        };
        let step = drop.step(&Plain).unwrap();
        crate::actions::tests::check(&step);
        assert_eq!(step.risk, Risk::Destructive);
        assert_eq!(step.title, "drop table `My Table; drop` (2 rows)");
        assert!(matches!(&step.ready[0], Probe::ObjectIs { .. }));
        let changed = DropTable { changed_before: true, ..drop }.step(&Plain).unwrap();
        assert!(!changed.ready.iter().any(|probe| matches!(probe, Probe::ObjectIs { .. })));
    }
}
