//! Backups that are restored apart and compared before anything rests on them.

use crate::ground::postgres::PostgresGround;
use crate::ground::{Ground, cluster};
use crate::site::{PLAN, STRAYS, Said, Site, assert_same};
use crate::states::{MERGED, migrated};

fn prove(site: &Site) -> Said {
    site.run(&["apply", PLAN, "--auto-approve", "--prove-backup"])
}

fn a_backup_is_proven_and_leaves_no_trace(ground: &dyn Ground) {
    let site = Site::with(ground, STRAYS);
    let before = site.picture();
    site.plan_and_sign(0);
    prove(&site).ends(0);
    for run in std::fs::read_dir(site.path("state/runs")).unwrap() {
        assert!(!run.unwrap().path().join("scratch").exists());
    }
    site.undo().ends(0);
    assert_same(&site.picture(), &before, "undo did not bring everything back");
}

on_both!(a_backup_is_proven_and_leaves_no_trace);

fn proofs_left() -> String {
    cluster::cluster()
        .psql("postgres", "SELECT count(*) FROM pg_database WHERE datname LIKE 'ttplan%'")
}

/// Where no database may be made, the proof is refused before anything is changed; so it is where
/// the host wants it.
#[test]
fn a_role_that_may_make_no_database_is_told_so() {
    let mut site = Site::with(&PostgresGround, STRAYS);
    let name = site.database.access().database.name;
    let role = format!("poor_{name}");
    site.sql(&format!(
        "CREATE ROLE {role} LOGIN; ALTER DATABASE {name} OWNER TO {role}; ALTER SCHEMA public OWNER TO {role};
         DO $$ DECLARE it text; BEGIN
             FOR it IN SELECT oid::regclass FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')
             LOOP EXECUTE format('ALTER TABLE %s OWNER TO {role}', it); END LOOP; END $$"
    ));
    let url = site.database.access().url.reveal().replace("postgres@", &format!("{role}@"));
    site.variables.insert("DATABASE_URL".into(), url.into());
    site.plan_and_sign(0);
    let before = site.picture();
    let hint = format!("ALTER ROLE \"{role}\" CREATEDB");
    prove(&site).ends(6).complains(&["no database to restore the backup into", &hint]);
    site.edit("host/host.toml", "[trust]\n", "[policy]\nprove_backup = true\n\n[trust]\n");
    site.apply().ends(6).complains(&[&hint]);
    assert_same(&site.picture(), &before, "no proof, no change");
    site.sql(&hint);
    site.apply().ends(0);
    site.undo().ends(0);
    assert_same(&site.picture(), &before, "undo did not bring everything back");
    assert_eq!(proofs_left().trim(), "0");
}

/// What a restore makes anew comes out otherwise: such a backup is not what the database holds, and
/// nothing rests on it.
#[test]
fn a_backup_that_gives_back_something_else_stops_the_run() {
    let site = Site::with(&PostgresGround, &migrated(MERGED));
    site.sql(
        "CREATE FUNCTION liar(integer) RETURNS float LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN random(); END';
         CREATE TABLE noise (id INTEGER PRIMARY KEY, r FLOAT GENERATED ALWAYS AS (liar(id)) STORED);
         INSERT INTO noise VALUES (1), (2)",
    );
    site.edit("ttplan.toml", "[tables.core]", "keep = [\"noise\"]\n[tables.core]");
    site.plan_and_sign(0);
    let before = site.picture();
    prove(&site).ends(6).complains(&[
        "the restored backup is not what the database holds",
        "run the same `ttplan apply`",
    ]);
    assert_same(&site.picture(), &before, "no proof, no change");
    assert_eq!(proofs_left().trim(), "0");
}
