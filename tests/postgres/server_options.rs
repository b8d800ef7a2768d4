//! What the server writes into its catalogues for itself, as PostgreSQL 15.20 does with `pg_attver`
//! on every column: no dump carries it, and no copy has it. Servers that write nothing are made to
//! look as if they did.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ttplan::model::client_programs::ClientPrograms;
use ttplan::model::config::Access;
use ttplan::model::names::{ObjectKind, ObjectRef};

use crate::support::{TestDatabase, database};
use crate::undo::{bring_back, save_and_drop, with_dependents};
use crate::{change, inspect, roles};

const SCHEMA: &str = "
    CREATE TABLE users (id integer PRIMARY KEY WITH (fillfactor = 80), mail text, born date) WITH (fillfactor = 70);
    ALTER TABLE users SET (toast.autovacuum_enabled = false);
    ALTER TABLE users ALTER mail SET (n_distinct = 5), ALTER mail SET STATISTICS 50;
    CREATE UNIQUE INDEX users_mail ON users (mail) WITH (fillfactor = 60);
    CREATE INDEX users_born ON users (born) WHERE born IS NOT NULL;
    CREATE VIEW old WITH (security_barrier) AS SELECT * FROM users WHERE born < '1950-01-01';
    CREATE MATERIALIZED VIEW years AS SELECT extract(year FROM born) AS year FROM users;
    CREATE INDEX years_year ON years (year);
    CREATE TYPE pair AS (a integer, b text);
    INSERT INTO users VALUES (1, 'a', '1940-01-01'), (2, 'b', null)";

/// The catalogues' rows about what is ours, with their column of options.
const ROWS: [(&str, &str, &str); 2] = [
    (
        "pg_attribute",
        "attoptions",
        "x.attnum > 0 AND x.attrelid IN (SELECT oid FROM pg_class \
         WHERE relnamespace = 'public'::regnamespace AND relkind NOT IN ('i', 'S'))",
    ),
    (
        "pg_class",
        "reloptions",
        "x.relkind NOT IN ('c', 'S') AND (x.relnamespace = 'public'::regnamespace \
         OR x.oid IN (SELECT reltoastrelid FROM pg_class WHERE relname = 'users'))",
    ),
];

/// Writes what a server might, in the middle of what people have set.
fn write() -> String {
    let row = |(table, column, ours): (&str, &str, &str)| {
        format!("UPDATE {table} x SET {column} = 'of_server=a b'::text || {column} WHERE {ours};")
    };
    ROWS.map(row).concat()
}

/// Takes it away again.
fn take_away() -> String {
    let row = |(table, column, ours): (&str, &str, &str)| {
        format!(
            "UPDATE {table} x SET {column} = nullif(array_remove({column}, 'of_server=a b'), '{{}}') \
             WHERE {ours};"
        )
    };
    ROWS.map(row).concat()
}

/// Client programs that leave out what the server wrote, as those of a server that writes do.
fn access(database: &TestDatabase, folder: &Path) -> Access {
    let cluster = database.cluster;
    let real = cluster.programs().display();
    let sql = |file: &str, text: String| std::fs::write(folder.join(file), text).unwrap();
    sql("take_away.sql", take_away());
    sql("write.sql", write());
    let program = |name: &str, text: String| {
        std::fs::write(folder.join(name), format!("#!/bin/sh\nset -e\n{text}")).unwrap();
        std::fs::set_permissions(folder.join(name), PermissionsExt::from_mode(0o755)).unwrap();
    };
    // The snapshot that it is to see is older than what it must not.
    program(
        "pg_dump",
        format!(
            "case \"$*\" in *--version*) exec {real}/pg_dump \"$@\" ;; esac\n\
             run() {{ {real}/psql -X -q -h {} -U postgres -d {} -f {}/$1.sql >/dev/null; }}\n\
             for arg; do shift; case $arg in --snapshot=*) ;; *) set -- \"$@\" \"$arg\" ;; esac; done\n\
             run take_away; {real}/pg_dump \"$@\"; run write\n",
            cluster.socket().display(),
            database.name,
            folder.display()
        ),
    );
    program("pg_restore", format!("exec {real}/pg_restore \"$@\"\n"));
    let mut access = database.access();
    access.programs = ClientPrograms {
        pg_dump: Some(folder.join("pg_dump").into()),
        pg_restore: Some(folder.join("pg_restore").into()),
    };
    access
}

