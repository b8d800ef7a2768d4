//! The contract of changing.

use std::time::Duration;

use ttplan::engines::database::{ReadDatabase, RowQuery, WriteDatabase};
use ttplan::engines::dialect::Sql;
use ttplan::error::Kind;
use ttplan::model::database::version_table::VersionTable;
use ttplan::model::names::{ObjectKind, ObjectRef};

use crate::contract::{APPLICATION, RUBBISH, change, home, inspect, kind, on_every_engine};
use crate::spelled::{create_version_table, drop_object, set_revisions};

#[test]
fn only_one_run_has_the_lock() {
    on_every_engine(|ground, database| {
        let mut first = change(ground, database);
        let mut second = change(ground, database);
        first.lock(Duration::ZERO).unwrap();
        assert_eq!(kind(second.lock(Duration::ZERO)), Kind::Locked);
        drop(first);
        second.lock(Duration::ZERO).unwrap();
        assert_eq!(kind(change(ground, database).lock(Duration::ZERO)), Kind::Locked);
    });
}

#[test]
fn a_transaction_lasts_with_its_commit_and_only_then() {
    on_every_engine(|ground, database| {
        database.sql(APPLICATION);
        let before = database.dump();
        let mut run = change(ground, database);
        run.begin().unwrap();
        assert_eq!(run.execute(&Sql::shipped("DELETE FROM orders WHERE id = 7")).unwrap(), 1);
        run.execute(&Sql::shipped("CREATE TABLE extra (id INTEGER)")).unwrap();
        assert!(run.look().unwrap().schema.home_table("extra").is_some());
        run.rollback().unwrap();
        run.rollback().unwrap();
        assert_eq!(database.dump(), before);
        run.begin().unwrap();
        run.execute(&Sql::shipped("DELETE FROM orders")).unwrap();
        drop(run);
        assert_eq!(database.dump(), before);
        let mut run = change(ground, database);
        run.begin().unwrap();
        run.execute(&Sql::shipped("DELETE FROM orders WHERE id = 7")).unwrap();
        run.commit().unwrap();
        database.sql("INSERT INTO orders VALUES (7, 1, 9.5);");
        let counted = run
            .ask(&[RowQuery::Count(ObjectRef::table(home(ground, database), "orders"))])
            .unwrap();
        assert_eq!(counted[0][0], ["2"]);
    });
}

#[test]
fn nothing_changes_outside_of_a_transaction_or_after_a_failure_in_it() {
    on_every_engine(|ground, database| {
        database.sql(APPLICATION);
        let before = database.dump();
        let mut run = change(ground, database);
        assert!(run.execute(&Sql::shipped("DELETE FROM orders")).is_err());
        assert!(run.commit().is_err());
        run.begin().unwrap();
        run.execute(&Sql::shipped("DELETE FROM orders")).unwrap();
        assert!(run.execute(&Sql::shipped("DELETE FROM no_such_table")).is_err());
        assert!(run.execute(&Sql::shipped("INSERT INTO clients VALUES (5, 'E', NULL)")).is_err());
        assert!(run.commit().is_err());
        run.rollback().unwrap();
        assert_eq!(database.dump(), before);
        run.begin().unwrap();
        assert!(run.execute(&Sql::shipped("DELETE FROM orders; DELETE FROM clients")).is_err());
        run.rollback().unwrap();
        assert_eq!(database.dump(), before);
    });
}

#[test]
fn revisions_are_replaced_only_where_they_are_as_expected() {
    on_every_engine(|ground, database| {
        let table = ObjectRef::table(home(ground, database), "alembic_version");
        let versions = VersionTable::of_heads(table.clone(), "version_num");
        let set = |from: &[&str], to: &[&str]| set_revisions(&versions, from, to);
        let recorded = |run: &mut Box<dyn WriteDatabase>| {
            let question = RowQuery::Column { table: table.clone(), column: "version_num".into() };
            run.ask(&[question]).unwrap().remove(0).concat()
        };
        let mut run = change(ground, database);
        run.begin().unwrap();
        assert_eq!(kind(run.set_revisions(&set(&[], &["1"]))), Kind::Stale);
        run.rollback().unwrap();
        run.begin().unwrap();
        run.execute(&create_version_table(ground.engine().dialect, &versions)).unwrap();
        run.set_revisions(&set(&[], &["2b", "2a"])).unwrap();
        run.commit().unwrap();
        assert_eq!(recorded(&mut run), ["2a", "2b"]);
        for from in [&["2a"][..], &["2a", "2b", "2b"], &[], &["2a", "2c"]] {
            run.begin().unwrap();
            assert_eq!(kind(run.set_revisions(&set(from, &["3"]))), Kind::Stale);
            run.rollback().unwrap();
        }
        run.begin().unwrap();
        run.set_revisions(&set(&["2b", "2a"], &["3'; DROP"])).unwrap();
        run.commit().unwrap();
        assert_eq!(recorded(&mut run), ["3'; DROP"]);
    });
}

