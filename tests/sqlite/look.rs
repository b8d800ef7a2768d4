//! Looking at SQLite databases in every state they may be found in: what is seen, and that
//! looking leaves no trace.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use ttplan::engines::by_name;
use ttplan::engines::database::{
    InspectedDatabase, OtherSessions, ReadDatabase, RowQuery, WriteDatabase,
};
use ttplan::error::{Error, Kind};
use ttplan::model::database::schema::{Table, TableSort};
use ttplan::model::names::{ObjectKind, ObjectRef};
use ttplan::model::observation::Presence;

use crate::ground::sqlite::{SqliteClient, SqliteDatabase, access};
use crate::ground::{Client, TestDatabase};

fn inspect(database: &SqliteDatabase) -> Box<dyn ReadDatabase> {
    try_inspect(&database.path).unwrap()
}

fn try_inspect(path: &Path) -> Result<Box<dyn ReadDatabase>, Error> {
    (by_name("sqlite").unwrap().inspect)(&access(path))
}

fn change(database: &SqliteDatabase) -> Box<dyn WriteDatabase> {
    try_change(&database.path).unwrap()
}

fn try_change(path: &Path) -> Result<Box<dyn WriteDatabase>, Error> {
    (by_name("sqlite").unwrap().change)(&access(path))
}

fn look(database: &SqliteDatabase) -> InspectedDatabase {
    inspect(database).look().unwrap()
}

fn count(found: &mut dyn ReadDatabase, table: &str) -> String {
    found.ask(&[RowQuery::Count(ObjectRef::table("main", table))]).unwrap()[0][0][0].clone()
}

/// What can be seen of a file: bytes, mode, seconds and nanoseconds of its time.
type State = (Vec<u8>, u32, i64, i64);

/// Every file of a directory, and the directory itself.
fn traces(folder: &Path) -> BTreeMap<String, State> {
    let state = |path: &Path| {
        let metadata = path.metadata().unwrap();
        let bytes = if metadata.is_file() { fs::read(path).unwrap() } else { Vec::new() };
        (bytes, metadata.mode(), metadata.mtime(), metadata.mtime_nsec())
    };
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .chain([folder.to_owned()])
        .map(|path| (path.display().to_string(), state(&path)))
        .collect()
}

/// Looks in every way there is, and checks that nothing changed by it.
fn look_without_a_trace(database: &SqliteDatabase) -> InspectedDatabase {
    let folder = database.path.parent().unwrap();
    let before = traces(folder);
    let mut found = inspect(database);
    let sight = found.look().unwrap();
    found.content().unwrap();
    found.writers().unwrap();
    for table in &sight.schema.tables {
        found.ask(&[RowQuery::Count(table.reference())]).unwrap();
    }
    assert!(traces(folder) == before, "while it was open");
    drop(found);
    assert!(traces(folder) == before, "afterwards");
    sight
}

/// A database in WAL mode whose last rows are only in the log, and the client that has it open.
fn with_a_log() -> (SqliteDatabase, SqliteClient) {
    let database = SqliteDatabase::with(
        "PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1);",
    );
    let mut client = database.client();
    client
        .sql("PRAGMA wal_autocheckpoint = 0; INSERT INTO t VALUES (2); INSERT INTO t VALUES (3);");
    (database, client)
}

/// What a crash in the middle of a large update leaves: a hot journal.
fn with_a_hot_journal() -> SqliteDatabase {
    let running = SqliteDatabase::with(
        "CREATE TABLE t (a, b); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) \
         INSERT INTO t SELECT i, hex(randomblob(50)) FROM n;",
    );
    let mut client = running.client();
    client.sql("PRAGMA cache_size = 5; BEGIN; UPDATE t SET a = -1, b = b || 'x'; DELETE FROM t WHERE rowid > 1000;");
    let crashed = SqliteDatabase::copy_of(&running.path);
    fs::copy(running.beside("-journal"), crashed.beside("-journal")).unwrap();
    assert!(crashed.beside("-journal").metadata().unwrap().len() > 0);
    client.kill();
    crashed
}

#[test]
fn a_database_in_rollback_mode_is_looked_at_without_a_trace() {
    let database = SqliteDatabase::with("CREATE TABLE t (a); INSERT INTO t VALUES (1);");
    assert_eq!(look_without_a_trace(&database).schema.tables.len(), 1);
    let empty = SqliteDatabase::empty();
    assert_eq!(look_without_a_trace(&empty).presence, Presence::Present);
    assert_eq!(empty.path.metadata().unwrap().len(), 0);
}

