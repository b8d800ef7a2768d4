//! The contract that every engine of the shelf keeps, whatever it is made of. What is particular
//! to one engine is tested beside, in a file of its own.

use std::time::Duration;

use ttplan::error::{Kind, Result};
use ttplan::live::engines::{ALL, by_scheme};
use ttplan::live::{ChangeDatabase, InspectDatabase, Question, Writers};
use ttplan::model::names::{ObjectKind, ObjectRef};
use ttplan::model::observation::Presence;
use ttplan::model::step::{Basis, SetRevisions};

use crate::ground::{Ground, TestDatabase};

mod ground;

/// What an application of two tables and a view has.
const APPLICATION: &str = "
    CREATE TABLE clients (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL UNIQUE, note TEXT);
    CREATE TABLE orders (
        id INTEGER PRIMARY KEY, client_id INTEGER NOT NULL, total NUMERIC(10, 2) DEFAULT 0,
        CONSTRAINT orders_total_positive CHECK (total >= 0),
        CONSTRAINT orders_client_fk FOREIGN KEY (client_id) REFERENCES clients (id) ON DELETE CASCADE);
    CREATE INDEX orders_by_client ON orders (client_id);
    CREATE VIEW open_orders AS SELECT o.id, c.name FROM orders o JOIN clients c ON c.id = o.client_id;
    INSERT INTO clients VALUES (1, 'Ann', NULL), (2, 'Bo', ''), (30, 'Cee', 'a ''quoted'' note');
    INSERT INTO orders VALUES (7, 1, 9.5), (8, 30, 100);
";

/// Rubbish with a name that wants to be quoted.
const RUBBISH: &str = "
    CREATE TABLE \"My Table; drop\" (\"a \"\"b\"\"\" TEXT, \"select\" INTEGER);
    INSERT INTO \"My Table; drop\" VALUES ('x', 1), (NULL, NULL), ('x', 1);
";

/// Runs a test on an empty database of every engine.
fn on_every_engine(test: impl Fn(&dyn Ground, &dyn TestDatabase)) {
    for ground in ground::all() {
        test(ground.as_ref(), ground.database().as_ref());
    }
}

fn inspect(ground: &dyn Ground, database: &dyn TestDatabase) -> Box<dyn InspectDatabase> {
    (ground.engine().inspect)(&database.access()).unwrap()
}

fn change(ground: &dyn Ground, database: &dyn TestDatabase) -> Box<dyn ChangeDatabase> {
    (ground.engine().change)(&database.access()).unwrap()
}

fn home(ground: &dyn Ground, database: &dyn TestDatabase) -> String {
    inspect(ground, database).look().unwrap().schema.home
}

fn kind<T>(result: Result<T>) -> Kind {
    result.err().expect("an error was expected").kind()
}

#[test]
fn every_engine_of_the_shelf_stands_this_test_and_is_found_by_its_schemes() {
    let tested: Vec<&str> = ground::all().iter().map(|ground| ground.engine().name).collect();
    assert_eq!(tested, ALL.iter().map(|engine| engine.name).collect::<Vec<_>>());
    for engine in ALL {
        assert_eq!(engine.dialect.name(), engine.name);
        for scheme in engine.schemes {
            assert_eq!(by_scheme(&format!("{scheme}+driver")).map(|found| found.name), Some(engine.name));
        }
    }
}

#[test]
fn an_absent_database_is_absent_and_stays_so() {
    for ground in ground::all() {
        let database = ground.absent();
        for _ in 0..2 {
            let mut found = inspect(ground.as_ref(), database.as_ref());
            let sight = found.look().unwrap();
            assert_eq!(sight.presence, Presence::Absent);
            assert_eq!(sight.schema.tables, []);
            assert_eq!(sight.schema.engine, ground.engine().name);
            assert_eq!(found.content().unwrap(), []);
        }
        let sight = change(ground.as_ref(), database.as_ref()).look().unwrap();
        assert_eq!(sight.presence, Presence::Absent);
    }
}

#[test]
fn an_empty_database_is_present() {
    on_every_engine(|ground, database| {
        let sight = inspect(ground, database).look().unwrap();
        assert_eq!(sight.presence, Presence::Present);
        assert_eq!((sight.schema.tables.len(), sight.schema.views.len()), (0, 0));
        assert!(sight.schema.schemas.contains(&sight.schema.home));
        assert!(sight.server_version.is_some());
        assert_eq!(sight.identity.engine, ground.engine().name);
    });
}

