//! Saving, dropping and bringing back: the dump afterwards equals the dump before.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use ttplan::engines::database::WriteDatabase;
use ttplan::engines::dialect::Sql;
use ttplan::engines::postgres::ENGINE;
use ttplan::error::Kind;
use ttplan::model::database::schema::Schema;
use ttplan::model::names::{Digest, ObjectKind, ObjectRef};

use crate::spelled::drop_object;
use crate::support::{TestDatabase, database};
use crate::{change, inspect, nasty, roles};

/// An object with all that has to go before it, in the order of going.
pub(crate) fn with_dependents(schema: &Schema, object: &ObjectRef, going: &mut Vec<ObjectRef>) {
    if going.contains(object) {
        return;
    }
    for dependent in schema.dependents_of(object) {
        with_dependents(schema, &dependent, going);
    }
    going.push(object.clone());
}

/// Saves and drops in one transaction; every object into a file of its own.
pub(crate) fn save_and_drop(engine: &mut dyn WriteDatabase, going: &[ObjectRef], folder: &Path) {
    engine.begin().unwrap();
    for (i, object) in going.iter().enumerate() {
        engine.save_objects(std::slice::from_ref(object), &folder.join(i.to_string())).unwrap();
    }
    for object in going {
        engine.execute(&drop_object(ENGINE.dialect, object).unwrap()).unwrap();
    }
    engine.commit().unwrap();
}

pub(crate) fn bring_back(engine: &mut dyn WriteDatabase, going: &[ObjectRef], folder: &Path) {
    engine.begin().unwrap();
    for (i, object) in going.iter().enumerate().rev() {
        engine.restore_objects(std::slice::from_ref(object), &folder.join(i.to_string())).unwrap();
    }
    engine.commit().unwrap();
}

/// Drops an object with its dependents as `user` and takes it back.
fn there_and_back(database: &TestDatabase, user: &str, target: &ObjectRef) -> Vec<ObjectRef> {
    let (dump, schema) =
        (database.dump(), inspect(&database.access_as(user)).look().unwrap().schema);
    let folder = tempfile::tempdir().unwrap();
    let mut going = Vec::new();
    with_dependents(&schema, target, &mut going);
    let mut engine = change(&database.access_as(user));
    save_and_drop(engine.as_mut(), &going, folder.path());
    let without = engine.look().unwrap().schema;
    assert_eq!(without.digest_of(target), None, "{target}");
    bring_back(engine.as_mut(), &going, folder.path());
    let after = engine.look().unwrap().schema;
    for object in &going {
        assert_eq!(after.digest_of(object), schema.digest_of(object), "{object}");
    }
    assert_eq!(database.dump(), dump, "{target}");
    assert_eq!(after, schema);
    going
}

#[test]
fn every_object_that_can_be_saved_comes_back_as_it_was() {
    let database = nasty();
    let schema = inspect(&database.access()).look().unwrap().schema;
    // Who is bound to these cannot be dropped by itself; the planner blocks such a drop.
    database.psql(
        "ALTER TABLE borrower ALTER b DROP DEFAULT; ALTER TABLE borrower DROP c, DROP d; DROP TYPE pair; \
        DROP DOMAIN some_orders; DROP FUNCTION of_client, all_orders, newest; DROP RULE orders_see ON orders",
    );
    for name in [
        "clients",
        "orders",
        "My \"Table\"; drop",
        "new\nline",
        "Dot.ted",
        "Tä*?[x]|$(y)",
        "nothing_in_it",
        "borrower",
        "child",
        "typed",
    ] {
        there_and_back(&database, "app", &ObjectRef::table("public", name));
    }
    there_and_back(&database, "app", &ObjectRef::table("Odd Schema", "test"));
    let going = there_and_back(&database, "postgres", &ObjectRef::table("public", "clients"));
    assert!(going.len() >= 6, "{going:?}");
    for view in &schema.views {
        there_and_back(&database, "app", &view.reference());
    }
    there_and_back(
        &database,
        "app",
        &ObjectRef::free(ObjectKind::Sequence, "Odd Schema", "far_away"),
    );
}

#[test]
fn parts_of_a_table_come_back_with_comment_and_state() {
    let database = nasty();
    let part = |kind, table: &str, name: &str| ObjectRef::of_table(kind, "public", table, name);
    for object in [
        part(ObjectKind::Constraint, "orders", "orders_client_fk"),
        part(ObjectKind::Constraint, "orders", "orders_during"),
        part(ObjectKind::Constraint, "clients", "clients_check"),
        part(ObjectKind::Constraint, "clients", "clients_name_key"),
        part(ObjectKind::Trigger, "clients", "clients_off"),
        part(ObjectKind::Trigger, "clients", "clients_touch"),
        part(ObjectKind::Trigger, "clients", "clients_always"),
        part(ObjectKind::Trigger, "orders", "orders_late"),
        part(ObjectKind::Trigger, "names", "names_insert"),
        part(ObjectKind::Policy, "clients", "own"),
        part(ObjectKind::Policy, "clients", "everybody"),
        part(ObjectKind::Index, "clients", "clients_lower"),
        part(ObjectKind::Index, "clients", "clients_replica"),
        part(ObjectKind::Index, "totals", "totals_client"),
    ] {
        there_and_back(&database, "app", &object);
    }
    // A primary key with its storage options.
    database.psql(
        "ALTER TABLE orders DROP CONSTRAINT orders_client_fk; COMMENT ON CONSTRAINT clients_pkey ON clients IS 'key'",
    );
    there_and_back(&database, "app", &part(ObjectKind::Constraint, "clients", "clients_pkey"));
}

