//! An application that goes on working, and somebody who sits in a transaction and holds a lock:
//! how long anybody has to wait because of a run.

use std::io::Write;
use std::process::{Command, Stdio};

use ttplan::engines::dialect::Sql;

use crate::ground::cluster::TestDatabase;
use crate::scenarios;
use crate::site::Site;
use crate::world::{Engine, World};

/// The longest wait of any application query, in milliseconds, from the log of every transaction.
fn longest(folder: &std::path::Path) -> f64 {
    let logs = std::fs::read_dir(folder).unwrap().flatten();
    let logs = logs.filter(|entry| entry.file_name().to_string_lossy().starts_with("pgbench_log"));
    let text: String = logs.map(|entry| std::fs::read_to_string(entry.path()).unwrap()).collect();
    let times = text.lines().filter_map(|line| line.split(' ').nth(2)?.parse::<f64>().ok());
    times.fold(0.0, f64::max) / 1000.0
}

fn pgbench(database: &TestDatabase, folder: &std::path::Path) -> Command {
    std::fs::write(folder.join("work.sql"), "SELECT count(*) FROM readers_table;\n").unwrap();
    let mut bench = Command::new("pgbench");
    bench
        .arg("-h")
        .arg(database.cluster.socket())
        .args(["-U", "postgres", "-n", "-c", "2", "-T", "8", "-l", "-f", "work.sql"]);
    bench.arg(&database.name).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    bench
}

#[test]
fn nobody_waits_long_behind_a_run_that_waits_itself() {
    let site = Site::new(Engine::Postgres, &scenarios::LEFTOVER);
    let World::Postgres { database, .. } = &site.world else { unreachable!() };
    // Statements straight at the engine: a whole run demands that the application is stopped.
    database.psql("CREATE TABLE readers_table (id integer); INSERT INTO readers_table VALUES (1)");
    let mut sitter = database.cluster.client("psql", &database.name);
    let mut sitter =
        sitter.args(["-X", "-q"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut input = sitter.stdin.take().unwrap();
    input.write_all(b"BEGIN; SELECT count(*) FROM readers_table;\n").unwrap();
    let waits = "SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE c.relname = 'readers_table'";
    while database.psql(waits).trim() == "0" {
        std::thread::yield_now();
    }
    let folder = tempfile::tempdir().unwrap();
    let mut bench = pgbench(database, folder.path()).spawn().unwrap();
    let engine = ttplan::engines::by_name("postgres").unwrap();
    let mut change = (engine.change)(&database.access()).unwrap();
    let mut tries = 0;
    while bench.try_wait().unwrap().is_none() {
        change.begin().unwrap();
        let error = change.execute(&Sql::shipped("DROP TABLE public.readers_table")).unwrap_err();
        assert!(error.is_transient(), "{error}");
        change.rollback().unwrap();
        tries += 1;
    }
    drop(input);
    assert!(sitter.wait().unwrap().success());
    let longest = longest(folder.path());
    println!(
        "{tries} tries to drop a table that somebody reads; the longest query took {longest:.0} ms"
    );
    assert!(tries > 0 && longest > 0.0);
    // Now that nobody sits on it any more it goes.
    change.begin().unwrap();
    change.execute(&Sql::shipped("DROP TABLE public.readers_table")).unwrap();
    change.commit().unwrap();
}
