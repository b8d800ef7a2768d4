//! An application whose schemas were recorded: what is known then, what is done about it, and what
//! happens when migrations do not do what was recorded.

use std::collections::BTreeMap;
use std::sync::Mutex;

use ttplan::model::diagnosis::DatabaseState;
use ttplan::model::plan::step::{Basis, Move, Risk};

use crate::ground::Ground;
use crate::site::{PLAN, Said, Site, assert_same};
use crate::states::{MERGED, migrated};

const CATALOGUE: &str = "app/shop.catalogue.json";

fn record(site: &Site, more: &[&str]) -> Said {
    site.run(&[&["catalogue", "record", "-o", CATALOGUE], more].concat())
}

/// Has the last of the migrations stop in its middle, once.
fn stumble(site: &Site) {
    let (passed, fixed) = ("\"${SHOP_STUMBLES}\"", "\"004_codes\"");
    site.edit("ttplan.toml", passed, fixed);
    std::fs::remove_dir_all(site.path("host")).unwrap();
    site.trust(&[]);
}

/// The catalogue of the application on an engine, recorded once for all stories.
fn recorded(ground: &dyn Ground, stumbling: bool) -> String {
    static RECORDED: Mutex<BTreeMap<(String, bool), String>> = Mutex::new(BTreeMap::new());
    let mut all = RECORDED.lock().unwrap();
    let scratch = Site::new(ground);
    let engine = scratch.database.access().database.engine;
    all.entry((engine, stumbling))
        .or_insert_with(|| {
            if stumbling {
                stumble(&scratch);
            }
            record(&scratch, &["--tries", "2"]).ends(0).says(&["5 entries"]);
            scratch.read(CATALOGUE)
        })
        .clone()
}

/// The application with a catalogue, on a database that these statements have made.
fn catalogued(ground: &dyn Ground, statements: &str) -> Site {
    let site = Site::with(ground, statements);
    use_catalogue(&site, &recorded(ground, false));
    site
}

/// The configuration and the host, each with a copy of its own.
fn use_catalogue(site: &Site, text: &str) {
    let own = site.path("host/shop.catalogue.json");
    std::fs::write(&own, text).unwrap();
    site.edit(
        "host/host.toml",
        "required = 1",
        &format!("required = 1\ncatalogues = [\"{}\"]", own.display()),
    );
    site.put(CATALOGUE, text);
    site.edit(
        "ttplan.toml",
        "target = \"heads\"",
        "target = \"heads\"\ncatalogue = \"shop.catalogue.json\"",
    );
}

/// What the plan records, and whether it says that the schema shows it.
fn stamps(site: &Site) -> Vec<(Vec<String>, bool)> {
    let steps = site.planned().steps;
    let moves = steps.iter().flat_map(|step| &step.moves);
    let stamp = |mv: &Move| match mv {
        Move::SetRevisions(set) => Some((set.ids(), matches!(set.basis, Basis::Exact(_)))),
        _ => None,
    };
    moves.filter_map(stamp).collect()
}

/// Plans, signs, applies, is at the target with a schema that was checked; and takes it back.
fn goes_to_the_end_and_back(site: &Site, arguments: &[&str]) {
    let before = site.picture();
    site.run(&[&["plan", "-o", PLAN], arguments].concat()).ends(0);
    site.sign().ends(0);
    assert_same(&site.picture(), &before, "nothing was to be changed yet");
    site.run(&["apply", PLAN, "--auto-approve", "--follow"])
        .ends(0)
        .complains(&["      | upgrade to 004_codes"]);
    site.run(&["revisions", "current"]).ends(0).says(&["004_codes (head)", "state: current"]);
    site.run(&["plan"]).ends(0).says(&["the schema is exactly what is catalogued for it"]);
    site.apply().ends(0).says(&["nothing was changed"]);
    site.undo().ends(0);
    assert_same(&site.picture(), &before, "undo did not bring everything back");
}

