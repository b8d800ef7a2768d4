//! SQLite databases as a whole: backups, migrations on a copy, and that nothing happens halfway.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ttplan::engines::by_name;
use ttplan::engines::database::WriteDatabase;
use ttplan::engines::dialect::Sql;
use ttplan::error::{Kind, Result};
use ttplan::model::names::ObjectRef;
use ttplan::model::observation::Presence;

use crate::ground::sqlite::{MIXED, SqliteDatabase, dump};
use crate::ground::{Client, TestDatabase};

fn change(database: &SqliteDatabase) -> Box<dyn WriteDatabase> {
    (by_name("sqlite").unwrap().change)(&database.access()).unwrap()
}

fn kind<T>(result: Result<T>) -> Kind {
    result.err().expect("an error was expected").kind()
}

fn table(name: &str) -> ObjectRef {
    ObjectRef::table("main", name)
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
        assert_eq!(
            database.ask("PRAGMA journal_mode; PRAGMA integrity_check;"),
            format!("{mode}\nok\n")
        );
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
fn a_schema_with_functions_of_the_application_can_be_backed_up_and_not_be_saved() {
    // The `sqlite3` program has functions and collations of its own.
    let database = SqliteDatabase::with(
        "CREATE TABLE t (a TEXT COLLATE uint UNIQUE, g AS (sha3(a)), CHECK (a REGEXP '^x')); CREATE TABLE u (a UNIQUE);
         CREATE INDEX i ON t (sha3(a)); CREATE VIEW broken AS SELECT * FROM gone; INSERT INTO t VALUES ('x1'), ('x2');",
    );
    let before = database.dump();
    let file = database.folder().join("backup.db");
    let mut run = change(&database);
    assert_eq!(run.backup(&file).unwrap().tables, [(table("t"), 2), (table("u"), 0)]);
    assert_eq!(dump(&file), before);
    assert_eq!(run.look().unwrap().schema.tables.len(), 2);
    assert_eq!(run.content().unwrap()[0].rows, 2);
    run.begin().unwrap();
    assert_eq!(
        kind(run.save_objects(&[table("t")], &database.folder().join("t.db"))),
        Kind::Failed
    );
    run.rollback().unwrap();
    let mut bytes = fs::read(&file).unwrap();
    let text = bytes.windows(2).position(|two| two == b"x2").unwrap();
    bytes[text - 8..text].fill(0xff);
    fs::write(&file, bytes).unwrap();
    assert!(run.check_backup(&file).is_err(), "damage is found all the same");
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
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "none"])
            .arg(at)
            .output();
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
        let database =
            SqliteDatabase::with(&format!("PRAGMA journal_mode = {mode}; CREATE TABLE t (a);"));
        let before = database.dump();
        let mut run = change(&database);
        let url = run.prepare_migrations(database.folder()).unwrap().url;
        assert_eq!(url.reveal(), format!("sqlite:///{}/app.db", database.folder().display()));
        database.sql_at(url.reveal(), "PRAGMA journal_mode = WAL; CREATE TABLE migrated (b);");
        assert_eq!(database.dump(), before);
        let seen = run.open_migrated(database.folder()).unwrap().look().unwrap();
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
        let database =
            SqliteDatabase::with(&format!("PRAGMA journal_mode = {mode}; CREATE TABLE t (a);"));
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
    let database =
        SqliteDatabase::with("CREATE TABLE t (a); INSERT INTO t VALUES (hex(randomblob(9000)));");
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
    assert_eq!(
        run.open_migrated(database.folder()).unwrap().look().unwrap().presence,
        Presence::Absent
    );
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
        assert!(
            run.open_migrated(database.folder()).unwrap().look().unwrap().schema.tables[0].ours
        );
        run.adopt_migrations(database.folder()).unwrap();
        assert_eq!(database.path.metadata().unwrap().mode() & 0o777, expected);
        assert_eq!(database.ask("SELECT * FROM t;"), "1\n");
        assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
        assert_eq!(run.look().unwrap().presence, Presence::Present);
        assert_eq!(
            kind(change(&database).lock(Duration::ZERO)),
            Kind::Locked,
            "the new file carries the lock"
        );
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
    let written = run.execute(&Sql::shipped("DROP TABLE t")).and_then(|_| run.commit());
    assert_eq!(kind(written), Kind::Stale);
    run.rollback().unwrap();
    assert_eq!(
        run.look().unwrap().schema.tables[0].name,
        "theirs",
        "afterwards the new one is meant"
    );
    assert_eq!(kind(change(&database).lock(Duration::ZERO)), Kind::Locked, "and locked");
}