#[test]
fn several_objects_share_a_file_that_pg_restore_understands() {
    let database = nasty();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("saved");
    let objects = [
        ObjectRef::table("public", "new\nline"),
        ObjectRef::table("public", "Dot.ted"),
        ObjectRef::table("public", "Tä*?[x]|$(y)"),
        ObjectRef::free(ObjectKind::View, "public", "more_names"),
        ObjectRef::of_table(ObjectKind::Policy, "public", "clients", "own"),
    ];
    let mut engine = change(&database.access_as("app"));
    engine.begin().unwrap();
    let kept = engine.save_objects(&objects, &file).unwrap();
    engine.rollback().unwrap();
    let bytes = std::fs::read(&file).unwrap();
    assert_eq!((kept.bytes, kept.sha256), (bytes.len() as u64, Digest::of(&bytes)));
    let rows = [(objects[1].clone(), 1000), (objects[2].clone(), 2), (objects[0].clone(), 1)];
    assert_eq!(kept.tables, rows);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let list = database.cluster.restore_list(&file);
    assert!(
        list.contains("TABLE public Dot.ted app") && list.contains("VIEW public more_names app"),
        "{list}"
    );
    assert!(!list.contains("clients") && !list.contains("Täb"), "{list}");
}

#[test]
fn a_save_sees_the_rows_that_the_drop_takes() {
    let database = database();
    database.psql("CREATE TABLE t (x int); INSERT INTO t SELECT generate_series(1, 10)");
    let folder = tempfile::tempdir().unwrap();
    let (file, table) = (folder.path().join("t"), ObjectRef::table("public", "t"));
    let mut engine = change(&database.access());
    engine.begin().unwrap();
    // What others commit after the transaction began and before the lock is taken is saved.
    database.psql("INSERT INTO t VALUES (11)");
    let kept = engine.save_objects(std::slice::from_ref(&table), &file).unwrap();
    assert_eq!(kept.tables, [(table.clone(), 11)]);
    // And from then on nobody writes.
    let mut other = change(&database.access());
    other.begin().unwrap();
    let error = other.execute(&Sql::shipped("INSERT INTO public.t VALUES (12)")).unwrap_err();
    assert_eq!(error.kind(), Kind::Locked);
    assert!(error.is_transient());
    other.rollback().unwrap();
    engine.rollback().unwrap();
    other.begin().unwrap();
    assert_eq!(other.execute(&Sql::shipped("INSERT INTO public.t VALUES (12)")).unwrap(), 1);
}

#[test]
fn saving_comes_before_changing() {
    let database = database();
    database.psql("CREATE TABLE a (x int); CREATE TABLE b (x int)");
    let folder = tempfile::tempdir().unwrap();
    let mut engine = change(&database.access());
    engine.begin().unwrap();
    engine.execute(&Sql::shipped("DROP TABLE public.a")).unwrap();
    let file = folder.path().join("b");
    let error = engine.save_objects(&[ObjectRef::table("public", "b")], &file).unwrap_err();
    assert!(error.message().contains("after the transaction changed something"), "{error}");
    assert!(!file.exists());
}

#[test]
fn a_file_is_never_replaced_and_a_torn_one_never_used() {
    let database = database();
    database.psql("CREATE TABLE a (x int)");
    let folder = tempfile::tempdir().unwrap();
    let (file, link, precious) =
        (folder.path().join("a"), folder.path().join("link"), folder.path().join("precious"));
    std::fs::write(&precious, "precious").unwrap();
    symlink(&precious, &link).unwrap();
    let table = [ObjectRef::table("public", "a")];
    let mut engine = change(&database.access());
    engine.begin().unwrap();
    assert!(engine.save_objects(&table, &precious).is_err());
    assert!(engine.save_objects(&table, &link).is_err());
    engine.save_objects(&table, &file).unwrap();
    assert_eq!(std::fs::read(&precious).unwrap(), b"precious");
    engine.execute(&Sql::shipped("DROP TABLE public.a")).unwrap();
    let whole = std::fs::read(&file).unwrap();
    for torn in [&whole[..whole.len() - 1], &whole[..30], &[]] {
        std::fs::write(&precious, torn).unwrap();
        assert!(engine.restore_objects(&table, &precious).is_err());
    }
    assert!(engine.restore_objects(&table, &link).is_err());
    assert!(engine.restore_objects(&[ObjectRef::table("public", "other")], &file).is_err());
    engine.restore_objects(&table, &file).unwrap();
    engine.commit().unwrap();
    assert_eq!(database.psql("SELECT count(*) FROM a"), "0\n");
}

