//! The contract of looking.

use ttplan::engines::database::{OtherSessions, RowQuery};
use ttplan::engines::{ALL, by_scheme};
use ttplan::model::names::{ObjectKind, ObjectRef};
use ttplan::model::observation::Presence;

use crate::contract::{APPLICATION, RUBBISH, change, home, inspect, on_every_engine};
use crate::ground;

#[test]
fn every_engine_of_the_shelf_stands_this_test_and_is_found_by_its_schemes() {
    let tested: Vec<&str> = ground::all().iter().map(|ground| ground.engine().name).collect();
    assert_eq!(tested, ALL.iter().map(|engine| engine.name).collect::<Vec<_>>());
    for engine in ALL {
        assert_eq!(engine.dialect.name(), engine.name);
        for scheme in engine.schemes {
            assert_eq!(
                by_scheme(&format!("{scheme}+driver")).map(|found| found.name),
                Some(engine.name)
            );
        }
    }
}

#[test]
fn an_absent_database_is_absent_and_stays_so() {
    for ground in ground::all() {
        let Some(database) = ground.absent() else { continue };
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
        let columns: Vec<_> =
            clients.columns.iter().map(|column| (&*column.name, column.nullable)).collect();
        assert_eq!(columns[1..], [("name", false), ("note", true)]);
        assert_eq!(clients.primary_key.as_ref().unwrap().columns, ["id"]);
        assert_eq!(
            clients.uniques.iter().map(|key| key.columns.join(",")).collect::<Vec<_>>(),
            ["name"]
        );
        assert!(clients.ours);
        let orders = schema.home_table("orders").unwrap();
        let key = &orders.foreign_keys[0];
        assert_eq!(key.name.as_deref(), Some("orders_client_fk"));
        assert_eq!((&*key.foreign_table, &*key.on_delete), ("clients", "CASCADE"));
        assert_eq!(
            (&key.columns[..], &key.foreign_columns[..]),
            (&["client_id".into()][..], &["id".into()][..])
        );
        assert_eq!(
            orders.checks.iter().map(|check| &*check.name).collect::<Vec<_>>(),
            ["orders_total_positive"]
        );
        let indexes: Vec<_> =
            orders.indexes.iter().map(|index| (&*index.name, index.columns.join(","))).collect();
        assert_eq!(indexes, [("orders_by_client", "client_id".into())]);
        assert_eq!(
            schema.views.iter().map(|view| &*view.name).collect::<Vec<_>>(),
            ["open_orders"]
        );
        let view = schema.views[0].reference();
        let dependents = schema.dependents_of(&clients.reference());
        let constraint =
            ObjectRef::of_table(ObjectKind::Constraint, &schema.home, "orders", "orders_client_fk");
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
        assert_eq!(
            inspect(ground, database).look().unwrap().schema.digest_without(&[]),
            first.digest_without(&[])
        );
        database.sql("CREATE INDEX orders_by_total ON orders (total);");
        let second = inspect(ground, database).look().unwrap().schema;
        assert_ne!(
            second.home_table("orders").unwrap().digest(),
            first.home_table("orders").unwrap().digest()
        );
        assert_eq!(
            second.home_table("clients").unwrap().digest(),
            first.home_table("clients").unwrap().digest()
        );
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
            RowQuery::Count(clients.clone()),
            RowQuery::Column { table: clients.clone(), column: "note".into() },
            RowQuery::Keyed {
                table: clients.clone(),
                key: vec!["id".into()],
                column: "note".into(),
                containing: String::new(),
            },
            RowQuery::Keyed {
                table: clients.clone(),
                key: vec!["id".into(), "name".into()],
                column: "name".into(),
                containing: String::new(),
            },
            RowQuery::Keyed {
                table: rubbish.clone(),
                key: vec![],
                column: "a \"b\"".into(),
                containing: String::new(),
            },
            RowQuery::Count(rubbish),
        ];
        let answers = inspect(ground, database).ask(&questions).unwrap();
        let row =
            |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
        assert_eq!(answers[0], [row(&["3"])]);
        assert_eq!(answers[1], [row(&[""]), row(&["a 'quoted' note"])]);
        assert_eq!(answers[2], [row(&["30", "a 'quoted' note"])]);
        assert_eq!(
            answers[3],
            [row(&["1,Ann", "Ann"]), row(&["2,Bo", "Bo"]), row(&["30,Cee", "Cee"])]
        );
        assert_eq!(answers[4], [row(&["", "x"]), row(&["", "x"])]);
        assert_eq!(answers[5], [row(&["3"])]);
        assert_eq!(change(ground, database).ask(&questions).unwrap(), answers);
        let missing = RowQuery::Column { table: clients, column: "no_such_column".into() };
        assert!(inspect(ground, database).ask(&[missing]).is_err());
    });
}

#[test]
fn content_is_equal_for_equal_rows_in_any_order() {
    on_every_engine(|ground, database| {
        database.sql(APPLICATION);
        let before = inspect(ground, database).content().unwrap();
        let counts: Vec<_> =
            before.iter().map(|content| (&*content.table.name, content.rows)).collect();
        assert_eq!(counts, [("clients", 3), ("orders", 2)]);
        database.sql("DELETE FROM orders WHERE id = 7; INSERT INTO orders VALUES (7, 1, 9.5);");
        assert_eq!(change(ground, database).content().unwrap(), before);
        database.sql("UPDATE orders SET total = 9.25 WHERE id = 7;");
        let after = inspect(ground, database).content().unwrap();
        assert_eq!(after[0], before[0]);
        assert_ne!(after[1].digest, before[1].digest);
    });
}

/// Nobody has the database open, as soon as the server has noticed that a client is gone.
fn nobody_is_found(writers: impl Fn() -> OtherSessions) {
    let start = std::time::Instant::now();
    while writers() != OtherSessions::None {
        assert!(start.elapsed().as_secs() < 30, "still found: {:?}", writers());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn somebody_who_has_the_database_open_is_found_and_told_by_name() {
    on_every_engine(|ground, database| {
        database.sql(APPLICATION);
        nobody_is_found(|| inspect(ground, database).writers().unwrap());
        let other = database.other_client();
        for writers in [inspect(ground, database).writers(), change(ground, database).writers()] {
            assert!(
                matches!(writers.unwrap(), OtherSessions::Some(who) if who.len() == 1 && !who[0].is_empty())
            );
        }
        drop(other);
        nobody_is_found(|| change(ground, database).writers().unwrap());
    });
}
