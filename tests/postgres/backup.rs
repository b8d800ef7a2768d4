//! The whole database into a file and back.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use ttplan::engines::database::{SavedCopy, WriteDatabase};
use ttplan::engines::dialect::Sql;
use ttplan::error::Kind;
use ttplan::model::names::{Digest, ObjectRef, Secret};

use crate::support::{TestDatabase, database};
use crate::{change, nasty, roles};

struct Backup {
    _folder: tempfile::TempDir,
    path: PathBuf,
    kept: SavedCopy,
    dump: String,
}

fn back_up(database: &TestDatabase, engine: &mut dyn WriteDatabase) -> Backup {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backup.dump");
    let kept = engine.backup(&path).unwrap();
    Backup { _folder: folder, path, kept, dump: database.dump() }
}

/// Does all sorts of harm that a failed migration could do, and more.
const HARM: &str = r#"
    SET session_replication_role = replica;
    DROP TABLE "new
line"; ALTER TABLE clients DROP COLUMN big, ADD COLUMN extra text; DELETE FROM orders; TRUNCATE "Dot.ted";
    UPDATE clients SET note = 'changed'; SELECT nextval('orders_id_seq');
    ALTER TABLE nothing_in_it RENAME TO something; ALTER TYPE mood ADD VALUE 'new';
    CREATE TABLE fresh (id serial PRIMARY KEY, c clients, m mood); ALTER TABLE fresh OWNER TO app;
    CREATE FUNCTION fresh_f(f fresh) RETURNS fresh LANGUAGE sql AS 'SELECT f';
    CREATE FUNCTION circle() RETURNS integer LANGUAGE sql AS 'SELECT 1';
    ALTER TABLE fresh ADD COLUMN d integer DEFAULT circle(), ADD COLUMN g integer CHECK (circle() = 1);
    CREATE FUNCTION circle_b(f fresh) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';
    CREATE INDEX fresh_i ON fresh (circle_b(fresh)); ALTER TABLE fresh ADD CHECK (circle_b(fresh) = 1);
    CREATE POLICY fresh_p ON fresh USING (EXISTS (SELECT FROM clients)); CREATE RULE fresh_r AS ON DELETE TO fresh DO ALSO SELECT * FROM orders;
    ALTER TABLE orders ADD COLUMN fresh integer REFERENCES fresh; ALTER TABLE fresh ADD COLUMN o integer REFERENCES orders;
    CREATE VIEW fresh_v AS SELECT fresh_f(f) FROM fresh f; CREATE MATERIALIZED VIEW fresh_m AS SELECT * FROM fresh_v;
    CREATE TABLE kid (z integer) INHERITS (parent);
    CREATE AGGREGATE fresh_sum(positive) (sfunc = plus, stype = integer, initcond = '0');
    CREATE SCHEMA later; CREATE TABLE later.t (x integer); GRANT USAGE ON SCHEMA public TO boss; COMMENT ON SCHEMA public IS 'mine';
    COMMENT ON SCHEMA "Odd Schema" IS NULL; REVOKE ALL ON SCHEMA "Odd Schema" FROM reader;
    ALTER DEFAULT PRIVILEGES FOR ROLE app GRANT ALL ON TABLES TO PUBLIC; ALTER DEFAULT PRIVILEGES FOR ROLE app GRANT USAGE ON TYPES TO boss;
    ALTER DEFAULT PRIVILEGES FOR ROLE app IN SCHEMA "Odd Schema" GRANT ALL ON TABLES TO boss;
    GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC; REVOKE ALL ON orders FROM app;
    ALTER PUBLICATION news DROP TABLE "Dot.ted";
    SELECT lo_unlink(424242); SELECT lo_from_bytea(515151, '\x00');
    CREATE SCHEMA ttplan_quarantine AUTHORIZATION app; ALTER TABLE child SET SCHEMA ttplan_quarantine;
    ALTER LARGE OBJECT 515151 OWNER TO app; ALTER SCHEMA later OWNER TO app; ALTER TABLE later.t OWNER TO app;
    DO $$ DECLARE o text; BEGIN
      FOR o IN SELECT format('ALTER %s %s OWNER TO app', CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END, oid::regclass)
        FROM pg_class WHERE relname ~ '^(fresh|kid)' AND relkind IN ('r', 'v', 'm') LOOP EXECUTE o; END LOOP;
      FOR o IN SELECT format('ALTER ROUTINE %s OWNER TO app', oid::regprocedure) FROM pg_proc WHERE proname ~ '^(fresh|circle)' LOOP EXECUTE o; END LOOP;
    END $$;
