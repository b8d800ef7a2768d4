//! Changing SQLite databases: that what is taken out comes back exactly, and that nothing
//! happens halfway.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ttplan::error::{Error, Kind, Result};
use ttplan::live::ChangeDatabase;
use ttplan::live::engines::by_name;
use ttplan::model::names::{ObjectKind, ObjectRef};
use ttplan::model::observation::Presence;

use crate::ground::sqlite::{SqliteDatabase, dump};
use crate::ground::{Client, TestDatabase};

mod ground;

fn change(database: &SqliteDatabase) -> Box<dyn ChangeDatabase> {
    (by_name("sqlite").unwrap().change)(&database.access()).unwrap()
}

fn kind<T>(result: Result<T>) -> Kind {
    result.err().expect("an error was expected").kind()
}

fn table(name: &str) -> ObjectRef {
    ObjectRef::table("main", name)
}

fn drop_sql(object: &ObjectRef) -> String {
    by_name("sqlite").unwrap().dialect.drop_object(object).unwrap()
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

/// Everything that a table can have and that is easily lost.
const MIXED: &str = r#"
    CREATE TABLE first (a);
    CREATE TABLE plain (v, w TEXT, r REAL, n NUMERIC);
    INSERT INTO plain (rowid, v, w, r, n) VALUES (-5, 1, 1, 1, '1.50'), (9, 1.0, '', -0.0, 9223372036854775807),
        (12, '1', NULL, 9e999, 'x'), (4000000000, x'00ff', 'nul' || char(0) || 'tail', 0.1, x''),
        (4000000001, CAST(x'c328ff' AS TEXT), CAST(x'ff' AS TEXT), NULL, 1e300), (4000000002, x'', x'61', 2, '');
    CREATE TABLE numbered (id INTEGER PRIMARY KEY AUTOINCREMENT, o INT REFERENCES plain (rowid));
    INSERT INTO numbered (id) VALUES (5), (90); DELETE FROM numbered WHERE id = 90;
    CREATE TABLE other_numbers (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO other_numbers VALUES (3);
    CREATE TABLE keyed (a TEXT, b INT, PRIMARY KEY (b, a)) WITHOUT ROWID;
    INSERT INTO keyed VALUES ('z', 1), ('a', 2);
    CREATE TABLE exact (a ANY, b BLOB, c INTEGER) STRICT; INSERT INTO exact VALUES ('1', x'', 1), (1.5, x'01', NULL);
    CREATE TABLE computed (a INT, twice INT AS (a * 2) STORED, thrice AS (a * 3), b TEXT UNIQUE);
    INSERT INTO computed (a, b) VALUES (1, 'x'), (NULL, 'y');
    CREATE TABLE shadowed (rowid TEXT, _rowid_ INT, "oid" BLOB); INSERT INTO shadowed VALUES ('a', 2, 3), ('b', NULL, 1);
    CREATE TABLE "sel""ect; --" ("a "" b" COLLATE NOCASE, 'c' DEFAULT 'it''s', [d e] CHECK ([d e] < 9));
    INSERT INTO "sel""ect; --" VALUES ('A', 1, 2), ('a', NULL, 3);
    CREATE INDEX partly ON plain (lower(w), n DESC) WHERE w IS NOT NULL;
    CREATE UNIQUE INDEX "odd index" ON "sel""ect; --" ("a "" b" COLLATE BINARY);
    CREATE TRIGGER noted AFTER INSERT ON plain BEGIN INSERT INTO first VALUES (CASE WHEN new.w THEN 1 END); END;
    CREATE VIEW seen AS SELECT p.w, k.a FROM plain p, keyed k;
    CREATE TRIGGER through INSTEAD OF INSERT ON seen BEGIN INSERT INTO plain (w) VALUES (new.w); END;
    CREATE TABLE last (a);
    ANALYZE;
"#;

const NAMES: [&str; 8] =
    ["plain", "numbered", "keyed", "exact", "computed", "shadowed", "sel\"ect; --", "other_numbers"];

/// All objects of [`MIXED`] but two tables, dependents first.
fn mixed() -> Vec<ObjectRef> {
    let view = ObjectRef::free(ObjectKind::View, "main", "seen");
    [view].into_iter().chain(NAMES.map(table)).collect()
}

#[test]
fn every_sort_of_object_comes_back_exactly_as_it_was() {
    for encoding in ["UTF-8", "UTF-16le"] {
        for mode in ["DELETE", "WAL"] {
            let database =
                SqliteDatabase::with(&format!("PRAGMA encoding = '{encoding}'; PRAGMA journal_mode = {mode}; {MIXED}"));
            let rowids =
                "SELECT rowid, typeof(v), hex(v), typeof(w), hex(w), typeof(r), hex(r), typeof(n), hex(n) FROM plain;
                          SELECT rowid, * FROM sqlite_sequence; SELECT rowid, * FROM sqlite_stat1;
                          SELECT rowid, type, name, tbl_name FROM sqlite_schema;";
            let before = (database.dump(), database.ask(rowids));
            let file = database.folder().join("saved.db");
            save_and_drop(&database, &mixed(), &file);
            assert_eq!(database.ask("SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%';"), "first\nlast\n");
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
    assert_eq!(database.ask("SELECT group_concat(name) FROM sqlite_schema;"), "a,c,b,sqlite_autoindex_b_1,i\n");
    assert_eq!(database.ask("PRAGMA integrity_check; SELECT x FROM b WHERE x = 1;"), "ok\n1\n");
}

#[test]
fn an_index_never_gets_a_place_before_its_table() {
    let database = SqliteDatabase::with("CREATE TABLE a (x); CREATE TABLE b (x); CREATE INDEX i ON b (x);");
    let (index, file) = (ObjectRef::of_table(ObjectKind::Index, "main", "b", "i"), database.folder().join("i.db"));
    save_and_drop(&database, std::slice::from_ref(&index), &file);
    database.sql("CREATE TABLE c (x); DROP TABLE b; CREATE TABLE d (x); CREATE TABLE b (x); DROP TABLE c;");
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
    let database = SqliteDatabase::with("CREATE TABLE a (x); CREATE TABLE b (x); INSERT INTO b VALUES (1);");
    for change_first in ["INSERT INTO b VALUES (2)", "ALTER TABLE b ADD COLUMN y", "CREATE INDEX i ON b (x)"] {
        let file = database.folder().join("saved.db");
        let mut run = change(&database);
        run.begin().unwrap();
        run.execute(change_first).unwrap();
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
    run.execute("DROP TABLE other").unwrap();
    run.commit().unwrap();
    run.begin().unwrap();
    run.execute("INSERT INTO child VALUES (3)").unwrap();
    let error = run.commit().unwrap_err();
    assert_eq!(error.kind(), Kind::Verification);
    assert!(error.message().starts_with("1 rows of `child`"), "{error}");
    run.rollback().unwrap();
    assert_eq!(database.ask("SELECT count(*) FROM child;"), "2\n");
}

#[test]
fn a_backup_is_made_and_put_back_while_others_read_and_the_journal_mode_stays() {
    for mode in ["delete", "wal"] {
        let database = SqliteDatabase::with(&format!("PRAGMA journal_mode = {mode}; {MIXED}"));
        let mut reader = database.client();
        let before = database.dump();
        let file = database.folder().join("backup.db");
        let mut run = change(&database);
        run.backup(&file).unwrap();
        assert_eq!(fs::read_dir(database.folder()).unwrap().count(), 2, "the backup is one file");
        assert_eq!(dump(&file), before);
        database.sql("DROP TABLE plain; CREATE TABLE more AS SELECT hex(randomblob(99999)) AS x; DELETE FROM keyed;");
        run.restore_backup(&file).unwrap();
        assert_eq!(database.dump(), before);
        assert_eq!(reader.ask("SELECT count(*) FROM keyed;"), "2\n");
        drop((run, reader));
        assert_eq!(database.ask("PRAGMA journal_mode; PRAGMA integrity_check;"), format!("{mode}\nok\n"));
    }
}

#[test]
fn a_locked_database_is_neither_restored_nor_migrated() {
    let database = SqliteDatabase::with("CREATE TABLE t (a); INSERT INTO t VALUES (1);");
    let file = database.folder().join("backup.db");
    let mut run = change(&database);
    run.backup(&file).unwrap();
    run.prepare_migrations(database.folder()).unwrap();
    let mut client = database.client();
    client.sql("BEGIN IMMEDIATE;");
    assert_eq!(kind(run.restore_backup(&file)), Kind::Locked);
    assert_eq!(kind(run.adopt_migrations(database.folder())), Kind::Locked);
    client.sql("INSERT INTO t VALUES (2); COMMIT;");
    assert_eq!(kind(run.adopt_migrations(database.folder())), Kind::Stale);
    assert_eq!(database.ask("SELECT count(*) FROM t;"), "2\n");
    run.restore_backup(&file).unwrap();
    assert_eq!(database.ask("SELECT count(*) FROM t;"), "1\n");
}

#[test]
fn an_absent_database_has_an_empty_backup() {
    let database = SqliteDatabase::absent();
    let file = database.folder().join("backup.db");
    let mut run = change(&database);
    let kept = run.backup(&file).unwrap();
    assert_eq!((kept.bytes, kept.tables.len()), (0, 0));
    run.restore_backup(&file).unwrap();
    assert!(!database.path.exists());
    database.sql("CREATE TABLE t (a);");
    run.restore_backup(&file).unwrap();
    assert_eq!(database.ask("SELECT count(*) FROM sqlite_schema;"), "0\n");
    assert_eq!(run.look().unwrap().presence, Presence::Present);
}

#[test]
fn a_full_disk_leaves_no_torn_backup() {
    let database = SqliteDatabase::with("CREATE TABLE t AS SELECT zeroblob(3000000) AS x;");
    let Some(small) = SmallDisk::mount(&database.folder().join("small")) else {
        println!("no small disk can be mounted here; a full one was not tested");
        return;
    };
    let error = change(&database).backup(&small.0.join("backup.db")).unwrap_err();
    assert!(error.message().contains("no space left"), "{error}");
    assert_eq!(fs::read_dir(&small.0).unwrap().count(), 0);
}

/// A file system of one mebibyte.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Option<Self> {
        fs::create_dir(at).unwrap();
        let mounted =
            std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "none"]).arg(at).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        std::process::Command::new("umount").arg(&self.0).status().unwrap();
    }
}

#[test]
fn migrations_never_show_before_they_are_adopted() {
    for mode in ["delete", "wal"] {
        let database = SqliteDatabase::with(&format!("PRAGMA journal_mode = {mode}; CREATE TABLE t (a);"));
        let before = database.dump();
        let mut run = change(&database);
        let url = run.prepare_migrations(database.folder()).unwrap().url;
        assert_eq!(url.reveal(), format!("sqlite:///{}/app.db", database.folder().display()));
        database.sql_at(url.reveal(), "PRAGMA journal_mode = WAL; CREATE TABLE migrated (b);");
        assert_eq!(database.dump(), before);
        let seen = run.look_at_migrated(database.folder()).unwrap();
        assert_eq!(seen.identity, run.look().unwrap().identity);
        assert_eq!(seen.schema.tables.len(), 2);
        run.adopt_migrations(database.folder()).unwrap();
        assert_eq!(run.look().unwrap().schema, seen.schema);
        assert_eq!(kind(run.adopt_migrations(database.folder())), Kind::Failed, "once is enough");
        drop(run);
        assert_eq!(database.ask("PRAGMA journal_mode;"), format!("{mode}\n"));
    }
}

#[test]
fn migrations_of_a_database_that_changed_meanwhile_are_not_adopted() {
    for mode in ["delete", "wal"] {
        let database = SqliteDatabase::with(&format!("PRAGMA journal_mode = {mode}; CREATE TABLE t (a);"));
        let mut run = change(&database);
        let url = run.prepare_migrations(database.folder()).unwrap().url;
        database.sql_at(url.reveal(), "CREATE TABLE migrated (b);");
        database.sql("INSERT INTO t VALUES (1);");
        let before = database.dump();
        assert_eq!(kind(run.adopt_migrations(database.folder())), Kind::Stale, "{mode}");
        assert_eq!(database.dump(), before);
    }
}

#[test]
fn a_damaged_or_missing_result_of_migrations_is_not_adopted() {
    let database = SqliteDatabase::with("CREATE TABLE t (a); INSERT INTO t VALUES (hex(randomblob(9000)));");
    let before = database.dump();
    let mut run = change(&database);
    run.prepare_migrations(database.folder()).unwrap();
    let copy = database.folder().join("app.db");
    let mut bytes = fs::read(&copy).unwrap();
    bytes[4096..9000].fill(0xff);
    fs::write(&copy, bytes).unwrap();
    assert!(run.adopt_migrations(database.folder()).is_err());
    fs::remove_file(&copy).unwrap();
    assert!(run.adopt_migrations(database.folder()).is_err());
    assert_eq!(run.look_at_migrated(database.folder()).unwrap().presence, Presence::Absent);
    assert_eq!(database.dump(), before);
}

#[test]
fn migrations_create_a_database_that_fits_in_its_directory() {
    for (directory, expected) in [(0o755, 0o644), (0o770, 0o660), (0o700, 0o600), (0o777, 0o664)] {
        let database = SqliteDatabase::absent();
        let folder = database.path.parent().unwrap();
        fs::set_permissions(folder, fs::Permissions::from_mode(directory)).unwrap();
        let mut run = change(&database);
        run.lock(Duration::ZERO).unwrap();
        let url = run.prepare_migrations(database.folder()).unwrap().url;
        database.sql_at(url.reveal(), "CREATE TABLE t (a); INSERT INTO t VALUES (1);");
        assert!(!database.path.exists());
        assert!(run.look_at_migrated(database.folder()).unwrap().schema.tables[0].ours);
        run.adopt_migrations(database.folder()).unwrap();
        assert_eq!(database.path.metadata().unwrap().mode() & 0o777, expected);
        assert_eq!(database.ask("SELECT * FROM t;"), "1\n");
        assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
        assert_eq!(run.look().unwrap().presence, Presence::Present);
        assert_eq!(kind(change(&database).lock(Duration::ZERO)), Kind::Locked, "the new file carries the lock");
    }
}

#[test]
fn a_database_that_appeared_meanwhile_is_not_written_over() {
    let database = SqliteDatabase::absent();
    let mut run = change(&database);
    run.prepare_migrations(database.folder()).unwrap();
    database.sql("CREATE TABLE theirs (a);");
    let before = database.dump();
    assert_eq!(kind(run.adopt_migrations(database.folder())), Kind::Stale);
    assert_eq!(database.dump(), before);
    let nowhere = SqliteDatabase::absent();
    fs::remove_dir(nowhere.path.parent().unwrap()).unwrap();
    assert_eq!(kind(change(&nowhere).prepare_migrations(nowhere.folder())), Kind::Unreachable);
}

#[test]
fn a_database_file_that_is_replaced_within_a_transaction_is_not_written_to() {
    let database = SqliteDatabase::with("CREATE TABLE t (a);");
    let mut run = change(&database);
    run.lock(Duration::ZERO).unwrap();
    run.begin().unwrap();
    fs::rename(&database.path, database.beside(".old")).unwrap();
    database.sql("CREATE TABLE theirs (a);");
    let written = run.execute("DROP TABLE t").and_then(|_| run.commit());
    assert_eq!(kind(written), Kind::Stale);
    run.rollback().unwrap();
    assert_eq!(run.look().unwrap().schema.tables[0].name, "theirs", "afterwards the new one is meant");
    assert_eq!(kind(change(&database).lock(Duration::ZERO)), Kind::Locked, "and locked");
}

#[test]
fn only_rows_are_counted() {
    let database = SqliteDatabase::with("CREATE TABLE t (a); INSERT INTO t VALUES (1), (2);");
    let mut run = change(&database);
    run.begin().unwrap();
    assert_eq!(run.execute("UPDATE t SET a = 3").unwrap(), 2);
    assert_eq!(run.execute("CREATE TABLE u (a)").unwrap(), 0);
    assert_eq!(run.execute("DROP TABLE t").unwrap(), 0);
}