#[test]
fn the_schema_is_seen_as_it_was_made() {
    on_every_engine(|ground, database| {
        database.sql(APPLICATION);
        let sight = inspect(ground, database).look().unwrap();
        let schema = &sight.schema;
        let names: Vec<&str> = schema.tables.iter().map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["clients", "orders"]);
        let clients = schema.home_table("clients").unwrap();
        let columns: Vec<_> = clients.columns.iter().map(|column| (&*column.name, column.nullable)).collect();
        assert_eq!(columns[1..], [("name", false), ("note", true)]);
        assert_eq!(clients.primary_key.as_ref().unwrap().columns, ["id"]);
        assert_eq!(clients.uniques.iter().map(|key| key.columns.join(",")).collect::<Vec<_>>(), ["name"]);
        assert!(clients.ours);
        let orders = schema.home_table("orders").unwrap();
        let key = &orders.foreign_keys[0];
        assert_eq!(key.name.as_deref(), Some("orders_client_fk"));
        assert_eq!((&*key.foreign_table, &*key.on_delete), ("clients", "CASCADE"));
        assert_eq!((&key.columns[..], &key.foreign_columns[..]), (&["client_id".into()][..], &["id".into()][..]));
        assert_eq!(orders.checks.iter().map(|check| &*check.name).collect::<Vec<_>>(), ["orders_total_positive"]);
        let indexes: Vec<_> = orders.indexes.iter().map(|index| (&*index.name, index.columns.join(","))).collect();
        assert_eq!(indexes, [("orders_by_client", "client_id".into())]);
        assert_eq!(schema.views.iter().map(|view| &*view.name).collect::<Vec<_>>(), ["open_orders"]);
        let view = schema.views[0].reference();
        let dependents = schema.dependents_of(&clients.reference());
        let constraint = ObjectRef::of_table(ObjectKind::Constraint, &schema.home, "orders", "orders_client_fk");
        assert!(dependents.contains(&view) && dependents.contains(&constraint), "{dependents:?}");
        assert_eq!(schema.dependents_of(&orders.reference()), [view]);
    });
}

#[test]
fn the_same_database_always_looks_the_same_and_a_changed_one_does_not() {
    on_every_engine(|ground, database| {
        database.sql(APPLICATION);
        let first = inspect(ground, database).look().unwrap().schema;
        assert_eq!(inspect(ground, database).look().unwrap().schema, first);
        assert_eq!(change(ground, database).look().unwrap().schema, first);
        database.sql("INSERT INTO clients VALUES (4, 'Dee', NULL);");
        assert_eq!(inspect(ground, database).look().unwrap().schema.digest_without(&[]), first.digest_without(&[]));
        database.sql("CREATE INDEX orders_by_total ON orders (total);");
        let second = inspect(ground, database).look().unwrap().schema;
        assert_ne!(second.home_table("orders").unwrap().digest(), first.home_table("orders").unwrap().digest());
        assert_eq!(second.home_table("clients").unwrap().digest(), first.home_table("clients").unwrap().digest());
    });
}

#[test]
fn questions_are_answered_in_text_and_sorted_by_bytes() {
    on_every_engine(|ground, database| {
        database.sql(APPLICATION);
        database.sql(RUBBISH);
        let home = home(ground, database);
        let clients = ObjectRef::table(&home, "clients");
        let rubbish = ObjectRef::table(&home, "My Table; drop");
        let questions = [
            Question::Count(clients.clone()),
            Question::Column { table: clients.clone(), column: "note".into() },
            Question::Keyed { table: clients.clone(), key: vec!["id".into()], column: "note".into() },
            Question::Keyed { table: clients.clone(), key: vec!["id".into(), "name".into()], column: "name".into() },
            Question::Keyed { table: rubbish.clone(), key: vec![], column: "a \"b\"".into() },
            Question::Count(rubbish),
        ];
        let answers = inspect(ground, database).ask(&questions).unwrap();
        let row = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
        assert_eq!(answers[0], [row(&["3"])]);
        assert_eq!(answers[1], [row(&[""]), row(&["a 'quoted' note"])]);
        assert_eq!(answers[2], [row(&["30", "a 'quoted' note"])]);
        assert_eq!(answers[3], [row(&["1,Ann", "Ann"]), row(&["2,Bo", "Bo"]), row(&["30,Cee", "Cee"])]);
        assert_eq!(answers[4], [row(&["", "x"]), row(&["", "x"])]);
        assert_eq!(answers[5], [row(&["3"])]);
        assert_eq!(change(ground, database).ask(&questions).unwrap(), answers);
        let missing = Question::Column { table: clients, column: "no_such_column".into() };
        assert!(inspect(ground, database).ask(&[missing]).is_err());
    });
}

#[test]
fn content_is_equal_for_equal_rows_in_any_order() {
    on_every_engine(|ground, database| {
        database.sql(APPLICATION);
        let before = inspect(ground, database).content().unwrap();
        let counts: Vec<_> = before.iter().map(|content| (&*content.table.name, content.rows)).collect();
        assert_eq!(counts, [("clients", 3), ("orders", 2)]);
        database.sql("DELETE FROM orders WHERE id = 7; INSERT INTO orders VALUES (7, 1, 9.5);");
        assert_eq!(change(ground, database).content().unwrap(), before);
        database.sql("UPDATE orders SET total = 9.25 WHERE id = 7;");
        let after = inspect(ground, database).content().unwrap();
        assert_eq!(after[0], before[0]);
        assert_ne!(after[1].digest, before[1].digest);
    });
}