fn a_recording_goes_on_where_it_stopped(ground: &dyn Ground) {
    let site = Site::new(ground);
    let script = "app/migrations/sql/004_codes.sql";
    let right = site.read(script);
    site.put(script, "ALTER TABLE nowhere ADD COLUMN code VARCHAR(20);");
    record(&site, &[]).ends(6).complains(&["004_codes", "could not be run", "goes on from here"]);
    site.run(&["catalogue", "show", "--catalogue", CATALOGUE]).ends(0).says(&["4 entries", MERGED]);
    site.put(script, &right);
    record(&site, &[]).ends(0).says(&["5 entries"]).complains(&["5/5 004_codes"]);
    let whole = site.read(CATALOGUE);
    record(&site, &[]).ends(0).says(&["5 entries"]);
    assert_eq!(site.read(CATALOGUE), whole, "recording again changed something");
    assert_eq!(whole, recorded(ground, false), "recording in two goes gives another catalogue");

    // Compressed it is the same, and reading it needs no flag.
    let packed = "app/packed.json.zst";
    std::fs::write(site.path(packed), zstd::bulk::compress(whole.as_bytes(), 3).unwrap()).unwrap();
    site.run(&["catalogue", "record", "-o", packed]).ends(0).says(&["5 entries"]);
    site.run(&["catalogue", "show", "--catalogue", packed]).ends(0).says(&["5 entries", MERGED]);

    let diff =
        ["catalogue", "diff", "--catalogue", CATALOGUE, "001_users", "002_labels,002_projects"];
    site.run(&diff).ends(0).says(&["+ labels", "+ projects"]);
    site.run(&["catalogue", "show", "--catalogue", CATALOGUE, "004_codes"])
        .ends(0)
        .says(&["column code"]);
    site.run(&["catalogue", "diff", "--catalogue", CATALOGUE, "001_users", "nothing"])
        .ends(64)
        .complains(&["nothing"]);
}

fn a_database_in_use_is_nothing_to_record_on(ground: &dyn Ground) {
    let site = Site::with(ground, &migrated("001_users"));
    let before = site.picture();
    record(&site, &[]).ends(8).complains(&["it is not empty"]);
    assert_same(&site.picture(), &before, "a recording touched what was there");
}

fn an_unstamped_schema_is_stamped_as_what_it_is(ground: &dyn Ground) {
    let site = catalogued(ground, &migrated("001_users"));
    site.sql("DROP TABLE alembic_version");
    site.run(&["revisions", "infer"]).ends(0).says(&["exactly 001_users"]);
    site.plan().ends(0).says(&["legacy"]);
    assert_eq!(stamps(&site), [(vec!["001_users".to_owned()], true)]);
    goes_to_the_end_and_back(&site, &[]);
}

/// Whoever writes the configuration could write a catalogue by which any schema shows any revision.
fn a_catalogue_that_the_host_does_not_know_shows_nothing(ground: &dyn Ground) {
    let site = catalogued(ground, &migrated("001_users"));
    site.sql("DROP TABLE alembic_version");
    site.put(CATALOGUE, &site.read(CATALOGUE).replace("004_codes", "666_codes"));
    site.put(CATALOGUE, &site.read(CATALOGUE).replace("\"001_users\"", "\"004_codes\""));
    let before = site.picture();
    site.plan().ends(0).says(&["legacy"]);
    assert_eq!(stamps(&site), [(vec!["004_codes".to_owned()], true)]);
    site.sign().ends(0);
    let words = ["no catalogue of this host", "`004_codes`", "[trust] catalogues"];
    site.run(&["verify", PLAN]).ends(4).says(&words);
    site.apply().ends(4).complains(&words);
    assert_same(&site.picture(), &before, "a forged catalogue was believed");
}

fn a_merge_that_does_nothing_is_passed_over(ground: &dyn Ground) {
    let site = catalogued(ground, &migrated("002_projects"));
    site.run(&["revisions", "infer"]).ends(0).says(&["exactly 002_labels, 002_projects"]);
    site.sql("DROP TABLE alembic_version");
    site.run(&["revisions", "infer"]).ends(0).says(&[&format!("exactly {MERGED}")]);
    goes_to_the_end_and_back(&site, &[]);
}

