//! Dumps of a real application, where the environment names their folder.

use std::time::Instant;

use ttplan::engines::database::RowQuery;
use ttplan::engines::postgres::ENGINE;
use ttplan::model::database::schema::{Schema, Table, View};
use ttplan::model::names::ObjectRef;

use crate::real::real_data;
use crate::spelled::drop_object;
use crate::support::{TestDatabase, database};
use crate::{change, inspect};

fn load(name: &str) -> Option<TestDatabase> {
    let folder = real_data("timetracker")?;
    let database = database();
    database.load(&folder.join(format!("postgres/{name}.sql")));
    Some(database)
}

/// Tables and views, dependents first.
fn in_order_of_going(schema: &Schema) -> Vec<ObjectRef> {
    let mut left: Vec<ObjectRef> = schema.tables.iter().map(Table::reference).collect();
    left.extend(schema.views.iter().map(View::reference));
    let mut order: Vec<ObjectRef> = Vec::new();
    while !left.is_empty() {
        // A foreign key goes with its table.
        let whole = |part: ObjectRef| match part.table {
            Some(table) => ObjectRef::table(part.schema, table),
            None => part,
        };
        let held = |object: &ObjectRef| {
            schema.dependents_of(object).into_iter().any(|part| left.contains(&whole(part)))
        };
        let free: Vec<ObjectRef> = left.iter().filter(|object| !held(object)).cloned().collect();
        assert!(!free.is_empty());
        left.retain(|object| !free.contains(object));
        order.extend(free);
    }
    order
}

#[test]
fn every_dump_is_seen_whole() {
    let Some(folder) = real_data("timetracker") else { return };
    let mut dumps: Vec<_> = std::fs::read_dir(folder.join("postgres"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    dumps.sort();
    for path in dumps {
        let database = database();
        database.load(&path);
        let start = Instant::now();
        let mut engine = inspect(&database.access());
        let sight = engine.look().unwrap();
        let time = start.elapsed();
        let count = |sql: &str| database.psql(sql).trim().parse::<usize>().unwrap();
        let schema = &sight.schema;
        let public = "(SELECT oid FROM pg_namespace WHERE nspname = 'public')";
        assert_eq!(
            schema.tables.len(),
            count("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        );
        assert_eq!(
            schema.views.len(),
            count("SELECT count(*) FROM pg_views WHERE schemaname = 'public'")
        );
        let columns: usize = schema.tables.iter().map(|table| table.columns.len()).sum();
        assert_eq!(
            columns,
            count(&format!(
                "SELECT count(*) FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE relkind = 'r' \
                 AND relnamespace = {public} AND attnum > 0 AND NOT attisdropped"
            ))
        );
        let keys: usize = schema.tables.iter().map(|table| table.foreign_keys.len()).sum();
        assert_eq!(
            keys,
            count(&format!(
                "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND connamespace = {public}"
            ))
        );
        let own: usize = schema
            .tables
            .iter()
            .map(|t| t.indexes.len() + t.uniques.len() + t.primary_key.iter().len())
            .sum();
        assert_eq!(own, count("SELECT count(*) FROM pg_indexes WHERE schemaname = 'public'"));
        let content = engine.content().unwrap();
        let questions: Vec<RowQuery> =
            schema.tables.iter().map(|table| RowQuery::Count(table.reference())).collect();
        let counts = engine.ask(&questions).unwrap();
        for ((table, content), count) in schema.tables.iter().zip(&content).zip(counts) {
            assert_eq!(
                (&table.reference(), content.rows.to_string()),
                (&content.table, count[0][0].clone())
            );
        }
        println!(
            "{}: {} tables, {own} indexes, {keys} foreign keys; connected and looked in {time:?}, all in {:?}",
            path.file_stem().unwrap().display(),
            schema.tables.len(),
            start.elapsed()
        );
    }
}

#[test]
fn a_corrupted_database_is_cleared_and_comes_back() {
    let Some(database) = load("corrupted") else { return };
    let (before, folder) = (database.dump(), tempfile::tempdir().unwrap());
    let mut engine = change(&database.access());
    let order = in_order_of_going(&engine.look().unwrap().schema);
    assert!(order.len() > 1);
    let file = folder.path().join("saved");
    engine.begin().unwrap();
    engine.save_objects(&order, &file).unwrap();
    for object in &order {
        engine.execute(&drop_object(ENGINE.dialect, object).unwrap()).unwrap();
    }
    engine.commit().unwrap();
    assert!(engine.look().unwrap().schema.tables.is_empty());
    engine.begin().unwrap();
    engine.restore_objects(&order, &file).unwrap();
    engine.commit().unwrap();
    assert_eq!(database.dump(), before);
}

#[test]
fn a_whole_application_is_backed_up_and_restored() {
    let Some(database) = load("head_seeded") else { return };
    let (before, folder) = (database.dump(), tempfile::tempdir().unwrap());
    let file = folder.path().join("backup");
    let mut engine = change(&database.access());
    let content = engine.content().unwrap();
    let start = Instant::now();
    let kept = engine.backup(&file).unwrap();
    println!("backed up {} tables and read them back in {:?}", kept.tables.len(), start.elapsed());
    assert_eq!(kept.tables.len(), 138);
    database.psql("DROP TABLE users CASCADE; DELETE FROM time_entries; CREATE TABLE stray (id serial PRIMARY KEY)");
    assert_ne!(engine.content().unwrap(), content);
    let start = Instant::now();
    engine.restore_backup(&file).unwrap();
    println!("restored in {:?}", start.elapsed());
    assert_eq!(database.dump(), before);
    assert_eq!(engine.content().unwrap(), content);
}