#[test]
fn somebody_who_has_the_database_open_is_found_and_told_by_name() {
    on_every_engine(|ground, database| {
        database.sql(APPLICATION);
        assert_eq!(inspect(ground, database).writers().unwrap(), Writers::None);
        let other = database.other_client();
        for writers in [inspect(ground, database).writers(), change(ground, database).writers()] {
            assert!(matches!(writers.unwrap(), Writers::Some(who) if who.len() == 1 && !who[0].is_empty()));
        }
        drop(other);
        assert_eq!(change(ground, database).writers().unwrap(), Writers::None);
    });
}

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
        assert_eq!(run.execute("DELETE FROM orders WHERE id = 7").unwrap(), 1);
        run.execute("CREATE TABLE extra (id INTEGER)").unwrap();
        assert!(run.look().unwrap().schema.home_table("extra").is_some());
        run.rollback().unwrap();
        run.rollback().unwrap();
        assert_eq!(database.dump(), before);
        run.begin().unwrap();
        run.execute("DELETE FROM orders").unwrap();
        drop(run);
        assert_eq!(database.dump(), before);
        let mut run = change(ground, database);
        run.begin().unwrap();
        run.execute("DELETE FROM orders WHERE id = 7").unwrap();
        run.commit().unwrap();
        database.sql("INSERT INTO orders VALUES (7, 1, 9.5);");
        let counted = run.ask(&[Question::Count(ObjectRef::table(home(ground, database), "orders"))]).unwrap();
        assert_eq!(counted[0][0], ["2"]);
    });
}

#[test]
fn nothing_changes_outside_of_a_transaction_or_after_a_failure_in_it() {
    on_every_engine(|ground, database| {
        database.sql(APPLICATION);
        let before = database.dump();
        let mut run = change(ground, database);
        assert!(run.execute("DELETE FROM orders").is_err());
        assert!(run.commit().is_err());
        run.begin().unwrap();
        run.execute("DELETE FROM orders").unwrap();
        assert!(run.execute("DELETE FROM no_such_table").is_err());
        assert!(run.execute("INSERT INTO clients VALUES (5, 'E', NULL)").is_err());
        assert!(run.commit().is_err());
        run.rollback().unwrap();
        assert_eq!(database.dump(), before);
        run.begin().unwrap();
        assert!(run.execute("DELETE FROM orders; DELETE FROM clients").is_err());
        run.rollback().unwrap();
        assert_eq!(database.dump(), before);
    });
}

#[test]
fn revisions_are_replaced_only_where_they_are_as_expected() {
    on_every_engine(|ground, database| {
        let table = ObjectRef::table(home(ground, database), "alembic_version");
        let set = |from: &[&str], to: &[&str]| SetRevisions {
            table: table.clone(),
            column: "version_num".into(),
            from: from.iter().map(|id| (*id).into()).collect(),
            to: to.iter().map(|id| (*id).into()).collect(),
            basis: Basis::Exact,
        };
        let recorded = |run: &mut Box<dyn ChangeDatabase>| {
            let question = Question::Column { table: table.clone(), column: "version_num".into() };
            run.ask(&[question]).unwrap().remove(0).concat()
        };
        let mut run = change(ground, database);
        run.begin().unwrap();
        assert_eq!(kind(run.set_revisions(&set(&[], &["1"]))), Kind::Stale);
        run.rollback().unwrap();
        run.begin().unwrap();
        run.execute(&ground.engine().dialect.create_book(&table, "version_num", 32)).unwrap();
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
        run.execute(&dialect.drop_object(&view).unwrap()).unwrap();
        let dropped = run.execute(&dialect.drop_object(&clients).unwrap()).and_then(|_| run.commit());
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
            run.execute(&ground.engine().dialect.drop_object(object).unwrap()).unwrap();
        }
        run.commit().unwrap();
        drop(run);
        let names: Vec<_> =
            inspect(ground, database).look().unwrap().schema.tables.into_iter().map(|table| table.name).collect();
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
        assert_eq!(schema.tables.iter().map(|table| &*table.name).collect::<Vec<_>>(), ["clients", "orders"]);
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
fn migrations_are_looked_at_and_then_adopted() {
    on_every_engine(|ground, database| {
        database.sql(APPLICATION);
        let scratch = database.folder().join("scratch");
        std::fs::create_dir(&scratch).unwrap();
        let mut run = change(ground, database);
        let workplace = run.prepare_migrations(&scratch).unwrap();
        database.sql_at(workplace.url.reveal(), "ALTER TABLE orders ADD COLUMN paid INTEGER; DELETE FROM orders;");
        let seen = run.look_at_migrated(&scratch).unwrap();
        assert!(seen.schema.home_table("orders").unwrap().column("paid").is_some());
        run.adopt_migrations(&scratch).unwrap();
        let schema = inspect(ground, database).look().unwrap().schema;
        assert_eq!(schema.tables, seen.schema.tables);
        assert_eq!(run.look().unwrap().schema, schema);
        let orders = Question::Count(ObjectRef::table(&schema.home, "orders"));
        assert_eq!(run.ask(&[orders]).unwrap()[0][0], ["0"]);
    });
}