#[test]
fn a_database_in_wal_mode_is_looked_at_without_a_trace() {
    let (database, client) = with_a_log();
    look_without_a_trace(&database);
    assert_eq!(count(inspect(&database).as_mut(), "t"), "3", "rows in the log count");
    client.kill();
    assert!(database.beside("-wal").exists());
    look_without_a_trace(&database);
    assert_eq!(count(inspect(&database).as_mut(), "t"), "3", "also without its writer");
    database.sql("SELECT 1 FROM t;");
    assert!(!database.beside("-wal").exists(), "the log is written back by the last client");
    look_without_a_trace(&database);
    assert_eq!(count(inspect(&database).as_mut(), "t"), "3");
}

#[test]
fn a_hot_journal_is_looked_through_and_left_alone() {
    let database = with_a_hot_journal();
    look_without_a_trace(&database);
    let mut found = inspect(&database);
    assert_eq!(count(found.as_mut(), "t"), "3000");
    let keys = RowQuery::Column { table: ObjectRef::table("main", "t"), column: "a".into() };
    assert!(
        !found.ask(&[keys]).unwrap()[0].contains(&vec!["-1".to_owned()]),
        "what was not committed is not seen"
    );
}

#[test]
fn what_is_seen_is_one_moment_and_writers_do_not_wait_for_it() {
    for mode in ["DELETE", "WAL"] {
        let database = SqliteDatabase::with(&format!(
            "PRAGMA journal_mode = {mode}; CREATE TABLE t (a); INSERT INTO t VALUES (1);"
        ));
        let mut found = inspect(&database);
        assert_eq!(count(found.as_mut(), "t"), "1");
        // Fails at once if a lock is held.
        database.sql("INSERT INTO t VALUES (2); CREATE TABLE u (a);");
        assert_eq!(count(found.as_mut(), "t"), "1");
        assert_eq!(found.look().unwrap().schema.tables.len(), 1);
        assert_eq!(found.content().unwrap().len(), 1);
        assert_eq!(count(inspect(&database).as_mut(), "t"), "2");
    }
}

#[test]
fn what_is_not_a_database_is_told_from_one_that_is_absent() {
    let database =
        SqliteDatabase::with("CREATE TABLE t (a); INSERT INTO t VALUES (hex(zeroblob(9000)));");
    let folder = database.path.parent().unwrap();
    fs::create_dir(folder.join("directory")).unwrap();
    fs::write(folder.join("text"), "hello, I am no database\n").unwrap();
    fs::write(folder.join("long text"), "hello, I am no database\n".repeat(999)).unwrap();
    let mut bytes = fs::read(&database.path).unwrap();
    bytes[100..200].fill(0xff);
    fs::write(folder.join("damaged"), bytes).unwrap();
    let before = traces(folder);
    for (name, said) in [
        ("directory", "is a directory"),
        ("text", "is not a SQLite database"),
        ("long text", "is not a SQLite database"),
        ("damaged", "is damaged"),
        ("text/app.db", "cannot be looked at"),
    ] {
        let error = try_inspect(&folder.join(name)).and_then(|mut found| found.look()).unwrap_err();
        assert_eq!(error.kind(), Kind::Unreachable, "{name}");
        assert!(error.message().contains(said), "{name}: {error}");
        assert_eq!(error.hints().len(), 1, "{name}");
        assert!(!error.is_transient(), "{name}");
    }
    for name in ["none", "no/directory/at/all"] {
        assert_eq!(
            try_inspect(&folder.join(name)).unwrap().look().unwrap().presence,
            Presence::Absent
        );
    }
    assert!(traces(folder) == before);
}

#[test]
fn a_database_that_another_has_locked_is_unreachable_for_now() {
    let database = SqliteDatabase::with("CREATE TABLE t (a);");
    let mut client = database.client();
    client.sql("BEGIN EXCLUSIVE;");
    let error = try_inspect(&database.path).err().unwrap();
    assert_eq!(error.kind(), Kind::Unreachable);
    assert!(error.is_transient() && error.message().contains("locked"), "{error}");
    client.sql("ROLLBACK; BEGIN IMMEDIATE; INSERT INTO t VALUES (1);");
    let mut run = change(&database);
    let error = run.begin().unwrap_err();
    assert_eq!(error.kind(), Kind::Locked);
    assert!(error.is_transient());
    client.sql("COMMIT;");
    run.begin().unwrap();
}

