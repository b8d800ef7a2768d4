//! Real databases of a real application, where `TTPLAN_REAL_DATA` names the folder that has them.
//! Their `index.json` says what is in them.

use std::path::PathBuf;
use std::time::Instant;

use ttplan::engines::by_name;
use ttplan::engines::database::{ReadDatabase, WriteDatabase};
use ttplan::model::database::schema::{Table, View};
use ttplan::model::names::{ObjectKind, ObjectRef};

use crate::ground::TestDatabase;
use crate::ground::sqlite::{SqliteDatabase, dump};
use crate::real::real_data;
use crate::spelled::drop_object;

fn folder() -> Option<PathBuf> {
    real_data("timetracker")
}

fn inspect(database: &SqliteDatabase) -> Box<dyn ReadDatabase> {
    (by_name("sqlite").unwrap().inspect)(&database.access()).unwrap()
}

fn change(database: &SqliteDatabase) -> Box<dyn WriteDatabase> {
    (by_name("sqlite").unwrap().change)(&database.access()).unwrap()
}

#[test]
fn every_database_holds_what_the_index_says() {
    let Some(folder) = folder() else { return };
    let index = std::fs::read_to_string(folder.join("index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_str(&index).unwrap();
    let mut looked = 0;
    for (name, case) in index["cases"].as_object().unwrap() {
        let case = &case["sqlite"];
        let Some(file) = case["file"].as_str() else { continue };
        let database = SqliteDatabase::copy_of(&folder.join(file));
        let begun = Instant::now();
        let mut found = inspect(&database);
        let schema = found.look().unwrap().schema;
        println!("{name}: {} tables in {:?}", schema.tables.len(), begun.elapsed());
        assert_eq!(Some(schema.tables.len() as u64), case["tables"].as_u64(), "{name}");
        let unread =
            schema.tables.iter().filter(|table| table.attributes.contains_key("definition_unread"));
        assert_eq!(unread.count(), 0, "{name}");
        let rows: u64 = found.content().unwrap().iter().map(|content| content.rows).sum();
        assert_eq!(Some(rows), case["rows_total"].as_u64(), "{name}");
        if name == "head_seeded" {
            assert_eq!(schema.tables.iter().map(|table| table.indexes.len()).sum::<usize>(), 339);
            assert!(schema.home_table("alembic_version").is_some());
        }
        assert_eq!(
            std::fs::read(&database.path).unwrap(),
            std::fs::read(folder.join(file)).unwrap(),
            "{name}"
        );
        looked += 1;
    }
    assert!(looked > 0);
}

#[test]
fn the_tables_of_a_corrupted_database_come_back_as_they_were() {
    let Some(folder) = folder() else { return };
    let database = SqliteDatabase::copy_of(&folder.join("sqlite/corrupted.db"));
    let before = database.dump();
    let schema = inspect(&database).look().unwrap().schema;
    assert!(schema.home_table("My Table; drop").is_some());
    let tables = schema.tables.iter().map(Table::reference);
    let objects: Vec<ObjectRef> = schema.views.iter().map(View::reference).chain(tables).collect();
    assert!(objects.iter().any(|object| object.kind == ObjectKind::View));
    let file = database.folder().join("saved.db");
    let mut run = change(&database);
    run.begin().unwrap();
    run.save_objects(&objects, &file).unwrap();
    for object in &objects {
        run.execute(&drop_object(by_name("sqlite").unwrap().dialect, object).unwrap()).unwrap();
    }
    run.commit().unwrap();
    assert_eq!(run.look().unwrap().schema.tables, []);
    run.begin().unwrap();
    run.restore_objects(&objects, &file).unwrap();
    run.commit().unwrap();
    assert_eq!(database.dump(), before);
}

#[test]
fn a_large_schema_goes_through_a_backup_and_through_saving() {
    let Some(folder) = folder() else { return };
    let database = SqliteDatabase::copy_of(&folder.join("sqlite/head_seeded.db"));
    let before = database.dump();
    let mut run = change(&database);
    let backup = database.folder().join("backup.db");
    let kept = run.backup(&backup).unwrap();
    assert_eq!(kept.tables.len(), 138);
    assert_eq!(dump(&backup), before);
    let schema = run.look().unwrap().schema;
    let objects: Vec<ObjectRef> = schema.tables.iter().map(Table::reference).collect();
    let file = database.folder().join("saved.db");
    let begun = Instant::now();
    run.begin().unwrap();
    run.save_objects(&objects, &file).unwrap();
    for object in &objects {
        run.execute(&drop_object(by_name("sqlite").unwrap().dialect, object).unwrap()).unwrap();
    }
    run.commit().unwrap();
    println!("saved and dropped {} tables in {:?}", objects.len(), begun.elapsed());
    let begun = Instant::now();
    run.begin().unwrap();
    run.restore_objects(&objects, &file).unwrap();
    run.commit().unwrap();
    println!("restored them in {:?}", begun.elapsed());
    assert_eq!(database.dump(), before);
    database.sql("DROP TABLE time_entries; DELETE FROM users;");
    run.restore_backup(&backup).unwrap();
    assert_eq!(database.dump(), before);
}
