//! Transactions, the lock, the recorded revisions, quarantine.

use std::path::Path;
use std::time::Duration;

use ttplan::engines::database::RowQuery;
use ttplan::engines::dialect::Sql;
use ttplan::engines::postgres::ENGINE;
use ttplan::error::Kind;
use ttplan::model::database::version_table::VersionTable;
use ttplan::model::names::{ObjectKind, ObjectRef};
use ttplan::model::plan::step::SetRevisions;

use crate::spelled::{create_version_table, set_revisions};
use crate::support::database;
use crate::{change, inspect, nasty, roles};

const NOWHERE: &str = "/nonexistent";

#[test]
fn nothing_lasts_that_was_not_committed() {
    let database = database();
    let mut engine = change(&database.access());
    let table = ObjectRef::table("public", "t");
    engine.begin().unwrap();
    assert!(engine.begin().is_err());
    engine.execute(&Sql::shipped("CREATE TABLE public.t (x int)")).unwrap();
    assert_eq!(engine.execute(&Sql::shipped("INSERT INTO public.t VALUES (1), (2)")).unwrap(), 2);
    assert_eq!(engine.ask(&[RowQuery::Count(table.clone())]).unwrap()[0], [["2"]]);
    assert!(engine.look().unwrap().schema.home_table("t").is_some());
    engine.rollback().unwrap();
    engine.rollback().unwrap();
    assert!(engine.look().unwrap().schema.home_table("t").is_none());
    assert!(
        engine.execute(&Sql::shipped("CREATE TABLE public.t (x int)")).is_err(),
        "outside of a transaction"
    );
    engine.begin().unwrap();
    engine.execute(&Sql::shipped("CREATE TABLE t (x int)")).unwrap();
    engine.commit().unwrap();
    assert!(engine.commit().is_err());
    assert!(inspect(&database.access()).look().unwrap().schema.home_table("t").is_some());
}

#[test]
fn a_dropped_object_is_gone_only_after_the_commit() {
    let database = database();
    database.psql("CREATE TABLE t (x int)");
    let mut engine = change(&database.access());
    engine.begin().unwrap();
    engine.execute(&Sql::shipped("DROP TABLE public.t")).unwrap();
    drop(engine);
    assert_eq!(database.psql("SELECT count(*) FROM t"), "0\n");
}

#[test]
fn one_statement_is_one_statement() {
    let database = database();
    let mut engine = change(&database.access());
    for sql in [
        "COMMIT",
        "/* x */ rollback",
        "-- y\nEND",
        "BEGIN",
        "SAVEPOINT a",
        "PREPARE TRANSACTION 'x'",
    ] {
        engine.begin().unwrap();
        assert_eq!(engine.execute(&Sql::shipped(sql)).unwrap_err().kind(), Kind::Refused, "{sql}");
        engine.rollback().unwrap();
    }
    engine.begin().unwrap();
    assert!(
        engine.execute(&Sql::shipped("CREATE TABLE a (x int); CREATE TABLE b (x int)")).is_err()
    );
    engine.rollback().unwrap();
    assert!(engine.look().unwrap().schema.tables.is_empty());
}

#[test]
fn looking_in_a_transaction_leaves_it_as_it_is_even_when_it_fails() {
    let database = database();
    database.psql("CREATE SCHEMA other; CREATE TABLE other.t (x int)");
    let mut access = database.access();
    access.database.options.insert("options".into(), "-c search_path=other".into());
    let mut engine = change(&access);
    engine.begin().unwrap();
    engine.look().unwrap();
    assert!(engine.ask(&[RowQuery::Count(ObjectRef::table("public", "missing"))]).is_err());
    engine.execute(&Sql::shipped("INSERT INTO t VALUES (1)")).unwrap();
    engine.content().unwrap();
    engine.writers().unwrap();
    engine.commit().unwrap();
    assert_eq!(database.psql("SELECT count(*) FROM other.t"), "1\n");
}

#[test]
fn a_lock_in_the_way_is_told_soon_and_may_pass() {
    let database = database();
    database.psql("CREATE TABLE t (x int)");
    let (mut one, mut two) = (change(&database.access()), change(&database.access()));
    one.begin().unwrap();
    one.execute(&Sql::shipped("LOCK TABLE public.t IN ACCESS EXCLUSIVE MODE")).unwrap();
    two.begin().unwrap();
    let error = two.execute(&Sql::shipped("DROP TABLE public.t")).unwrap_err();
    assert_eq!(error.kind(), Kind::Locked);
    assert!(error.is_transient());
    two.rollback().unwrap();
    one.rollback().unwrap();
    two.begin().unwrap();
    two.execute(&Sql::shipped("DROP TABLE public.t")).unwrap();
    two.commit().unwrap();
}

#[test]
fn one_run_at_a_time_and_the_other_is_named() {
    let database = database();
    let mut first = change(&database.access());
    first.lock(Duration::ZERO).unwrap();
    first.lock(Duration::ZERO).unwrap();
    let mut second = change(&database.access());
    let error = second.lock(Duration::from_millis(80)).unwrap_err();
    assert_eq!(error.kind(), Kind::Locked);
    assert!(error.to_string().contains("of `postgres` as `ttplan` from this host"), "{error}");
    // Another database is another matter.
    let elsewhere = self::database();
    change(&elsewhere.access()).lock(Duration::ZERO).unwrap();
    drop(first);
    second.lock(Duration::from_secs(20)).unwrap();
}

