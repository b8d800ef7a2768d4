//! Single objects of SQLite databases: that what is taken out comes back exactly.

use std::fs;
use std::path::Path;

use ttplan::engines::by_name;
use ttplan::engines::database::WriteDatabase;
use ttplan::engines::dialect::Sql;
use ttplan::error::{Error, Kind, Result};
use ttplan::model::names::{ObjectKind, ObjectRef};

use crate::ground::TestDatabase;
use crate::ground::sqlite::{MIXED, SqliteDatabase};
use crate::spelled::drop_object;

fn change(database: &SqliteDatabase) -> Box<dyn WriteDatabase> {
    (by_name("sqlite").unwrap().change)(&database.access()).unwrap()
}

fn kind<T>(result: Result<T>) -> Kind {
    result.err().expect("an error was expected").kind()
}

fn table(name: &str) -> ObjectRef {
    ObjectRef::table("main", name)
}

fn drop_sql(object: &ObjectRef) -> Sql {
    drop_object(by_name("sqlite").unwrap().dialect, object).unwrap()
}

/// Saves and drops objects in one run.
fn save_and_drop(database: &SqliteDatabase, objects: &[ObjectRef], file: &Path) {
    let mut run = change(database);
    run.begin().unwrap();
    run.save_objects(objects, file).unwrap();
    for object in objects {
        run.execute(&drop_sql(object)).unwrap();
    }
    run.commit().unwrap();
}

fn bring_back(database: &SqliteDatabase, objects: &[ObjectRef], file: &Path) -> Result<(), Error> {
    let mut run = change(database);
    run.begin()?;
    run.restore_objects(objects, file)?;
    run.commit()
}

/// The tables of [`MIXED`], but its first and last.
const NAMES: [&str; 8] = [
    "plain",
    "numbered",
    "keyed",
    "exact",
    "computed",
    "shadowed",
    "sel\"ect; --",
    "other_numbers",
];

/// These and the view, dependents first.
fn mixed() -> Vec<ObjectRef> {
    let view = ObjectRef::free(ObjectKind::View, "main", "seen");
    [view].into_iter().chain(NAMES.map(table)).collect()
}

#[test]
fn every_sort_of_object_comes_back_exactly_as_it_was() {
    for encoding in ["UTF-8", "UTF-16le"] {
        for mode in ["DELETE", "WAL"] {
            let database = SqliteDatabase::with(&format!(
                "PRAGMA encoding = '{encoding}'; PRAGMA journal_mode = {mode}; {MIXED}"
            ));
            let rowids =
                "SELECT rowid, typeof(v), hex(v), typeof(w), hex(w), typeof(r), hex(r), typeof(n), hex(n) FROM plain;
                          SELECT rowid, * FROM sqlite_sequence; SELECT rowid, * FROM sqlite_stat1;
                          SELECT rowid, type, name, tbl_name FROM sqlite_schema;";
            let before = (database.dump(), database.ask(rowids));
            let file = database.folder().join("saved.db");
            save_and_drop(&database, &mixed(), &file);
            assert_eq!(
                database.ask("SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%';"),
                "first\nlast\n"
            );
            bring_back(&database, &mixed(), &file).unwrap();
            assert_eq!((database.dump(), database.ask(rowids)), before, "{encoding} {mode}");
            assert_eq!(database.ask("PRAGMA integrity_check;"), "ok\n");
        }
    }
}

#[test]
fn objects_come_back_one_by_one_in_any_order() {
    let database = SqliteDatabase::with(MIXED);
    let before = database.dump();
    let objects = mixed();
    let file = |place: usize| database.folder().join(format!("saved-{place}.db"));
    for (place, object) in objects.iter().enumerate() {
        save_and_drop(&database, std::slice::from_ref(object), &file(place));
    }
    for place in [4, 0, 8, 1, 3, 2, 7, 5, 6] {
        bring_back(&database, std::slice::from_ref(&objects[place]), &file(place)).unwrap();
    }
    assert_eq!(database.dump(), before);
}

#[test]
fn what_was_made_meanwhile_keeps_its_place_and_takes_no_name() {
    let database = SqliteDatabase::with(
        "CREATE TABLE a (x); CREATE TABLE b (x UNIQUE);
         INSERT INTO b VALUES (1); CREATE INDEX i ON b (x DESC);",
    );
    let file = database.folder().join("saved.db");
    save_and_drop(&database, &[table("b")], &file);
    database.sql("CREATE TABLE c (x); CREATE VIEW B AS SELECT 1;");
    assert_eq!(kind(bring_back(&database, &[table("b")], &file)), Kind::Stale);
    database.sql("DROP VIEW B;");
    bring_back(&database, &[table("b")], &file).unwrap();
    assert_eq!(
        database.ask("SELECT group_concat(name) FROM sqlite_schema;"),
        "a,c,b,sqlite_autoindex_b_1,i\n"
    );
    assert_eq!(database.ask("PRAGMA integrity_check; SELECT x FROM b WHERE x = 1;"), "ok\n1\n");
}