#[test]
fn what_we_could_not_make_again_is_not_saved() {
    let database = nasty();
    database.psql(
        "CREATE PUBLICATION foreign_news FOR TABLE orders; \
        CREATE EXTENSION pg_freespacemap; CREATE TABLE odd (x int); ALTER EXTENSION pg_freespacemap ADD TABLE odd; \
        SET ROLE boss; GRANT UPDATE ON clients TO reader",
    );
    let folder = tempfile::tempdir().unwrap();
    let refused = |user: &str, object: ObjectRef| {
        let mut engine = change(&database.access_as(user));
        engine.begin().unwrap();
        let error = engine.save_objects(&[object], &folder.path().join("refused")).unwrap_err();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        (error.kind(), error.to_string())
    };
    let (kind, text) = refused("app", ObjectRef::table("public", "orders"));
    assert!(
        kind == Kind::Blocked && text.contains("`foreign_news`, which belongs to role `postgres`"),
        "{text}"
    );
    let (kind, text) = refused("app", ObjectRef::table("public", "clients"));
    assert!(kind == Kind::Blocked && text.contains("role `boss` gave away privileges"), "{text}");
    let (kind, text) = refused("postgres", ObjectRef::table("public", "odd"));
    assert!(kind == Kind::Blocked && text.contains("belongs to extension"), "{text}");
    for name in ["parted", "parted_1"] {
        assert_eq!(refused("app", ObjectRef::table("public", name)).0, Kind::Blocked);
    }
    let (kind, _) = refused("app", ObjectRef::table("public", "missing"));
    assert_eq!(kind, Kind::Stale);
    let (kind, _) =
        refused("app", ObjectRef::of_table(ObjectKind::Trigger, "public", "clients", "missing"));
    assert_eq!(kind, Kind::Stale);
    let (kind, text) = refused("app", ObjectRef::free(ObjectKind::Type, "public", "mood"));
    assert!(kind == Kind::Failed && text.contains("cannot be saved by itself"), "{text}");
}

#[test]
fn a_restore_that_fails_leaves_no_trace_and_no_setting() {
    roles();
    let database = database();
    database.psql("CREATE TABLE a (x int PRIMARY KEY); CREATE TABLE b (x int REFERENCES a); INSERT INTO a VALUES (1); INSERT INTO b VALUES (1)");
    let folder = tempfile::tempdir().unwrap();
    let (file, table) = (folder.path().join("b"), [ObjectRef::table("public", "b")]);
    let mut engine = change(&database.access());
    engine.begin().unwrap();
    engine.save_objects(&table, &file).unwrap();
    engine.execute(&Sql::shipped("DROP TABLE public.b")).unwrap();
    engine.commit().unwrap();
    // Its row has nothing to refer to any more.
    database.psql("DELETE FROM a");
    let before = database.dump();
    engine.begin().unwrap();
    let error = engine.restore_objects(&table, &file).unwrap_err();
    assert!(error.to_string().contains("foreign key"), "{error}");
    assert!(engine.commit().is_err(), "a failed transaction must not look like a success");
    assert_eq!(database.dump(), before);
    database.psql("INSERT INTO a VALUES (1)");
    engine.begin().unwrap();
    engine.restore_objects(&table, &file).unwrap();
    // The script's own settings are gone: names resolve as before, and locks are not waited for for
    // ever.
    engine.execute(&Sql::shipped("INSERT INTO b VALUES (1)")).unwrap();
    let mut other = change(&database.access());
    other.begin().unwrap();
    other.execute(&Sql::shipped("LOCK TABLE public.a")).unwrap_err();
    other.rollback().unwrap();
    other.begin().unwrap();
    engine.commit().unwrap();
    other.execute(&Sql::shipped("LOCK TABLE public.a")).unwrap();
    engine.begin().unwrap();
    assert_eq!(
        engine.execute(&Sql::shipped("INSERT INTO a VALUES (2)")).unwrap_err().kind(),
        Kind::Locked
    );
}

#[test]
fn tables_in_a_circle_come_back_before_the_keys_between_them() {
    let database = database();
    database.psql(
        "CREATE TABLE a (id integer PRIMARY KEY, b integer); CREATE TABLE b (id integer PRIMARY KEY, a integer REFERENCES a);
         ALTER TABLE a ADD CONSTRAINT to_b FOREIGN KEY (b) REFERENCES b; INSERT INTO a VALUES (1, NULL); INSERT INTO b VALUES (2, 1);
         UPDATE a SET b = 2;",
    );
    let dump = database.dump();
    let key = |table: &str, name: &str| {
        ObjectRef::of_table(ObjectKind::Constraint, "public", table, name)
    };
    let going = [
        key("a", "to_b"),
        key("b", "b_a_fkey"),
        ObjectRef::table("public", "a"),
        ObjectRef::table("public", "b"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let mut engine = change(&database.access());
    save_and_drop(engine.as_mut(), &going, folder.path());
    bring_back(engine.as_mut(), &going, folder.path());
    assert_eq!(database.dump(), dump);
}