"#;

#[test]
fn a_backup_undoes_any_harm() {
    for user in ["app", "postgres"] {
        let database = nasty();
        let mut engine = change(&database.access_as(user));
        let before = engine.look().unwrap().schema;
        let backup = back_up(&database, engine.as_mut());
        database.psql(HARM);
        assert_ne!(database.dump(), backup.dump);
        engine.restore_backup(&backup.path).unwrap();
        assert_eq!(database.dump(), backup.dump, "as {user}");
        assert_eq!(engine.look().unwrap().schema, before, "as {user}");
        // And again, now that every number in the database is another.
        engine.restore_backup(&backup.path).unwrap();
        assert_eq!(database.dump(), backup.dump, "as {user}, the second time");
    }
}

#[test]
fn a_backup_is_counted_hashed_and_ours_alone() {
    let database = nasty();
    let mut engine = change(&database.access_as("app"));
    let backup = back_up(&database, engine.as_mut());
    let bytes = std::fs::read(&backup.path).unwrap();
    assert_eq!((backup.kept.bytes, backup.kept.sha256), (bytes.len() as u64, Digest::of(&bytes)));
    assert_eq!(std::fs::metadata(&backup.path).unwrap().permissions().mode() & 0o777, 0o600);
    let rows = |name: &str| {
        backup.kept.tables.iter().find(|(table, _)| table.name == name).map(|(_, rows)| *rows)
    };
    assert_eq!(
        (rows("clients"), rows("Dot.ted"), rows("new\nline")),
        (Some(3), Some(1000), Some(1))
    );
    assert_eq!((rows("nothing_in_it"), rows("parent"), rows("child")), (Some(1), Some(1), Some(1)));
    assert_eq!((rows("parted"), rows("parted_1"), rows("names")), (None, Some(1), None));
    assert_eq!(engine.check_backup(&backup.path).unwrap(), backup.kept);
    assert!(engine.backup(&backup.path).is_err(), "a backup replaces nothing");
    let link = backup.path.with_file_name("link");
    symlink(backup.path.with_file_name("target"), &link).unwrap();
    assert!(engine.backup(&link).is_err() && !backup.path.with_file_name("target").exists());
    engine.begin().unwrap();
    assert!(engine.backup(&backup.path.with_file_name("inside")).is_err());
}

#[test]
fn a_password_reaches_the_programs() {
    roles();
    let database = database();
    database.psql(&format!(
        "ALTER DATABASE {} OWNER TO secret_keeper; CREATE TABLE t (x integer); \
        ALTER TABLE t OWNER TO secret_keeper",
        database.name
    ));
    let mut access = database.access_as("secret_keeper");
    access.password = Some(Secret::new("s3cret: \\x"));
    let mut engine = change(&access);
    let backup = back_up(&database, engine.as_mut());
    assert_eq!(backup.kept.tables.len(), 1);
}

#[test]
fn a_damaged_backup_is_found_out_and_changes_nothing() {
    let database = nasty();
    let mut engine = change(&database.access());
    let backup = back_up(&database, engine.as_mut());
    let whole = std::fs::read(&backup.path).unwrap();
    let damaged = backup.path.with_file_name("damaged");
    let mut torn = vec![Vec::new(), b"PGDMP".to_vec(), whole[..whole.len() / 2].to_vec()];
    torn.extend((1..5).map(|fifth| whole[..whole.len() * fifth / 5].to_vec()));
    for bytes in torn {
        std::fs::write(&damaged, &bytes).unwrap();
        assert!(engine.check_backup(&damaged).is_err(), "{} bytes", bytes.len());
        assert!(engine.restore_backup(&damaged).is_err(), "{} bytes", bytes.len());
        assert_eq!(database.dump(), backup.dump);
    }
    assert!(engine.check_backup(Path::new("/nonexistent")).is_err());
    let link = backup.path.with_file_name("link");
    symlink(&backup.path, &link).unwrap();
    assert!(engine.check_backup(&link).is_err());
    engine.check_backup(&backup.path).unwrap();
}

