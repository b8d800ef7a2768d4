//! Signed plans that are run where or when they should not be: nothing happens, and it is said why.

use std::path::Path;

use crate::scenarios;
use crate::site::{Ended, Site};
use crate::world::{Engine, World};

/// The plan is refused as stale and changes nothing.
#[track_caller]
fn refused(site: &Site, says: &str, apply: impl FnOnce() -> Ended) {
    let before = site.picture();
    let ended = apply();
    ended.must(3);
    assert!(ended.said.contains(says), "{}", ended.said);
    assert!(site.picture() == before, "something was changed");
}

const AGAIN: &str = "CREATE TABLE _alembic_tmp_projects (id INTEGER PRIMARY KEY, name VARCHAR(99), code VARCHAR(9));
    CREATE INDEX on_code ON _alembic_tmp_projects (code);
    INSERT INTO _alembic_tmp_projects VALUES (1, 'Difference Engine', NULL), (7, 'only here', 'x');";

#[test]
fn a_finished_plan_never_acts_again_even_on_a_table_made_again_to_the_letter() {
    for engine in Engine::ALL {
        let site = Site::new(engine, &scenarios::LEFTOVER);
        site.apply(None).must(0);
        site.world.sql(AGAIN);
        refused(&site, "the plan was finished", || site.apply(None));
    }
}

#[test]
fn a_plan_that_was_taken_back_never_acts_again() {
    for engine in Engine::ALL {
        let site = Site::new(engine, &scenarios::LEFTOVER);
        site.apply(None).must(0);
        site.undo(None).must(0);
        refused(&site, "was undone", || site.apply(None));
    }
}

#[test]
fn a_plan_acts_on_no_copy_of_its_database() {
    for engine in Engine::ALL {
        let site = Site::new(engine, &scenarios::LEFTOVER);
        let plan = site.plan.to_str().unwrap();
        let url = site.world.url();
        let copy = match &site.world {
            World::Postgres { database, .. } => {
                let clone = format!("{}_clone", database.name);
                database.cluster.psql(
                    "postgres",
                    &format!("CREATE DATABASE {clone} TEMPLATE {}", database.name),
                );
                url.replace(&database.name, &clone)
            }
            World::Sqlite { path, .. } => {
                std::fs::copy(path, site.at("copy.db")).unwrap();
                url.replace("data/app.db", "copy.db")
            }
        };
        refused(&site, "another database", || {
            let mut apply = site.command(&["apply", plan, "--auto-approve"], None);
            Ended::of(&apply.env("DATABASE_URL", &copy).output().unwrap())
        });
    }
}

#[test]
fn a_plan_acts_on_no_other_site() {
    let site = Site::new(Engine::Sqlite, &scenarios::LEFTOVER);
    let (ours, theirs) = (site.at("host/host.toml"), site.at("host/other.toml"));
    let text = std::fs::read_to_string(&ours).unwrap();
    std::fs::write(&theirs, text.replace("site = \"crash\"", "site = \"staging\"")).unwrap();
    refused(&site, "this host is the site `staging`", || with_host(&site, &theirs));
}

fn with_host(site: &Site, host: &Path) -> Ended {
    let mut apply = std::process::Command::new(env!("CARGO_BIN_EXE_ttplan"));
    apply.arg("apply").arg(&site.plan).args(["--auto-approve", "--host-config"]).arg(host);
    apply.current_dir(site.home.path()).env("DATABASE_URL", site.world.url());
    Ended::of(&apply.output().unwrap())
}

#[test]
fn a_plan_that_expired_is_not_begun() {
    let site = Site::new(Engine::Sqlite, &scenarios::EXPIRED);
    refused(&site, "the plan expired", || site.apply(None));
}
