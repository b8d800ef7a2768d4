//! Something changes between plan and apply: nothing is touched, and it is said what has changed.

use std::fs;

use crate::ground::Ground;
use crate::pause::apply_until_before;
use crate::site::{PLAN, STRAYS, Site, assert_same};
use crate::states::{MERGED, migrated};

/// What happened meanwhile, and what is said of it.
type Change<'a> = (&'a str, &'a dyn Fn(&Site), &'a [&'a str]);

/// Each change on a site of its own, planned before.
fn each_is_noticed(ground: &dyn Ground, statements: &str, changes: &[Change<'_>]) {
    for (what, change, words) in changes {
        let site = Site::with(ground, statements);
        site.plan_and_sign(0);
        change(&site);
        let before = site.picture();
        let said = site.apply();
        assert_eq!(said.code, 3, "{what}: {}", said.err);
        said.complains(words)
            .complains(&["stale", "hint: run `ttplan plan` again and have the new plan signed"]);
        assert_same(&site.picture(), &before, what);
        assert_eq!(site.journal(), [""; 0], "{what}: a run was begun");
        // And a new plan is all that is needed, or says what is.
        assert!([0, 8].contains(&site.plan().code), "{what}");
    }
}

fn a_changed_database_is_noticed(ground: &dyn Ground) {
    let sql = |statement: &'static str| move |site: &Site| site.sql(statement);
    each_is_noticed(
        ground,
        STRAYS,
        &[
            (
                "a row more",
                &sql("INSERT INTO clients VALUES (3, 'eve');"),
                &["clients", "has 3 rows, not 2"],
            ),
            (
                "a row less",
                &sql("DELETE FROM \"My Table; drop\" WHERE id = 8;"),
                &["My Table; drop", "has 1 rows, not 2"],
            ),
            ("a table less", &sql("DROP TABLE \"My Table; drop\";"), &["schema is not as it was"]),
            ("a table more", &sql("CREATE TABLE extra (x INTEGER);"), &["schema is not as it was"]),
            (
                "a column more",
                &sql("ALTER TABLE clients ADD COLUMN email VARCHAR(80);"),
                &["schema is not as it was"],
            ),
            (
                "a view more",
                &sql("CREATE VIEW two AS SELECT 2 AS x FROM clients;"),
                &["schema is not as it was"],
            ),
            (
                "a record of revisions",
                &sql("CREATE TABLE alembic_version (version_num VARCHAR(32));"),
                &["alembic_version"],
            ),
        ],
    );
}

fn a_changed_record_or_script_is_noticed(ground: &dyn Ground) {
    each_is_noticed(
        ground,
        &migrated(MERGED),
        &[
            (
                "another revision is recorded",
                &|site| site.sql("UPDATE alembic_version SET version_num = '002_projects';"),
                &["alembic_version", "records `002_projects`"],
            ),
            (
                "none is recorded",
                &|site| site.sql("DELETE FROM alembic_version;"),
                &["records nothing"],
            ),
            ("a core table is gone", &|site| site.sql("DROP TABLE projects;"), &["is not"]),
            (
                "a script was edited",
                &|site| {
                    site.edit("app/migrations/versions/004_codes.py", "String(20)", "String(30)");
                },
                &["migration files", "are not those that were planned with"],
            ),
            (
                "a script came along",
                &|site| {
                    site.put(
                        "app/migrations/versions/005.py",
                        "revision = \"005\"\ndown_revision = \"004_codes\"",
                    );
                },
                &["migration files"],
            ),
        ],
    );
}

fn changed_files_are_noticed(ground: &dyn Ground) {
    each_is_noticed(
        ground,
        "",
        &[
            (
                "another picture",
                &|site| site.put("app/static/avatars/ada.png", "eve"),
                &["`ada.png`", "is not as it was"],
            ),
            (
                "a picture less",
                &|site| fs::remove_file(site.path("app/static/avatars/more/bob.png")).unwrap(),
                &["`more/bob.png`", "is not as it was"],
            ),
            ("a name that is taken", &|site| site.put("data/avatars/ada.png", "eve"), &["avatars"]),
            (
                "a file in the place of the directory",
                &|site| site.put("data/avatars", "?"),
                &["is not a directory"],
            ),
        ],
    );
}

/// A plan lists its files. One that comes later is for a later plan.
fn a_new_file_waits_for_the_next_plan(ground: &dyn Ground) {
    let site = Site::new(ground);
    site.plan_and_sign(0);
    site.put("app/static/avatars/new.png", "new");
    site.apply().ends(0);
    assert!(
        site.path("data/avatars/ada.png").exists() && !site.path("data/avatars/new.png").exists()
    );
    site.plan_and_sign(0);
    assert_eq!(site.planned().summary.files_to_move, 1);
    site.apply().ends(0);
    assert_eq!(site.read("data/avatars/new.png"), "new");
}

/// An application that runs could write at any moment.
fn an_application_that_runs_is_noticed(ground: &dyn Ground) {
    let site = Site::with(ground, STRAYS);
    site.plan_and_sign(0);
    let application = site.database.other_client();
    let before = fs::read_dir(site.path("data")).unwrap().count();
    site.apply().ends(3).complains(&["have the database open", "hint: stop the application first"]);
    assert_eq!(fs::read_dir(site.path("data")).unwrap().count(), before);
    assert_eq!(site.journal(), [""; 0], "a run was begun");
    drop(application);
    site.wait_for_silence();
    site.apply().ends(0);
}

/// The same plan is not for a copy of the database, nor for an empty one.
fn another_database_is_noticed(ground: &dyn Ground) {
    let mut site = Site::with(ground, STRAYS);
    site.plan_and_sign(0);
    let copy = Site::with(ground, STRAYS);
    let before = copy.picture();
    site.variables.insert("DATABASE_URL".into(), copy.database.access().url.reveal().into());
    site.apply().ends(3).complains(&["is for another database", "DATABASE_URL"]);
    assert_same(&copy.picture(), &before, "another database was touched");
    assert!(!site.path("data/avatars").exists());
}

/// A finished plan is closed: it looks whether all is still so, and never acts again.
fn a_finished_plan_does_not_act_again(ground: &dyn Ground) {
    let site = Site::with(ground, STRAYS);
    site.plan_and_sign(0);
    site.apply().ends(0);
    site.sql("UPDATE alembic_version SET version_num = '001_users';");
    let before = site.picture();
    site.apply()
        .ends(3)
        .complains(&["was finished, and since then the site has changed", "001_users"]);
    assert_same(&site.picture(), &before, "a closed plan acted");
    site.undo().ends(3).complains(&["--discard-writes"]);
    assert_same(&site.picture(), &before, "undo lost what was written since");
}

/// While one run is on its way, no other begins.
fn one_run_at_a_time(ground: &dyn Ground) {
    let site = Site::with(ground, STRAYS);
    site.plan_and_sign(0);
    let first = apply_until_before(&site, "002_labels");
    for arguments in [&["apply", PLAN, "--auto-approve"][..], &["undo", "--last", "--auto-approve"]]
    {
        site.run(arguments)
            .ends(5)
            .complains(&["another run holds the lock", &format!("pid {}", first.child.id())]);
    }
    first.finish();
    site.apply().ends(0).says(&["nothing was changed"]);
}

on_both!(
    a_changed_database_is_noticed,
    a_changed_record_or_script_is_noticed,
    changed_files_are_noticed,
    a_new_file_waits_for_the_next_plan,
    an_application_that_runs_is_noticed,
    another_database_is_noticed,
    a_finished_plan_does_not_act_again,
    one_run_at_a_time,
);