fn written() -> TestDatabase {
    roles();
    let database = database();
    database.psql(SCHEMA);
    database
}

#[test]
fn what_the_server_writes_for_itself_is_told_once_and_no_part_of_the_schema() {
    let database = written();
    let before = inspect(&database.access()).look().unwrap();
    let users = before.schema.home_table("users").unwrap();
    let attribute = |name: &str| users.attributes.get(name).map(String::as_str);
    assert_eq!(attribute("options"), Some("fillfactor=70"));
    assert_eq!(attribute("toast options"), Some("autovacuum_enabled=false"));
    assert_eq!(attribute("options of column mail"), Some("n_distinct=5"));
    assert_eq!(attribute("options of index users_mail"), Some("fillfactor=60"));
    assert_eq!(attribute("options of index users_pkey"), Some("fillfactor=80"));
    database.psql(&write());
    let after = inspect(&database.access()).look().unwrap();
    assert_eq!(after.schema, before.schema);
    for kind in ["column", "index", "table", "toast", "view"] {
        let told = after.not_compared[kind].iter().filter(|option| *option == "of_server");
        assert_eq!(told.count(), 1, "{kind}");
        let known = before.not_compared.get(kind).map_or(0, Vec::len);
        assert_eq!(after.not_compared[kind].len(), known + 1, "{kind}");
    }
    assert_eq!(after.not_compared.len(), 5);
    // A server that writes on its own does so on columns.
    assert!(before.not_compared.keys().all(|kind| kind == "column"), "{:?}", before.not_compared);
}

#[test]
fn what_is_dropped_comes_back_without_what_the_server_wrote() {
    let database = written();
    let dump = database.dump();
    database.psql(&write());
    let folder = tempfile::tempdir().unwrap();
    let access = access(&database, folder.path());
    let schema = inspect(&access).look().unwrap().schema;
    let piece = |kind, name: &str| ObjectRef::of_table(kind, "public", "users", name);
    for target in [
        piece(ObjectKind::Index, "users_mail"),
        piece(ObjectKind::Index, "users_born"),
        piece(ObjectKind::Constraint, "users_pkey"),
        ObjectRef::free(ObjectKind::MaterializedView, "public", "years"),
        ObjectRef::table("public", "users"),
    ] {
        let saved = tempfile::tempdir().unwrap();
        let mut going = Vec::new();
        with_dependents(&schema, &target, &mut going);
        let mut engine = change(&access);
        save_and_drop(engine.as_mut(), &going, saved.path());
        assert_eq!(engine.look().unwrap().schema.digest_of(&target), None, "{target}");
        bring_back(engine.as_mut(), &going, saved.path());
        assert_eq!(engine.look().unwrap().schema, schema, "{target}");
    }
    database.psql(&take_away());
    assert_eq!(database.dump(), dump);
}

#[test]
fn a_backup_is_proven_and_put_back_whatever_the_server_wrote() {
    let database = written();
    let dump = database.dump();
    database.psql(&write());
    let folder = tempfile::tempdir().unwrap();
    let mut engine = change(&access(&database, folder.path()));
    let before = engine.look().unwrap().schema;
    let backup = folder.path().join("backup.dump");
    engine.backup(&backup).unwrap();
    let mut proven = None;
    let scratch = folder.path().join("scratch");
    std::fs::create_dir(&scratch).unwrap();
    engine
        .restore_apart(&backup, &scratch, &mut |restored| {
            proven = Some(restored.look()?.schema.digest_without(&[]));
            Ok(())
        })
        .unwrap();
    assert_eq!(proven, Some(before.digest_without(&[])));
    database.psql("ALTER TABLE users ADD COLUMN more text; DROP INDEX users_born");
    engine.restore_backup(&backup).unwrap();
    assert_eq!(engine.look().unwrap().schema, before);
    database.psql(&take_away());
    assert_eq!(database.dump(), dump);
}