#[test]
fn a_run_that_lost_its_lock_changes_nothing_more() {
    let database = database();
    let mut engine = change(&database.access());
    engine.lock(Duration::ZERO).unwrap();
    let ended = database.psql(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' \
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    );
    assert_eq!(ended, "t\n");
    let error = engine.begin().unwrap_err();
    assert!(error.message().contains("lock on the database was lost"), "{error}");
}

#[test]
fn revisions_are_replaced_only_when_they_are_the_expected_ones() {
    let database = database();
    let at = |table| VersionTable::of_heads(ObjectRef::table("public", table), "version_num");
    let versions = at("alembic_version");
    let mut engine = change(&database.access());
    engine.begin().unwrap();
    engine.execute(&create_version_table(ENGINE.dialect, &versions)).unwrap();
    engine.commit().unwrap();
    let set = |from: &[&str], to: &[&str]| set_revisions(&versions, from, to);
    let mut apply = |set: &SetRevisions| {
        engine.begin().unwrap();
        let result = engine.set_revisions(set);
        match result {
            Ok(()) => engine.commit().map(|()| None).unwrap(),
            Err(error) => engine.rollback().map(|()| Some(error)).unwrap(),
        }
    };
    let recorded = || database.psql("SELECT version_num FROM alembic_version ORDER BY 1");
    assert!(apply(&set(&[], &["b'; DROP TABLE x; --", "a"])).is_none());
    assert_eq!(recorded(), "a\nb'; DROP TABLE x; --\n");
    let error = apply(&set(&["a"], &["c"])).unwrap();
    assert_eq!(error.kind(), Kind::Stale);
    assert!(
        error.to_string().contains("expected `a`, found `a`, `b'; DROP TABLE x; --`"),
        "{error}"
    );
    assert_eq!(apply(&set(&[], &["c"])).unwrap().kind(), Kind::Stale);
    assert!(apply(&set(&["b'; DROP TABLE x; --", "a"], &["a", "d"])).is_none());
    assert_eq!(recorded(), "a\nd\n");
    assert!(apply(&set(&["d", "a"], &[])).is_none());
    assert_eq!(recorded(), "");
    let error = apply(&set(&[], &["a name that is longer than thirty-two letters"])).unwrap();
    assert!(error.to_string().contains("too long"), "{error}");
    assert_eq!(apply(&set_revisions(&at("missing"), &[], &["a"])).unwrap().kind(), Kind::Stale);
}

#[test]
fn quarantine_hides_and_gives_back_exactly() {
    let database = nasty();
    let before = database.dump();
    let mut engine = change(&database.access_as("app"));
    let objects = [
        ObjectRef::table("public", "clients"),
        ObjectRef::table("Odd Schema", "test"),
        ObjectRef::free(ObjectKind::View, "public", "names"),
        ObjectRef::free(ObjectKind::MaterializedView, "public", "totals"),
        ObjectRef::free(ObjectKind::Sequence, "public", "alone"),
        ObjectRef::free(ObjectKind::Type, "public", "span"),
        ObjectRef::free(ObjectKind::Function, "public", "plus(integer, integer)"),
    ];
    engine.begin().unwrap();
    for object in &objects {
        engine.quarantine(object, Path::new(NOWHERE)).unwrap();
    }
    engine.commit().unwrap();
    let schema = engine.look().unwrap().schema;
    for object in &objects {
        assert_eq!(schema.digest_of(object), None, "{object}");
    }
    assert!(!schema.schemas.contains(&"ttplan_quarantine".to_owned()));
    assert!(!schema.sequences.iter().any(|sequence| sequence.name == "clients_id_seq"));
    engine.begin().unwrap();
    for object in objects.iter().rev() {
        engine.unquarantine(object, Path::new(NOWHERE)).unwrap();
    }
    engine.commit().unwrap();
    assert_eq!(database.dump(), before);
}

#[test]
fn a_taken_name_in_quarantine_is_an_error() {
    roles();
    let database = database();
    database.psql("CREATE TABLE t (x int); CREATE SCHEMA other; CREATE TABLE other.t (y int)");
    let mut engine = change(&database.access());
    engine.begin().unwrap();
    engine.quarantine(&ObjectRef::table("public", "t"), Path::new(NOWHERE)).unwrap();
    let error = engine.quarantine(&ObjectRef::table("other", "t"), Path::new(NOWHERE)).unwrap_err();
    assert!(error.to_string().contains("already exists"), "{error}");
    engine.rollback().unwrap();
    // The schema is not taken over from somebody else.
    database.psql("CREATE SCHEMA ttplan_quarantine AUTHORIZATION boss; ALTER TABLE t OWNER TO app");
    let mut engine = change(&database.access_as("app"));
    engine.begin().unwrap();
    let error =
        engine.quarantine(&ObjectRef::table("public", "t"), Path::new(NOWHERE)).unwrap_err();
    assert!(error.message().contains("belongs to another role"), "{error}");
}

#[test]
fn migrations_run_in_place() {
    let database = database();
    let mut engine = change(&database.access());
    let workplace = engine.prepare_migrations(Path::new(NOWHERE)).unwrap();
    assert_eq!(workplace.url.reveal(), database.access().url.reveal());
    database.psql("CREATE TABLE migrated (x int)");
    assert!(
        engine
            .open_migrated(Path::new(NOWHERE))
            .unwrap()
            .look()
            .unwrap()
            .schema
            .home_table("migrated")
            .is_some()
    );
    engine.adopt_migrations(Path::new(NOWHERE)).unwrap();
}