#[test]
fn a_drop_that_would_leave_references_to_nothing_does_not_last() {
    on_every_engine(|ground, database| {
        database.sql(APPLICATION);
        let before = database.dump();
        let clients = ObjectRef::table(home(ground, database), "clients");
        let view = ObjectRef::free(ObjectKind::View, &clients.schema, "open_orders");
        let dialect = ground.engine().dialect;
        let mut run = change(ground, database);
        run.begin().unwrap();
        run.execute(&drop_object(dialect, &view).unwrap()).unwrap();
        let dropped =
            run.execute(&drop_object(dialect, &clients).unwrap()).and_then(|_| run.commit());
        assert!(dropped.is_err());
        run.rollback().unwrap();
        assert_eq!(database.dump(), before);
    });
}

#[test]
fn saved_and_dropped_objects_come_back_as_they_were() {
    on_every_engine(|ground, database| {
        database.sql(APPLICATION);
        database.sql(RUBBISH);
        database.sql("CREATE TABLE last_one (id INTEGER PRIMARY KEY);");
        let before = database.dump();
        let home = home(ground, database);
        let objects = [
            ObjectRef::free(ObjectKind::View, &home, "open_orders"),
            ObjectRef::table(&home, "orders"),
            ObjectRef::table(&home, "My Table; drop"),
        ];
        let file = database.folder().join("saved");
        let mut run = change(ground, database);
        run.begin().unwrap();
        let kept = run.save_objects(&objects, &file).unwrap();
        let rows: Vec<_> = kept.tables.iter().map(|(table, rows)| (&*table.name, *rows)).collect();
        assert_eq!(rows, [("My Table; drop", 3), ("orders", 2)]);
        assert_eq!(kept.bytes, file.metadata().unwrap().len());
        for object in &objects {
            run.execute(&drop_object(ground.engine().dialect, object).unwrap()).unwrap();
        }
        run.commit().unwrap();
        drop(run);
        let names: Vec<_> = inspect(ground, database)
            .look()
            .unwrap()
            .schema
            .tables
            .into_iter()
            .map(|table| table.name)
            .collect();
        assert_eq!(names, ["clients", "last_one"]);
        let mut run = change(ground, database);
        run.begin().unwrap();
        run.restore_objects(&objects, &file).unwrap();
        run.commit().unwrap();
        assert_eq!(database.dump(), before);
    });
}

#[test]
fn saving_replaces_no_file_and_an_object_that_is_there_is_not_restored_over() {
    on_every_engine(|ground, database| {
        database.sql(APPLICATION);
        let before = database.dump();
        let orders = [ObjectRef::table(home(ground, database), "orders")];
        let file = database.folder().join("saved");
        std::fs::write(&file, "something else").unwrap();
        let mut run = change(ground, database);
        run.begin().unwrap();
        assert!(run.save_objects(&orders, &file).is_err());
        run.rollback().unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"something else");
        std::fs::remove_file(&file).unwrap();
        run.begin().unwrap();
        run.save_objects(&orders, &file).unwrap();
        assert!(run.restore_objects(&orders, &file).is_err());
        run.rollback().unwrap();
        assert_eq!(database.dump(), before);
    });
}