#[test]
fn a_file_or_directory_that_may_not_be_read_or_written_is_told() {
    let database = SqliteDatabase::with("PRAGMA journal_mode = WAL; CREATE TABLE t (a);");
    let plain = SqliteDatabase::with("CREATE TABLE t (a);");
    let mode =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    for database in [&database, &plain] {
        mode(database.path.parent().unwrap(), 0o555);
        mode(&database.path, 0o444);
        let sight = look_without_a_trace(database);
        if !is_root() {
            assert!(!sight.schema.tables[0].ours);
            let begun = try_change(&database.path).and_then(|mut run| run.begin());
            assert!(begun.unwrap_err().message().contains("cannot be written to by this user"));
            mode(&database.path, 0o000);
            assert_eq!(try_inspect(&database.path).err().unwrap().kind(), Kind::Unreachable);
        }
        mode(database.path.parent().unwrap(), 0o755);
    }
    if is_root() {
        println!("run as root, for whom nothing is forbidden: only what is left behind was tested");
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

#[test]
fn writers_are_told_from_readers_and_found_by_every_file() {
    let (database, client) = with_a_log();
    let OtherSessions::Some(who) = inspect(&database).writers().unwrap() else {
        panic!("nobody found")
    };
    assert!(who[0].contains("(sqlite3)") && who[0].contains("`app.db-wal`"), "{who:?}");
    drop(client);
    assert_eq!(inspect(&database).writers().unwrap(), OtherSessions::None);
    let plain = SqliteDatabase::with("CREATE TABLE t (a);");
    let reader = SqliteClient::open(&plain.path, &["-readonly"]);
    assert_eq!(inspect(&plain).writers().unwrap(), OtherSessions::None);
    assert_eq!(change(&plain).writers().unwrap(), OtherSessions::None);
    drop(reader);
    let mut writer = plain.client();
    let mut found = inspect(&plain);
    writer.sql("BEGIN EXCLUSIVE;");
    assert!(matches!(found.writers().unwrap(), OtherSessions::Some(who) if who.len() == 1));
}

fn table(sight: &InspectedDatabase, name: &str) -> Table {
    sight.schema.home_table(name).unwrap_or_else(|| panic!("no table {name}")).clone()
}

#[test]
fn everything_a_table_can_have_is_seen() {
    let sight = look(&SqliteDatabase::with(
        "CREATE TABLE Parent (id INTEGER PRIMARY KEY AUTOINCREMENT, k TEXT COLLATE NOCASE, CONSTRAINT uq_k UNIQUE (k));
         CREATE TABLE child (a INTEGER, b TEXT DEFAULT 'x;y', twice INT GENERATED ALWAYS AS (a * 2) STORED,
            p INTEGER CONSTRAINT fk_p REFERENCES PARENT ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED,
            CONSTRAINT pk PRIMARY KEY (b, a), CONSTRAINT ck CHECK (a > 0), CHECK (b <> ''),
            FOREIGN KEY (a, b) REFERENCES parent (id, k)) WITHOUT ROWID;
         CREATE TABLE strict_one (a ANY, b INTEGER UNIQUE) STRICT;
         CREATE TABLE odd (a FOO BAR BAZ PRIMARY KEY, b NATIVE CHARACTER(70) UNIQUE);
         CREATE UNIQUE INDEX partly ON child (lower(b), a DESC) WHERE p IS NOT NULL;
         CREATE TRIGGER tr AFTER DELETE ON parent BEGIN DELETE FROM child WHERE p = old.id; END;
         CREATE VIEW v AS SELECT k FROM PARENT;
         CREATE VIEW unreadable AS SELECT 1 WHERE 1 IN odd;
         INSERT INTO parent VALUES (1, 'k'); ANALYZE;",
    ));
    let parent = table(&sight, "Parent");
    assert_eq!(parent.attributes["autoincrement"], "true");
    assert!(parent.attributes["definition"].starts_with("CREATE TABLE Parent (id INTEGER"));
    assert_eq!(parent.uniques[0].name.as_deref(), Some("uq_k"));
    assert_eq!(parent.column("k").unwrap().collation.as_deref(), Some("NOCASE"));
    assert_eq!(parent.attachments[0].name, "tr");
    assert!(
        parent.indexes.is_empty(),
        "what SQLite makes behind a constraint is no index of its own"
    );
    let child = table(&sight, "child");
    assert_eq!(child.attributes["without_rowid"], "true");
    let key = child.primary_key.clone().unwrap();
    assert_eq!(
        (key.name.as_deref(), key.columns),
        (Some("pk"), vec!["b".to_owned(), "a".to_owned()])
    );
    assert_eq!(child.column("b").unwrap().default.as_deref(), Some("'x;y'"));
    assert_eq!(child.column("twice").unwrap().generated.as_deref(), Some("a * 2"));
    let checks: Vec<_> =
        child.checks.iter().map(|check| (&*check.name, &*check.definition)).collect();
    assert_eq!(checks, [("", "CHECK (b <> '')"), ("ck", "CHECK (a > 0)")]);
    let keys: Vec<_> = child
        .foreign_keys
        .iter()
        .map(|key| {
            (
                key.name.as_deref(),
                key.columns.join(","),
                &*key.foreign_table,
                key.foreign_columns.join(","),
            )
        })
        .collect();
    assert_eq!(
        keys,
        [
            (None, "a,b".into(), "Parent", "id,k".into()),
            (Some("fk_p"), "p".into(), "Parent", "".into())
        ]
    );
    assert_eq!(child.foreign_keys[1].on_update, "SET NULL");
    assert_eq!(child.foreign_keys[1].options.as_deref(), Some("DEFERRABLE INITIALLY DEFERRED"));
    let index = &child.indexes[0];
    assert_eq!(
        (&*index.name, index.unique, index.columns.join(" ")),
        ("partly", true, "lower(b) a".into())
    );
    assert_eq!(index.predicate.as_deref(), Some("p IS NOT NULL"));
    assert_eq!(table(&sight, "strict_one").attributes["strict"], "true");
    let odd = table(&sight, "odd");
    assert!(odd.attributes.contains_key("definition_unread"));
    assert_eq!((odd.columns[0].data_type.as_str(), odd.uniques.len()), ("FOO BAR BAZ", 1));
    let estimates: Vec<_> =
        sight.estimated_rows.iter().map(|(table, rows)| (&*table.name, *rows)).collect();
    assert_eq!(
        estimates,
        [("Parent", Some(1)), ("child", None), ("odd", None), ("strict_one", None)]
    );
    let view = |name: &str| ObjectRef::free(ObjectKind::View, "main", name);
    assert!(sight.schema.dependents_of(&parent.reference()).contains(&view("v")));
    assert!(
        sight
            .schema
            .dependents_of(&table(&sight, "strict_one").reference())
            .contains(&view("unreadable"))
    );
    let trigger = ObjectRef::of_table(ObjectKind::Trigger, "main", "Parent", "tr");
    assert_eq!(sight.schema.dependents_of(&child.reference()), [view("unreadable"), trigger]);
}

#[test]
fn virtual_tables_and_their_shadows_are_no_ordinary_tables() {
    let database = SqliteDatabase::with(
        "CREATE VIRTUAL TABLE docs USING fts5(body); CREATE TABLE docs_of_mine (a); INSERT INTO docs VALUES ('x');
         PRAGMA writable_schema = ON;
         INSERT INTO sqlite_schema VALUES ('table', 'vec', 'vec', 0, 'CREATE VIRTUAL TABLE vec USING vec0(a)');
         CREATE TABLE vec_chunks (a);",
    );
    let sight = look(&database);
    let sort = |name: &str| table(&sight, name).sort;
    assert_eq!(
        (sort("docs"), sort("docs_content"), sort("vec")),
        (TableSort::Virtual, TableSort::Virtual, TableSort::Virtual)
    );
    assert_eq!(sort("vec_chunks"), TableSort::Virtual, "its module is not here to say so");
    assert_eq!(sort("docs_of_mine"), TableSort::Ordinary);
    assert!(
        inspect(&database)
            .content()
            .unwrap()
            .iter()
            .any(|content| content.table.name == "docs_content")
    );
}

#[test]
fn values_are_told_as_sqlite_writes_them() {
    let database = SqliteDatabase::with(
        "CREATE TABLE t (k, v); INSERT INTO t VALUES (1, 1.0), (2, x'00FF'), (3, 9e999), (4, NULL), (5, ''), (6, 'v'), (x'AB', 7);",
    );
    let question = RowQuery::Keyed {
        table: ObjectRef::table("main", "t"),
        key: vec!["k".into()],
        column: "v".into(),
        containing: String::new(),
    };
    let rows: Vec<_> = inspect(&database)
        .ask(&[question])
        .unwrap()
        .remove(0)
        .into_iter()
        .map(|row| row.join("="))
        .collect();
    assert_eq!(rows, ["1=1.0", "2=00ff", "3=Inf", "6=v", "ab=7"]);
}

#[test]
fn the_storage_class_of_a_value_is_part_of_the_content() {
    let digest = |value: &str| {
        let database = SqliteDatabase::with(&format!(
            "CREATE TABLE t (v); INSERT INTO t VALUES ({value}), (0);"
        ));
        inspect(&database).content().unwrap().remove(0).digest
    };
    let mut digests: Vec<String> =
        ["1", "1.0", "'1'", "x'31'", "NULL", "''", "x''"].map(digest).into();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), 7);
}