#[test]
fn an_index_never_gets_a_place_before_its_table() {
    let database =
        SqliteDatabase::with("CREATE TABLE a (x); CREATE TABLE b (x); CREATE INDEX i ON b (x);");
    let (index, file) =
        (ObjectRef::of_table(ObjectKind::Index, "main", "b", "i"), database.folder().join("i.db"));
    save_and_drop(&database, std::slice::from_ref(&index), &file);
    database.sql(
        "CREATE TABLE c (x); DROP TABLE b; CREATE TABLE d (x); CREATE TABLE b (x); DROP TABLE c;",
    );
    assert_eq!(database.ask("SELECT rowid, name FROM sqlite_schema;"), "1|a\n4|d\n5|b\n");
    bring_back(&database, std::slice::from_ref(&index), &file).unwrap();
    assert_eq!(database.ask("SELECT rowid, name FROM sqlite_schema;"), "1|a\n4|d\n5|b\n6|i\n");
}

#[test]
fn an_index_or_a_trigger_comes_back_by_itself() {
    let database = SqliteDatabase::with(MIXED);
    let before = database.dump();
    let objects = [
        ObjectRef::of_table(ObjectKind::Index, "main", "plain", "partly"),
        ObjectRef::of_table(ObjectKind::Trigger, "main", "seen", "through"),
        ObjectRef::of_table(ObjectKind::Trigger, "main", "plain", "noted"),
    ];
    let file = database.folder().join("saved.db");
    save_and_drop(&database, &objects, &file);
    assert_ne!(database.dump(), before);
    database.sql("ANALYZE;");
    bring_back(&database, &objects, &file).unwrap();
    database.sql("ANALYZE;");
    assert_eq!(sorted(&database.dump()), sorted(&before));
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn what_could_not_come_back_is_not_saved_and_no_file_is_left() {
    let database = SqliteDatabase::with(
        "CREATE VIRTUAL TABLE docs USING fts5(body); CREATE TABLE ttplan_kept_x (a); CREATE TABLE t (a, b NOT NULL);
         INSERT INTO t VALUES (1, 2), (2, 3);",
    );
    let nulls = SqliteDatabase::with(
        "CREATE TABLE t (a, b); INSERT INTO t VALUES (1, NULL); PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = 'CREATE TABLE t (a, b NOT NULL)' WHERE name = 't';",
    );
    let constraint = ObjectRef::of_table(ObjectKind::Constraint, "main", "t", "c");
    for (database, object, expected) in [
        (&database, table("docs"), Kind::Failed),
        (&database, table("ttplan_kept_x"), Kind::Failed),
        (&database, table("missing"), Kind::Stale),
        (&database, constraint, Kind::Failed),
        (&nulls, table("t"), Kind::Failed),
    ] {
        let before = database.dump();
        let file = database.folder().join("saved.db");
        let mut run = change(database);
        run.begin().unwrap();
        assert_eq!(kind(run.quarantine(&object, &file)), expected, "{object}");
        run.rollback().unwrap();
        assert!(!file.exists());
        assert_eq!(database.dump(), before);
    }
}

#[test]
fn what_the_transaction_changed_already_is_not_saved() {
    let database =
        SqliteDatabase::with("CREATE TABLE a (x); CREATE TABLE b (x); INSERT INTO b VALUES (1);");
    for change_first in
        ["INSERT INTO b VALUES (2)", "ALTER TABLE b ADD COLUMN y", "CREATE INDEX i ON b (x)"]
    {
        let file = database.folder().join("saved.db");
        let mut run = change(&database);
        run.begin().unwrap();
        run.execute(&Sql::shipped(change_first)).unwrap();
        run.save_objects(&[table("a")], &database.folder().join("a.db")).unwrap();
        assert_eq!(kind(run.save_objects(&[table("b")], &file)), Kind::Failed, "{change_first}");
        assert!(!file.exists());
        fs::remove_file(database.folder().join("a.db")).unwrap();
    }
}

#[test]
fn rows_that_referred_to_nothing_before_are_no_reason_to_refuse() {
    let database = SqliteDatabase::with(
        "CREATE TABLE parent (id INTEGER PRIMARY KEY); CREATE TABLE child (p INT REFERENCES parent);
         CREATE TABLE misfit (p INT REFERENCES child (p)); INSERT INTO child VALUES (1), (2); CREATE TABLE other (a);",
    );
    let mut run = change(&database);
    run.begin().unwrap();
    run.execute(&Sql::shipped("DROP TABLE other")).unwrap();
    run.commit().unwrap();
    run.begin().unwrap();
    run.execute(&Sql::shipped("INSERT INTO child VALUES (3)")).unwrap();
    let error = run.commit().unwrap_err();
    assert_eq!(error.kind(), Kind::Verification);
    assert!(error.message().starts_with("1 rows of `child`"), "{error}");
    run.rollback().unwrap();
    assert_eq!(database.ask("SELECT count(*) FROM child;"), "2\n");
}

#[test]
fn only_rows_are_counted() {
    let database = SqliteDatabase::with("CREATE TABLE t (a); INSERT INTO t VALUES (1), (2);");
    let mut run = change(&database);
    run.begin().unwrap();
    assert_eq!(run.execute(&Sql::shipped("UPDATE t SET a = 3")).unwrap(), 2);
    assert_eq!(run.execute(&Sql::shipped("CREATE TABLE u (a)")).unwrap(), 0);
    assert_eq!(run.execute(&Sql::shipped("DROP TABLE t")).unwrap(), 0);
}