fn a_false_stamp_is_corrected_and_the_old_one_stands_in_the_plan(ground: &dyn Ground) {
    let site = catalogued(ground, &migrated("001_users"));
    site.sql("UPDATE alembic_version SET version_num = '004_codes'");
    site.plan().ends(0).says(&["false_stamp", "004_codes", "table `projects`"]);
    assert_eq!(site.planned().diagnosis.state, DatabaseState::FalseStamp);
    assert_eq!(stamps(&site), [(vec!["001_users".to_owned()], true)]);
    goes_to_the_end_and_back(&site, &[]);
}

fn a_schema_beyond_its_record_waits_for_a_person(ground: &dyn Ground) {
    let site = catalogued(ground, &migrated("004_codes"));
    site.sql(&format!("UPDATE alembic_version SET version_num = '{MERGED}'"));
    site.plan().ends(8).says(&[
        "false_stamp",
        "may have rows to change",
        "--assume-revision 004_codes",
    ]);
    assert_eq!(stamps(&site), []);
    site.run(&["plan", "-o", PLAN, "--assume-revision", "004_codes"]).ends(0);
    assert_eq!(stamps(&site), [(vec!["004_codes".to_owned()], true)]);
}

fn a_drifted_schema_waits_for_a_person(ground: &dyn Ground) {
    let site = catalogued(
        ground,
        &format!("{}ALTER TABLE users ADD COLUMN mine INTEGER;", migrated(MERGED)),
    );
    site.plan().ends(8).says(&["drifted", "additional in table `users`: column mine integer"]);
    assert!(stamps(&site).is_empty() && site.planned().summary.migrations_to_run == 0);
    site.run(&["revisions", "infer"])
        .ends(0)
        .says(&[&format!("to be {MERGED}"), "+ column mine integer"]);
    // What the operator added beside the application's own tables does not count.
    let site = catalogued(ground, &format!("{}CREATE TABLE mine (id INTEGER);", migrated(MERGED)));
    site.plan().ends(0).says(&["behind"]);
}

fn a_person_may_say_which_revision_it_is(ground: &dyn Ground) {
    let site = catalogued(
        ground,
        &format!("{}ALTER TABLE users ADD COLUMN mine INTEGER;", migrated(MERGED)),
    );
    site.sql("DROP TABLE alembic_version");
    let before = site.picture();
    site.plan().ends(8).says(&["legacy", "column mine"]);
    site.run(&["plan", "-o", PLAN, "--assume-revision", "no-such"])
        .ends(8)
        .says(&["cannot be assumed"]);
    site.run(&["plan", "-o", PLAN, "--assume-revision", MERGED])
        .ends(0)
        .says(&["was assumed by a person", "column mine"]);
    assert_eq!(stamps(&site), [(vec![MERGED.to_owned()], false)]);
    assert_eq!(site.planned().risk(), Risk::Destructive);
    site.sign().ends(0);
    site.apply().ends(0);
    site.run(&["revisions", "current"]).ends(0).says(&["004_codes (head)", "state: drifted"]);
    site.undo().ends(0);
    assert_same(&site.picture(), &before, "undo did not bring everything back");
}

fn a_half_run_migration_is_told_and_left_alone(ground: &dyn Ground) {
    let site = catalogued(
        ground,
        &format!("{}CREATE TABLE labels (id INTEGER PRIMARY KEY);", migrated("001_users")),
    );
    site.plan().ends(8).says(&["half_applied", "`002_labels` was begun"]);
    assert_eq!(site.planned().diagnosis.state, DatabaseState::HalfApplied);
    assert_eq!(site.planned().summary.migrations_to_run, 0);
}

fn a_known_stop_is_passed_and_an_unknown_one_leaves_the_database_as_it_was(ground: &dyn Ground) {
    let site = Site::with(ground, &migrated(MERGED));
    stumble(&site);
    use_catalogue(&site, &recorded(ground, false));
    let before = site.picture();
    site.plan_and_sign(0);
    site.apply().ends(6).complains(&["stops in the middle", "the database"]);
    assert_same(
        &site.picture().database_only(),
        &before.database_only(),
        "a failed upgrade left something",
    );

    let site = Site::with(ground, &migrated(MERGED));
    stumble(&site);
    use_catalogue(&site, &recorded(ground, true));
    site.plan().ends(8).says(&["known to stop 1 time", "accept_stumbles"]);
    site.edit("ttplan.toml", "timeout = \"5m\"", "timeout = \"5m\"\naccept_stumbles = true");
    site.plan_and_sign(0);
    site.apply().ends(0).complains(&["it stopped where it is known to (stop 1 of 1)"]);
    site.undo().ends(0);
    goes_to_the_end_and_back(&site, &["--ticket", "again"]);
    // Where somebody has run it by hand and met the stop, it goes on from there.
    site.sql("ALTER TABLE projects ADD COLUMN code VARCHAR(20)");
    site.plan().ends(0).says(&["half_applied", "exactly what stop 1"]);
    goes_to_the_end_and_back(&site, &[]);
}