#[test]
fn a_quarantined_table_is_out_of_sight_and_comes_back_whole() {
    on_every_engine(|ground, database| {
        database.sql(APPLICATION);
        database.sql(RUBBISH);
        let before = database.dump();
        let rubbish = ObjectRef::table(home(ground, database), "My Table; drop");
        let file = database.folder().join("quarantined");
        let mut run = change(ground, database);
        run.begin().unwrap();
        run.quarantine(&rubbish, &file).unwrap();
        run.commit().unwrap();
        let schema = run.look().unwrap().schema;
        assert_eq!(
            schema.tables.iter().map(|table| &*table.name).collect::<Vec<_>>(),
            ["clients", "orders"]
        );
        run.begin().unwrap();
        run.unquarantine(&rubbish, &file).unwrap();
        run.commit().unwrap();
        assert_eq!(database.dump(), before);
    });
}

#[test]
fn a_backup_is_read_back_and_brings_everything_back() {
    on_every_engine(|ground, database| {
        database.sql(APPLICATION);
        database.sql(RUBBISH);
        let before = database.dump();
        let file = database.folder().join("backup");
        let mut run = change(ground, database);
        let kept = run.backup(&file).unwrap();
        let rows: Vec<_> = kept.tables.iter().map(|(table, rows)| (&*table.name, *rows)).collect();
        assert_eq!(rows, [("My Table; drop", 3), ("clients", 3), ("orders", 2)]);
        assert_eq!(run.check_backup(&file).unwrap(), kept);
        assert!(run.backup(&file).is_err(), "a backup must not be replaced");
        database.sql("DROP VIEW open_orders; DROP TABLE orders; CREATE TABLE extra (id INTEGER);");
        database.sql("UPDATE clients SET name = 'Zed' WHERE id = 1;");
        run.restore_backup(&file).unwrap();
        assert_eq!(database.dump(), before);
        assert_eq!(run.look().unwrap().schema, inspect(ground, database).look().unwrap().schema);
        std::fs::write(&file, "torn").unwrap();
        assert!(run.check_backup(&file).is_err());
        assert!(run.restore_backup(&file).is_err());
        assert_eq!(database.dump(), before);
    });
}

#[test]
fn a_backup_is_restored_apart_and_the_database_left_alone() {
    on_every_engine(|ground, database| {
        database.sql(APPLICATION);
        database.sql(RUBBISH);
        let file = database.folder().join("backup");
        let mut run = change(ground, database);
        run.backup(&file).unwrap();
        let held = (run.look().unwrap().schema, run.content().unwrap());
        // What the backup gives back is seen, and not what the database holds by then.
        database.sql("UPDATE clients SET name = 'Zed' WHERE id = 1;");
        let before = database.dump();
        for scratch in ["first", "second"] {
            let scratch = database.folder().join(scratch);
            std::fs::create_dir(&scratch).unwrap();
            let mut seen = None;
            let look = &mut |restored: &mut dyn ReadDatabase| {
                seen = Some((restored.look()?.schema, restored.content()?));
                Ok(())
            };
            run.restore_apart(&file, &scratch, look).unwrap();
            assert_eq!(seen.as_ref(), Some(&held));
            assert_ne!(run.content().unwrap(), held.1);
        }
        std::fs::write(&file, "torn").unwrap();
        let scratch = database.folder().join("third");
        std::fs::create_dir(&scratch).unwrap();
        assert!(
            run.restore_apart(&file, &scratch, &mut |_| panic!("there is nothing to look at"))
                .is_err()
        );
        assert_eq!(database.dump(), before);
    });
}

#[test]
fn migrations_are_looked_at_and_then_adopted() {
    on_every_engine(|ground, database| {
        database.sql(APPLICATION);
        let scratch = database.folder().join("scratch");
        std::fs::create_dir(&scratch).unwrap();
        let mut run = change(ground, database);
        let workplace = run.prepare_migrations(&scratch).unwrap();
        database.sql_at(
            workplace.url.reveal(),
            "ALTER TABLE orders ADD COLUMN paid INTEGER; DELETE FROM orders;",
        );
        let seen = run.open_migrated(&scratch).unwrap().look().unwrap();
        assert!(seen.schema.home_table("orders").unwrap().column("paid").is_some());
        run.adopt_migrations(&scratch).unwrap();
        let schema = inspect(ground, database).look().unwrap().schema;
        assert_eq!(schema.tables, seen.schema.tables);
        assert_eq!(run.look().unwrap().schema, schema);
        let orders = RowQuery::Count(ObjectRef::table(&schema.home, "orders"));
        assert_eq!(run.ask(&[orders]).unwrap()[0][0], ["0"]);
    });
}
