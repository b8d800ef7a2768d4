//! Looking, planning, showing and verifying leave no trace: no byte, no file, no time, no counter.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use ttplan::model::names::Digest;

use crate::ground::postgres::PostgresGround;
use crate::ground::sqlite::SqliteGround;
use crate::ground::{TestDatabase, cluster};
use crate::site::{PLAN, STRAYS, Site, until};

/// Everything about everything below a directory, times of directories included, but not the time
/// of the last access.
fn trace(directory: &Path) -> BTreeMap<String, String> {
    fn visit(path: &Path, found: &mut BTreeMap<String, String>) {
        let meta = fs::symlink_metadata(path).unwrap();
        let times = format!(
            "{}.{} {}.{}",
            meta.mtime(),
            meta.mtime_nsec(),
            meta.ctime(),
            meta.ctime_nsec()
        );
        let content = if meta.is_file() {
            Digest::of(fs::read(path).unwrap()).to_string()
        } else {
            String::new()
        };
        let about = format!("{:o} {} {} {times} {content}", meta.mode(), meta.ino(), meta.len());
        found.insert(path.display().to_string(), about);
        if meta.is_dir() {
            fs::read_dir(path).unwrap().for_each(|entry| visit(&entry.unwrap().path(), found));
        }
    }
    let mut found = BTreeMap::new();
    visit(directory, &mut found);
    found
}

/// Runs everything that only looks. Only `plans` is written to.
fn look_in_every_way(site: &Site) {
    site.run(&["inspect"]).ends(0);
    site.run(&["inspect", "--format", "json", "-o", "plans/site.observation.json"]).ends(0);
    site.run(&["inspect", "--files-only"]).ends(0);
    site.plan().ends(0);
    site.run(&["plan", "--format", "markdown", "--detailed-exitcode"]).ends(2);
    site.run(&["show", PLAN]).ends(0);
    site.sign().ends(0);
    site.run(&["verify", PLAN]).ends(0);
}

fn traces(site: &Site) -> Vec<BTreeMap<String, String>> {
    ["app", "data", "host"].iter().map(|place| trace(&site.path(place))).collect()
}

#[test]
fn a_file_of_sqlite_is_as_it_was() {
    let site = Site::with(&SqliteGround, STRAYS);
    let directory = site.database.folder().to_owned();
    let before = (trace(&directory), traces(&site));
    look_in_every_way(&site);
    assert_eq!((trace(&directory), traces(&site)), before);
    assert!(!site.path("state").exists());
}

/// An application has it open in WAL mode: `-wal` and `-shm` lie there and hold what is not yet in
/// the file.
#[test]
fn a_write_ahead_log_is_as_it_was() {
    let site = Site::new(&SqliteGround);
    let mut client = site.database.other_client();
    client.sql("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;");
    client.sql(STRAYS);
    let directory = site.database.folder().to_owned();
    let before = trace(&directory);
    assert!(before.keys().any(|path| path.ends_with("-wal")));
    look_in_every_way(&site);
    assert!(site.read(PLAN).contains("My Table; drop"), "what is in the log was not seen");
    assert_eq!(trace(&directory), before);
    drop(client);
}

/// Nobody has it open; the log was left by an application that was killed.
#[test]
fn a_log_that_was_left_behind_is_as_it_was() {
    let database = crate::ground::sqlite::SqliteDatabase::empty();
    let mut client = database.client();
    client.ask("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;");
    client.ask(STRAYS);
    client.kill();
    assert!(database.beside("-wal").metadata().unwrap().len() > 0);
    let directory = database.folder().to_owned();
    let site = Site::at(Box::new(database));
    let before = trace(&directory);
    look_in_every_way(&site);
    assert!(site.read(PLAN).contains("My Table; drop"), "what is in the log was not seen");
    assert_eq!(trace(&directory), before);
}

/// What the server itself has counted as written.
fn counters(site: &Site) -> String {
    let name = site.database.access().database.name;
    // Statistics are reported when a session ends.
    site.wait_for_silence();
    let written = "SELECT tup_inserted, tup_updated, tup_deleted, temp_files, temp_bytes, deadlocks FROM pg_stat_database WHERE datname = ";
    let of_database = cluster::cluster().psql("postgres", &format!("{written}'{name}'"));
    let of_tables =
        "SELECT c.relname, n_tup_ins, n_tup_upd, n_tup_del, n_live_tup, n_dead_tup, last_vacuum, last_analyze
        FROM pg_stat_all_tables JOIN pg_class c ON c.oid = relid AND NOT c.relisshared
        WHERE n_tup_ins + n_tup_upd + n_tup_del > 0 ORDER BY relid;
        SELECT c.oid::regclass, relfilenode, xmin FROM pg_class c WHERE NOT c.relisshared ORDER BY 1;";
    let of_tables = cluster::cluster().psql(&name, of_tables);
    site.wait_for_silence();
    of_database + &of_tables
}

#[test]
fn a_servers_counters_of_writes_are_as_they_were() {
    let site = Site::with(&PostgresGround, STRAYS);
    site.sql("CREATE TABLE alembic_other (x INTEGER); INSERT INTO alembic_other VALUES (1); DROP TABLE alembic_other;");
    let mut before = String::new();
    // What the sessions before us did may be counted a moment later.
    until("settled counters", || {
        let now = counters(&site);
        let settled = now == before;
        before = now;
        settled
    });
    let files = traces(&site);
    look_in_every_way(&site);
    assert_eq!(counters(&site), before);
    assert_eq!(traces(&site), files);
    assert!(!site.path("state").exists());
}

/// A role that may only read can look and plan.
#[test]
fn a_role_that_may_only_read_is_enough_to_plan() {
    let mut site = Site::with(&PostgresGround, STRAYS);
    let name = site.database.access().database.name;
    site.sql(&format!(
        "CREATE ROLE reader_{name} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader_{name};
         ALTER ROLE reader_{name} SET default_transaction_read_only = on"
    ));
    let url = site.database.access().url.reveal().replace("postgres@", &format!("reader_{name}@"));
    site.variables.insert("DATABASE_URL".into(), url.into());
    site.run(&["inspect"]).ends(0);
    // It does not own the tables, so it does not call them its own to drop.
    site.plan().ends(8);
    assert!(site.planned().steps.is_empty(), "{:?}", site.planned().steps);
}