fn migrations_that_do_something_else_are_found_out_and_taken_back(ground: &dyn Ground) {
    let site = catalogued(ground, &migrated(MERGED));
    site.put(
        "app/migrations/sql/004_codes.sql",
        &site.read("app/migrations/sql/004_codes.sql").replace("(20)", "(21)"),
    );
    let before = site.picture();
    site.plan_and_sign(0);
    site.apply().ends(7).complains(&["did not do what was planned", "catalogued"]);
    assert_same(
        &site.picture().database_only(),
        &before.database_only(),
        "what was found out was kept",
    );
}

fn the_scripts_are_told_without_the_framework(ground: &dyn Ground) {
    let site = catalogued(ground, &migrated("002_labels"));
    let before = site.picture();
    site.run(&["revisions", "list"]).ends(0).says(&[
        "* 004_codes (head)",
        "|\\",
        "* 001_users (branch point)",
    ]);
    site.run(&["revisions", "heads"]).ends(0).says(&["004_codes"]);
    site.run(&["revisions", "history"])
        .ends(0)
        .says(&["current  001_users -> 002_labels", "pending  001_users -> 002_projects"]);
    site.run(&["revisions", "show", "004_codes"])
        .ends(0)
        .says(&["give projects a code", "+column code"]);
    site.run(&["revisions", "show", "004_code"]).ends(64).complains(&["did you mean `004_codes`?"]);
    for command in ["list", "heads", "current", "history", "infer"] {
        let said = site.run(&["revisions", command, "--format", "json"]).ends(0);
        let _: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    }
    assert_same(&site.picture(), &before, "looking changed something");
}

fn an_offline_script_tells_what_will_be_done(ground: &dyn Ground) {
    let site = Site::with(ground, &migrated(MERGED));
    site.edit("ttplan.toml", "target = \"heads\"", "target = \"heads\"\nsql = \"offline.sql\"");
    site.put(
        "app/offline.sql",
        "-- Running upgrade x -> 004_codes\n\nALTER TABLE projects ALTER COLUMN name TYPE TEXT;\n",
    );
    let plan = ["plan", "--format", "json"];
    site.run(&plan).ends(0).says(&["`004_codes` rewrites `projects`"]);
    site.put("app/offline.sql", "-- Running upgrade x -> other\n");
    site.plan().ends(0).says(&["`004_codes` is to be run and is not in the offline script"]);
    site.run(&["inspect", "-o", "seen.json"]).ends(0);
    site.run(&["plan", "--observation", "seen.json"])
        .ends(0)
        .says(&["is not in the offline script"]);
}

on_both!(
    a_recording_goes_on_where_it_stopped,
    a_database_in_use_is_nothing_to_record_on,
    an_unstamped_schema_is_stamped_as_what_it_is,
    a_catalogue_that_the_host_does_not_know_shows_nothing,
    a_merge_that_does_nothing_is_passed_over,
    a_false_stamp_is_corrected_and_the_old_one_stands_in_the_plan,
    a_schema_beyond_its_record_waits_for_a_person,
    a_drifted_schema_waits_for_a_person,
    a_person_may_say_which_revision_it_is,
    a_half_run_migration_is_told_and_left_alone,
    a_known_stop_is_passed_and_an_unknown_one_leaves_the_database_as_it_was,
    migrations_that_do_something_else_are_found_out_and_taken_back,
    the_scripts_are_told_without_the_framework,
    an_offline_script_tells_what_will_be_done,
);