#[test]
fn the_last_copy_of_something_is_not_overwritten() {
    roles();
    let database = database();
    database.psql("CREATE TABLE old (x integer); CREATE TABLE keep (x integer)");
    let mut engine = change(&database.access());
    let backup = back_up(&database, engine.as_mut());
    database.psql("CREATE TABLE made_since (x integer)");
    engine.begin().unwrap();
    engine.quarantine(&ObjectRef::table("public", "old"), Path::new("/nonexistent")).unwrap();
    engine
        .quarantine(&ObjectRef::table("public", "made_since"), Path::new("/nonexistent"))
        .unwrap();
    engine.commit().unwrap();
    let before = database.dump();
    let error = engine.restore_backup(&backup.path).unwrap_err();
    assert_eq!(error.kind(), Kind::Blocked);
    assert!(
        error.to_string().contains("`made_since` is in quarantine and not in the backup"),
        "{error}"
    );
    assert_eq!(database.dump(), before);
    database.psql("DROP TABLE ttplan_quarantine.made_since");
    engine.restore_backup(&backup.path).unwrap();
    assert_eq!(database.dump(), backup.dump);
}

#[test]
fn what_stands_in_no_schema_stays_or_goes_as_the_backup_says() {
    let database = database();
    database.psql(
        r#"
        CREATE EXTENSION pg_freespacemap; COMMENT ON EXTENSION pg_freespacemap IS 'free';
        CREATE EXTENSION postgres_fdw; CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'far');
        CREATE USER MAPPING FOR PUBLIC SERVER far; CREATE FOREIGN TABLE elsewhere (a integer) SERVER far;
        CREATE TYPE pair AS (a integer, b integer); CREATE CAST (pair AS text) WITH INOUT;
        CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
        CREATE EVENT TRIGGER watching ON ddl_command_end EXECUTE FUNCTION watch(); ALTER EVENT TRIGGER watching DISABLE;
        CREATE TABLE t (x integer PRIMARY KEY, p pair, UNIQUE (x) DEFERRABLE);
        CREATE PUBLICATION news FOR TABLE t; CREATE PUBLICATION everything FOR ALL TABLES;
        CREATE PUBLICATION of_schema FOR TABLES IN SCHEMA public;
    "#,
    );
    let mut engine = change(&database.access());
    let backup = back_up(&database, engine.as_mut());
    database.psql(r#"
        CREATE EXTENSION citext; CREATE TABLE u (c citext); DROP EXTENSION pg_freespacemap;
        CREATE PUBLICATION more FOR TABLE u; CREATE SERVER farther FOREIGN DATA WRAPPER postgres_fdw;
        CREATE FOREIGN TABLE also (a citext) SERVER farther; DROP CAST (pair AS text); ALTER PUBLICATION of_schema DROP TABLES IN SCHEMA public;
        CREATE FUNCTION listen() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
        CREATE EVENT TRIGGER listening ON sql_drop EXECUTE FUNCTION listen();
    "#);
    engine.restore_backup(&backup.path).unwrap();
    assert_eq!(database.dump(), backup.dump);
    engine.restore_backup(&backup.path).unwrap();
    assert_eq!(database.dump(), backup.dump);
}

#[test]
fn a_restore_waits_for_nobody_for_ever() {
    let database = database();
    database.psql("CREATE TABLE t (x integer)");
    let mut engine = change(&database.access());
    let backup = back_up(&database, engine.as_mut());
    let mut other = change(&database.access());
    other.begin().unwrap();
    other.execute(&Sql::shipped("INSERT INTO public.t VALUES (1)")).unwrap();
    let error = engine.restore_backup(&backup.path).unwrap_err();
    assert_eq!((error.kind(), error.is_transient()), (Kind::Locked, true));
    other.commit().unwrap();
    engine.restore_backup(&backup.path).unwrap();
    assert_eq!(database.psql("SELECT count(*) FROM t"), "0\n");
}
